"""Policies meet the same scenarios; costs, intervals, regret and failures are what they should be."""

import math
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import ClassVar

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.plots.costs import costs_frame
from counterpoint.opt.problems import table
from counterpoint.opt.problems.table import Problem


@dataclass(frozen=True)
class Stall:
    """A newsvendor: buy before the demand (0..9) is known; one unit costs 1, each unit of demand not met costs 3."""

    problem: ClassVar[str] = "stall"
    name: str = "stall"
    features: frozenset = frozenset()
    content_hash: str = "0"


@dataclass(frozen=True)
class Run:
    cost: float
    events: tuple = ()


@dataclass(frozen=True)
class SplitRun:
    cost: float
    costs: dict


class Buy:
    def __init__(self, amount):
        self.amount, self.started = amount, []

    def start(self, episode):
        self.started.append(episode)

    def act(self, observation):
        return self.amount


class Fails(Buy):
    def act(self, observation):
        if self.started[-1] == 2:
            raise RuntimeError("out of\x1b stock")
        return 4


@pytest.fixture
def stall(monkeypatch):
    module = ModuleType("counterpoint_stall")
    module.simulate = lambda instance, demand, policy: Run((b := policy.act(None)) + 3 * max(0, demand - b))
    module.scenarios = lambda instance, count, seed: np.random.default_rng(seed).integers(0, 10, count).tolist()
    module.bound = lambda instance, demand, time_limit_s: float(demand)  # who knows the demand buys just that
    monkeypatch.setitem(sys.modules, module.__name__, module)
    parts = tuple((key, f"{module.__name__}:{key}") for key in ("simulate", "scenarios", "bound"))
    line = Problem("stall", "a stall", "sequential", "min", "none", False, parts)
    monkeypatch.setattr(table, "PROBLEMS", (*table.PROBLEMS, line))
    return module


def test_costs_are_those_of_the_same_scenarios(stall):
    demands = np.random.default_rng(5).integers(0, 10, 40)
    found = ct.evaluate({"four": Buy(4), "seven": Buy(7)}, Stall(), scenarios=40, seed=5, bound=True, progress=False)
    assert found.costs("four").tolist() == (4 + 3 * np.maximum(0, demands - 4)).tolist()
    assert found.costs("seven").tolist() == (7 + 3 * np.maximum(0, demands - 7)).tolist()
    assert found.frame["bound"].tolist() == np.repeat(demands, 2).tolist()
    mean = found.mean("four")
    assert mean.estimate == found.costs("four").mean()
    assert mean.low < mean.estimate < mean.high
    difference = found.paired("four", "seven")
    assert difference.estimate == pytest.approx((found.costs("four") - found.costs("seven")).mean())
    assert difference.n == 40


def test_the_summary_is_what_it_says(stall):
    demands = np.random.default_rng(1).integers(0, 10, 40)
    found = ct.evaluate({"four": Buy(4), "nine": Buy(9)}, Stall(), scenarios=40, seed=1, progress=False)
    rows = found.summary()
    costs = {"four": 4 + 3 * np.maximum(0, demands - 4), "nine": np.full(40, 9)}
    assert list(rows.index) == sorted(costs, key=lambda k: costs[k].mean())
    assert rows.loc["four", "cvar"] == np.sort(costs["four"])[-2:].mean()  # 5 % of 40 scenarios
    assert rows.loc["four", "worst"] == costs["four"].max()
    assert math.isnan(rows.loc["four", "regret"])  # no bound was asked for
    assert rows.loc[rows.index[0], ["behind_best", "behind_low", "behind_high"]].tolist() == [0, 0, 0]


def test_regret_is_the_mean_share_over_the_bound(stall):
    stall.bound = lambda instance, demand, time_limit_s: 2.0
    stall.simulate = lambda instance, demand, policy: Run(policy.act(None))
    found = ct.evaluate({"three": Buy(3)}, Stall(), scenarios=6, bound=True, progress=False)
    assert found.summary().loc["three", "regret"] == 0.5
    assert any("50.00%" in line for line in found.verdict())


def test_a_cost_beyond_the_bound_is_an_error(stall):
    stall.bound = lambda instance, demand, time_limit_s: demand + 100.0
    with pytest.raises(ct.BoundError, match=r"four costs .* beyond the proven bound"):
        ct.evaluate({"four": Buy(4)}, Stall(), scenarios=3, bound=True, progress=False)


