"""Lot-sizing models by hand: net data, shortages, cuts, bounds of public instances, first plans, tolerances."""

import os
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pyomo.environ as pyo
import pytest

import counterpoint as ct
from counterpoint.datasets.generators.lot_sizing import trigeiro
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip import lot_sizing_facility_location, lot_sizing_ls_cuts
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.lot_sizing_facility_location import FacilityLocationModel
from counterpoint.solvers.mip.lot_sizing_held import Held, has_whole_optimum
from counterpoint.solvers.mip.lot_sizing_lots import lots_for, settle
from counterpoint.solvers.mip.lot_sizing_ls_cuts import TightModel
from counterpoint.solvers.mip.lot_sizing_net import net_data, shortage
from counterpoint.solvers.mip.lot_sizing_prices import capacity_prices
from counterpoint.solvers.mip.lot_sizing_pyomo import build_pyomo
from counterpoint.solvers.mip.lot_sizing_standard import StandardModel
from counterpoint.solvers.mip.lot_sizing_start import left_shift
from counterpoint.solvers.mip.lot_sizing_windows import Windows, overtime_price

FOLDER = Path(os.environ.get("COUNTERPOINT_DATA", Path(__file__).resolve().parents[4] / "shared" / "data"))
TRIGEIRO = FOLDER / "lot_sizing" / "trigeiro"
needs_files = pytest.mark.skipif(not TRIGEIRO.is_dir(), reason=f"needs {TRIGEIRO} (set COUNTERPOINT_DATA)")

# Setup 10, holding 1 a unit and period: 3 lots 30, one lot 4 + 2 x 5 + 10 = 24, two lots 20 + 4 = 24 or 20 + 5 = 25
TEXTBOOK = LotSizing("textbook", [[3.0, 4.0, 5.0]], setup_cost=10, holding_cost=1)


def relaxation(model) -> float:
    return solve_model(replace(model, is_integer=np.zeros(model.num_cols, bool))).objective


class TestNetData:
    def test_stock_serves_the_first_demands_and_its_holding_is_a_constant(self) -> None:
        instance = LotSizing("net", [[3, 4, 5], [1, 0, 2]], 9, [[1, 2, 4], [1, 1, 1]], initial_stock=[5, 10])
        net = net_data(instance)
        assert net.demand.tolist() == [[0, 2, 5], [0, 0, 0]]
        assert net.limit.tolist() == [[7, 7, 5], [0, 0, 0]]
        assert net.offset == (5 - 3) * 1 + (9 + 9 + 7) * 1

    def test_what_rounding_leaves_of_a_demand_is_none(self) -> None:
        """0.3 less 0.1 + 0.2 is 5e-17: a setup for it would be paid, and its cost proved."""
        instance = LotSizing("tenths", [[0.3, 0.0], [0.0, 1.0]], 5, 1, initial_stock=[0.1 + 0.2 - 1e-16, 0], capacity=9)
        net = net_data(instance)
        assert 0 < 0.3 - instance.initial_stock[0] < 1e-15
        assert net.demand.tolist() == [[0, 0], [0, 1]]
        found = ct.solve(instance, "fix-and-optimise", time_limit=5, threads=1)
        assert (found.objective, found.bound) == (5, 5)

    def test_capacity_limits_lots_by_what_a_setup_leaves(self) -> None:
        net = net_data(LotSizing("cap", [[9, 9, 9]], 1, 1, unit_time=2, setup_time=3, capacity=[11, 2, 99]))
        assert net.limit.tolist() == [[4, 0, 9]]
        assert net.is_capped.tolist() == [[True, True, False]]

    def test_items_that_take_no_time_have_lots_without_limit_where_a_setup_fits(self) -> None:
        net = net_data(LotSizing("free", [[9, 9]], 1, 1, unit_time=0, setup_time=3, capacity=[2, 3]))
        assert net.limit.tolist() == [[0, 9]]

    def test_backlogging_lets_a_lot_serve_everything(self) -> None:
        assert net_data(LotSizing("late", [[3, 4, 5]], 9, 1, backlog_cost=1)).limit.tolist() == [[12, 12, 12]]


