"""The CP-guided policy as a solver: best of parallel episodes, on every kind of shop its encoding states."""

from dataclasses import asdict

import pytest
import torch

from counterpoint.datasets.generating import generate
from counterpoint.models.checkpoints import save_policy
from counterpoint.models.networks.cp_tokens import CpTokens
from counterpoint.models.networks.cp_tokens import Options as NetworkOptions
from counterpoint.models.policies.cp_job_shop import Options, load, solve
from counterpoint.models.policies.cp_rollout import draw_ranked, temperatures
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import CheckpointError, OptionError, UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.result import Termination
from counterpoint.simulators.batched.cp_environment import View

CLASSICAL = JobShop.from_jobs("classical", [[(0, 3), (1, 2), (2, 2)], [(0, 2), (2, 1), (1, 4)], [(1, 4), (2, 3)]])
FLEXIBLE = JobShop.from_jobs("flexible", [[[(0, 3), (1, 4)], (1, 2)], [(0, 2), [(1, 3), (0, 3)]]])
BLOCKING = JobShop.from_jobs("blocking", [[(0, 3), (1, 2)], [(1, 2), (0, 1)]], blocking="swap")


def card(**changes):
    network = {"name": "cp-tokens", "options": asdict(NetworkOptions())}
    return {"problem": "job-shop", "algorithm": "cp-guided", "network": network, "view": asdict(View()), **changes}


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "policy.safetensors"
    save_policy(path, CpTokens(generator=torch.Generator().manual_seed(0)).state_dict(), card())
    return path


def silent(solution=None, *, bound=None):
    """Report nothing."""


@pytest.mark.parametrize("shop", [CLASSICAL, FLEXIBLE, BLOCKING], ids=lambda shop: shop.name)
def test_one_round_without_limits(shop, checkpoint):
    reported = []
    options = Options(checkpoint=str(checkpoint))
    outcome = solve(shop, Budget(threads=1), 3, options, lambda solution=None, *, bound=None: reported.append(solution))
    assert outcome.iterations == 32
    assert outcome.termination is Termination.COMPLETED
    verdict = check(shop, outcome.solution)
    assert verdict.is_feasible
    assert verdict.objective == outcome.objective
    assert reported == [outcome.solution]
    again = solve(shop, Budget(threads=1), 3, options, silent)
    assert again.solution == outcome.solution


def test_tiny_shops_are_solved_by_sampling(checkpoint):
    """The optimum of the first is 11 (CP-SAT proves it); the swap of the other ends at 3 + 2."""
    options = Options(checkpoint=str(checkpoint))
    assert solve(CLASSICAL, Budget(threads=1), 0, options, silent).objective == 11
    assert solve(BLOCKING, Budget(threads=1), 0, options, silent).objective == 5


def test_budgets(checkpoint):
    options = Options(checkpoint=str(checkpoint), samples=8)
    outcome = solve(CLASSICAL, Budget(iterations=20, threads=1), 0, options, silent)
    assert (outcome.iterations, outcome.termination) == (20, Termination.ITERATIONS)
    outcome = solve(CLASSICAL, Budget(time_limit_s=0.0, threads=1), 0, options, silent)
    assert outcome.termination is Termination.TIME
    assert check(CLASSICAL, outcome.solution).is_feasible
    outcome = solve(CLASSICAL, Budget(target=1e6, time_limit_s=60, threads=1), 0, options, silent)
    assert (outcome.iterations, outcome.termination) == (8, Termination.TARGET)


def test_what_is_refused(checkpoint, tmp_path):
    late = JobShop.from_jobs("late", [[(0, 1)]], objective="total-weighted-tardiness", due_dates=[0])
    with pytest.raises(UnsupportedError):
        solve(late, Budget(), 0, Options(checkpoint=str(checkpoint)), silent)
    with pytest.raises(OptionError):
        Options(samples=0)
    tensors = CpTokens().state_dict()
    for wrong in (
        {"network": {"name": "job-shop-pointer", "options": {}}},
        {"network": {"name": "cp-tokens", "options": {"width": 16}}},
        {"network": {"name": "cp-tokens", "options": {"colour": 1}}},
        {"view": {"window": "wide"}},
        {"view": {"window": 1}},
    ):
        save_policy(tmp_path / "wrong.safetensors", tensors, card(**wrong))
        with pytest.raises(CheckpointError):
            load(tmp_path / "wrong.safetensors")


def test_ranked_lists_are_drawn_without_replacement_by_their_probabilities():
    logits = torch.log(torch.tensor([0.6, 0.3, 0.1])).repeat(40_000, 1)
    logits = torch.cat([logits, torch.full((40_000, 1), -3.4e38)], 1)
    ranked = draw_ranked(logits, 1.0, torch.Generator().manual_seed(0))
    assert (ranked.sort(1).values == torch.arange(4)).all()
    assert (ranked[:, 3] == 3).all()  # the illegal one comes last
    first = torch.bincount(ranked[:, 0], minlength=4) / 40_000
    torch.testing.assert_close(first[:3], torch.tensor([0.6, 0.3, 0.1]), atol=0.01, rtol=0)
    after_0 = ranked[ranked[:, 0] == 0, 1]
    assert (after_0 == 1).float().mean().item() == pytest.approx(0.75, abs=0.01)
    cold = draw_ranked(logits, torch.full((40_000, 1), 0.25), torch.Generator().manual_seed(0))
    assert (cold[:, 0] == 0).float().mean().item() == pytest.approx(0.6**4 / (0.6**4 + 0.3**4 + 0.1**4), abs=0.01)


def test_temperatures_are_the_published_ones():
    found = temperatures(32).squeeze(1)
    assert found[0] == 0.5
    torch.testing.assert_close(found.diff(), torch.full((31,), 1.5 / 32))


def test_the_shipped_policy_beats_untrained_weights(checkpoint):
    """On random shops of the size it was trained on, seeds it never saw; both with the same 32 episodes' seed."""
    trained, untrained = 0.0, 0.0
    for seed in range(3):
        shop = generate("job-shop", jobs=16, machines=8, seed=seed)
        trained += solve(shop, Budget(threads=1), 0, Options(), silent).objective
        untrained += solve(shop, Budget(threads=1), 0, Options(checkpoint=str(checkpoint)), silent).objective
    assert trained < 0.92 * untrained