def test_a_policy_that_fails_cannot_look_better_for_it(stall):
    found = ct.evaluate({"fails": Fails(0), "nine": Buy(9)}, Stall(), scenarios=5, progress=False)
    rows = found.summary()
    assert list(rows.index) == ["nine", "fails"]
    assert rows.loc["fails", "failed"] == 1
    assert math.isnan(rows.loc["fails", "mean"])
    (message,) = (run.message for run in found.runs if run.message)
    assert message.startswith(r"RuntimeError: out of\x1b stock")
    assert costs_frame(found.frame).loc["fails", "failed"] == 1
    assert "fails failed in 1 scenarios" in found.verdict()


def test_every_scenario_is_started_and_numbered(stall):
    one = Buy(1)
    ct.evaluate({"one": one}, Stall(), scenarios=3, progress=False)
    assert one.started == [0, 1, 2]


def test_ctrl_c_keeps_whole_scenarios(stall):
    class Stops(Buy):
        def act(self, observation):
            if self.started[-1] == 3:
                raise KeyboardInterrupt
            return 1

    found = ct.evaluate({"one": Buy(1), "stops": Stops(1)}, Stall(), scenarios=9, progress=False)
    assert found.is_interrupted
    assert [(r.policy, r.scenario) for r in found.runs] == [(p, k) for k in range(3) for p in ("one", "stops")]
    assert "fewer scenarios" in found.verdict()[-1]


def test_a_maximising_problem_is_ranked_the_other_way(stall, monkeypatch):
    line = table.PROBLEMS[-1]
    parts = (*line.parts,)
    monkeypatch.setattr(table, "PROBLEMS", (Problem("stall", "", "sequential", "max", "none", False, parts),))
    stall.simulate = lambda instance, demand, policy: Run(policy.act(None) * (1 + demand))
    stall.bound = lambda instance, demand, time_limit_s: 9.0 * (1 + demand)
    found = ct.evaluate({"one": Buy(1), "nine": Buy(9)}, Stall(), scenarios=30, bound=True, progress=False)
    rows = found.summary()
    assert list(rows.index) == ["nine", "one"]
    assert rows.loc["nine", "regret"] == 0
    assert rows.loc["one", "regret"] == pytest.approx(8 / 9)
    assert rows.loc["one", "cvar"] == np.sort(found.costs("one"))[:2].mean()


def test_mistakes_are_told(stall):
    with pytest.raises(ct.UnsupportedError, match="compare its methods with compare"):
        ct.evaluate("spt", ct.benchmark("ft06"))
    with pytest.raises(ct.OptionError, match="is no policy"):
        ct.evaluate({"x": 3}, Stall())
    with pytest.raises(ct.OptionError, match="name them by a mapping"):
        ct.evaluate([Buy(1), Buy(2)], Stall())
    with pytest.raises(ct.OptionError, match="at least one scenario"):
        ct.evaluate({"x": Buy(1)}, Stall(), scenarios=0)
    with pytest.raises(ct.OptionError, match="at least one policy"):
        ct.evaluate([], Stall())
    with pytest.raises(ct.UnknownNameError):
        ct.evaluate({"x": Buy(1)}, Stall(), scenarios=2, progress=False).costs("y")


def test_it_shows_itself(stall):
    found = ct.evaluate({"<b>one</b>": Buy(1), "nine": Buy(9)}, Stall(), scenarios=20, bound=True, progress=False)
    page = found._repr_html_()
    assert "<b>one" not in page
    assert "&lt;b&gt;one" in page
    ax = found.plot()
    assert [t.get_text() for t in ax.get_yticklabels()] == [str(n) for n in found.summary().index]


def test_costs_that_are_no_number_are_failures(stall):
    stall.simulate = lambda instance, demand, policy: Run(math.inf if policy.act(None) == 1 else 5.0)
    found = ct.evaluate({"one": Buy(1), "five": Buy(5)}, Stall(), scenarios=3, progress=False)
    assert found.summary().loc["one", "failed"] == 3
    assert {run.message for run in found.runs} == {"", "its cost is inf"}


def test_one_scenario_and_none_are_told_as_such(stall):
    one = ct.evaluate({"one": Buy(1), "five": Buy(5)}, Stall(), scenarios=1, progress=False)
    assert any("one scenario gives no interval" in line for line in one.verdict())

    class Stops(Buy):
        def act(self, observation):
            raise KeyboardInterrupt

    none = ct.evaluate({"stops": Stops(1)}, Stall(), scenarios=1, progress=False)
    assert none.is_interrupted
    assert len(none.summary()) == 0
    assert "nothing was evaluated" in none._repr_html_()
    none.plot()
    with pytest.raises(ct.OptionError, match="at least one policy"):
        ct.evaluate({}, Stall())
    with pytest.raises(ct.OptionError, match="at least 0"):
        ct.evaluate({"one": Buy(1)}, Stall(), seed=-1)


