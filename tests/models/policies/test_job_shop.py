"""The learned method under its budgets, with a tiny untrained network; the shipped one is judged in the benchmark."""

from pathlib import Path

import pytest
import torch

from counterpoint.models.checkpoints import save_policy
from counterpoint.models.policies import job_shop_run
from counterpoint.models.policies.job_shop import Options, load_network, solve
from counterpoint.models.policies.job_shop_rule import most_work_remaining
from counterpoint.models.training.job_shop_self_labelling import Config, build
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import CheckpointError, OptionError, UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.result import Termination

JOBS = [[(0, 7), (1, 3), (2, 5)], [(2, 4), (0, 6), (1, 2)], [(1, 8), (2, 1), (0, 4)], [(0, 2), (2, 6), (1, 5)]]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("policy") / "tiny.safetensors"
    save_policy(path, *build(Config(iterations=1), 0).policy())
    return str(path)


@pytest.fixture
def shop() -> JobShop:
    return JobShop.from_jobs("four", JOBS)


class Reports(list):
    def __call__(self, solution=None, *, bound=None) -> None:
        if solution is not None:
            self.append(solution)


@pytest.mark.parametrize("mode", ["sample", "greedy", "beam"])
@pytest.mark.parametrize("scheme", ["active", "nondelay", "mixed"])
@pytest.mark.parametrize("both_ways", [True, False])
def test_every_mode_gives_a_checked_schedule(
    shop: JobShop, checkpoint: str, mode: str, scheme: str, both_ways: bool
) -> None:
    reports = Reports()
    options = Options(mode=mode, scheme=scheme, both_ways=both_ways, checkpoint=checkpoint)
    outcome = solve(shop, Budget(iterations=40, threads=1), 3, options, reports)
    verdict = check(shop, outcome.solution)
    assert verdict.is_feasible
    assert verdict.objective == outcome.objective == reports[-1].makespan
    assert [s.makespan for s in reports] == sorted({s.makespan for s in reports}, reverse=True)
    assert outcome.iterations == (1 if mode == "greedy" else 40) or outcome.termination is Termination.OPTIMAL


@pytest.mark.parametrize("limit", [1, 2, 3, 31, 32, 33, 130])
def test_iterations_are_schedules(shop: JobShop, checkpoint: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_shop_run, "lower_bound", lambda instance: None)
    outcome = solve(shop, Budget(iterations=limit, threads=1), 0, Options(checkpoint=checkpoint), Reports())
    assert outcome.iterations == limit
    assert outcome.termination is Termination.ITERATIONS
    capped = solve(shop, Budget(threads=1), 0, Options(samples=limit, checkpoint=checkpoint), Reports())
    assert capped.iterations == limit
    assert capped.termination is Termination.COMPLETED
    assert capped.objective == outcome.objective


def test_no_limit_means_128_schedules(shop: JobShop, checkpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_shop_run, "lower_bound", lambda instance: None)
    assert solve(shop, Budget(threads=1), 0, Options(checkpoint=checkpoint), Reports()).iterations == 128


def test_seed_decides_all(checkpoint: str) -> None:
    generator = torch.Generator().manual_seed(0)
    jobs = [
        [(int(m), int(p)) for m, p in zip(torch.randperm(5, generator=generator),
                                          torch.randint(1, 99, (5,), generator=generator), strict=True)]
        for _ in range(8)
    ]  # fmt: skip
    shop = JobShop.from_jobs("eight", jobs)
    options = Options(temperature=3.0, checkpoint=checkpoint)
    found = [[s.start.tolist() for s in reports] for reports in (_reports(shop, seed, options) for seed in (1, 1, 2))]
    assert found[0] == found[1]
    assert found[0] != found[2]


def _reports(shop: JobShop, seed: int, options: Options) -> Reports:
    reports = Reports()
    solve(shop, Budget(iterations=64, threads=1), seed, options, reports)
    return reports


def test_out_of_time_at_once_gives_the_rule(shop: JobShop, checkpoint: str) -> None:
    outcome = solve(shop, Budget(time_limit_s=0, threads=1), 0, Options(checkpoint=checkpoint), Reports())
    assert outcome.termination is Termination.TIME
    assert outcome.iterations == 0
    assert outcome.solution == most_work_remaining(shop)


def test_target_stops(shop: JobShop, checkpoint: str) -> None:
    outcome = solve(shop, Budget(target=1000, threads=1), 0, Options(checkpoint=checkpoint), Reports())
    assert outcome.termination is Termination.TARGET


def test_rule_is_the_foundations(small_shops) -> None:
    from counterpoint.solvers.rules.job_shop import schedule

    for shop in small_shops(240, 4):
        if not shop.features:
            assert most_work_remaining(shop) == schedule(shop, "mwkr")


def test_threads_are_put_back_and_interrupts_pass(shop: JobShop, checkpoint: str) -> None:
    def interrupt(solution=None, *, bound=None) -> None:
        if solution is not None:
            raise KeyboardInterrupt

    before = torch.get_num_threads()
    with pytest.raises(KeyboardInterrupt):
        solve(shop, Budget(threads=1), 0, Options(checkpoint=checkpoint), interrupt)
    assert torch.get_num_threads() == before


def test_what_is_refused(shop: JobShop, checkpoint: str, tmp_path: Path) -> None:
    blocking = JobShop.from_jobs("blocking", JOBS, blocking="swap")
    with pytest.raises(UnsupportedError, match="blocking-swap"):
        solve(blocking, Budget(), 0, Options(checkpoint=checkpoint), Reports())
    with pytest.raises(OptionError, match="temperature"):
        Options(temperature=-1.0)
    with pytest.raises(OptionError, match="samples"):
        Options(samples=-1)
    tensors, card = build(Config(iterations=1), 0).policy()
    for network, words in (
        ({"name": "another"}, "another"),
        ({"name": "job-shop-pointer", "options": {"depth": 3}}, "options"),
        ({"name": "job-shop-pointer", "options": {"width": -1}}, "options"),
        ({"name": "job-shop-pointer", "options": {"width": "64"}}, "options"),
        ({"name": "job-shop-pointer", "options": {"width": 32}}, "tensor"),
    ):
        path = tmp_path / "bad.safetensors"
        save_policy(path, tensors, {**card, "network": network})
        with pytest.raises(CheckpointError, match=words):
            load_network(str(path))
