"""Variants laid over a generated shop: blocking, due dates, weights and windows in which machines are unavailable."""

import dataclasses
import math

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import MAX_TIME, Blocking, IntArray, JobShop

MAX_WINDOWS = 100_000  # of all machines together


def with_variants(
    shop: JobShop,
    rng: np.random.Generator,
    blocking: Blocking = "none",
    due_date_tightness: float | None = None,
    max_weight: int = 1,
    windows_per_machine: int = 0,
) -> JobShop:
    """Return the shop with what was asked for, and named after it; the shop itself if nothing was.

    Parameters
    ----------
    shop : JobShop
    rng : numpy Generator
        Drawn from after everything else, so the shop underneath is the same with and without variants.
    blocking : {"none", "swap", "no-swap"}
    due_date_tightness : float, optional
        Due dates d_j = floor(tightness x shortest total work of job j); the objective becomes total weighted
        tardiness. About 1.3 is tight and 1.6 loose for square shops (Singer and Pinedo 1998, IIE Trans. 30:109-118).
    max_weight : int
        Weights U{1..max_weight}; needs due dates if above 1.
    windows_per_machine : int
        Each machine is unavailable this often: the time from 0 to 1.5 x the mean load is cut into as many equal
        parts, and in each part lies one window of U{1..2 x mean duration}, as far as it fits.
    """
    changes: dict[str, object] = {}
    if blocking != "none":
        changes["blocking"] = blocking
    if max_weight < 1 or (max_weight > 1 and due_date_tightness is None):
        raise OptionError(f"max_weight must be at least 1, and above 1 needs due_date_tightness; not {max_weight}")
    if due_date_tightness is not None:
        if due_date_tightness < 0:
            raise OptionError(f"due_date_tightness must be at least 0, not {due_date_tightness}")
        works = np.add.reduceat(_shortest(shop), shop.job_offsets[:-1]).tolist()
        due_dates = [math.floor(due_date_tightness * work) for work in works]
        if max(due_dates) > MAX_TIME:
            raise OptionError(f"due_date_tightness {due_date_tightness:g} makes due dates above {MAX_TIME}")
        changes["due_dates"] = np.array(due_dates)
        changes["weights"] = rng.integers(1, max_weight, size=shop.num_jobs, endpoint=True)
        changes["objective"] = "total-weighted-tardiness"
    if not 0 <= windows_per_machine <= MAX_WINDOWS // shop.num_machines:
        raise OptionError(f"windows_per_machine must lie in 0..{MAX_WINDOWS // shop.num_machines}")
    if windows_per_machine:
        changes["unavailable"] = _windows(shop, rng, windows_per_machine)
    if not changes:
        return shop
    varied = dataclasses.replace(shop, **changes)  # type: ignore[arg-type]
    return dataclasses.replace(varied, name="-".join([shop.name, *sorted(varied.features - shop.features)]))


def _shortest(shop: JobShop) -> IntArray:
    """Shortest duration of each operation, int64 [N]."""
    return np.minimum.reduceat(shop.option_duration, shop.option_offsets[:-1])


def _windows(shop: JobShop, rng: np.random.Generator, count: int) -> IntArray:
    shortest = _shortest(shop)
    part = max(2, int(1.5 * shortest.sum() / shop.num_machines / count))
    longest = min(part - 1, max(1, int(2 * shortest.mean())))
    lengths = rng.integers(1, longest, size=(shop.num_machines, count), endpoint=True)
    # one instant of every part stays free, so that windows never touch
    starts = np.arange(count) * part + 1 + rng.integers(0, part - lengths)
    machines = np.repeat(np.arange(shop.num_machines), count)
    return np.stack([machines, starts.ravel(), (starts + lengths).ravel()], axis=1)
