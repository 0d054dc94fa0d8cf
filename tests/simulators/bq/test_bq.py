"""Properties of the quotient process, against the checkers, enumeration and the direct process."""

import math
from itertools import combinations, permutations

import numpy as np
import pytest

from counterpoint.opt.problems import cvrp, knapsack, orienteering, tsp
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour, Tsp
from counterpoint.simulators.bq import cvrp as bq_cvrp
from counterpoint.simulators.bq import knapsack as bq_knapsack
from counterpoint.simulators.bq import orienteering as bq_orienteering
from counterpoint.simulators.bq import tsp as bq_tsp
from counterpoint.simulators.bq.protocol import best_return, roll_out

PROBLEMS = {
    "tsp": (bq_tsp, tsp.check, -1),
    "cvrp": (bq_cvrp, cvrp.check, -1),
    "orienteering": (bq_orienteering, orienteering.check, 1),
    "knapsack": (bq_knapsack, knapsack.check, 1),
}
each = pytest.mark.parametrize("problem", PROBLEMS)


def random_places(rng, n, kind, *, is_metric):
    """With or without the triangle inequality."""
    points = rng.random((n, 2)) * 100
    if kind == 0:
        return Places("euclidean", points)
    if kind == 1:
        return Places("ceil-2d" if is_metric else "euc-2d", points)
    matrix = rng.integers(0, 50, (n, n))  # asymmetric
    if is_metric:
        for middle in range(n):
            matrix = np.minimum(matrix, matrix[:, middle, None] + matrix[None, middle])
    return Places("explicit", None, matrix)


def random_instance(problem, seed, most=7, *, is_metric=False):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, most + 1))
    if problem == "knapsack":
        weight = rng.integers(0, 20, n)
        return Knapsack("k", rng.integers(0, 30, n), weight, int(rng.integers(0, weight.sum() + 2)))
    places = random_places(rng, n, seed % 3, is_metric=is_metric)
    if problem == "tsp":
        ends = tuple(rng.permutation(n)[:2].tolist()) if n > 1 and seed % 2 else None
        return Tsp("t", places, ends)
    if problem == "cvrp":
        demand = np.r_[0, rng.integers(0, 9, n - 1)]
        origin = int(rng.integers(1, n)) if n > 1 and seed % 2 else 0
        return Cvrp("c", places, demand, 12, origin, int(rng.integers(0, 13)) if origin else 12)
    ends = tuple(rng.integers(0, n, 2).tolist())
    home = float(places.lengths(*ends)) if ends[0] != ends[1] else 0.0
    return Orienteering("o", places, rng.random(n), home + float(rng.random() * 200), ends)


def every_solution(problem, instance):
    """Enumerate without any process; only the checker says what is feasible."""
    if problem == "knapsack":
        items = range(instance.num_items)
        yield from (Packing(np.array(c, np.int64)) for r in range(len(items) + 1) for c in combinations(items, r))
    elif problem == "tsp":
        first, last = instance.ends or (0, None)
        inside = [i for i in range(instance.num_places) if i not in (first, last)]
        for p in permutations(inside):
            yield Tour(np.array([first, *p, *([] if last is None else [last])]))
    elif problem == "orienteering":
        inside = [i for i in range(instance.num_places) if i not in instance.ends]
        for r in range(len(inside) + 1):
            yield from (Walk(np.array(p, np.int64)) for p in permutations(inside, r))
    else:
        for p in permutations(instance.customers.tolist()):
            for cuts in range(2 ** len(p)):
                yield bq_cvrp.routes_of([(i, bool(cuts >> k & 1)) for k, i in enumerate(p)])


def random_choice(rng):
    return lambda state, choices: choices[int(rng.integers(len(choices)))]


@each
def test_returns_are_objectives_and_random_solutions_feasible(problem):
    module, check, sign = PROBLEMS[problem]
    rng = np.random.default_rng(1)
    for seed in range(250):
        instance = random_instance(problem, seed, 12)
        for process in (module.Quotient(), module.Direct()):
            built = roll_out(process, instance, random_choice(rng))
            verdict = check(instance, built.solution)
            assert verdict.is_feasible, (instance, str(verdict))
            assert sign * sum(built.rewards) == pytest.approx(verdict.objective, rel=1e-9, abs=1e-9)


@pytest.mark.slow
@each
def test_ten_thousand_random_solutions_are_feasible(problem):
    module, check, _ = PROBLEMS[problem]
    rng = np.random.default_rng(3)
    for seed in range(10_000):
        instance = random_instance(problem, 1000 + seed, 16)
        verdict = check(instance, roll_out(module.Quotient(), instance, random_choice(rng)).solution)
        assert verdict.is_feasible, (instance, str(verdict))


@each
def test_both_processes_offer_the_same_steps_and_rewards(problem):
    module, _, _ = PROBLEMS[problem]
    rng = np.random.default_rng(2)
    quotient, direct = module.Quotient(), module.Direct()
    for seed in range(100):
        instance = random_instance(problem, seed)
        tail, prefix = quotient.start(instance), direct.start(instance)
        while True:
            named = {quotient.named(tail, a): a for a in quotient.actions(tail)}
            assert sorted(named) == sorted(direct.actions(prefix)), instance
            assert quotient.may_finish(tail) == direct.may_finish(prefix)
            if quotient.may_finish(tail):
                assert quotient.finish(tail) == pytest.approx(direct.finish(prefix), abs=1e-9)
            if not named:
                break
            step = sorted(named)[int(rng.integers(len(named)))]
            (mine, tail), (theirs, prefix) = quotient.step(tail, named[step]), direct.step(prefix, step)
            assert mine == pytest.approx(theirs, abs=1e-9)


