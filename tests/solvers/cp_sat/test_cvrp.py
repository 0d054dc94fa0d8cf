"""The cuts of the CP-SAT model of vehicle routing hold for all routes, and prove what is not proved without them."""

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.datasets.generators import cvrp as generator
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.solvers.cp_sat import cvrp
from counterpoint.solvers.cp_sat.cvrp import CUTS, MOST_CUT, _crowded
from counterpoint.solvers.rules.cvrp import savings
from counterpoint.solvers.rules.cvrp_closed import closed


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("is_under_way", [False, True])
def test_as_many_vehicles_get_into_a_set_as_its_cut_says(seed, is_under_way):
    """In the routes of savings, and in random ones; a vehicle under way, with less room, is one of them."""
    instance = generator.uniform(customers=18, seed=seed, capacity=20)
    if is_under_way:
        instance = Cvrp("x", instance.places, instance.demand, 20, origin=4, load=7)
    plain, random = closed(instance), np.random.default_rng(seed)
    sets = _crowded(plain)
    assert 0 < len(sets) <= CUTS * 18
    routes = savings(plain)
    for _ in range(20):
        for inside, vehicles in sets:
            assert plain.origin not in inside
            assert vehicles == -(-int(plain.demand[list(inside)].sum()) // plain.capacity) > 1
            entered = sum(b in inside and a not in inside for r in routes for a, b in zip([0, *r], r, strict=False))
            assert entered >= vehicles
        first = [plain.origin] if plain.origin else []
        routes, load = [first], int(plain.demand[plain.origin]) if plain.origin else 0
        for c in random.permutation([c for c in range(1, plain.num_places) if c != plain.origin]).tolist():
            if load + plain.demand[c] > plain.capacity:
                routes, load = [*routes, []], 0
            routes[-1].append(c)
            load += int(plain.demand[c])
        routes = [r for r in routes if r]


def test_no_cuts_where_there_are_many_customers():
    assert _crowded(closed(generator.uniform(customers=MOST_CUT + 1, seed=0))) == []


def test_cuts_raise_the_bound(monkeypatch):
    """Of the same conflicts."""
    case = generator.uniform(customers=10, seed=1, capacity=25)
    with_cuts = ct.solve(case, "cp-sat", iterations=100, threads=1)
    monkeypatch.setattr(cvrp, "CUTS", 0)
    without = ct.solve(case, "cp-sat", iterations=100, threads=1)
    assert with_cuts.bound > 1.1 * without.bound
