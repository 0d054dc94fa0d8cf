"""The randomised rule: what a sample depends on, what the budget stops, and that it beats its rule."""

import numpy as np
import pytest
from tests.busy_machine import soon

import counterpoint as ct
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.solvers.rules import job_shop_randomised
from counterpoint.solvers.rules.job_shop import schedule
from counterpoint.solvers.rules.job_shop_randomised import Options, solve


def shop_10x5(seed: int = 0, **rest: object) -> JobShop:
    rng = np.random.default_rng(seed)
    machines = rng.permuted(np.tile(np.arange(5), (10, 1)), axis=1)
    return JobShop.from_matrices(f"random-{seed}", machines, rng.integers(1, 100, (10, 5)), **rest)


def run(shop: JobShop, budget: Budget, seed: int = 0, **options: object) -> tuple[object, list[Schedule]]:
    found: list[Schedule] = []

    def report(solution: Schedule | None = None, *, bound: float | None = None) -> None:
        if solution is not None:
            found.append(solution)

    return solve(shop, budget, seed, Options(**options), report), found


def test_the_first_sample_is_the_rule() -> None:
    shop = shop_10x5()
    outcome, _ = run(shop, Budget(iterations=1), seed=9, rule="mwkr")
    assert outcome.solution == schedule(shop, "mwkr")
    assert outcome.iterations == 1
    assert str(outcome.termination) == "iterations"


def test_more_samples_are_never_worse_and_mostly_better() -> None:
    better = 0
    for seed in range(20):
        shop = shop_10x5(seed)
        values = [run(shop, Budget(iterations=k), seed=3)[0].objective for k in (1, 8, 64, 512)]
        assert values == sorted(values, reverse=True)
        better += values[-1] < values[0]
    assert better >= 12  # on some the rule alone meets the bound


def test_samples_do_not_depend_on_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = shop_10x5()
    whole, _ = run(shop, Budget(iterations=300), seed=5)
    monkeypatch.setattr(job_shop_randomised, "CHUNK_STEPS", 7 * shop.num_operations * shop.num_jobs)
    parts, _ = run(shop, Budget(iterations=300), seed=5)
    assert whole.solution == parts.solution
    assert whole.objective == parts.objective
    assert whole.solution != run(shop, Budget(iterations=300), seed=6)[0].solution


def test_reports_each_improvement() -> None:
    shop = shop_10x5(4)
    outcome, found = run(shop, Budget(iterations=2000), rule="spt")
    values = [check(shop, s).objective for s in found]
    assert len(values) >= 2
    assert values == sorted(set(values), reverse=True)
    assert values[-1] == outcome.objective


def test_without_any_limit_128_samples() -> None:
    outcome, _ = run(shop_10x5(), Budget())
    assert outcome.iterations == 128
    assert str(outcome.termination) == "completed"


def test_stops_when_the_bound_is_met() -> None:
    shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(0, 1), (1, 4)]])
    outcome, _ = run(shop, Budget(iterations=10**9))
    assert outcome.objective == outcome.bound == 7
    assert str(outcome.termination) == "optimal"


def test_stops_at_the_target() -> None:
    shop = ct.benchmark("ft10")  # whose bound of 808 cannot be met
    best = run(shop, Budget(iterations=500))[0].objective
    outcome, _ = run(shop, Budget(iterations=10**9, target=best))
    assert outcome.objective <= best
    assert str(outcome.termination) == "target"


def test_keeps_the_time_limit() -> None:
    shop = shop_10x5()
    run(shop, Budget(iterations=1))  # compile
    for limit in (0.0, 0.2):
        outcome, _ = soon(lambda limit=limit: run(shop, Budget(time_limit_s=limit)), limit + 1.0)  # late by 10 ms, idle
        assert check(shop, outcome.solution).is_feasible
        assert str(outcome.termination) == "time"


def test_random_is_pure() -> None:
    # One machine, three jobs due in the order 2, 0, 1: the best of k uniform orders is right with 1 - (5/6)^k.
    shop = JobShop.from_jobs(
        "order", [[(0, 3)], [(0, 3)], [(0, 3)]], objective="total-weighted-tardiness", due_dates=[6, 9, 3]
    )
    for samples in (1, 4):
        hits = sum(run(shop, Budget(iterations=samples), seed=s, rule="random")[0].objective == 0 for s in range(2000))
        share = 1 - (5 / 6) ** samples
        assert abs(hits - 2000 * share) < 5 * np.sqrt(2000 * share * (1 - share))


@pytest.mark.parametrize("scheme", ["nondelay", "active", "append", "insert"])
def test_every_variant_is_feasible_and_its_claim_true(scheme: str) -> None:
    rng = np.random.default_rng(1)
    for seed in range(40):
        jobs = [
            [[(int(m), int(rng.integers(0, 9))) for m in rng.permutation(3)[: rng.integers(1, 4)]] for _ in range(4)]
            for _ in range(5)
        ]
        rest = {"objective": "total-weighted-tardiness", "due_dates": rng.integers(0, 30, 5)} if seed % 2 else {}
        shop = JobShop.from_jobs(f"v{seed}", jobs, unavailable=[(0, 4, 9), (1, 0, 3), (2, 5, 6)], **rest)
        for rule in ("spt", "fifo", "fdd-mwkr", "random", "lrm"):
            outcome, _ = run(shop, Budget(iterations=10), seed=seed, rule=rule, scheme=scheme)
            verdict = check(shop, outcome.solution)
            assert verdict.is_feasible, (seed, rule, str(verdict))
            assert verdict.objective == outcome.objective


def test_through_the_front_door() -> None:
    shop = shop_10x5(2)
    result = ct.solve(shop, "randomised:rule=mopnr,noise=0.5", iterations=50, seed=1)
    assert result.iterations == 50
    assert result.objective == result.claimed_objective <= schedule(shop, "mopnr").makespan
    with pytest.raises(OptionError, match="noise"):
        ct.solve(shop, "randomised", iterations=1, options={"noise": -1})


def test_no_spread_of_priorities() -> None:
    # all priorities equal, infinite or of one value: the noise must still be finite
    shop = JobShop.from_jobs("flat", [[(0, 0)], [(0, 0)], [(1, 0)]])
    for rule in ("lrm", "fdd-mwkr", "spt", "fifo"):
        assert run(shop, Budget(iterations=5), rule=rule)[0].objective == 0
