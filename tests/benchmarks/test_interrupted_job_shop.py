"""The benchmark's batched rules are the rules."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from tests.interrupted_shops import random_shop

from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, draw_scenarios
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.rules.interrupted_job_shop import RULES, RulePolicy

BENCHMARK = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "interrupted_job_shop.py"))


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != "random"])
def test_batched_rules_are_the_rules(rule: str) -> None:
    rng = np.random.default_rng(0)
    instances = [InterruptedJobShop(random_shop(rng, jobs=5, machines=4), 0.1) for _ in range(8)]
    drawn = [draw_scenarios(instance, 1, i)[0] for i, instance in enumerate(instances)]
    batch, statics = BENCHMARK["stacked"](instances, [[scenario] for scenario in drawn])
    found = BENCHMARK["by_rule"](batch, statics, rule).tolist()
    expected = [
        simulate(i, s, RulePolicy(i, rule)).cost  # type: ignore[arg-type]
        for i, s in zip(instances, drawn, strict=True)
    ]
    assert found == expected


def test_a_policy_equal_to_the_rule_reduces_nothing() -> None:
    costs = np.arange(12.0).reshape(4, 3) + 5
    assert BENCHMARK["_reduction"](costs, costs) == (0.0, 0.0, 0.0)
    assert BENCHMARK["_reduction"](0.8 * costs, costs) == pytest.approx((20.0, 20.0, 20.0))
