"""The compiled player, from the beginning and from what the reference shows, and the futures that roll-outs draw."""

import numpy as np
import pytest
import torch
from tests.interrupted_shops import RandomPolicy, random_instance, random_shop

from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Observation, draw_scenarios
from counterpoint.simulators.batched.interrupted_job_shop_graph import Statics
from counterpoint.simulators.batched.interrupted_job_shop_kernels import (
    BUSY,
    CLOCK,
    DOWN,
    DUE,
    FAILURES,
    FAR,
    MACHINE_COLUMNS,
    UNTIL,
    WORK,
)
from counterpoint.simulators.batched.interrupted_job_shop_present import Constants, tables
from counterpoint.simulators.batched.interrupted_job_shop_search import FIXED, GEOMETRIC, UNIFORM, draw_future
from counterpoint.simulators.batched.job_shop import Shops
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.replan.interrupted_job_shop_roll_out import NO_WEIGHTS, Options, RollOut, policy
from counterpoint.solvers.rules.interrupted_job_shop import RULES, RulePolicy


def test_constants_are_those_of_batches() -> None:
    for seed in range(20):
        instance = random_instance(np.random.default_rng(seed))
        found = Constants.of(instance)
        q = torch.tensor([instance.shutdown_probability], dtype=torch.float64)
        statics = Statics.of(Shops.of([instance.shop]), q, torch.tensor([float(instance.repair_mean)]).double())
        assert np.array_equal(found.tail, statics.tail[0].numpy())
        assert found.mean == float(statics.mean[0])
        assert found.risk.tolist() == statics.risk[0].double().tolist()


def test_the_present_is_what_was_seen() -> None:
    """Work left, states and clocks of every decision of random runs."""
    for seed in range(10):
        instance = random_instance(np.random.default_rng(seed))
        policy_ = RandomPolicy(seed, waiting=0.3)
        simulate(instance, draw_scenarios(instance, 1, seed)[0], policy_)
        constants = Constants.of(instance)
        for seen in policy_.seen:
            _, machines, left = tables(constants, seen)
            for k, j in enumerate(seen.occupant):
                is_busy = j >= 0 and seen.job_state[j] == "processing"
                assert bool(machines[k, BUSY]) == is_busy
                assert left[k] == (seen.remaining[j] if is_busy else 0)
                assert machines[k, DUE] == (seen.time + left[k] if is_busy else FAR)
            assert machines[:, DOWN].astype(bool).tolist() == list(seen.is_down)


@pytest.mark.parametrize("kind", [GEOMETRIC, UNIFORM, FIXED])
def test_futures_follow_the_distributions_given_the_present(kind: int) -> None:
    """An up machine, one that has been down for 4 of a mean of 9, and one that works: times of the next events."""
    table = np.zeros((3, MACHINE_COLUMNS), np.int64)
    table[:, CLOCK], table[:, DUE] = 100, FAR
    table[1, DOWN] = 1
    table[2, [BUSY, WORK, DUE]] = 1, 30, 105
    left, elapsed = np.array([0, 0, 5]), np.array([0, 4, 0])
    random = np.array([7], np.uint64)
    failure, repair = np.zeros((3, 40), np.int64), np.zeros((3, 40), np.int64)
    machines, first, until, due = np.zeros_like(table), [], [], []
    for _ in range(4000):
        draw_future(table, left, elapsed, 0.1, kind, 9, True, random, failure, repair, machines)
        first.append(failure[0, 0] - 100)
        until.append(machines[1, UNTIL] - 100)
        due.append(machines[2, DUE] - 100)
        assert machines[:, FAILURES].tolist() == [0, 1, 0]
        assert (failure[:, 1:] >= failure[:, :-1] + repair[:, :-1] + 1).all()
    assert np.mean(first) == pytest.approx(10, abs=0.6)
    assert min(first) == 1
    mean, low, high = {GEOMETRIC: (9, 1, FAR), UNIFORM: (7, 1, 13), FIXED: (5, 5, 5)}[kind]
    assert np.mean(until) == pytest.approx(mean, abs=0.6)
    assert low <= min(until) <= max(until) <= high
    # five units of work meet a failure with probability 0.1 each but the last
    assert np.mean(np.array(due) == 5) == pytest.approx(0.9**4, abs=0.03)
    assert min(due) == 5


