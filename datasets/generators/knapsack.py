"""Random knapsacks."""

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.knapsack import MAX_TOTAL, Knapsack

MAX_ITEMS = 10_000_000
LARGEST = 998  # of a value and a weight, in thousandths


def uniform(*, items: int, seed: int = 0, capacity: int | None = None) -> Knapsack:
    """Build items whose values and weights are uniform in 1..998, thousandths of the published unit.

    The default capacity is 12,500 for 50 items and 25,000 for 100 and more, in proportion below (Kwon et al. 2020,
    POMO, arXiv 2010.16011). Others take 20,000 for 100 items: values found elsewhere count for the same capacity only.
    """
    if not 1 <= items <= MAX_ITEMS:
        raise OptionError(f"expected 1 to {MAX_ITEMS} items, not {items}")
    if seed < 0:
        raise OptionError(f"seed must be >= 0, not {seed}")
    if capacity is None:
        capacity = min(250 * items, 25_000)
    if not 0 <= capacity <= MAX_TOTAL:
        raise OptionError(f"capacity must be in 0..{MAX_TOTAL}, not {capacity}")
    value, weight = np.random.default_rng(seed).integers(1, LARGEST, (2, items), endpoint=True)
    return Knapsack(f"uniform-{items}-{seed}", value, weight, capacity)
