"""Completions keep what is fixed, never get longer, and are reached by the environment's own decisions."""

import numpy as np
import pytest
import torch

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched.cp_environment import CpEnvironment
from counterpoint.simulators.cp.job_shop import decode, encode
from counterpoint.solvers.cp_sat.completion import complete, compress
from counterpoint.solvers.cp_sat.job_shop import Options, solve


def classical(seed, jobs=5, machines=4):
    rng = np.random.default_rng(seed)
    return JobShop.from_jobs(
        "classical", [[(int(m), int(rng.integers(0, 20))) for m in rng.permutation(machines)] for _ in range(jobs)]
    )


def flexible(seed):
    rng = np.random.default_rng(seed)
    jobs = [
        [
            [(int(m), int(rng.integers(1, 20))) for m in rng.permutation(3)[: int(rng.integers(1, 4))]]
            for _ in range(int(rng.integers(1, 5)))
        ]
        for _ in range(4)
    ]
    return JobShop.from_jobs("flexible", jobs, num_machines=3)


def blocking(seed):
    rng = np.random.default_rng(seed)
    jobs = [[(int(m), int(rng.integers(1, 20))) for m in rng.permutation(4)] for _ in range(5)]
    return JobShop.from_jobs("blocking", jobs, blocking="swap")


def random_steps(environment, generator, steps=None):
    """Play at random; return the ranked lists."""
    lists = []
    while not bool(environment.is_done.all()) and (steps is None or len(lists) < steps):
        mask = environment.observe()["action_mask"]
        ranked = torch.rand(mask.shape, generator=generator).masked_fill(~mask, 2.0).argsort(1)
        environment.step_ranked(ranked)
        lists.append(ranked)
    return lists


def options_of(shop, schedule):
    of = np.repeat(np.arange(shop.num_operations), np.diff(shop.option_offsets))
    return np.flatnonzero(shop.option_machine == schedule.machine[of])


@pytest.mark.parametrize("make", [classical, flexible, blocking])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("effort", [0.0, 0.05])
def test_a_completion_keeps_its_beginning_and_can_be_replayed(make, seed, effort):
    shop, generator = make(seed), torch.Generator().manual_seed(seed)
    environment = CpEnvironment([encode(shop)], 1)
    lists = random_steps(environment, generator)
    known = decode(shop, *environment.solution(0))
    cut = 1 + seed % (len(lists) - 1)
    environment.restart()
    for ranked in lists[:cut]:
        environment.step_ranked(ranked)
    start, _ = environment.solution(0)
    is_fixed, earliest = start >= 0, environment.earliest(0)
    found = complete(shop, known, is_fixed, earliest, effort=effort, seed=seed)
    verdict = check(shop, found)
    assert verdict.is_feasible, verdict
    assert verdict.objective <= known.makespan
    np.testing.assert_array_equal(found.start[is_fixed], known.start[is_fixed])
    np.testing.assert_array_equal(found.machine[is_fixed], known.machine[is_fixed])
    assert (found.start >= earliest).all()
    target, option = found.start[None], options_of(shop, found)[None]
    while not bool(environment.is_done):
        _, count = environment.step_ranked(environment.rank_towards(target, option))
        assert int(count) > 0
    assert environment.solution(0)[0].tolist() == found.start.tolist()
    assert environment.makespan.tolist() == [found.makespan]


@pytest.mark.parametrize("make", [classical, flexible, blocking])
def test_the_optimum_is_among_what_decisions_reach(make):
    """Waiting makes every semi-active schedule reachable: also an exact solver's optimum."""
    for seed in range(6):
        shop = make(seed)
        outcome = solve(shop, Budget(threads=1, time_limit_s=20), 0, Options(), lambda *_, **__: None)
        nothing, zero = np.zeros(shop.num_operations, bool), np.zeros(shop.num_operations, np.int64)
        best = compress(shop, outcome.solution, nothing, zero)
        environment = CpEnvironment([encode(shop)], 1)
        while not bool(environment.is_done):
            _, count = environment.step_ranked(environment.rank_towards(best.start[None], options_of(shop, best)[None]))
            assert int(count) > 0
        assert environment.makespan[0] == outcome.objective == outcome.bound


def test_completing_nothing_fixed_solves_and_is_reproducible():
    shop = classical(3)
    late = Schedule.from_starts(shop, np.cumsum(np.r_[0, shop.duration[:-1]]))  # one operation after the other
    nothing, zero = np.zeros(shop.num_operations, bool), np.zeros(shop.num_operations, np.int64)
    optimum = solve(shop, Budget(threads=1, time_limit_s=20), 0, Options(), lambda *_, **__: None).objective
    found = complete(shop, late, nothing, zero, effort=5.0, seed=1)
    assert found.makespan == optimum < late.makespan
    assert found == complete(shop, late, nothing, zero, effort=5.0, seed=1)


def test_compression_by_hand():
    shop = JobShop.from_jobs("pair", [[(0, 3), (1, 2)], [(1, 1), (0, 4)]])
    loose = Schedule.from_starts(shop, [5, 20, 2, 10])
    fixed, zero = np.zeros(4, bool), np.zeros(4, np.int64)
    assert compress(shop, loose, fixed, zero).start.tolist() == [0, 3, 0, 3]
    fixed[0] = True
    assert compress(shop, loose, fixed, np.array([0, 0, 1, 0])).start.tolist() == [5, 8, 1, 8]
    held = JobShop.from_jobs("pair", [[(0, 3), (1, 2)], [(1, 6), (0, 4)]], blocking="swap")
    # job 0 waits on machine 0 for machine 1, which job 1 leaves at 6 for machine 0: a swap
    assert compress(held, Schedule.from_starts(held, [1, 9, 0, 9]), np.zeros(4, bool), zero).start.tolist() == [
        0,
        6,
        0,
        6,
    ]


def test_what_is_not_completed():
    shop = classical(0)
    late = Schedule.from_starts(shop, np.cumsum(np.r_[0, shop.duration[:-1]]))
    nothing, zero = np.zeros(shop.num_operations, bool), np.zeros(shop.num_operations, np.int64)
    with pytest.raises(OptionError):
        complete(shop, late, nothing, zero, effort=-1.0)
    with pytest.raises(ValueError, match="earliest"):
        complete(shop, late, nothing, zero + 1, effort=1.0)
    windows = JobShop.from_jobs("w", [[(0, 1)]], unavailable=[(0, 5, 6)])
    with pytest.raises(UnsupportedError):
        complete(windows, Schedule.from_starts(windows, [0]), np.zeros(1, bool), np.zeros(1, np.int64), effort=1.0)