def test_parts_of_the_cost_are_told_and_add_up(stall, monkeypatch):
    def simulate(instance, demand, policy):
        bought, missed = float(policy.act(None)), 3.0 * max(0, demand - policy.act(None))
        return SplitRun(bought + missed, {"bought": bought, "missed": missed})

    monkeypatch.setattr(sys.modules["counterpoint_stall"], "simulate", simulate)
    found = ct.evaluate({"four": Buy(4), "nothing": Buy(0)}, Stall(), scenarios=20, progress=False)
    assert found.parts == ("bought", "missed")
    split = found.split()
    assert split.index.tolist() == found.summary().index.tolist()
    assert split.loc["four", "bought"] == 4
    assert split.sum(axis=1).to_numpy() == pytest.approx(found.summary()["mean"].to_numpy())
    assert found.frame["missed"].sum() == pytest.approx(found.frame["cost"].sum() - 4 * 20)


def test_without_parts_there_is_no_split(stall):
    found = ct.evaluate(Buy(4), Stall(), scenarios=3, progress=False)
    assert found.parts == ()
    assert found.split().empty


def test_the_bound_on_expectations_is_told_and_checked(stall, monkeypatch):
    """Buying what is best on average costs 4 + 3 E[(D - 4)+] = 8.5 for D in 0..9; anything above is no bound."""
    line = table.problem("stall")
    module = sys.modules["counterpoint_stall"]
    module.expected_bound = lambda instance: 8.0
    parts = (*line.parts, ("expected_bound", "counterpoint_stall:expected_bound"))
    monkeypatch.setattr(table, "PROBLEMS", (Problem("stall", "a stall", "sequential", "min", "none", False, parts),))
    found = ct.evaluate({"a": Buy(6)}, Stall(), scenarios=400, bound=True, progress=False)
    assert found.expected_bound == 8.0
    assert any("can be better than 8 (proven)" in line for line in found.verdict())
    assert ct.evaluate(Buy(6), Stall(), scenarios=4, progress=False).expected_bound is None
    module.expected_bound = lambda instance: -np.inf  # it cannot say
    assert ct.evaluate(Buy(6), Stall(), scenarios=4, bound=True, progress=False).expected_bound is None
    module.expected_bound = lambda instance: 12.0
    with pytest.raises(ct.BoundError, match="on what any policy can expect"):
        ct.evaluate({"a": Buy(6)}, Stall(), scenarios=400, bound=True, progress=False)


def test_chance_is_no_proof_against_the_bound_on_expectations(stall, monkeypatch):
    """A cost that few scenarios, or all alike, tell may lie below the bound: what is rare has not come yet."""
    parts = (*table.problem("stall").parts, ("expected_bound", "counterpoint_stall:expected_bound"))
    sys.modules["counterpoint_stall"].expected_bound = lambda instance: 12.0
    monkeypatch.setattr(table, "PROBLEMS", (Problem("stall", "a stall", "sequential", "min", "none", False, parts),))
    for amount, count in ((9, 400), (4, 1), (4, 2), (4, 5)):  # 9 meets every demand: it always costs 9
        found = ct.evaluate({"a": Buy(amount)}, Stall(), scenarios=count, bound=True, progress=False)
        assert found.expected_bound == 12.0


def test_a_panel_of_kind_scenarios_may_cost_less_than_what_can_be_expected(stall, monkeypatch):
    """All of 8.0 or less for sure, though no policy can expect less than that: the panel is chosen, not drawn."""
    parts = (*table.problem("stall").parts, ("expected_bound", "counterpoint_stall:expected_bound"))
    sys.modules["counterpoint_stall"].expected_bound = lambda instance: 8.0
    monkeypatch.setattr(table, "PROBLEMS", (Problem("stall", "a stall", "sequential", "min", "none", False, parts),))
    kind = [d for d in sys.modules["counterpoint_stall"].scenarios(Stall(), 400, 0) if d <= 5]
    found = ct.evaluate({"a": Buy(4)}, Stall(), scenarios=kind, bound=True, progress=False)
    assert found.costs("a").mean() < 8.0 - 6.0 * found.costs("a").std() / len(kind) ** 0.5  # no chance
    assert found.expected_bound == 8.0


def test_the_split_of_a_policy_that_failed_is_no_mean_of_the_rest(stall, monkeypatch):
    def simulate(instance, demand, policy):
        bought = float(policy.act(None))
        return SplitRun(bought, {"bought": bought})

    monkeypatch.setattr(sys.modules["counterpoint_stall"], "simulate", simulate)
    found = ct.evaluate({"fails": Fails(4), "four": Buy(4)}, Stall(), scenarios=4, progress=False)
    assert found.split().loc["four", "bought"] == 4
    assert math.isnan(found.split().loc["fails", "bought"])
