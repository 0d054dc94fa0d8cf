"""The stream of the published Bolivian protocol: Julia's ``rand(StableRNG(seed), 1:n, ...)``, bit for bit.

StableRNGs.jl is Lehmer's generator modulo 2^128 with the multiplier of L'Ecuyer 1999 (Math. Comp. 68:249-260); numbers
of a range are drawn by masking and rejection.
"""

import numpy as np

from counterpoint.opt.problems.hydrothermal_parts import IntArray

_MULTIPLIER = 0x45A31EFC5A35D971261FD0407A968ADD
_MASK = (1 << 128) - 1


def draws(seed: int, n: int, count: int) -> IntArray:
    """Return `count` whole numbers in 0..n-1 (Julia's 1..n less one), int64 [count]; O(count).

    >>> (draws(20260706, 15, 8) + 1).tolist()
    [13, 3, 12, 5, 5, 11, 9, 13]
    """
    state = ((seed << 1) | 1) & _MASK
    mask = (1 << (n - 1).bit_length()) - 1
    found: list[int] = []
    while len(found) < count:
        state = state * _MULTIPLIER & _MASK
        drawn = (state >> 64) & mask
        if drawn < n:
            found.append(drawn)
    return np.array(found, np.int64)
