"""Instances, shutdown traces, JSON and the judge of interrupted job shops."""

import dataclasses
import json

import numpy as np
import pytest
from tests.interrupted_shops import RandomPolicy, random_instance

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Scenario, Trajectory, draw_scenarios
from counterpoint.opt.problems.interrupted_job_shop_check import check, down_windows
from counterpoint.opt.problems.interrupted_job_shop_json import decode, encode
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.interrupted_job_shop import simulate

TINY = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]], blocking="swap")


@pytest.mark.parametrize(
    "wrong",
    [
        {"shutdown_probability": -0.1},
        {"shutdown_probability": 1.1},
        {"shutdown_probability": float("nan")},
        {"shutdown_probability": "0.1"},
        {"repair": "weibull"},
        {"repair_mean": 0},
        {"repair_mean": 2.5},
        {"fail_when": "never"},
        {"on_interrupt": "forget"},
        {"shop": JobShop.from_jobs("free", [[(0, 1)]])},
        {"shop": JobShop.from_jobs("choice", [[[(0, 1), (1, 2)]]], blocking="swap")},
        {"shop": JobShop.from_jobs("window", [[(0, 1)]], blocking="swap", unavailable=[[0, 1, 2]])},
        {"shop": None},
    ],
)
def test_wrong_instances_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InstanceError):
        InterruptedJobShop(**{"shop": TINY, "shutdown_probability": 0.1, **wrong})  # type: ignore[arg-type]


def test_hash_tells_every_parameter_apart_but_not_the_name() -> None:
    base = InterruptedJobShop(TINY, 0.1)
    changes = [
        {"shutdown_probability": 0.2}, {"repair": "fixed"}, {"repair_mean": 3}, {"fail_when": "busy"},
        {"on_interrupt": "restart"},
    ]  # fmt: skip
    hashes = {dataclasses.replace(base, **change).content_hash for change in changes}  # type: ignore[arg-type]
    assert len(hashes | {base.content_hash}) == len(changes) + 1
    renamed = dataclasses.replace(base, shop=dataclasses.replace(TINY, name="other"))
    assert renamed.content_hash == base.content_hash
    assert renamed != base


def test_traces_depend_on_the_seed_alone() -> None:
    instance = InterruptedJobShop(TINY, 0.1)
    few, many = draw_scenarios(instance, 3, 7), draw_scenarios(instance, 10, 7)
    assert few == many[:3]
    assert len(set(many)) == 10
    assert draw_scenarios(instance, 1, 8)[0] != few[0]


@pytest.mark.parametrize("repair", ["fixed", "uniform", "geometric"])
def test_availability_is_within_three_sigma_of_the_closed_form(repair: str) -> None:
    """Share of up-time over 4,000 cycles; variance of the ratio by the delta method."""
    q, mean = 0.05, 8
    instance = InterruptedJobShop(TINY, q, repair=repair, repair_mean=mean)  # type: ignore[arg-type]
    scenarios = draw_scenarios(instance, 100, 3)
    up = np.concatenate([s.up.ravel() for s in scenarios]).astype(float)
    down = np.concatenate([s.repair.ravel() for s in scenarios]).astype(float)
    assert len(up) > 4000
    expected = instance.availability
    assert expected == pytest.approx((1 / q) / (1 / q + mean))
    found = up.sum() / (up.sum() + down.sum())
    variance_up = (1 - q) / q**2
    variance_down = {"fixed": 0.0, "uniform": ((2 * mean - 1) ** 2 - 1) / 12, "geometric": (1 - 1 / mean) * mean**2}
    cycle = 1 / q + mean
    sigma = np.sqrt(((1 - expected) ** 2 * variance_up + expected**2 * variance_down[repair]) / len(up)) / cycle
    assert abs(found - expected) < 3 * sigma


def test_traces_without_failures_are_empty() -> None:
    assert draw_scenarios(InterruptedJobShop(TINY, 0.0), 2, 0)[0].up.shape == (2, 0)


