"""Replanning CP-SAT: follows an optimal plan where nothing fails, and copes with everything else."""

import numpy as np
import pytest
from tests.interrupted_shops import random_instance

import counterpoint as ct
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, draw_scenarios
from counterpoint.opt.problems.interrupted_job_shop_check import check
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.replan.interrupted_job_shop import Options, policy
from counterpoint.solvers.rules.interrupted_job_shop import RulePolicy


def test_without_failures_it_follows_the_optimal_plan() -> None:
    instance = InterruptedJobShop.of(ct.benchmark("ft06"), 0.0)
    planner = policy(instance, 0, Options(first_time_limit_s=60))
    assert simulate(instance, draw_scenarios(instance, 1, 0)[0], planner).cost == 63
    assert (planner.plans, planner.failed) == (1, 0)


def test_runs_are_valid_in_every_variant() -> None:
    for seed in range(12):
        instance = random_instance(np.random.default_rng(seed))
        scenario = draw_scenarios(instance, 1, seed)[0]
        planner = policy(instance, 0, Options(time_limit_s=0.1, first_time_limit_s=0.2))
        planner.start(0)
        run = simulate(instance, scenario, planner)
        assert check(instance, scenario, run).violations == ()


def test_without_any_plan_the_rules_orders_decide() -> None:
    """CP-SAT gets no time: the order is what the rule does where nothing fails."""
    instance = InterruptedJobShop.of(ct.benchmark("ft06"), 0.0)
    scenario = draw_scenarios(instance, 1, 0)[0]
    planner = policy(instance, 0, Options(first_time_limit_s=1e-9, rule="spt"))
    assert simulate(instance, scenario, planner).cost == simulate(instance, scenario, RulePolicy(instance, "spt")).cost
    assert planner.failed == planner.plans == 1


@pytest.mark.parametrize("wrong", [{"time_limit_s": 0.0}, {"workers": 0}, {"first_time_limit_s": -1.0}])
def test_wrong_options_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(OptionError):
        Options(**wrong)  # type: ignore[arg-type]