class TestShortage:
    def test_it_names_the_first_period_that_is_short(self) -> None:
        instance = LotSizing("short", [[3, 3, 8], [0, 3, 0]], 1, 1, setup_time=1, capacity=[5, 6, 4])
        # by period 1: 6 + 3 units and two setups = 11, and 11 there are; by period 2: 17 + 2 = 19 > 15
        text = shortage(net_data(instance))
        assert "by period 2" in text
        assert "need 19, periods 0 to 2 have 15" in text
        for method in ("mip-standard", "mip-facility-location", "fix-and-optimise", "relax-and-fix", "left-shift"):
            result = ct.solve(instance, method, time_limit=5, threads=1)
            assert (result.termination, result.solution) == (Termination.INFEASIBLE, None)
            assert text in result.message

    def test_just_enough_is_not_short(self) -> None:
        instance = LotSizing("enough", [[3, 3, 4], [0, 3, 0]], 1, 1, setup_time=1, capacity=[5, 6, 4])
        assert shortage(net_data(instance)) == ""

    def test_one_item_that_cannot_be_set_up_in_time(self) -> None:
        """There is time for the setup over the two periods, but not in either."""
        instance = LotSizing("alone", [[0, 1], [1, 0]], 1, 1, setup_time=[3, 0], capacity=[3, 2])
        assert shortage(net_data(replace(instance, capacity=[4, 2]))) == ""
        instance = replace(instance, demand=[[0, 1], [0, 0]], capacity=[2, 2])
        assert shortage(net_data(instance)) == (
            "capacity is short for item 0 by period 1: 1 are due, and even alone it cannot make more than 0"
        )

    def test_with_backlogging_only_the_end_counts(self) -> None:
        late = LotSizing("late", [[9, 1]], 1, 1, backlog_cost=1, capacity=[4, 6])
        assert shortage(net_data(late)) == ""
        assert "by period 1" in shortage(net_data(LotSizing("late", [[9, 2]], 1, 1, backlog_cost=1, capacity=[4, 6])))

    def test_highs_proves_what_no_sum_shows(self) -> None:
        """Two items due in one period of room 10, one setup of 4 each: 2 + 2 + 8 > 10 there, and none fits before."""
        instance = LotSizing("knot", [[0, 2], [0, 2]], 1, 1, setup_time=4, capacity=[3, 10])
        assert shortage(net_data(instance)) == ""
        for method in ("mip-standard", "mip-facility-location", "mip-ls-cuts", "mip-pyomo", "fix-and-optimise"):
            result = ct.solve(instance, method, time_limit=5, threads=1)
            assert result.termination is Termination.INFEASIBLE, method
            assert "HiGHS proves" in result.message


class TestBounds:
    def test_relaxations_of_the_textbook_item(self) -> None:
        """Facility location is tight for one item: 24. Standard: y = x / M with M 12, 9, 5 and no stock."""
        net = net_data(TEXTBOOK)
        assert relaxation(FacilityLocationModel(net).model) == pytest.approx(24)
        assert relaxation(StandardModel(net).model) == pytest.approx(10 * (3 / 12 + 4 / 9 + 1))
        tight = TightModel(net, Budget().start())
        assert tight.root_bound == pytest.approx(24)
        assert relaxation(tight.model) == pytest.approx(24)

    def test_subset_inequalities_bring_the_facility_location_bound(self) -> None:
        """On twenty random instances, to 1e-6; the cuts kept carry the bound."""
        above = 0
        for seed, (items, between) in zip(range(20), product((2, 4, 7, 10), (1.0, 2.0, 3.0, 4.0, 5.0)), strict=True):
            instance = trigeiro(
                items=items, periods=10, seed=seed, time_between_orders=between, utilisation=0.7, setup_time_share=0.1
            )
            net = net_data(replace(instance, initial_stock=150))  # without it the first periods may be too short
            tight = TightModel(net, Budget().start())
            bound = relaxation(FacilityLocationModel(net).model)
            assert tight.root_bound == pytest.approx(bound, rel=1e-6)
            assert relaxation(tight.model) == pytest.approx(bound, rel=1e-6)
            above += bound > 1.05 * relaxation(StandardModel(net).model)
        assert above >= 10

    def test_subset_inequalities_hold_for_every_plan(self) -> None:
        rng = np.random.default_rng(5)
        instance = LotSizing("valid", rng.integers(0, 9, (3, 6)), 20, 1, capacity=40)
        net = net_data(instance)
        tight = TightModel(net, Budget().start())
        assert tight.rounds > 1
        assert tight.model.num_rows > StandardModel(net).model.num_rows
        for _ in range(50):
            plan = lots_for(net, rng.random((3, 6)) < 0.7)
            if plan is not None:
                assert tight.model.violation(tight.values_of(plan)) < 1e-6

    def test_interval_inequalities_with_backlogging_help_and_hold(self) -> None:
        rng = np.random.default_rng(6)
        instance = LotSizing("late", rng.integers(0, 9, (2, 6)), 20, 1, backlog_cost=3)
        net = net_data(instance)
        tight = TightModel(net, Budget().start())
        strongest = relaxation(FacilityLocationModel(net).model)
        assert relaxation(StandardModel(net).model) * 1.05 < tight.root_bound <= strongest + 1e-6
        for _ in range(50):
            plan = lots_for(net, rng.random((2, 6)) < 0.5)
            if plan is not None:
                assert tight.model.violation(tight.values_of(plan)) < 1e-6

    @needs_files
    @pytest.mark.parametrize(
        ("name", "standard", "facility_location"),
        [
            ("F1", 13_568.7, 40_238.6), ("F10", 10_115.5, 30_600.0), ("G53", 24_738.5, 73_848.0),
            ("G57", 43_021.4, 136_365.7),
        ],
    )  # fmt: skip
    def test_relaxations_of_public_instances(self, name: str, standard: float, facility_location: float) -> None:
        """The reference's section 2.4, to 0.1; the column of (l,S) bounds of Belvaux and Wolsey (2000)."""
        net = net_data(load_instance(TRIGEIRO / f"{name}.DAT"))
        assert relaxation(StandardModel(net).model) == pytest.approx(standard, abs=0.1)
        assert relaxation(FacilityLocationModel(net).model) == pytest.approx(facility_location, abs=0.1)
        assert TightModel(net, Budget().start()).root_bound == pytest.approx(facility_location, abs=0.1)


