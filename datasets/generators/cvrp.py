"""Random capacitated vehicle routing instances."""

import numpy as np

from counterpoint.datasets.generators.tsp import checked
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.cvrp import MAX_CAPACITY, Cvrp
from counterpoint.opt.problems.places import MAX_PLACES, Places

# customers -> capacity: up to 100 Nazari et al. 2018 (NeurIPS, arXiv 1802.04240), above Drakulic et al. 2024 (GOAL,
# arXiv 2406.15079). Deviation: sizes between them have the capacity of the next smaller one; nobody fixed theirs.
CAPACITIES = ((1, 20), (20, 30), (50, 40), (100, 50), (200, 80), (500, 100), (1000, 250))


def uniform(*, customers: int, seed: int = 0, capacity: int | None = None, max_demand: int = 9) -> Cvrp:
    """Build a depot and customers, uniform in the unit square; demands uniform in 1 .. `max_demand`.

    The default capacity is that of published tests: 30, 40, 50, 80, 100 and 250 for 20, 50, 100, 200, 500 and 1000
    customers. Papers differ above 100, so a value found elsewhere counts only for the same capacity.
    """
    checked(customers, MAX_PLACES - 1, seed)
    if capacity is None:
        capacity = max((size, known) for size, known in CAPACITIES if size <= customers)[1]
    if not 1 <= max_demand <= capacity <= MAX_CAPACITY:
        raise OptionError(f"expected 1 <= max_demand <= capacity <= {MAX_CAPACITY}, not {max_demand} and {capacity}")
    rng = np.random.default_rng(seed)
    points = rng.random((customers + 1, 2))
    demand = np.r_[0, rng.integers(1, max_demand, customers, endpoint=True)]
    return Cvrp(f"uniform-{customers}-{seed}", Places("euclidean", points), demand, capacity)
