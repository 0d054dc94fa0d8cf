"""HiGHS' own C interface, out of the shared library that the highspy package carries.

highspy's Python objects cost as much as a small problem takes to solve, and hold the interpreter's lock in between.
The C interface (``highs_c_api.h``, HiGHS 1.11 and later) is called from compiled code instead: see `highs_kernels`.
Where a build of highspy hides it, `highs_python` takes over.
"""

import ctypes

import highspy
import llvmlite.binding
import numpy as np
from scipy import sparse

from counterpoint.opt.errors import MissingPackageError
from counterpoint.simulators.stage.model import FloatArray, IntArray

OPTIONS = (
    ("output_flag", False), ("presolve", "off"), ("solver", "simplex"), ("simplex_strategy", 1), ("threads", 1),
    ("parallel", "off"),
)  # fmt: skip
"""Serial dual simplex from the last basis: presolve and the parallel strategies drop the basis."""
_PATH = highspy._core.__file__


def library() -> ctypes.CDLL:
    """Return the library, its functions visible to compiled code too.

    Raises
    ------
    MissingPackageError
        If this build of highspy does not let its C functions be seen.
    """
    try:
        loaded = ctypes.CDLL(_PATH)
    except OSError:
        loaded = None
    if not hasattr(loaded, "Highs_create"):
        raise MissingPackageError(
            f"this build of highspy does not export HiGHS' C interface ({_PATH}): install the wheel for Linux or macOS"
        )
    llvmlite.binding.load_library_permanently(_PATH)
    loaded.Highs_create.restype = ctypes.c_void_p
    return loaded


HIGHS = library()


def loaded(
    cost: FloatArray, col: tuple[FloatArray, FloatArray], row: tuple[FloatArray, FloatArray], matrix: sparse.csr_array
) -> int:
    """Return the handle of a new solver that holds a linear program, to be given back by `destroy`.

    Raises
    ------
    ValueError
        If HiGHS refuses an option or the model.
    """
    handle: int = HIGHS.Highs_create()
    solver = ctypes.c_void_p(handle)
    for key, value in OPTIONS:
        name = key.encode()
        if isinstance(value, bool):
            status = HIGHS.Highs_setBoolOptionValue(solver, name, int(value))
        elif isinstance(value, int):
            status = HIGHS.Highs_setIntOptionValue(solver, name, value)
        else:
            status = HIGHS.Highs_setStringOptionValue(solver, name, str(value).encode())
        if status != 0:
            destroy(handle)
            raise ValueError(f"HiGHS refuses the option {key}")
    start, index = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32)
    floats = [np.ascontiguousarray(a, np.float64) for a in (cost, *col, *row, matrix.data)]
    rowwise, minimise = 2, 1
    status = HIGHS.Highs_passLp(
        solver, matrix.shape[1], matrix.shape[0], matrix.nnz, rowwise, minimise, ctypes.c_double(0.0),
        *map(_pointer, floats[:5]), _pointer(start), _pointer(index), _pointer(floats[5]),
    )  # fmt: skip
    if status < 0:
        destroy(handle)
        raise ValueError("HiGHS refuses the stage's model: check its bounds and coefficients")
    return handle


def add_rows(handle: int, lower: FloatArray, columns: IntArray, values: FloatArray) -> None:
    """Add C rows ``values @ x[columns] >= lower``: columns and values [C, k]."""
    count, width = values.shape
    start = np.arange(count, dtype=np.int32) * width
    upper = np.full(count, np.inf)
    index = np.ascontiguousarray(columns, np.int32)
    lower, values = np.ascontiguousarray(lower, np.float64), np.ascontiguousarray(values, np.float64)
    status = HIGHS.Highs_addRows(
        ctypes.c_void_p(handle), count, _pointer(lower), _pointer(upper), values.size, _pointer(start), _pointer(index),
        _pointer(values),
    )  # fmt: skip
    if status < 0:
        raise ValueError("HiGHS refuses rows: check the coefficients' size")


def delete_rows(handle: int, rows: IntArray) -> None:
    """Delete rows; the basis stays where only slack ones go."""
    gone = np.ascontiguousarray(rows, np.int32)
    if HIGHS.Highs_deleteRowsBySet(ctypes.c_void_p(handle), len(gone), _pointer(gone)) != 0:
        raise ValueError("HiGHS has no such rows")


def set_col_bounds(handle: int, columns: IntArray, lower: FloatArray, upper: FloatArray) -> None:
    """Set bounds of some columns."""
    index = np.ascontiguousarray(columns, np.int32)
    lower, upper = np.ascontiguousarray(lower, np.float64), np.ascontiguousarray(upper, np.float64)
    HIGHS.Highs_changeColsBoundsBySet(
        ctypes.c_void_p(handle), len(index), _pointer(index), _pointer(lower), _pointer(upper)
    )


def use_presolve(handle: int) -> None:
    """Let a solver take a problem apart before it solves it: slower, and the basis is of no use then."""
    HIGHS.Highs_clearSolver(ctypes.c_void_p(handle))
    HIGHS.Highs_setStringOptionValue(ctypes.c_void_p(handle), b"presolve", b"on")


def destroy(handle: int) -> None:
    """Give a solver back."""
    HIGHS.Highs_destroy(ctypes.c_void_p(handle))


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
