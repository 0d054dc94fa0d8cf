"""The graph network of interrupted job shops: masks, order of jobs, padding."""

import pytest
import torch

from counterpoint.models.networks.interrupted_job_shop import InterruptedShopNetwork, Options
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.interrupted_job_shop import act, empty, to_decision
from counterpoint.simulators.batched.interrupted_job_shop_environment import Draw, InterruptedShops, draw_batch
from counterpoint.simulators.batched.interrupted_job_shop_graph import View, observe


@pytest.fixture
def network() -> InterruptedShopNetwork:
    torch.manual_seed(0)
    return InterruptedShopNetwork(Options(width=8, heads=2, layers=2))


def later(steps: int) -> dict[str, torch.Tensor]:
    environment = InterruptedShops(16, Draw(jobs_min=3, jobs_max=5, machines_min=3, machines_max=4))
    observation = environment.reset(0)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        chance = torch.rand(observation["action_mask"].shape, generator=generator)
        observation = environment.step((chance * observation["action_mask"]).argmax(1)).observation
    return observation


def test_illegal_actions_have_probability_zero_and_gradients_are_finite(network: InterruptedShopNetwork) -> None:
    observation = later(12)
    policy, value = network(observation)
    assert value.shape == (16, 1)
    assert bool((policy.probs[~observation["action_mask"]] == 0).all())
    torch.testing.assert_close(policy.probs.sum(1), torch.ones(16))
    (policy.entropy().sum() + value.sum()).backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in network.parameters() if p.grad is not None)


def test_names_of_jobs_and_machines_do_not_matter(network: InterruptedShopNetwork) -> None:
    observation = later(12)
    jobs, machines = torch.randperm(5), torch.randperm(4)
    shuffled = {
        "jobs": observation["jobs"][:, jobs],
        "machines": observation["machines"][:, machines],
        "edges": observation["edges"][:, jobs][:, :, machines],
        "job_mask": observation["job_mask"][:, jobs],
        "machine": machines.argsort()[observation["machine"]],
        "action_mask": observation["action_mask"][:, torch.cat([jobs, torch.tensor([5])])],
    }
    one, value = network(observation)
    two, same = network(shuffled)
    torch.testing.assert_close(one.probs[:, jobs], two.probs[:, :5])
    torch.testing.assert_close(value, same)


def test_jobs_that_are_out_do_not_matter(network: InterruptedShopNetwork) -> None:
    """Three real jobs padded to five give the same decisions as three."""
    draw = Draw(jobs_min=3, jobs_max=3, machines_min=4, machines_max=4, probabilities=(0.1,))
    batch, statics = draw_batch(draw, 6, torch.Generator().manual_seed(2))
    state = empty(batch)
    now = to_decision(batch, state)
    act(batch, state, now, now.eligible.int().argmax(1))
    now = to_decision(batch, state)
    seen = observe(statics, View.of(batch, state, now))
    wide = {
        "jobs": torch.cat([seen["jobs"], torch.zeros(6, 2, seen["jobs"].shape[2])], 1),
        "machines": seen["machines"],
        "edges": torch.cat([seen["edges"], torch.zeros(6, 2, *seen["edges"].shape[2:])], 1),
        "job_mask": torch.cat([seen["job_mask"], torch.zeros(6, 2, dtype=torch.bool)], 1),
        "machine": seen["machine"],
        "action_mask": torch.cat(
            [seen["action_mask"][:, :3], torch.zeros(6, 2, dtype=torch.bool), seen["action_mask"][:, 3:]], 1
        ),
    }
    one, value = network(seen)
    two, same = network(wide)
    torch.testing.assert_close(one.probs[:, :3], two.probs[:, :3])
    torch.testing.assert_close(one.probs[:, 3], two.probs[:, 5])
    torch.testing.assert_close(value, same)


def test_edges_are_the_operations_still_to_come() -> None:
    draw = Draw(jobs_min=3, jobs_max=3, machines_min=4, machines_max=4, probabilities=(0.0,))
    batch, statics = draw_batch(draw, 1, torch.Generator().manual_seed(2))
    state = empty(batch)
    while True:
        now = to_decision(batch, state, waiting=False)
        edges = observe(statics, View.of(batch, state, now))["edges"][0]
        for j in range(3):
            first = int(state.step[0, j]) + int(state.status[0, j] in (1, 2))
            ahead = batch.shops.machine[0, j, first:].tolist() if int(state.status[0, j]) != 3 else []
            held = int(state.place[0, j])
            expected = set(ahead) | ({held} if held < 4 else set())
            assert set(edges[j, :, 0].nonzero().flatten().tolist()) == expected
            work = {int(m): float(edges[j, m, 5] * statics.mean[0]) for m in ahead}
            true = dict(zip(ahead, batch.shops.duration[0, j, first:].tolist(), strict=False))
            assert work == pytest.approx(true, abs=1e-3)
        if not bool(now.is_due.any()):
            return
        act(batch, state, now, now.eligible.int().argmax(1))


def test_wrong_options_are_refused() -> None:
    with pytest.raises(OptionError):
        Options(width=10, heads=4)
