"""Simulated annealing: every move against recomputing from scratch, and what a run comes to."""

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.pigment_sequencing import ProductionSequence
from counterpoint.opt.problems.pigment_sequencing_check import check, stock_of
from counterpoint.solvers.local_search.pigment_sequencing import Options
from counterpoint.solvers.local_search.pigment_sequencing_kernels import EARLIER, LATER, SWAP, make_move, move_cost
from counterpoint.solvers.rules.pigment_sequencing import best_by_rules


def moved(item, p, q, kind):
    """The sequence after a move, by lists."""
    new = item.tolist()
    if kind == SWAP:
        new[p], new[q] = new[q], new[p]
    elif kind == LATER:
        new.insert(q, new.pop(p))
    else:
        new.insert(p, new.pop(q))
    return np.array(new)


def test_every_move_is_possible_and_costs_what_the_judge_says():
    rng = np.random.default_rng(0)
    possible = refused = 0
    for seed in range(40):
        case = uniform(items=1 + seed % 4, periods=2 + seed % 12, seed=seed, utilisation=(0.4, 0.8, 1)[seed % 3],
                       stocking_max=30, changeover_min=0)  # fmt: skip
        start, cost = best_by_rules(case)
        item, stock = start.item.copy(), stock_of(case, start)
        for _ in range(60):
            p = int(rng.integers(0, case.num_periods - 1))
            q = int(rng.integers(p + 1, case.num_periods))
            kind = int(rng.choice([SWAP, LATER, EARLIER]))
            arrays = (item, stock, np.array(case.stocking_cost), np.array(case.changeover_cost))
            is_possible, added = move_cost(*arrays, p, q, kind, np.inf)
            verdict = check(case, ProductionSequence(moved(item, p, q, kind)))
            assert is_possible == verdict.is_feasible, (case, item, p, q, kind)
            if not is_possible:
                refused += 1
                continue
            possible += 1
            assert cost + added == verdict.objective
            assert not move_cost(*arrays, p, q, kind, added - 0.5)[0]  # costs more than it may
            expected = moved(item, p, q, kind)
            make_move(item, stock, p, q, kind)
            cost += added
            assert item.tolist() == expected.tolist()
            assert np.array_equal(stock, stock_of(case, ProductionSequence(item)))
    assert possible > 500
    assert refused > 500


def test_small_instances_are_solved():
    for name, value in (("pigment15a", 1195), ("pigment20b", 2101), ("pigment30c", 1707)):
        assert ct.solve(ct.benchmark(name), "simulated-annealing", iterations=3_000_000).objective == value


def test_the_seed_decides_and_more_moves_do_no_harm():
    case = ct.benchmark("psp-100-1")
    one, two, other = (ct.solve(case, "simulated-annealing", iterations=300_000, seed=s) for s in (1, 1, 2))
    assert one.solution == two.solution != other.solution
    assert one.iterations == 300_000
    more = ct.solve(case, "simulated-annealing", iterations=3_000_000, seed=1)
    assert 10088 <= more.objective < 1.05 * 10088
    assert more.bound is None


def test_it_ends_at_a_target():
    result = ct.solve(ct.benchmark("psp-100-1"), "simulated-annealing", target=11000, time_limit=300)
    assert result.termination is ct.Termination.TARGET
    assert result.objective <= 11000


@pytest.mark.parametrize("wrong", [{"moves": 0}, {"reach": 0}, {"heat": 0}, {"heat": float("nan")}])
def test_options_out_of_range(wrong):
    with pytest.raises(OptionError):
        Options(**wrong)
