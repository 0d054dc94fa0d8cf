"""How the kernels of the tabu search are compiled.

`jit` is the ordinary way. `bare_jit` leaves out Numba's reference counting (atomic increments for every array
argument of every call), which took half of the time of a move; such a function may not allocate, and its
caller keeps the arrays alive. The option is internal to Numba (since 0.20); should a release drop it, the
kernels are compiled the ordinary way, with the same results.

Numba's cache notices a changed file but not a changed callee in another file: after editing a kernel, delete
`__pycache__/*.nb?` of this folder.
"""

import numba

jit = numba.njit(cache=True, error_model="numpy", nogil=True)
try:
    bare_jit = numba.njit(cache=True, error_model="numpy", nogil=True, _nrt=False)
    bare_jit(lambda: 0)
except Exception:  # whatever a future Numba raises for an option it does not know
    bare_jit = jit
