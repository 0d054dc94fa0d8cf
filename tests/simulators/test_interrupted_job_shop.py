"""The reference simulator: by hand, against the foundation's judge and exact model, and in distribution."""

from itertools import pairwise

import numpy as np
import pytest
from tests.interrupted_shops import RandomPolicy, random_shop

import counterpoint as ct
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.problems.interrupted_job_shop import (
    WAIT,
    InterruptedJobShop,
    Observation,
    Scenario,
    draw_scenarios,
)
from counterpoint.opt.problems.interrupted_job_shop_check import schedule
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.interrupted_job_shop import simulate


class Fixed:
    """Choices by (time, machine); the smallest job elsewhere."""

    def __init__(self, choices: dict[tuple[int, int], int] | None = None) -> None:
        self.choices = choices or {}

    def start(self, episode: int) -> None:
        pass

    def act(self, observation: Observation) -> int:
        return self.choices.get((observation.time, observation.machine), observation.eligible[0])


def shop(*jobs: list[tuple[int, int]]) -> JobShop:
    return JobShop.from_jobs("by hand", jobs, blocking="swap")


def trace(up: list[list[int]], repair: list[list[int]]) -> Scenario:
    return Scenario(np.array(up), np.array(repair))


CALM = trace([[10**6], [10**6]], [[1], [1]])
SWAP = shop([(0, 3), (1, 2)], [(1, 4), (0, 1)])


def test_two_blocked_jobs_swap() -> None:
    run = simulate(InterruptedJobShop(SWAP, 0.0), CALM, Fixed())
    # job 0 is done at 3 but must wait for machine 1; at 4 both are done and exchange machines
    assert run.start.tolist() == [0, 4, 0, 4]
    assert run.end.tolist() == [3, 6, 4, 5]
    assert run.cost == 6
    assert run.events == (
        (0, "start", 0, 0, 0), (0, "start", 1, 1, 0), (3, "end", 0, 0, 0), (4, "end", 1, 1, 0), (4, "start", 0, 1, 1),
        (4, "start", 1, 0, 1), (5, "end", 0, 1, 1), (6, "end", 1, 0, 1),
    )  # fmt: skip


def test_interrupted_work_resumes_and_a_down_machine_stops_the_swap() -> None:
    # machine 0 is down in [2, 6): job 0 works 0..2 and 6..7; the swap waits for it
    run = simulate(InterruptedJobShop(SWAP, 0.1), trace([[2], [99]], [[4], [1]]), Fixed())
    assert run.end.tolist() == [7, 9, 4, 8]
    # machine 1 fails at the very instant its operation ends, and nobody leaves it before 6
    run = simulate(InterruptedJobShop(SWAP, 0.1), trace([[99], [4]], [[1], [2]]), Fixed())
    assert run.start.tolist() == [0, 6, 0, 6]
    assert (4, "fail", 1, -1, -1) in run.events


def test_restarted_work_is_lost() -> None:
    one = shop([(0, 3)])
    assert simulate(InterruptedJobShop(one, 0.1), trace([[2]], [[4]]), Fixed()).cost == 7
    assert simulate(InterruptedJobShop(one, 0.1, on_interrupt="restart"), trace([[2]], [[4]]), Fixed()).cost == 9


def test_failures_when_busy_count_processing_only() -> None:
    # machine 0 is used 3 by job 0, idles until 5, then has 1 unit left before it fails
    two = shop([(0, 3)], [(1, 5), (0, 2)])
    busy = InterruptedJobShop(two, 0.1, fail_when="busy")
    run = simulate(busy, trace([[4], [99]], [[10], [1]]), Fixed())
    assert run.end.tolist() == [3, 5, 17]
    assert [e for e in run.events if e[1] in ("fail", "repair")] == [(6, "fail", 0, -1, -1), (16, "repair", 0, -1, -1)]
    always = simulate(InterruptedJobShop(two, 0.1), trace([[4], [99]], [[10], [1]]), Fixed())
    assert always.end.tolist() == [3, 5, 16]  # down in [4, 14)


def test_finished_jobs_leave_a_machine_that_fails_as_they_end() -> None:
    run = simulate(InterruptedJobShop(shop([(0, 2)], [(0, 1)]), 0.1), trace([[2]], [[5]]), Fixed())
    assert run.end.tolist() == [2, 8]


def test_a_move_frees_the_machine_left_at_the_same_instant() -> None:
    chain = shop([(0, 2), (1, 1), (2, 1)], [(1, 2), (2, 3)], [(0, 1)])
    run = simulate(InterruptedJobShop(chain, 0.0), trace([[9], [9], [9]], [[1], [1], [1]]), Fixed())
    # at 2 job 1 goes on to machine 2, job 0 to machine 1, job 2 from the source to machine 0
    assert run.start.tolist() == [0, 2, 5, 0, 2, 2]


