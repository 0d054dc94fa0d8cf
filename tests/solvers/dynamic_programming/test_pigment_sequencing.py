"""Dynamic programming under a Lagrangian bound: its relaxation, its states, and what it proves."""

import functools
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.datasets.registry import best_known
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing
from counterpoint.opt.problems.pigment_sequencing_check import check
from counterpoint.solvers.dynamic_programming.pigment_sequencing import Options
from counterpoint.solvers.dynamic_programming.pigment_sequencing_layers import packing_of
from counterpoint.solvers.dynamic_programming.pigment_sequencing_pass import sweep
from counterpoint.solvers.dynamic_programming.pigment_sequencing_prices import (
    Priced,
    evaluate,
    raise_bound,
    rounded_up,
)
from counterpoint.solvers.dynamic_programming.pigment_sequencing_relaxation import orders_of


def small(seed):
    rng = np.random.default_rng(seed)
    return uniform(items=int(rng.integers(1, 5)), periods=int(rng.integers(1, 10)), seed=seed,
                   utilisation=float(rng.uniform(0.2, 1)), stocking_min=0, stocking_max=12, changeover_min=0,
                   changeover_max=40)  # fmt: skip


def optimum(case):
    return ct.solve(case, "exhaustive").objective


def priced(case, prices, forget):
    orders = orders_of(case)
    table = np.empty((case.num_periods + 1, orders.size, 1 if forget else len(orders.item)))
    visits = np.zeros(orders.size, np.int64)
    bound = evaluate(orders, prices, table, forget, visits)
    return orders, Priced(prices, bound, table, forget), visits


class TestNumbering:
    def test_by_hand(self):
        orders = orders_of(PigmentSequencing("x", [[0, 1, 0, 1], [0, 0, 1, 0]], 2, [[0, 5], [3, 0]]))
        assert orders.size == 3
        assert orders.item.tolist() == [0, 0, 1, 0, 1, -1]
        assert orders.due.tolist() == [1, 3, 2, -1, -1, -1]
        assert orders.rank.tolist() == [0, 1, 0, 2, 1, 0]
        assert orders.first.tolist() == [0, 2, 3]

    def test_counts_are_packed_without_overlap(self):
        case = uniform(items=30, periods=300, utilisation=1, seed=1)
        packing = packing_of(orders_of(case))
        assert packing.num_words >= 2
        for word in range(packing.num_words):
            masks = [int(m) << int(s) for m, s, w in zip(packing.mask, packing.shift, packing.word, strict=True)
                     if w == word]  # fmt: skip
            assert sum(masks) < 2**63
            assert all(a & b == 0 for a, b in itertools.combinations(masks, 2))
        assert (packing.mask >= np.bincount(orders_of(case).item[: case.num_orders])).all()


class TestRelaxation:
    @pytest.mark.parametrize("forget", [True, False])
    @settings(max_examples=40, deadline=None)
    @given(seed=st.integers(0, 10**6))
    def test_any_prices_give_a_bound(self, forget, seed):
        case = small(seed)
        prices = np.random.default_rng(seed).normal(20, 30, case.num_orders)
        assert priced(case, prices, forget)[1].bound <= optimum(case) + 1e-6

    @pytest.mark.parametrize("forget", [True, False])
    def test_the_visits_are_those_of_the_cheapest_plan(self, forget):
        """The bound is the least of functions linear in the prices, with slopes 1 - visits."""
        rng = np.random.default_rng(3)
        for seed in range(25):
            case = small(seed)
            prices = rng.uniform(0, 60, case.num_orders)
            _, at, visits = priced(case, prices, forget)
            other = prices + rng.normal(0, 10, case.num_orders)
            assert priced(case, other, forget)[1].bound <= at.bound + (1 - visits) @ (other - prices) + 1e-6

    def test_the_memory_never_weakens_the_bound(self):
        rng = np.random.default_rng(4)
        stronger = 0
        for seed in range(60):
            case = small(seed)
            prices = rng.uniform(0, 60, case.num_orders)
            without, with_memory = (priced(case, prices, forget)[1].bound for forget in (True, False))
            assert with_memory >= without - 1e-6
            stronger += with_memory > without + 1e-6
        assert stronger > 5

    @pytest.mark.parametrize("forget", [True, False])
    def test_the_table_against_a_slow_twin(self, forget):
        for seed in range(12):
            case = small(seed)
            prices = np.random.default_rng(seed).uniform(0, 60, case.num_orders)
            orders, at, _ = priced(case, prices, forget)
            twin = slow_table(case, orders, prices, forget)
            for t, o, e in np.ndindex(at.table.shape):
                memory = -1 if forget else e
                assert at.table[t, o, e] == pytest.approx(twin(t, o, memory)), (case, t, o, e)


def slow_table(case, orders, prices, forget):
    """Cost to go by plain recursion over the choices of the period before."""

    @functools.cache
    def value(t, o, memory):
        if t == 0:
            return 0.0
        at, i, best = t - 1, orders.item[o], value(t - 1, o, memory)
        for new in range(orders.size):
            j = orders.item[new]
            if not orders.due[new] >= at >= orders.rank[new]:
                continue
            if j == i and orders.rank[new] != orders.rank[o] - 1:
                continue
            if not forget and j != i and orders.item[memory] == j and orders.rank[new] != orders.rank[memory] - 1:
                continue
            paid = case.stocking_cost[j] * (orders.due[new] - at) + case.changeover_cost[j, i] - prices[new]
            best = min(best, paid + value(at, new, -1 if forget else (memory if j == i else o)))
        return best

    return value


