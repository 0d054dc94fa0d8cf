"""What a network left undone when the time was over: the nearest place next."""

import numpy as np

from counterpoint.opt.problems.places import IntArray, Places


def nearest_next(places: Places, here: int, rest: IntArray) -> IntArray:
    """Return places in the order in which one gets to them by always going to the nearest; the first of equals.

    O(n^2).
    """
    rest = rest.copy()
    for k in range(len(rest) - 1):
        at = k + int(np.argmin(places.lengths(here, rest[k:])))
        here = int(rest[at])
        rest[k + 1 : at + 1] = rest[k:at].copy()
        rest[k] = here
    return rest
