"""Random pigment-sequencing instances."""

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.pigment_sequencing import MAX_CELLS, MAX_COST, PigmentSequencing


def uniform(
    *,
    items: int,
    periods: int,
    seed: int = 0,
    utilisation: float = 0.9,
    stocking_min: int = 10,
    stocking_max: int = 10,
    changeover_min: int = 100,
    changeover_max: int = 200,
) -> PigmentSequencing:
    """Build an instance like those of CSPLib problem 058: orders anywhere, costs uniform within their ranges.

    Orders are drawn one after another, uniformly from the pairs (item, due period) that leave a plan, until
    `utilisation` of the periods (rounded, at least one) has a unit to make. With the default ranges costs are those of
    ``pigment..`` and ``psp-..``; ``stocking_max=20`` gives those of the University of Udine.
    """
    for key, value in (("items", items), ("periods", periods)):
        if value < 1:
            raise OptionError(f"{key} must be at least 1, not {value}")
    if items * periods > MAX_CELLS:
        raise OptionError(f"items x periods must be at most {MAX_CELLS}, not {items * periods}")
    if not 0 < utilisation <= 1:
        raise OptionError(f"utilisation must be above 0 and at most 1, not {utilisation}")
    for what, low, high in (
        ("stocking", stocking_min, stocking_max),
        ("changeover", changeover_min, changeover_max),
    ):
        if not 0 <= low <= high <= MAX_COST:
            raise OptionError(f"expected 0 <= {what}_min <= {what}_max <= {MAX_COST}, not {low} and {high}")
    if seed < 0:
        raise OptionError(f"seed must be >= 0, not {seed}")
    rng = np.random.default_rng(seed)
    orders = _orders(rng, items, periods, max(1, round(utilisation * periods)))
    stocking = rng.integers(stocking_min, stocking_max, items, endpoint=True)
    changeover = rng.integers(changeover_min, changeover_max, (items, items), endpoint=True)
    np.fill_diagonal(changeover, 0)
    return PigmentSequencing(f"pigment-{items}x{periods}-{seed}", orders, stocking, changeover)


def _orders(
    rng: np.random.Generator, items: int, periods: int, count: int
) -> "np.ndarray[tuple[int, int], np.dtype[np.int64]]":
    """Draw orders; sets that leave a plan are those of a matroid of rank T, so that no draw ends in a dead end."""
    orders = np.zeros((items, periods), np.int64)
    room = np.arange(1, periods + 1)  # units that can still be made by each period
    for cell in rng.permutation(items * periods):
        item, due = divmod(int(cell), periods)
        if room[due:].min() > 0:
            orders[item, due] = 1
            room[due:] -= 1
            count -= 1
            if count == 0:
                break
    return orders