class TestPass:
    @pytest.mark.parametrize("forget", [True, False])
    @settings(max_examples=40, deadline=None)
    @given(seed=st.integers(0, 10**6))
    def test_with_room_for_all_it_is_exact_and_without_it_still_bounds(self, forget, seed):
        case = small(seed)
        best = optimum(case)
        prices = np.random.default_rng(seed).uniform(0, 30, case.num_orders)
        orders, at, _ = priced(case, prices, forget)
        packing, upper = packing_of(orders), 10**6
        for width in (1, 2, 5, 10**6):
            found = sweep(orders, packing, at, width, upper, lambda: False)
            assert found.bound <= best <= found.cost
            if found.sequence is not None:
                verdict = check(case, found.sequence)
                assert verdict.is_feasible
                assert verdict.objective == found.cost < upper
            upper = found.cost
        assert found.bound == found.cost == best

    @pytest.mark.parametrize("forget", [True, False])
    def test_nothing_is_found_below_the_optimum(self, forget):
        """The relaxed cost of what is left may be below zero when nothing is left: found by the test above."""
        for seed in [*range(60), 1074, 2400, 53512]:
            case = small(seed)
            prices = np.random.default_rng(seed).uniform(0, 30, case.num_orders)
            orders, at, _ = priced(case, prices, forget)
            best = round(optimum(case))
            found = sweep(orders, packing_of(orders), at, 10**6, best, lambda: False)
            assert (found.sequence, found.cost, found.bound) == (None, best, best)

    def test_a_stop_proves_nothing(self):
        orders, at, _ = priced(small(7), np.zeros(small(7).num_orders), True)
        found = sweep(orders, packing_of(orders), at, 10, 10**6, lambda: True)
        assert (found.sequence, found.is_whole, found.bound) == (None, False, -np.inf)


class TestPrices:
    def test_bounds_rise_and_are_those_of_the_prices(self):
        case = ct.benchmark("pigment20c")
        orders = orders_of(case)
        seen = []

        def stop(bound):
            seen.append(bound)
            return len(seen) >= 40

        found = raise_bound(orders, np.full(orders.size, 100.0), True, 2400.0, stop)
        assert seen == sorted(seen)
        assert found.bound == pytest.approx(seen[-1]) == priced(case, found.prices, True)[1].bound
        assert 2000 < found.bound <= 2182 + 1e-6

    @pytest.mark.parametrize(("bound", "proved"), [(3.0, 3), (3.0000001, 3), (3.01, 4), (2.9999999, 3), (-0.5, 0)])
    def test_bounds_are_rounded_up_but_for_rounding_errors(self, bound, proved):
        assert rounded_up(bound) == proved


class TestSolve:
    @pytest.mark.parametrize("name", [n for n in ct.benchmarks(problem="pigment-sequencing") if "psp" not in n])
    def test_small_public_instances_are_proved(self, name):
        result = ct.solve(ct.benchmark(name), time_limit=60)
        assert result.method == "dp-lagrangian"
        assert result.solution_status is ct.SolutionStatus.OPTIMAL
        assert result.objective == best_known(ct.benchmark(name)).upper_bound

    def test_a_large_one_is_proved(self):
        result = ct.solve(ct.benchmark("psp-100-4"), "dp-lagrangian", iterations=4000)
        assert (result.objective, result.bound) == (8999, 8999)

    @pytest.mark.slow
    @pytest.mark.parametrize(("name", "value"), [("psp-100-1", 10088), ("psp-100-2", 10347), ("psp-100-3", 10340),
                                                 ("psp-150-3", 14457), ("psp-200-2", 16127)])  # fmt: skip
    def test_large_ones_are_proved(self, name, value):
        result = ct.solve(ct.benchmark(name), "dp-lagrangian", time_limit=300)
        assert (result.objective, result.bound) == (value, value)

    def test_the_same_iterations_give_the_same_run(self):
        case = uniform(items=8, periods=60, seed=5, utilisation=1.0)
        one, two = (ct.solve(case, "dp-lagrangian", iterations=500, seed=s) for s in (0, 1))
        assert (one.objective, one.bound, one.solution) == (two.objective, two.bound, two.solution)
        assert one.iterations == 501  # the pricing and the pass after it each look once more
        assert one.termination is ct.Termination.ITERATIONS

    def test_costs_of_zero_and_large_costs(self):
        free = uniform(items=3, periods=8, stocking_min=0, stocking_max=0, changeover_min=0, changeover_max=0)
        assert ct.solve(free, "dp-lagrangian").objective == 0
        scale = 10**9
        case = small(11)
        large = PigmentSequencing("large", case.orders, case.stocking_cost * scale, case.changeover_cost * scale)
        result = ct.solve(large, "dp-lagrangian")
        assert result.solution_status is ct.SolutionStatus.OPTIMAL
        assert result.objective == optimum(case) * scale

    def test_a_width_below_one_is_refused(self):
        with pytest.raises(OptionError, match="width"):
            Options(width=0)
