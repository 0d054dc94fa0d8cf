"""Ctrl-C ends every search for routes and walks at once, and what it held is kept."""

import numpy as np
import pytest
from tests.ctrl_c import interrupted

import counterpoint as ct
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.problems.places import Places

PLACES = Places("euclidean", np.random.default_rng(0).random((80, 2)))
WEIGHT = np.random.default_rng(1).integers(1, 10, 80)
CASES = {
    "cvrp": Cvrp("eighty", PLACES, np.r_[0, WEIGHT[1:]], 50),
    "orienteering": Orienteering("eighty", PLACES, WEIGHT, 3.0),
}
SEARCHES = [m for problem in CASES for m in ct.methods(problem) if m.is_anytime]


@pytest.mark.parametrize("method", SEARCHES, ids=lambda m: f"{m.problem}-{m.name}")
def test_what_is_held_is_kept(method):
    method.load()  # its kernels too
    limit = 8 if method.name == "hygese" else 60  # its thread works on until its time is up
    case = CASES[method.problem]
    result = interrupted(lambda watch: ct.solve(case, method.name, time_limit=limit, threads=1, on_incumbent=watch))
    assert result.termination is ct.Termination.INTERRUPTED
    assert result.solution_status is ct.SolutionStatus.FEASIBLE
    assert result.wall_s < 40
