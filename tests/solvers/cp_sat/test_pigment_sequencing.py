"""CP-SAT on pigment sequencing: public values, reproducibility, options."""

import pytest

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing
from counterpoint.solvers.cp_sat.pigment_sequencing import Options


def test_public_instances_are_proved():
    for name, value in (("pigment15a", 1195), ("pigment30a", 1119), ("pigment15c", 1370)):
        result = ct.solve(ct.benchmark(name), "cp-sat", time_limit=120, threads=1)
        assert (result.objective, result.bound) == (value, value), name


def test_no_detour_while_idle():
    orders = [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    case = PigmentSequencing("detour", orders, 0, [[0, 50, 1], [9, 0, 9], [9, 1, 0]])
    assert ct.solve(case, "cp-sat", threads=1).objective == 50


def test_one_worker_with_a_limit_of_conflicts_is_reproducible():
    case = ct.benchmark("pigment20c")
    one, two = (ct.solve(case, "cp-sat", iterations=100, threads=1, seed=5) for _ in range(2))
    assert (one.objective, one.bound, one.solution) == (two.objective, two.bound, two.solution)


def test_without_hint_or_cuts_it_comes_to_the_same():
    case = uniform(items=3, periods=9, seed=4)
    optimum = ct.solve(case, "exhaustive").objective
    for options in ("hint=false", "depth=0"):
        assert ct.solve(case, f"cp-sat:{options}", time_limit=60, threads=1).objective == optimum


def test_a_negative_depth_is_refused():
    with pytest.raises(OptionError, match="depth"):
        Options(depth=-1)


def test_a_model_that_takes_longer_to_build_than_there_is_time_is_given_up():
    result = ct.solve(uniform(items=30, periods=100), "cp-sat", time_limit=0.2, threads=1)
    assert str(result.termination) == "time"
    assert result.objective is not None
    assert "before the model was built" in result.message
