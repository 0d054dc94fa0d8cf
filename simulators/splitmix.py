"""Random numbers inside compiled kernels: splitmix64, one independent stream per sample.

Source: Steele, Lea and Flood 2014 (OOPSLA, figure 17). A stream is one 64-bit word, so a result depends on the
seed and the sample's number alone, not on how the samples were cut into chunks.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

WordArray = npt.NDArray[np.uint64]


@njit(cache=True)
def uniform(state: WordArray) -> float:
    """Draw from [0, 1) and advance `state` [1]."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    return np.float64(mix(state[0]) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True)
def mix(word: Any) -> Any:
    """Return a 64-bit word scrambled by splitmix64's finaliser."""
    z = np.uint64(word)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def stream(seed: Any, index: int) -> Any:
    """Return the first state of stream number `index` of a seed (word): streams start far apart."""
    return mix(mix(np.uint64(seed)) + np.uint64(index + 1) * np.uint64(0xD1B54A32D192ED03))