def test_a_job_may_stay_on_its_machine() -> None:
    assert simulate(InterruptedJobShop(shop([(0, 2), (0, 3)]), 0.0), trace([[9]], [[1]]), Fixed()).cost == 5


def test_waiting_lasts_until_an_operation_ends() -> None:
    two = shop([(0, 4)], [(1, 2), (0, 1)])
    run = simulate(InterruptedJobShop(two, 0.0), CALM, Fixed({(0, 0): WAIT, (2, 0): 1}))
    assert run.start.tolist() == [3, 0, 2]  # machine 1 is still to be decided at 0, so machine 0 may wait
    three = shop([(1, 4)], [(0, 2), (1, 1)])
    run = simulate(InterruptedJobShop(three, 0.0), CALM, Fixed({(0, 1): WAIT, (2, 1): 1}))
    assert run.start.tolist() == [3, 0, 2]


def test_what_is_not_allowed_is_refused() -> None:
    with pytest.raises(OptionError):
        simulate(InterruptedJobShop(shop([(0, 1)], [(0, 1)]), 0.0), trace([[9]], [[1]]), Fixed({(0, 0): 5}))
    with pytest.raises(OptionError):  # nothing is unfinished, so nobody may wait
        simulate(InterruptedJobShop(shop([(0, 1)], [(0, 1)]), 0.0), trace([[9]], [[1]]), Fixed({(0, 0): WAIT}))
    with pytest.raises(InstanceError):
        simulate(InterruptedJobShop(SWAP, 0.1), trace([[9]], [[1]]), Fixed())


def test_policies_see_what_is_known() -> None:
    policy = RandomPolicy(0)
    three = shop([(0, 3), (1, 2)], [(1, 9), (0, 1)], [(0, 1), (1, 1)])
    simulate(InterruptedJobShop(three, 0.1), trace([[2], [4]], [[4], [2]]), policy)
    first = policy.seen[0]
    assert (first.time, first.machine, first.eligible, first.may_wait) == (0, 0, (0, 2), True)
    assert first.job_state == ("source",) * 3
    assert first.occupant == (-1, -1)


def test_without_failures_schedules_are_blocking_swap_schedules() -> None:
    for seed in range(60):
        rng = np.random.default_rng(seed)
        instance = InterruptedJobShop(random_shop(rng), 0.0)
        run = simulate(instance, draw_scenarios(instance, 1, 0)[0], RandomPolicy(seed, 0.3 * (seed % 2)))
        verdict = check(instance.shop, schedule(instance, run))
        assert verdict.is_feasible, verdict.violations
        assert verdict.objective == run.cost


@pytest.mark.parametrize(("name", "optimum"), [("ft06", 63), ("la01", 793)])
def test_no_schedule_is_better_than_the_exact_models_optimum(name: str, optimum: int) -> None:
    instance = InterruptedJobShop.of(ct.benchmark(name), 0.0)
    scenario = draw_scenarios(instance, 1, 0)[0]
    costs = [simulate(instance, scenario, RandomPolicy(seed, 0.1 * (seed % 3))).cost for seed in range(12)]
    assert min(costs) >= optimum
    if name == "ft06":
        assert ct.solve(instance.shop, "cp-sat", time_limit=60).objective == optimum


def test_small_optima_are_reached_by_some_decisions() -> None:
    """The best of all decision sequences is CP-SAT's optimum, so nothing good is ruled out by the rules of moving."""
    from tests.interrupted_search import best_makespan

    from counterpoint.solvers.cp_sat.job_shop import Options, solve

    for seed in range(6):
        rng = np.random.default_rng(seed)
        instance = InterruptedJobShop(random_shop(rng, jobs=3, machines=3), 0.0)
        optimum = solve(instance.shop, Budget(threads=1, time_limit_s=20), 0, Options(), lambda *_, **__: None)
        assert best_makespan(instance, draw_scenarios(instance, 1, 0)[0]) == optimum.objective, seed


def test_makespans_grow_with_the_shutdown_probability() -> None:
    """In distribution: every decile of 60 runs is at least as large, within the noise of a tenth."""
    base = random_shop(np.random.default_rng(5), jobs=5, machines=4)
    quantiles = []
    for q in (0.0, 0.02, 0.1, 0.3):
        instance = InterruptedJobShop(base, q)
        costs = [simulate(instance, s, RandomPolicy(i)).cost for i, s in enumerate(draw_scenarios(instance, 60, 1))]
        quantiles.append(np.quantile(costs, np.linspace(0.1, 0.9, 9)))
    for low, high in pairwise(quantiles):
        assert (high > low).all()