class TestPlans:
    def test_left_shifting_by_hand(self) -> None:
        """Period 2 needs 7 + 1, has 5: item 0 moves 3 at 2 each, or item 1 its lot of 2 and the setup, at 1 each."""
        instance = LotSizing("shift", [[2, 2, 4], [2, 2, 2]], 5, [2, 1], setup_time=1, capacity=[12, 7, 5])
        plan = left_shift(net_data(instance))
        assert plan.lots.tolist() == [[2, 2, 4], [3, 3, 0]]
        assert check(instance, plan).is_feasible

    def test_best_lots_for_setups(self) -> None:
        net = net_data(TEXTBOOK)
        plan = lots_for(net, np.array([[True, False, True]]))
        assert plan.lots.tolist() == [[7, 0, 5]]
        assert lots_for(net, np.array([[False, True, True]])) is None
        dropped = lots_for(net, np.array([[True, True, True]]))
        assert dropped.lots.tolist() == [[3, 4, 5]]

    def test_a_lot_whose_setup_rounds_to_none_is_planned_afresh(self) -> None:
        net = net_data(TEXTBOOK)
        plan = settle(net, ProductionPlan([[6.9, 0.1, 5]], [[True, False, True]]))
        assert plan.lots.tolist() == [[7, 0, 5]]
        assert settle(net, ProductionPlan([[2, 0, 5]], [[False, True, True]])) is None

    def test_noise_is_dropped(self) -> None:
        plan = settle(net_data(TEXTBOOK), ProductionPlan([[7 + 1e-9, 1e-12, 5 - 1e-9]], [[True, True, True]]))
        assert plan.lots.tolist() == [[7, 0, 5]]
        assert plan.setups.tolist() == [[True, False, True]]

    def test_what_a_tolerance_left_out_is_made(self) -> None:
        """A thousandth of a millionth short of 1e9 leaves out most of 0.5: made with the last lot in time."""
        wide = LotSizing("wide", [[1e9, 0.5, 4]], setup_cost=1, holding_cost=1)
        plan = settle(net_data(wide), ProductionPlan([[1e9 - 1e-2, 0, 4]], [[True, False, True]]))
        assert plan.lots.tolist() == [[1e9 + 0.5, 0, 4]]
        surplus = settle(net_data(wide), ProductionPlan([[1e9 + 7, 0, 4]], [[True, False, True]]))
        assert surplus.lots.tolist() == [[1e9 + 4.5, 0, 0]]
        late = replace(wide, backlog_cost=1)
        plan = settle(net_data(late), ProductionPlan([[0, 1e9 - 1e-2, 4]], [[False, True, True]]))
        assert plan.lots.sum() == 1e9 + 4.5

    @pytest.mark.parametrize("unit", [1e-3, 1.0, 1e4])
    def test_demands_of_very_different_size_are_all_met(self, unit: float) -> None:
        """1e7 beside 3 and 5: keep 8 for the price of a setup of 100, or make them anew; the shares decide alike."""
        demand = np.array([[1e7, 3, 5], [2, 1e7, 4]]) * unit
        instance = LotSizing("wide", demand, 100, 1 / unit, setup_time=2 * unit, capacity=2.5e7 * unit)
        for method in ("mip-standard", "mip-facility-location", "mip-ls-cuts", "mip-pyomo", "fix-and-optimise"):
            result = ct.solve(instance, method, time_limit=20, threads=1)
            # item 0: all in period 0, 3 + 5 x 2 = 13; item 1: two lots for 2 and 1e7, and 4 kept a period
            assert result.objective == pytest.approx(100 + 13 + 200 + 4), method

    def test_fractional_unit_times_are_not_rounded_away(self) -> None:
        """Period 1 needs 5 x 0.3 + 1 = 2.5, has 2.4: a tenth of a unit of item 1 is made before, at 2 a unit."""
        instance = LotSizing("thirds", [[5, 5], [1, 1]], 1, [1, 2], unit_time=[0.3, 1.0], capacity=[3.1, 2.4])
        for method in ("mip-standard", "mip-facility-location", "mip-ls-cuts", "mip-pyomo"):
            result = ct.solve(instance, method, threads=1)
            assert result.objective == pytest.approx(4 + 0.2), method