def test_failures_on_the_machines_clock() -> None:
    scenario = Scenario(np.array([[3, 2]]), np.array([[5, 1]]))
    assert scenario.failure.tolist() == [[3, 10]]  # up 3, repaired 3..8, up 2 more


@pytest.mark.parametrize("wrong", [([[0]], [[1]]), ([[1]], [[1, 2]]), ([[1.5]], [[1]]), ([], [])])
def test_wrong_traces_are_refused(wrong: tuple[list[object], list[object]]) -> None:
    with pytest.raises(InstanceError):
        Scenario(np.array(wrong[0]), np.array(wrong[1]))


def test_json_round_trips() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        instance = random_instance(rng)
        scenario = draw_scenarios(instance, 1, seed)[0]
        run = simulate(instance, scenario, RandomPolicy(seed))
        for value in (instance, scenario, run):
            assert decode(json.loads(json.dumps(encode(value)))) == value


def test_json_refuses_what_is_missing_unknown_or_wrong() -> None:
    data = encode(InterruptedJobShop(TINY, 0.1))
    for change in ({"extra": 1}, {"repair_mean": "3"}, {"shutdown_probability": 2.0}, {"shop": {"type": "job-shop"}}):
        with pytest.raises(InstanceError):
            decode({**data, **change})
    with pytest.raises(InstanceError):
        decode({k: v for k, v in data.items() if k != "repair"})


# --- the judge ------------------------------------------------------------------------------------------------


def test_the_judge_accepts_every_run_and_computes_the_logged_down_times() -> None:
    for seed in range(120):
        rng = np.random.default_rng(seed)
        instance = random_instance(rng)
        scenario = draw_scenarios(instance, 1, seed)[0]
        run = simulate(instance, scenario, RandomPolicy(seed, 0.3))
        verdict = check(instance, scenario, run)
        assert verdict.violations == (), (seed, verdict.violations)
        assert verdict.objective == run.cost
        windows = {
            (begin, m)
            for m in range(instance.shop.num_machines)
            for begin, _ in down_windows(instance, scenario, run, m)
            if begin < run.cost
        }
        assert windows == {(e[0], e[2]) for e in run.events if e[1] == "fail"}


def test_the_judge_finds_planted_defects() -> None:
    # machine 0 is down in [2, 4), machine 1 in [7, 9)
    instance = InterruptedJobShop(TINY, 0.5)
    scenario = Scenario(np.array([[2], [7]]), np.array([[2], [2]]))
    # job 0: 0 at machine 0, interrupted, ends 5; job 1: 0..4 at machine 1; they swap at 5
    good = Trajectory(7.0, (), np.array([0, 5, 0, 5]), np.array([5, 7, 4, 6]))
    assert check(instance, scenario, good).violations == ()

    def kinds(**change: object) -> set[str]:
        return {v.kind for v in check(instance, scenario, dataclasses.replace(good, **change)).violations}  # type: ignore[arg-type]

    assert kinds(cost=6.0) == {"cost"}
    assert "end" in kinds(end=np.array([3, 7, 4, 6]))  # as if not interrupted
    assert "end" in kinds(end=np.array([5, 9, 4, 6]), cost=9.0)  # the failure at 7 comes after the end at 7
    assert {"enter-down"} <= kinds(start=np.array([2, 5, 0, 5]))
    assert "precedence" in kinds(start=np.array([0, 4, 0, 5]), end=np.array([5, 6, 4, 6]))
    assert "overlap" in kinds(start=np.array([0, 5, 0, 4]))  # machine 0 is still held by job 0
    assert "negative-start" in kinds(start=np.array([-1, 5, 0, 5]))
    assert "shape" in kinds(start=np.array([0, 5, 0]))
    late = Trajectory(11.0, (), np.array([0, 9, 0, 8]), np.array([5, 11, 4, 9]))  # job 1 leaves machine 1 at 8: down
    assert "leave-down" in {v.kind for v in check(instance, scenario, late).violations}
