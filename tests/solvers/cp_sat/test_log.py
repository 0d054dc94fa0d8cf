"""What CP-SAT tells goes to standard error, and only if asked for."""

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.datasets.generators.pigment_sequencing import uniform
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp

PLACES = Places("euc-2d", np.random.default_rng(0).integers(0, 100, (12, 2)))
CASES = {
    "tsp": Tsp("t", Places("explicit", None, np.random.default_rng(3).integers(1, 100, (20, 20)))),
    "cvrp": Cvrp("c", PLACES, np.r_[0, np.ones(11, int)], 4),
    "orienteering": Orienteering("o", PLACES, np.arange(12), 150),
    "job-shop": ct.benchmark("ft06"),
    "pigment-sequencing": uniform(items=3, periods=9, seed=4),
}


@pytest.mark.parametrize("problem", CASES)
def test_the_log_goes_to_standard_error(problem, capfd):
    for is_asked in (True, False):
        result = ct.solve(CASES[problem], "cp-sat", iterations=1, threads=1, options={"log": is_asked})
        out, err = capfd.readouterr()
        assert result.solution is not None
        assert out == ""
        assert ("CpSolverResponse" in err) is is_asked
