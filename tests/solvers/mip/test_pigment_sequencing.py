"""The changeover-flow model: its start, its cuts, its decoding."""

import dataclasses

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing, ProductionSequence
from counterpoint.opt.problems.pigment_sequencing_check import check
from counterpoint.solvers.mip.highs import solve_model
from counterpoint.solvers.mip.pigment_sequencing import Options
from counterpoint.solvers.mip.pigment_sequencing_model import build, sequence_of, start_values

CASES = [uniform(items=1 + s % 3, periods=1 + s % 7, seed=s, utilisation=(0.5, 1)[s % 2], stocking_min=1,
                 stocking_max=9, changeover_min=0, changeover_max=30) for s in range(30)]  # fmt: skip


def feasible_sequences(case, rng, count):
    """Random feasible sequences: units in random order, placed as late as they may be, some a bit earlier."""
    units = [i for i in range(case.num_items) for _ in case.due_periods(i)]
    for _ in range(count):
        item = rng.permutation([*units, *[-1] * (case.num_periods - len(units))])
        if check(case, ProductionSequence(item)).is_feasible:
            yield ProductionSequence(item)


def test_every_feasible_sequence_is_in_the_model_at_its_cost():
    """So no cut takes a sequence away, and the objective is the judge's."""
    rng, tried = np.random.default_rng(0), 0
    for case in CASES:
        model = build(case, depth=10)
        for sequence in feasible_sequences(case, rng, 40):
            values = start_values(case, model, sequence)
            assert model.linear.violation(values) < 1e-9
            cost = float(model.linear.cost @ values) + model.linear.offset
            assert cost == check(case, sequence).objective
            assert sequence_of(model, values) == sequence
            tried += 1
    assert tried > 150


def test_what_is_not_feasible_is_not_in_the_model():
    rng = np.random.default_rng(1)
    for case in CASES:
        model = build(case, depth=0)
        for _ in range(20):
            sequence = ProductionSequence(rng.integers(-1, case.num_items, case.num_periods))
            if not (sequence.item >= 0).any():
                continue
            is_in = model.linear.violation(start_values(case, model, sequence)) < 1e-9
            assert is_in == check(case, sequence).is_feasible


def relaxed(case, depth):
    linear = build(case, depth).linear
    return solve_model(dataclasses.replace(linear, is_integer=np.zeros_like(linear.is_integer))).objective


def test_cuts_tighten_the_relaxation():
    case = ct.benchmark("pigment15a")
    bounds = [relaxed(case, depth) for depth in (0, 1, 3)]
    assert bounds[0] + 100 < bounds[1]
    assert bounds[1] <= bounds[2] + 1e-6
    assert bounds[2] <= 1195 + 1e-6


def test_no_detour_while_idle():
    """From 0 to 1 costs 50 at once and 2 by way of item 2, which must not be had without making it."""
    case = PigmentSequencing(
        "detour", [[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]], 0, [[0, 50, 1], [9, 0, 9], [9, 1, 0]]
    )
    two = PigmentSequencing("two", case.orders[:2], 0, case.changeover_cost[:2, :2])
    idle_third = PigmentSequencing("idle third", [*case.orders[:2].tolist(), [0] * 4], 0, case.changeover_cost)
    assert [ct.solve(c, "mip-changeover-flow", threads=1).objective for c in (case, two, idle_third)] == [2, 50, 50]


def test_public_instances_are_proved():
    for name, value in (("pigment15b", 1123), ("pigment20a", 1147), ("pigment30a", 1119), ("pigment30c", 1707)):
        result = ct.solve(ct.benchmark(name), "mip-changeover-flow", time_limit=120, threads=1)
        assert (result.objective, result.bound) == (value, value), name


def test_without_start_or_cuts_it_comes_to_the_same():
    case = CASES[23]
    results = [ct.solve(case, f"mip-changeover-flow:{o}", threads=1) for o in ("start=false", "depth=0", "depth=9")]
    assert len({r.objective for r in results}) == 1
    assert all(r.solution_status is ct.SolutionStatus.OPTIMAL for r in results)


def test_a_negative_depth_is_refused():
    with pytest.raises(OptionError, match="depth"):
        Options(depth=-1)