class TestWholeNumbers:
    def test_what_makes_the_optimum_whole(self) -> None:
        base = {"demand": [[3, 4]], "setup_cost": 5, "holding_cost": 1}
        assert has_whole_optimum(LotSizing("a", **base))
        assert has_whole_optimum(LotSizing("a", **base, unit_time=0.5, setup_time=1, capacity=5.5))
        for broken in (
            {"capacity": 5.5}, {"unit_cost": 0.5}, {"initial_stock": 0.5}, {"setup_time": 0.5, "capacity": 9},
            {"backlog_cost": 0.5}, {"unit_time": 0, "capacity": 9},
        ):  # fmt: skip
            assert not has_whole_optimum(LotSizing("a", **base, **broken)), broken
        two = LotSizing("b", [[3, 4], [1, 2]], 5, 1, unit_time=[1, 2], capacity=9)
        assert not has_whole_optimum(two)

    def test_only_then_is_a_bound_rounded_up(self) -> None:
        seen = []
        whole = Held(net_data(TEXTBOOK), lambda plan=None, *, bound=None: seen.append(bound))
        whole.raise_bound(22.1)
        whole.raise_bound(22.9)
        whole.raise_bound(23.0000001)
        assert (whole.bound, seen) == (23, [23])
        half = Held(net_data(replace(TEXTBOOK, unit_cost=0.5)), lambda plan=None, *, bound=None: None)
        half.raise_bound(22.1)
        assert half.bound == 22.1

    @pytest.mark.parametrize("value", [12.0, 5_000.0, 99_999.0, 400_000.0, 999_000.0, 3e6])
    def test_a_gap_that_is_enough_is_a_proof(self, value: float) -> None:
        held = Held(net_data(TEXTBOOK), lambda plan=None, *, bound=None: None)
        held.plan, held.value = left_shift(held.net), value
        held.raise_bound(value * (1 - held.enough(0.0)))
        assert held.is_proved


def priced_optimum(instance: LotSizing, price, forced: tuple[int, int, int] | None = None) -> float:
    """Items apart, capacity priced: the facility-location model, with one share forced if asked for."""
    shape = FacilityLocationModel(net_data(replace(instance, capacity=None)))
    cost = shape.model.cost.copy()
    cost[shape.setups] += instance.setup_time[:, None] * price
    cost[shape.shares] += instance.unit_time[shape.item] * shape.amount * price[shape.made]
    lower = shape.model.col_lower.copy()
    if forced is not None:
        lower[shape.shares[(shape.item == forced[0]) & (shape.made == forced[1]) & (shape.due == forced[2])]] = 1.0
    return solve_model(replace(shape.model, cost=cost, col_lower=lower)).objective


