"""Random orienteering instances."""

import numpy as np

from counterpoint.datasets.generators.tsp import checked
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.problems.places import MAX_PLACES, Places

LENGTHS = ((1, 2.0), (50, 3.0), (100, 4.0))  # places with prizes -> length, as published


def uniform(*, places: int, seed: int = 0, max_length: float | None = None) -> Orienteering:
    """Build a depot and places with prizes, uniform in the unit square; a prize grows with the way from the depot.

    Prizes are ``(1 + floor(99 d / max d)) / 100`` where d is the distance from the depot; the default length is 2, 3
    and 4 for 20, 50 and 100 places, else that of the next smaller size (Kool, van Hoof and Welling 2019, ICLR, arXiv
    1803.08475, after Fischetti, Salazar Gonzalez and Toth 1998).
    """
    checked(places, MAX_PLACES - 1, seed)
    if max_length is None:
        max_length = max((size, known) for size, known in LENGTHS if size <= places)[1]
    where = Places("euclidean", np.random.default_rng(seed).random((places + 1, 2)))
    away = where.lengths(0, np.arange(places + 1))
    prize = (1 + np.floor(99 * away / away.max())) / 100
    prize[0] = 0.0
    return Orienteering(f"uniform-{places}-{seed}", where, prize, max_length)
