"""Random travelling salesman instances."""

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.places import MAX_PLACES, IntArray, Places
from counterpoint.opt.problems.tsp import Tsp

MAX_CLOSED = 3_000  # places of a matrix: its closure takes O(N^3)


def uniform(*, places: int, seed: int = 0) -> Tsp:
    """Build a closed tour's places, uniform in the unit square; Euclidean distances, not rounded.

    Optimal tours are 3.84, 5.70 and 7.76 long on average with 20, 50 and 100 places (Kool, van Hoof and Welling 2019).
    """
    checked(places, MAX_PLACES, seed)
    points = np.random.default_rng(seed).random((places, 2))
    return Tsp(f"uniform-{places}-{seed}", Places("euclidean", points))


def matrix(*, places: int, seed: int = 0, max_distance: int = 1_000_000) -> Tsp:
    """Build an asymmetric matrix of whole numbers that keeps the triangle inequality.

    Distances are drawn uniformly from 0 .. `max_distance` - 1 and replaced by those of the shortest ways (Kwon et al.
    2021, MatNet, NeurIPS, arXiv 2106.11113). O(N^3).
    """
    checked(places, MAX_CLOSED, seed)
    if not 1 <= max_distance <= 10**9:
        raise OptionError(f"max_distance must be in 1..{10**9}, not {max_distance}")
    drawn = np.random.default_rng(seed).integers(0, max_distance, (places, places))
    return Tsp(f"matrix-{places}-{seed}", Places("explicit", None, shortest_ways(drawn)))


def shortest_ways(distances: IntArray) -> IntArray:
    """Return the closure of a matrix of distances under the triangle inequality (Floyd and Warshall 1962); O(N^3)."""
    found = distances.copy()
    np.fill_diagonal(found, 0)
    for via in range(len(found)):
        np.minimum(found, found[:, via, None] + found[via], out=found)
    return found


def checked(places: int, most: int, seed: int) -> None:
    """Refuse sizes and seeds that cannot be."""
    if not 1 <= places <= most:
        raise OptionError(f"expected 1 to {most} places, not {places}")
    if seed < 0:
        raise OptionError(f"seed must be >= 0, not {seed}")
