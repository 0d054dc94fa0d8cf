"""What the registry says of each knapsack method is so, on small instances solved by enumeration."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import counterpoint as ct
from counterpoint.opt.problems.knapsack import Knapsack

METHODS = ct.methods("knapsack")


def enumerated(case):
    """Return the best value of all subsets."""
    chosen = (np.arange(2**case.num_items)[:, None] >> np.arange(case.num_items)) & 1
    return int((chosen @ case.value)[chosen @ case.weight <= case.capacity].max())


def by_capacity(case):
    """Return the optimum by Bellman's recursion over capacities."""
    best = np.zeros(case.capacity + 1, np.int64)
    for value, weight in zip(case.value.tolist(), case.weight.tolist(), strict=True):
        if weight <= case.capacity:
            best[weight:] = np.maximum(best[weight:], best[: case.capacity + 1 - weight] + value)
    return int(best[-1])


@pytest.fixture(scope="module")
def cases():
    """24 instances: free of weight, worthless, too heavy, none, all fit, nothing fits."""
    rng = np.random.default_rng(5)
    made = [
        Knapsack(f"k{k}", rng.integers(0, 30, 1 + k % 10), rng.integers(0, 20, 1 + k % 10), int(rng.integers(0, 60)))
        for k in range(20)
    ]
    made += [Knapsack("none", [5], [3], 0), Knapsack("all", [5, 6], [3, 4], 7), Knapsack("zero", [0, 0], [0, 5], 4)]
    made.append(Knapsack("large", [2**50, 2**50 - 1, 3], [2**50, 2**50 - 1, 1], 2**51 - 1))
    return [(case, enumerated(case)) for case in made]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_the_registry_tells_the_truth(method, cases):
    for case, optimum in cases:
        rounds = 2 if method.network else None  # or it goes on as long as there is time
        result = ct.solve(case, method.name, time_limit=20, iterations=rounds, threads=1)
        assert result.solution_status in (ct.SolutionStatus.FEASIBLE, ct.SolutionStatus.OPTIMAL), (case, result)
        assert result.objective <= optimum, case
        assert result.bound is None or result.bound >= optimum, case
        if method.is_exact:
            assert result.solution_status is ct.SolutionStatus.OPTIMAL, (case, result)
            assert result.objective == optimum, case


@pytest.mark.parametrize("kind", ["none", "weak", "strong", "inverse", "subset-sum", "even"])
def test_hard_kinds_of_items_are_solved_exactly(kind):
    rng = np.random.default_rng(11)
    for _ in range(5):
        weight = rng.integers(1, 200, 60)
        value = {
            "none": rng.integers(1, 200, 60),
            "weak": np.maximum(1, weight + rng.integers(-20, 21, 60)),
            "strong": weight + 20,
            "inverse": np.maximum(1, weight - 20),
            "subset-sum": weight,
            "even": 2 * weight + 11,
        }[kind]
        case = Knapsack(kind, value, 2 * weight if kind == "even" else weight, int(weight.sum() // 3))
        result = ct.solve(case, "dynamic-programming", time_limit=60)
        assert result.solution_status is ct.SolutionStatus.OPTIMAL
        assert result.objective == by_capacity(case)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 25)), min_size=1, max_size=25), st.integers(0, 200))
def test_the_core_agrees_with_the_recursion_over_capacities(items, capacity):
    value, weight = zip(*items, strict=True)
    case = Knapsack("drawn", value, weight, capacity)
    assert ct.solve(case, "dynamic-programming").objective == by_capacity(case)


def test_a_packing_and_a_bound_are_held_without_any_time():
    weight = np.random.default_rng(1).integers(1000, 10**6, 400)
    case = Knapsack("strong", weight + 100_000, weight, int(weight.sum() // 2))
    for limit in ({"time_limit": 0}, {"iterations": 3}):
        result = ct.solve(case, "dynamic-programming", **limit)
        assert result.termination in (ct.Termination.TIME, ct.Termination.ITERATIONS)
        assert 0 < result.objective <= result.bound
    target = int(result.objective) - 1
    assert ct.solve(case, "dynamic-programming", target=target).termination is ct.Termination.TARGET


def test_a_hundred_items_are_solved_at_once():
    rng = np.random.default_rng(2)
    for _ in range(20):
        case = Knapsack("kp100", rng.integers(1, 999, 100), rng.integers(1, 999, 100), 25_000)
        assert ct.solve(case, "dynamic-programming").objective == ct.solve(case, "or-tools-knapsack").objective