def consecutive_optimum(instance: LotSizing, price, item: int, forced: tuple[int, int] | None = None) -> float:
    """The same of one item by all plans whose lots serve consecutive periods, their own among them."""
    demand, periods = instance.demand[item], instance.num_periods
    setup = instance.setup_cost[item] + price * instance.setup_time[item]
    unit = instance.unit_cost[item] + price * instance.unit_time[item]
    held, late = instance.holding_cost[item], instance.backlog_cost

    def lot(s: int, first: int, end: int) -> float:
        wait = [held[s:t].sum() if t >= s else late[item, t:s].sum() for t in range(first, end)]
        return setup[s] + float((unit[s] + np.array(wait)) @ demand[first:end])

    def least(first: int) -> float:
        found = 0.0 if first == periods else np.inf
        if first < periods and demand[first] == 0:
            found = least(first + 1)
        for end in range(first + 1, periods + 1):
            for s in range(first, end if late is not None else first + 1):
                if forced is None or not first <= forced[1] < end or s == forced[0]:
                    found = min(found, lot(s, first, end) + least(end))
        return found

    return least(0)


class TestPrices:
    @pytest.mark.parametrize("seed", range(6))
    def test_the_bound_comes_near_the_relaxation_and_never_above(self, seed: int) -> None:
        instance = trigeiro(items=6, periods=10, seed=seed, time_between_orders=2 + seed % 3, utilisation=0.8,
                            backlog_factor=3.0 if seed % 2 else None)  # fmt: skip
        net = net_data(replace(instance, initial_stock=150))
        best = relaxation(FacilityLocationModel(net).model)
        bound = capacity_prices(net).bound
        assert best * (1 - 2e-3) < bound <= best * (1 + 1e-9)

    @pytest.mark.parametrize("late", [False, True])
    def test_regrets_are_what_a_forced_share_costs(self, late: bool) -> None:
        """In plans whose lots serve consecutive periods; of all plans some cost less."""
        rng = np.random.default_rng(3)
        demand = rng.integers(0, 9, (2, 5)) * (rng.random((2, 5)) < 0.8)
        instance = LotSizing(
            "regret", demand, rng.integers(1, 30, (2, 5)), rng.integers(0, 4, (2, 5)), rng.integers(0, 3, (2, 5)),
            rng.integers(0, 4, (2, 5)) if late else None, unit_time=[1, 2], setup_time=[2, 1], capacity=25,
        )  # fmt: skip
        prices = capacity_prices(net_data(instance))
        least = priced_optimum(instance, prices.price)
        assert prices.bound == pytest.approx(least - prices.price @ instance.capacity)
        seen = 0
        for i, s, t in zip(*np.nonzero(np.isfinite(prices.regret)), strict=True):
            forced = consecutive_optimum(instance, prices.price, i, (s, t))
            best = consecutive_optimum(instance, prices.price, i)
            assert prices.regret[i, s, t] == pytest.approx(forced - best, abs=1e-6), (i, s, t)
            assert prices.regret[i, s, t] >= priced_optimum(instance, prices.price, (i, s, t)) - least - 1e-6
            seen += 1
        periods = np.arange(5)
        may = np.ones((5, 5), bool) if late else periods[:, None] <= periods
        assert seen == (may & (demand > 0)[:, None, :]).sum()


