"""Rules for interrupted job shops: who goes first, by hand."""

import pytest

from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Observation, draw_scenarios
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.rules.interrupted_job_shop import (
    RULES,
    BestOptions,
    Options,
    RulePolicy,
    best_random,
    policy,
)

SHOP = JobShop.from_jobs(
    "rules", [[(0, 5), (1, 9)], [(0, 2), (1, 3), (2, 1)], [(1, 4), (0, 7), (2, 2)], [(0, 6), (1, 1)]], blocking="swap"
)
# machine 0 is asked at time 12: jobs 0, 1 and 3 wait in the source, job 2 is blocked on machine 1 since 4
SEEN = Observation(
    time=12, machine=0, eligible=(0, 1, 2, 3), may_wait=False, job_state=("source", "source", "blocked", "source"),
    operation=(0, 0, 0, 0), job_machine=(-1, -1, 1, -1), remaining=(0, 0, 0, 0), since=(0, 0, 4, 0),
    occupant=(-1, 2, -1), is_down=(False,) * 3, changed=(0,) * 3,
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "job"),
    [
        ("spt", 1),  # 5, 2, 7, 6
        ("lpt", 2),
        ("mwkr", 0),  # 14, 6, 9, 7
        ("lwkr", 1),
        ("mopnr", 1),  # 2, 3, 2, 2
        ("fifo", 0),  # since 0, 0, 4, 0
        ("fdd-mwkr", 1),  # 5/14, 2/6, 11/9, 6/7
        ("lrm", 0),  # 9, 4, 2, 1
        ("srm", 3),
    ],
)
def test_who_goes_first(rule: str, job: int) -> None:
    assert RulePolicy(InterruptedJobShop(SHOP, 0.0), rule).act(SEEN) == job  # type: ignore[arg-type]


def test_random_is_reproducible_and_differs_between_episodes() -> None:
    one = policy(InterruptedJobShop(SHOP, 0.0), 3, Options("random"))
    draws = []
    for episode in (0, 1, 0):
        one.start(episode)
        draws.append([one.act(SEEN) for _ in range(20)])
    assert draws[0] == draws[2] != draws[1]
    assert set(draws[0]) == {0, 1, 2, 3}


def test_unknown_rules_are_refused() -> None:
    with pytest.raises(OptionError):
        RulePolicy(InterruptedJobShop(SHOP, 0.0), "edd")  # type: ignore[arg-type]


def test_every_rule_finishes() -> None:
    instance = InterruptedJobShop(SHOP, 0.1)
    for scenario in draw_scenarios(instance, 3, 0):
        for rule in RULES:
            assert simulate(instance, scenario, RulePolicy(instance, rule)).cost >= 15


def test_best_of_many_random_runs_repeats_the_best() -> None:
    instance = InterruptedJobShop(SHOP, 0.0)
    scenario = draw_scenarios(instance, 1, 0)[0]
    random = RulePolicy(instance, "random", 5)
    costs = []
    for sample in range(30):
        random.start(sample)
        costs.append(simulate(instance, scenario, random).cost)
    best = best_random(instance, 5, BestOptions(30))
    for episode in range(2):
        best.start(episode)
        assert simulate(instance, scenario, best).cost == min(costs) < max(costs)
    with pytest.raises(UnsupportedError):
        best_random(InterruptedJobShop(SHOP, 0.1), 0, BestOptions())
