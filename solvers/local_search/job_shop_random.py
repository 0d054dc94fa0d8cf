"""Random numbers inside compiled kernels: xorshift64* on a state array that the run owns.

Marsaglia (2003, "Xorshift RNGs", J. Statistical Software 8(14)), multiplier of Vigna (2016, ACM TOMS 42:30).
NumPy's generators cannot be carried across compiled chunks without global state; one uint64 can.
"""

import numpy as np
import numpy.typing as npt

from counterpoint.solvers.local_search.job_shop_compiling import bare_jit

RandomState = npt.NDArray[np.uint64]


def seeded(seed: int) -> RandomState:
    """Return a state array [1], never zero, well mixed from `seed`."""
    state = np.random.SeedSequence(seed % 2**64).generate_state(1, np.uint64)
    return state | np.uint64(1)


@bare_jit
def draw(state: RandomState, bound: int) -> int:
    """Return a uniform integer in 0..bound - 1 (bound < 2^31; no probability is off by more than 2^-31)."""
    x = state[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    state[0] = x
    high = np.int64((x * np.uint64(2685821657736338717)) >> np.uint64(33))  # 31 random bits
    return int((high * bound) >> 31)
