"""Why pyproject.toml pins what it pins: the releases shut out break one of these."""

import subprocess
import sys
from importlib.metadata import version

import pytest

SMALL_MIP = """
import numpy as np
import highspy
highs = highspy.Highs()
highs.setOptionValue("output_flag", False)
x = highs.addVariable(lb=0, ub=10, obj=2)
z = highs.addVariable(lb=0, ub=10, obj=3, type=highspy.HighsVarType.kInteger)
highs.addConstr(x + z >= 4.5)
highs.run()
print(highs.getInfo().objective_function_value)
"""
CP = """
from ortools.sat.python import cp_model
model = cp_model.CpModel()
x = model.new_int_var(0, 10, "x")
model.add(x >= 4)
model.minimize(x)
solver = cp_model.CpSolver()
solver.parameters.num_workers = 1
assert solver.solve(model) == cp_model.OPTIMAL
print(solver.objective_value)
"""


def output(script: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_highspy_is_a_release_that_we_know() -> None:
    release = tuple(int(part) for part in version("highspy").split(".")[:2])
    assert (1, 11) <= release < (1, 14)


def test_small_mip_is_answered_rightly() -> None:
    """min 2x + 3z, x + z >= 4.5, z integer: 9 by x = 4.5; highspy 1.14.0 says 15."""
    assert output(SMALL_MIP) == ["9.0"]


@pytest.mark.parametrize("scripts", [(SMALL_MIP, CP), (CP, SMALL_MIP)], ids=["highspy first", "ortools first"])
def test_highspy_and_ortools_live_in_one_process(scripts: tuple[str, str]) -> None:
    """highspy 1.15 cannot be imported beside ortools 9.15; both must also solve, in either order."""
    assert sorted(output("".join(scripts))) == ["4.0", "9.0"]
