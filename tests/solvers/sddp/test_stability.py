"""Sizes of numbers."""

import warnings

import numpy as np
import pytest
from tests import policy_graphs as graphs

from counterpoint.simulators.stage.builder import StageBuilder
from counterpoint.solvers.sddp.graph import linear_graph
from counterpoint.solvers.sddp.stability import Range, ranges, stability_report


def test_ranges_by_hand():
    found = {r.what: (r.smallest, r.greatest) for r in ranges(graphs.first_steps())}
    assert found["matrix"] == (1.0, 1.0)
    assert found["objective"] == (50.0, 150.0)
    assert found["bounds"] == (200.0, 200.0)
    assert found["right-hand sides"] == (150.0, 150.0)
    assert found["noises"] == (50.0, 100.0)


def test_bad_units_are_told():
    s = StageBuilder()
    v, x = s.state(0, 1e9), s.column(cost=1e-7)
    s.row({v.out: 1, x: 1e9}, equals=0, state={v: -1})
    graph = linear_graph([s.build()], [np.zeros((1, 0))], initial_state=[1.0])
    with pytest.warns(UserWarning, match="matrix from 1 to 1e"):
        frame = stability_report(graph)
    told = frame.set_index("what")["concerns"]
    assert "as great as 1e+09" in told["bounds"]
    assert "as small as 1e-07" in told["objective"]
    assert told["noises"] == ""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stability_report(graph, warns=False)
        stability_report(graphs.first_steps())


def test_no_numbers_are_no_concern():
    assert Range("noises", np.nan, np.nan).concerns == ()
