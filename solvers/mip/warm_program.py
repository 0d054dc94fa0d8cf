"""A linear program that is solved for one right-hand side after the other, from the last basis, against a clock.

What `simulators.stage.highs` does for thousands of small stages this does for few large programs: presolve the first
time, a time limit, and a bound where time is up.
"""

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np

from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.result import Termination
from counterpoint.simulators.stage.model import StageModel
from counterpoint.solvers.mip.highs import TERMINATIONS


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """What was found.

    Parameters
    ----------
    termination : Termination
    objective : float
        NaN if not optimal.
    values : float64 array [n] or None
    """

    termination: Termination
    objective: float
    values: FloatArray | None


class WarmProgram:
    """A `StageModel`, of many stages perhaps, in one HiGHS object.

    Parameters
    ----------
    model : StageModel
    """

    def __init__(self, model: StageModel) -> None:
        self.model = model
        touched = np.diff(model.state_matrix.indptr) + np.diff(model.noise_matrix.indptr) > 0
        self._moving = np.flatnonzero(touched).astype(np.int32)
        self._highs = _load(model)

    def solve(self, state: FloatArray, noise: FloatArray, time_limit_s: float = float("inf")) -> Solved:
        """Solve for a state [S] and a noise [W], in wall seconds or little more."""
        model, highs, moving = self.model, self._highs, self._moving
        shift = model.shift(state[None], noise[None])[0][moving]
        highs.changeRowsBounds(len(moving), moving, model.row_lower[moving] - shift, model.row_upper[moving] - shift)
        # HiGHS' clock runs on from one run of an object to the next
        highs.setOptionValue("time_limit", highs.getRunTime() + max(0.0, time_limit_s))
        highs.run()
        status = highs.getModelStatus()
        termination = TERMINATIONS.get(status, Termination.ERROR)
        if termination is not Termination.OPTIMAL:
            highs.clearSolver()  # what was left half done is no start
            return Solved(termination, float("nan"), None)
        values = np.array(highs.getSolution().col_value)
        return Solved(termination, float(model.cost @ values) + model.offset, values)


def _load(model: StageModel) -> Any:
    highs = highspy.Highs()
    for key, value in (("output_flag", False), ("threads", 1), ("simplex_strategy", 1)):
        highs.setOptionValue(key, value)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.num_cols, model.num_rows
    lp.col_cost_, lp.offset_ = model.cost, model.offset
    lp.col_lower_, lp.col_upper_ = model.col_lower, model.col_upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = model.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = model.matrix.data
    if highs.passModel(lp) == highspy.HighsStatus.kError:
        raise RuntimeError("HiGHS refuses the model")
    return highs