class TestWindows:
    NET = net_data(replace(trigeiro(items=6, periods=10, seed=2, utilisation=0.8), initial_stock=150))

    def test_the_core_holds_the_relaxation(self) -> None:
        windows = Windows(self.NET, capacity_prices(self.NET))
        found = windows.relaxation(overtime_price(self.NET), 30.0)
        assert found.overtime == 0
        assert found.result.objective == pytest.approx(relaxation(FacilityLocationModel(self.NET).model), rel=1e-3)
        assert windows.core.sum() < 0.5 * np.isfinite(windows.prices.regret).sum()

    def test_a_core_in_which_lots_are_too_small_is_widened(self) -> None:
        """No lot makes 8, and all that is cheap comes from two lots of 7.5 at most: seven methods held no optimum."""
        instance = LotSizing(
            "tight", [[8, 4, 1, 4]], 17, 1, unit_cost=[[0, 3, 3, 1]], unit_time=2, setup_time=2, backlog_cost=0,
            capacity=[17, 17, 17, 6],
        )  # fmt: skip
        net = net_data(instance)
        assert Windows(net, capacity_prices(net)).relaxation(overtime_price(net), 30.0).setups is not None
        for method in ("mip-standard", "mip-facility-location", "fix-and-optimise", "lp-rounding"):
            found = ct.solve(instance, method, time_limit=10, threads=1)
            assert found.termination in (Termination.OPTIMAL, Termination.COMPLETED), method
        assert found.objective < 94  # what left-shifting costs

    def test_a_program_changes_free_setups_only_and_never_for_the_worse(self) -> None:
        windows = Windows(self.NET, capacity_prices(self.NET))
        plan = left_shift(self.NET)
        free = np.zeros(plan.setups.shape, bool)
        free[:2, 3:8] = True
        found = windows.program(
            plan.setups, free, start=plan, overtime_price=None, time_limit_s=30, threads=1, seed=0, gap=0,
            max_nodes=1000,
        )  # fmt: skip
        assert (found.plan.setups == plan.setups)[~free].all()
        verdict = check(self.NET.instance, found.plan)
        assert verdict.is_feasible
        assert verdict.objective == pytest.approx(found.result.objective)
        assert verdict.objective < check(self.NET.instance, plan).objective


class TestRuns:
    SMALL = trigeiro(items=4, periods=6, seed=1, time_between_orders=3, utilisation=0.85)
    CASE = trigeiro(items=6, periods=8, seed=3, time_between_orders=3, utilisation=0.85)

    def test_a_seed_repeats_the_run_and_improvements_are_reported(self) -> None:
        first, again, other = (
            ct.solve(self.CASE, "fix-and-optimise", iterations=4, threads=1, seed=s, options={"window": 12})
            for s in (1, 1, 2)
        )
        assert first.solution == again.solution
        assert [(p.objective, p.bound) for p in first.trace] == [(p.objective, p.bound) for p in again.trace]
        assert len({p.objective for p in first.trace if p.objective is not None}) >= 2
        assert first.termination is Termination.ITERATIONS
        assert other.objective is not None

    @pytest.mark.parametrize("method", ["mip-facility-location", "mip-standard", "mip-ls-cuts", "fix-and-optimise"])
    def test_no_time_leaves_the_first_plan(self, method: str) -> None:
        result = ct.solve(self.CASE, method, time_limit=0, threads=1)
        assert result.termination is Termination.TIME, result.message
        assert result.objective == check(self.CASE, left_shift(net_data(self.CASE))).objective

    @pytest.mark.parametrize("method", ["relax-and-fix", "lp-rounding"])
    @pytest.mark.parametrize("limit", [0, 1e-3, 0.02])
    def test_heuristics_out_of_time_give_the_plan_there_is(self, method: str, limit: float) -> None:
        result = ct.solve(self.CASE, method, time_limit=limit, threads=1)
        assert result.solution is not None, result.message
        assert check(self.CASE, result.solution).is_feasible

    def test_without_a_capacity_nothing_is_searched(self) -> None:
        free = replace(self.CASE, capacity=None)
        result = ct.solve(free, "fix-and-optimise", threads=1)
        assert result.termination is Termination.OPTIMAL
        assert result.objective == pytest.approx(ct.solve(free, "wagner-whitin").objective)

    def test_target_and_gap_end_a_run(self) -> None:
        first = check(self.CASE, left_shift(net_data(self.CASE))).objective
        reached = ct.solve(self.CASE, "mip-facility-location", target=first, threads=1)
        assert reached.termination is Termination.TARGET
        close = ct.solve(self.CASE, "mip-standard", gap=0.05, threads=1)
        assert close.termination is Termination.GAP
        assert close.gap <= 0.05

    @pytest.mark.parametrize("method", ["mip-facility-location", "mip-ls-cuts", "fix-and-optimise", "relax-and-fix"])
    def test_ctrl_c_keeps_the_best(self, method: str) -> None:
        import signal

        raised: list[int] = []

        def interrupt(solution, objective, bound) -> None:
            if solution is not None and not raised:  # a second one is meant to end the process
                raised.append(signal.SIGINT)
                signal.raise_signal(signal.SIGINT)

        result = ct.solve(self.CASE, method, time_limit=30, threads=1, on_incumbent=interrupt)
        assert result.termination is Termination.INTERRUPTED
        assert check(self.CASE, result.solution).is_feasible

    def test_without_a_start_the_models_find_their_own_way(self) -> None:
        values = {
            ct.solve(self.SMALL, method, threads=1, options={"start_share": 0}).objective
            for method in ("mip-facility-location", "mip-standard", "mip-ls-cuts", "mip-pyomo")
        }
        assert len(values) == 1
        assert values.pop() == ct.solve(self.SMALL, "mip-facility-location", threads=1).objective

    def test_heuristics_are_ordered_as_expected(self) -> None:
        """On one instance: the relaxation is used better by search than by rounding, and both beat shifting."""
        loose = replace(self.SMALL, capacity=self.SMALL.capacity * 1.15)
        worth = {
            method: ct.solve(loose, method, time_limit=20, threads=1).objective
            for method in ("left-shift", "lp-rounding", "relax-and-fix", "mip-facility-location")
        }
        assert worth["mip-facility-location"] <= worth["relax-and-fix"] < worth["left-shift"]
        assert worth["mip-facility-location"] <= worth["lp-rounding"] < worth["left-shift"]

    def test_options_are_checked(self) -> None:
        for method, options in (
            ("mip-standard", {"start_share": 1.0}), ("mip-standard", {"start_share": float("nan")}),
            ("fix-and-optimise", {"window": 0}), ("relax-and-fix", {"whole": 2, "step": 3}),
            ("relax-and-fix", {"max_nodes": 0}), ("relax-and-fix", {"gap": -1.0}),
        ):  # fmt: skip
            with pytest.raises(OptionError):
                ct.solve(TEXTBOOK, method, options=options)

    def test_too_large_for_shares_is_said_and_other_models_go_on(self, monkeypatch) -> None:
        monkeypatch.setattr(lot_sizing_facility_location, "MAX_SHARES", 100)
        with pytest.raises(UnsupportedError, match="mip-standard"):
            FacilityLocationModel(net_data(self.CASE))
        with pytest.raises(UnsupportedError, match="use wagner-whitin"):
            FacilityLocationModel(net_data(replace(self.CASE, capacity=None)))
        assert "the standard one" in ct.solve(self.CASE, "mip-facility-location", time_limit=5, threads=1).message
        assert ct.solve(self.CASE, "mip-standard", time_limit=5, gap=0.5, threads=1).solution is not None

    def test_too_large_for_separation_is_said(self, monkeypatch) -> None:
        monkeypatch.setattr(lot_sizing_ls_cuts, "MAX_SUMS", 100)
        with pytest.raises(UnsupportedError, match="mip-standard"):
            TightModel(net_data(self.CASE), Budget().start())
        with pytest.raises(UnsupportedError, match="wagner-whitin"):
            TightModel(net_data(replace(self.CASE, capacity=None)), Budget().start())


