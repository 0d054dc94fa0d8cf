"""What `highs_library` and `highs_kernels` do, by highspy's Python objects: for builds that hide HiGHS' C interface.

Wheels for Windows export nothing but the Python module. The same calls in the same order give the same results; each
costs some microseconds more, and the interpreter's lock is let go only while HiGHS runs, so threads help less.
"""

from typing import Any

import highspy
import numpy as np
from scipy import sparse

from counterpoint.simulators.stage.model import FloatArray, IntArray

OPTIONS = (
    ("output_flag", False), ("presolve", "off"), ("solver", "simplex"), ("simplex_strategy", 1), ("threads", 1),
    ("parallel", "off"),
)  # fmt: skip
RESIDUALS = ("max_relative_primal_infeasibility", "max_relative_dual_infeasibility", "primal_dual_objective_error")
IS_OPTIMAL, IS_INFEASIBLE = int(highspy.HighsModelStatus.kOptimal), int(highspy.HighsModelStatus.kInfeasible)


def loaded(
    cost: FloatArray, col: tuple[FloatArray, FloatArray], row: tuple[FloatArray, FloatArray], matrix: sparse.csr_array
) -> highspy.Highs:
    """Return a new solver that holds a linear program.

    Raises
    ------
    ValueError
        If HiGHS refuses an option or the model.
    """
    handle = highspy.Highs()
    for key, value in OPTIONS:
        if handle.setOptionValue(key, value) == highspy.HighsStatus.kError:
            raise ValueError(f"HiGHS refuses the option {key}")
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_, (lp.col_lower_, lp.col_upper_), (lp.row_lower_, lp.row_upper_) = cost, col, row
    lp.a_matrix_.num_row_, lp.a_matrix_.num_col_ = matrix.shape
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data
    if handle.passModel(lp) == highspy.HighsStatus.kError:
        raise ValueError("HiGHS refuses the stage's model: check its bounds and coefficients")
    return handle


def add_rows(handle: highspy.Highs, lower: FloatArray, columns: IntArray, values: FloatArray) -> None:
    """Add C rows ``values @ x[columns] >= lower``: columns and values [C, k]."""
    count, width = values.shape
    start, upper = np.arange(count, dtype=np.int32) * width, np.full(count, np.inf)
    index = np.ascontiguousarray(columns, np.int32).ravel()
    status = handle.addRows(count, lower, upper, values.size, start, index, np.ascontiguousarray(values).ravel())
    if status == highspy.HighsStatus.kError:
        raise ValueError("HiGHS refuses rows: check the coefficients' size")


def delete_rows(handle: highspy.Highs, rows: IntArray) -> None:
    """Delete rows; the basis stays where only slack ones go."""
    if handle.deleteRows(len(rows), np.ascontiguousarray(rows, np.int32)) != highspy.HighsStatus.kOk:
        raise ValueError("HiGHS has no such rows")


def set_col_bounds(handle: highspy.Highs, columns: IntArray, lower: FloatArray, upper: FloatArray) -> None:
    """Set bounds of some columns."""
    handle.changeColsBounds(len(columns), np.ascontiguousarray(columns, np.int32), lower, upper)


def use_presolve(handle: highspy.Highs) -> None:
    """Let a solver take a problem apart before it solves it: slower, and the basis is of no use then."""
    handle.clearSolver()
    handle.setOptionValue("presolve", "on")


def destroy(handle: highspy.Highs) -> None:
    """Empty a solver; its memory goes with the last reference."""
    handle.clear()


def solve_rows(handle, names, moving, lower, upper, out, target, cost, x, state_rows, dual, dual_target, objective,
               status, other, num_rows, solved, every, most_residual, agreement):  # fmt: skip
    """Do what `highs_kernels.solve_rows` does; `names` are `RESIDUALS` here."""
    checked = disagreed = 0
    for i in range(len(x)):
        handle.changeRowsBounds(len(moving), moving, lower[i], upper[i])
        if len(target):
            handle.changeColsBounds(len(out), out, target[i], target[i])
        warm_status, prices, warm = _solved(handle, cost, x[i])
        info = handle.getInfo()
        now, value = warm_status, warm
        is_off = now != IS_OPTIMAL or not all(getattr(info, name) <= most_residual for name in names)
        if is_off or (solved + i + 1) % every == 0:
            handle.clearSolver()
            now, prices, value = _solved(handle, cost, x[i])
            checked += 1
            if now != warm_status or (now == IS_OPTIMAL and abs(warm - value) > agreement * max(1.0, abs(value))):
                disagreed += 1
                other[i] = warm_status, warm
        status[i], objective[i] = now, value
        if now == IS_OPTIMAL:
            row_dual, col_dual = prices
            dual[i] = row_dual[state_rows]
            if len(target):
                dual_target[i] = col_dual[out]
        else:
            x[i] = np.nan
    return checked, disagreed


def _solved(handle: Any, cost: FloatArray, x: FloatArray) -> tuple[int, tuple[FloatArray, FloatArray], float]:
    """Run, fill x, and return the status, the prices of rows and columns, and the objective, NaN if not optimal."""
    handle.run()
    now = int(handle.getModelStatus())
    if now != IS_OPTIMAL:
        return now, (np.empty(0), np.empty(0)), np.nan
    solution = handle.getSolution()
    x[:] = solution.col_value
    return now, (np.array(solution.row_dual), np.array(solution.col_dual)), float(cost @ x)