@each
def test_dynamic_programming_over_tails_is_exact(problem):
    module, check, sign = PROBLEMS[problem]
    most = {"cvrp": 5, "tsp": 6, "orienteering": 6, "knapsack": 7}[problem]
    for seed in range(40):
        instance = random_instance(problem, seed, most, is_metric=problem == "orienteering")
        verdicts = [check(instance, solution) for solution in every_solution(problem, instance)]
        best = max(sign * verdict.objective for verdict in verdicts if verdict.is_feasible)
        quotient = module.Quotient()
        assert best_return(quotient, quotient.start(instance)) == pytest.approx(best, rel=1e-9, abs=1e-9), instance


@each
def test_what_is_left_of_an_optimal_solution_is_optimal_for_its_tail(problem):
    module, check, sign = PROBLEMS[problem]
    quotient = module.Quotient()
    for seed in range(12):
        known = {}
        instance = random_instance(problem, seed, 6, is_metric=problem == "orienteering")
        best_return(quotient, quotient.start(instance), known)

        def best_choice(state, choices, known=known):
            def value(action):
                if action is None:
                    return quotient.finish(state)
                reward, after = quotient.step(state, action)
                return reward + known[after]

            return max(choices, key=value)

        built = roll_out(quotient, instance, best_choice)
        for k, tail in enumerate(built.states):
            again = roll_out(quotient, tail.instance, best_choice)  # a state is an instance like any other
            left = sum(built.rewards[k:])
            assert left == pytest.approx(sign * check(tail.instance, again.solution).objective, abs=1e-9)
            every = [check(tail.instance, s) for s in every_solution(problem, tail.instance)] if k else []
            if every:
                assert left == pytest.approx(max(sign * v.objective for v in every if v.is_feasible), abs=1e-9)


@each
def test_equal_tails_of_different_prefixes_are_equal_states(problem):
    module, _, _ = PROBLEMS[problem]
    quotient = module.Quotient()
    rng = np.random.default_rng(0)
    places = Places("man-2d", rng.integers(0, 50, (7, 2)))
    instance = {
        "tsp": Tsp("x", places),
        "cvrp": Cvrp("x", places, np.array([0, 2, 3, 4, 1, 2, 3]), 100),
        "orienteering": Orienteering("x", places, rng.random(7), 1e4),
        "knapsack": Knapsack("x", np.arange(1, 8), np.arange(2, 9), 100),
    }[problem]
    if problem == "orienteering":  # the same length both ways round
        matrix = np.full((7, 7), 5)
        matrix[:, 5] = np.arange(7)
        instance = Orienteering("x", Places("explicit", None, matrix), instance.prize, 100)

    def after(instance, numbers):
        state = quotient.start(instance)
        for number in numbers:
            action = next(a for a in quotient.actions(state) if quotient.named(state, a) == number)
            _, state = quotient.step(state, action)
        return state

    steps = (lambda *order: [(i, False) for i in order]) if problem == "cvrp" else (lambda *order: order)
    one, other, third = (after(instance, steps(*order)) for order in ((1, 2, 4, 3), (4, 1, 2, 3), (1, 2, 3, 4)))
    assert one == other
    assert one.content_hash == other.content_hash
    assert (one == third) == (problem == "knapsack")  # where a walk is now, counts; what was packed last, does not


def test_how_many_states_there_are():
    """Of eight places from a fixed start: sequences are 13,700, pairs of a place and a set 449."""
    instance = Tsp("eight", Places("euclidean", np.random.default_rng(3).random((8, 2))))
    found = []
    for process in (bq_tsp.Direct(), bq_tsp.Quotient()):
        seen, front = set(), {process.start(instance)}
        while front:
            seen |= front
            front = {process.step(state, action)[1] for state in front for action in process.actions(state)}
        found.append(len(seen))
    assert found == [sum(math.perm(7, k) for k in range(8)), 1 + 7 * 2**6]
    assert found == [13_700, 449]


def test_numbers_and_names_are_no_part_of_a_state():
    points = np.random.default_rng(4).random((6, 2))
    whole = bq_tsp.Quotient().start(Tsp("a", Places("euclidean", points), (0, 5)))
    _, tail = bq_tsp.Quotient().step(whole, 3)
    fresh = bq_tsp.Quotient().start(Tsp("b", Places("euclidean", points[1:]), (2, 4)))
    assert tail == fresh
    assert hash(tail) == hash(fresh)
    assert tail.numbers.tolist() == [1, 2, 3, 4, 5]
    assert fresh.numbers.tolist() == [0, 1, 2, 3, 4]


def test_a_single_place_and_a_full_knapsack():
    built = roll_out(bq_tsp.Quotient(), Tsp("one", Places("geo", [[10.0, 10.0]])), lambda state, choices: choices[0])
    assert (built.rewards, built.solution.order.tolist()) == ((0.0,), [0])
    built = roll_out(bq_knapsack.Quotient(), Knapsack("one", np.array([3]), np.array([2]), 2), lambda s, c: c[0])
    assert (built.rewards, built.solution.items.tolist()) == ((3.0, 0.0), [0])
    assert bq_knapsack.Quotient().actions(built.states[-1]) == []
