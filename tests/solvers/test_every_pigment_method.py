"""What the registry says of each pigment-sequencing method is so, on small instances solved by enumeration."""

import pytest

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform

METHODS = ct.methods("pigment-sequencing")


@pytest.fixture(scope="module")
def cases():
    """16 instances, one stocking cost or several, with and without the triangle inequality, busy or not."""
    made = [
        uniform(items=1 + s % 4, periods=3 + s % 9, seed=s, utilisation=(0.4, 0.8, 1.0)[s % 3], stocking_min=s % 5,
                stocking_max=10 + 10 * (s % 2), changeover_min=0 if s % 4 < 2 else 100)
        for s in range(16)
    ]  # fmt: skip
    return [(case, ct.solve(case, "exhaustive").objective) for case in made]


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_the_registry_tells_the_truth(method, cases):
    for case, optimum in cases:
        limit = {"time_limit": 20, "iterations": 2000 if method.is_anytime else None}
        result = ct.solve(case, method.name, **limit, threads=1, seed=3)
        assert result.termination is not ct.Termination.ERROR, (case, result.message)
        assert result.objective >= optimum, case
        assert result.bound is None or (method.uses_bound and result.bound <= optimum), case
        if method.is_exact:
            assert result.solution_status is ct.SolutionStatus.OPTIMAL, (case, result)
            assert result.objective == optimum, case
        if not method.is_random:
            again = ct.solve(case, method.name, **limit, threads=1, seed=4)
            assert again.solution == result.solution, case


@pytest.mark.parametrize("name", ["dp-lagrangian", "mip-changeover-flow", "cp-sat"])
def test_a_plan_and_a_bound_are_held_without_any_time(name):
    case = ct.benchmark("pigment20c")
    result = ct.solve(case, name, time_limit=0, threads=1)
    assert result.termination is ct.Termination.TIME
    assert result.objective >= 2182 >= result.bound >= 0


@pytest.mark.parametrize("name", ["dp-lagrangian", "mip-changeover-flow", "cp-sat"])
def test_a_target_and_a_gap_end_the_run(name):
    case = ct.benchmark("pigment20c")
    result = ct.solve(case, name, target=2500, time_limit=60, threads=1)
    assert result.termination in (ct.Termination.TARGET, ct.Termination.OPTIMAL)
    assert result.objective <= 2500
    result = ct.solve(case, name, gap=0.5, time_limit=60, threads=1)
    assert result.termination in (ct.Termination.GAP, ct.Termination.OPTIMAL)
    assert result.gap <= 0.5