def test_pyomo_itself_solves_what_build_pyomo_writes(tmp_path) -> None:
    """Readers may use Pyomo's own interface to HiGHS, and export."""
    instance = LotSizing("py", [[3, 4, 5]], 10, 1, backlog_cost=2, initial_stock=1, capacity=6)
    best = ct.solve(instance, "mip-facility-location", threads=1).objective
    model = build_pyomo(instance)
    pyo.SolverFactory("appsi_highs").solve(model)
    assert pyo.value(model.objective) == pytest.approx(best)
    model.write(str(tmp_path / "plan.lp"), io_options={"symbolic_solver_labels": True})
    assert "capacity" in (tmp_path / "plan.lp").read_text()


@needs_files
@pytest.mark.slow
@pytest.mark.parametrize(("name", "optimum"), [("F1", 40_854), ("F10", 31_208)])
def test_small_public_instances_are_proved(name: str, optimum: int) -> None:
    result = ct.solve(TRIGEIRO / f"{name}.DAT", "mip-facility-location", time_limit=300, threads=1)
    assert (result.objective, result.bound) == (optimum, optimum)


def test_the_default_falls_back_where_its_model_would_be_too_large() -> None:
    long = ct.generate("lot-sizing", generator="single-item", periods=3000, seed=1)
    found = ct.solve(long, time_limit=20)
    assert found.objective == pytest.approx(ct.solve(long, "wagner-whitin").objective)
    assert found.termination == "optimal"
    assert "Wagner-Whitin" in found.message
    wide = ct.generate("lot-sizing", items=40, periods=320, seed=1, utilisation=0.5)
    found = ct.solve(wide, time_limit=4, threads=1)
    assert "standard" in found.message
    assert found.termination != "error"
