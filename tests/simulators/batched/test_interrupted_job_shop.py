"""The batched twin against the reference: same scenarios, same decisions, same integer logs."""

import numpy as np
import pytest
import torch
from tests.interrupted_shops import RandomPolicy, random_instance

from counterpoint.opt.problems.interrupted_job_shop import WAIT, draw_scenarios
from counterpoint.simulators.batched.interrupted_job_shop import (
    OUT,
    PROCESSING,
    Batch,
    act,
    decision,
    empty,
    remaining,
    to_decision,
)
from counterpoint.simulators.batched.interrupted_job_shop_events import trajectory
from counterpoint.simulators.interrupted_job_shop import simulate

STATES = ("source", "processing", "blocked", "out")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def check_parity(seed: int, is_compiled: bool) -> None:
    """Drive the batched twin with what the reference's policy decided; compare what is seen and what happens."""
    rng = np.random.default_rng(seed)
    instance = random_instance(rng)
    scenario = draw_scenarios(instance, 1, seed)[0]
    policy = RandomPolicy(seed, waiting=float(rng.choice([0.0, 0.3, 0.8])))
    expected = simulate(instance, scenario, policy)
    batch = Batch.of([instance], [scenario])
    state = empty(batch)
    n = instance.shop.num_jobs
    now = to_decision(batch, state, is_compiled=is_compiled)
    for seen, chosen in zip(policy.seen, policy.chosen, strict=True):
        while int(now.eligible.sum()) == 1 and not bool(now.may_wait):
            act(batch, state, now, now.eligible.int().argmax(1), is_compiled=is_compiled)
            now = decision(state)
        assert int(state.time) == seen.time
        assert int(now.machine) == seen.machine
        assert tuple(torch.nonzero(now.eligible[0]).flatten().tolist()) == seen.eligible
        assert bool(now.may_wait) == seen.may_wait
        assert tuple(STATES[s] for s in state.status[0].tolist()) == seen.job_state
        assert tuple(state.step[0].tolist()) == seen.operation
        assert tuple(state.since[0].tolist()) == seen.since
        assert tuple(state.is_down[0].tolist()) == seen.is_down
        assert tuple(j if j < n else -1 for j in state.occupant[0].tolist()) == seen.occupant
        left = remaining(batch, state)[0].tolist()
        work = tuple(
            left[m] if s == PROCESSING else 0
            for m, s in zip(state.place[0].tolist(), state.status[0].tolist(), strict=True)
        )
        assert work == seen.remaining
        act(batch, state, now, torch.tensor([n if chosen == WAIT else chosen]), is_compiled=is_compiled)
        now = to_decision(batch, state, is_compiled=is_compiled)
    assert bool((state.status == OUT).all())
    assert not bool(state.is_stuck.any())
    found = trajectory(instance, scenario, state, 0)
    assert found.events == expected.events
    assert found.cost == expected.cost
    assert np.array_equal(found.start, expected.start)
    assert np.array_equal(found.end, expected.end)


@pytest.mark.parametrize("is_compiled", [True, False])
@pytest.mark.parametrize("block", range(4))
def test_logs_equal_the_reference(block: int, is_compiled: bool) -> None:
    for seed in range(25 * block, 25 * block + 25):
        check_parity(seed, is_compiled)


@pytest.mark.slow
@pytest.mark.parametrize("is_compiled", [True, False])
def test_logs_equal_the_reference_on_a_thousand(is_compiled: bool) -> None:
    for seed in range(1000, 2000):
        check_parity(seed, is_compiled)
