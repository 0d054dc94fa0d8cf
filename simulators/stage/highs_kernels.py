"""The loop over right-hand sides, compiled, with the interpreter's lock let go: threads run side by side.

Compiled code calls HiGHS' C functions by name; importing `highs_library` has made them visible.
"""

import numpy as np
from numba import njit, types

from counterpoint.simulators.stage.highs_library import HIGHS

assert HIGHS is not None  # loaded before anything below is linked
_INT, _SIZE = types.int32, types.intp
_run = types.ExternalFunction("Highs_run", _INT(_SIZE))
_rows = types.ExternalFunction("Highs_changeRowsBoundsBySet", _INT(_SIZE, _INT, _SIZE, _SIZE, _SIZE))
_cols = types.ExternalFunction("Highs_changeColsBoundsBySet", _INT(_SIZE, _INT, _SIZE, _SIZE, _SIZE))
_solution = types.ExternalFunction("Highs_getSolution", _INT(_SIZE, _SIZE, _SIZE, _SIZE, _SIZE))
_status = types.ExternalFunction("Highs_getModelStatus", _INT(_SIZE))
_info = types.ExternalFunction("Highs_getDoubleInfoValue", _INT(_SIZE, _SIZE, _SIZE))
_forget = types.ExternalFunction("Highs_clearSolver", _INT(_SIZE))

RESIDUALS = np.zeros((3, 48), np.uint8)  # C strings
for _row, _name in zip(RESIDUALS, ("max_relative_primal_infeasibility", "max_relative_dual_infeasibility",
                                   "primal_dual_objective_error"), strict=True):  # fmt: skip
    _row[: len(_name)] = np.frombuffer(_name.encode(), np.uint8)
IS_OPTIMAL, IS_INFEASIBLE = 7, 8  # HighsModelStatus


@njit(cache=True, nogil=True)
def solve_rows(handle, names, moving, lower, upper, out, target, cost, x, state_rows, dual, dual_target, objective,
               status, other, num_rows, solved, every, most_residual, agreement):  # fmt: skip
    """Solve for each row of bounds; fill x, dual, dual_target, objective and status (HiGHS' own numbers).

    `other` [N, 2] gets the status and objective of the warm solution where one from nothing disagreed with it (NaN
    elsewhere). Returns how many were solved again from nothing, and how many disagreed.
    """
    count, size = x.shape
    row_value, row_dual, col_dual = np.empty(num_rows), np.empty(num_rows), np.empty(size)
    number = np.empty(1)
    checked = disagreed = 0
    for i in range(count):
        _rows(handle, np.int32(len(moving)), moving.ctypes.data, lower[i].ctypes.data, upper[i].ctypes.data)
        if len(target):
            _cols(handle, np.int32(len(out)), out.ctypes.data, target[i].ctypes.data, target[i].ctypes.data)
        _run(handle)
        now = _status(handle)
        is_off = now != IS_OPTIMAL
        if not is_off:
            _solution(handle, x[i].ctypes.data, col_dual.ctypes.data, row_value.ctypes.data, row_dual.ctypes.data)
            objective[i] = np.dot(cost, x[i])
            for k in range(len(names)):
                if _info(handle, names[k].ctypes.data, number.ctypes.data) != 0 or not number[0] <= most_residual:
                    is_off = True
        if is_off or (solved + i + 1) % every == 0:
            warm_status, warm = now, objective[i]
            _forget(handle)
            _run(handle)
            now = _status(handle)
            if now == IS_OPTIMAL:
                _solution(handle, x[i].ctypes.data, col_dual.ctypes.data, row_value.ctypes.data, row_dual.ctypes.data)
                objective[i] = np.dot(cost, x[i])
            checked += 1
            if now != warm_status or (
                now == IS_OPTIMAL and abs(warm - objective[i]) > agreement * max(1.0, abs(objective[i]))
            ):
                disagreed += 1
                other[i, 0], other[i, 1] = warm_status, warm
        status[i] = now
        if now == IS_OPTIMAL:
            for k in range(len(state_rows)):
                dual[i, k] = row_dual[state_rows[k]]
            if len(target):
                for k in range(len(out)):
                    dual_target[i, k] = col_dual[out[k]]
        else:
            objective[i] = np.nan
            x[i] = np.nan
    return checked, disagreed