def test_restarted_work_begins_anew_in_futures() -> None:
    table = np.zeros((1, MACHINE_COLUMNS), np.int64)
    table[0, [BUSY, WORK, DUE]] = 1, 30, 1
    failure, repair, machines = np.zeros((1, 3), np.int64), np.zeros((1, 3), np.int64), np.zeros_like(table)
    random = np.array([7], np.uint64)
    due = []
    for _ in range(200):
        draw_future(
            table, np.array([6]), np.zeros(1, np.int64), 0.2, FIXED, 3, False, random, failure, repair, machines
        )
        due.append(int(machines[0, DUE]))
        expected = 6 if failure[0, 0] >= 6 else failure[0, 0] + 3 + 30
        if failure[0, 0] >= 6 or failure[0, 1] >= expected:
            assert due[-1] == expected
    assert min(due) == 6 < max(due)


class Watched:
    """Another policy, whose observations and choices are kept."""

    def __init__(self, inner: RollOut) -> None:
        self.inner = inner
        self.kept: list[tuple[Observation, int]] = []

    def start(self, episode: int) -> None:
        self.inner.start(episode)

    def act(self, observation: Observation) -> int:
        choice = self.inner.act(observation)
        self.kept.append((observation, choice))
        return choice


def test_a_plan_is_followed_to_its_end() -> None:
    """Where nothing fails a searched plan is no longer than the base policy, for every kind of shop."""
    for seed in range(15):
        instance = InterruptedJobShop(random_shop(np.random.default_rng(seed)), 0.0)
        scenario = draw_scenarios(instance, 1, 0)[0]
        costs = []
        for plans in (1, 300):
            built = policy(instance, 0, Options(rule="mwkr", plans=plans))
            costs.append(simulate(instance, scenario, built).cost)
        assert costs[1] <= costs[0]


def test_roll_outs_depend_on_the_past_alone() -> None:
    """Two scenarios that agree up to some time give the same decisions until then."""
    shop = random_shop(np.random.default_rng(8), jobs=5, machines=4)
    instance = InterruptedJobShop(shop, 0.05, repair_mean=4)
    one, two = draw_scenarios(instance, 2, 3)
    up = one.up.copy()
    later = np.cumsum(one.up + one.repair, 1) > 60
    up[later] = two.up[later]
    mixed = type(one)(up, np.where(later, two.repair, one.repair))
    runs = []
    for scenario in (one, mixed):
        watched = Watched(RollOut(instance, 5, RULES.index("spt"), NO_WEIGHTS, futures=8, plans=1, waiting=False))
        simulate(instance, scenario, watched)
        runs.append([(seen.time, choice) for seen, choice in watched.kept if seen.time < 60])
    assert runs[0] == runs[1]
    assert len(runs[0]) > 3


def test_roll_outs_beat_their_base_and_are_reproducible() -> None:
    rng = np.random.default_rng(1)
    better = []
    for _ in range(4):
        instance = InterruptedJobShop(random_shop(rng, jobs=6, machines=5), 0.03, repair_mean=5)
        built = policy(instance, 0, Options(rule="lpt", futures=16))
        for episode, scenario in enumerate(draw_scenarios(instance, 4, 9)):
            built.start(episode)
            rolled = simulate(instance, scenario, built).cost
            built.start(episode)
            assert simulate(instance, scenario, built).cost == rolled
            better.append(1 - rolled / simulate(instance, scenario, RulePolicy(instance, "lpt")).cost)
    assert np.mean(better) > 0.03


@pytest.mark.parametrize("variant", range(8))
def test_roll_outs_finish_in_every_kind_of_shop(variant: int) -> None:
    """Busy failures, restarts, machines visited twice, operations without duration, waiting."""
    rng = np.random.default_rng(variant)
    instance = random_instance(rng)
    for scenario in draw_scenarios(instance, 1, variant):
        built = RollOut(instance, 0, RULES.index("random"), NO_WEIGHTS, futures=4, plans=20, waiting=variant % 2 == 0)
        assert simulate(instance, scenario, built).cost >= 0
