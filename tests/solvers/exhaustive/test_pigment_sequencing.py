"""The enumeration of states against trying every sequence."""

import itertools

import pytest

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing, ProductionSequence
from counterpoint.opt.problems.pigment_sequencing_check import check


def test_the_example_of_csplib():
    case = PigmentSequencing("csplib", [[0, 1, 0, 0, 1], [1, 0, 0, 0, 1]], 2, [[0, 5], [3, 0]])
    result = ct.solve(case, "exhaustive")
    assert (result.objective, result.bound, result.solution_status) == (10, 10, ct.SolutionStatus.OPTIMAL)


def test_against_every_sequence():
    for seed in range(40):
        case = uniform(items=1 + seed % 3, periods=2 + seed % 5, seed=seed, utilisation=(0.5, 0.75, 1)[seed % 3],
                       stocking_min=1, stocking_max=30, changeover_min=0, changeover_max=60)  # fmt: skip
        tried = (check(case, ProductionSequence(list(item))) for item in
                 itertools.product(range(-1, case.num_items), repeat=case.num_periods))  # fmt: skip
        best = min(verdict.objective for verdict in tried if verdict.is_feasible)
        assert ct.solve(case, "exhaustive").objective == best, case


def test_it_ends_at_a_limit_without_a_plan_and_refuses_what_is_large():
    result = ct.solve(uniform(items=2, periods=9), "exhaustive", iterations=3)
    assert (result.objective, result.termination) == (None, ct.Termination.ITERATIONS)
    large = ct.solve(ct.benchmark("psp-100-1"), "exhaustive")
    assert large.termination is ct.Termination.ERROR
    assert "use dp-lagrangian" in large.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "optimum"),
    [("pigment15a", 1195), ("pigment15b", 1123), ("pigment15c", 1370), ("pigment20a", 1147), ("pigment30a", 1119)],
)
def test_public_instances(name, optimum):
    """Of 15c the file states another value; see datasets/figures/README.md."""
    assert ct.solve(ct.benchmark(name), "exhaustive").objective == optimum
