"""What a careful reader should bear in mind about a comparison, in whole sentences."""

from typing import TYPE_CHECKING

import numpy as np

from counterpoint.opt.errors import printable
from counterpoint.opt.evaluation.paired import INSTANCE, is_solved
from counterpoint.opt.evaluation.statistics import FEW
from counterpoint.opt.evaluation.summary import common_instances

if TYPE_CHECKING:
    import pandas as pd

BUSY = 0.6  # CPU seconds per wall second and thread below which a machine was busy or a method waited


def advice(frame: "pd.DataFrame", num_skipped: int = 0) -> tuple[str, ...]:
    """Return the warnings that a tidy frame calls for.

    Few instances or seeds, unequal budgets or threads, methods that did not solve everything, failures, late
    runs, a busy machine, undefined gaps, mixed references, runs that are not there, skipped pairs.
    """
    if frame.empty:
        return ("no run at all: nothing can be said",)
    checks = (_few, _seeds, _budgets, _threads, _coverage, _failures, _late, _busy, _gaps)
    found = [text for check in checks for text in check(frame)]
    found += _holes(frame, num_skipped)
    if num_skipped:
        pairs = "1 pair" if num_skipped == 1 else f"{num_skipped} pairs"
        found.append(f"skipped, because the method cannot handle the instance: {pairs}")
    return tuple(found)


def _few(frame: "pd.DataFrame") -> list[str]:
    n = len(frame[INSTANCE].drop_duplicates())
    if n >= FEW:
        return []
    return [f"only {n} instance{'s' if n > 1 else ''}: confidence intervals say little below {FEW}, better have 20"]


def _seeds(frame: "pd.DataFrame") -> list[str]:
    from counterpoint.opt.errors import UnknownNameError
    from counterpoint.opt.registry import method

    single = []
    for (family, name), group in frame.groupby(["problem", "method"], sort=False):
        try:
            is_random = method(str(family), str(name).partition(":")[0].partition(" [")[0]).is_random
        except UnknownNameError:
            continue
        if is_random and len(set(group["seed"])) == 1:
            single.append(printable(str(name)))
    if not single:
        return []
    return [f"one seed only for {', '.join(single)}, whose results depend on it; three or more tell luck from quality"]


def _budgets(frame: "pd.DataFrame") -> list[str]:
    limits = frame["time_limit_s"].dropna().unique()
    if len(limits) < 2:
        return []
    return [f"unequal time limits, {min(limits):g} to {max(limits):g} s: quality is not compared under one budget"]


def _threads(frame: "pd.DataFrame") -> list[str]:
    counts = frame.groupby("threads", sort=True)["method"].agg(lambda s: ", ".join(map(printable, dict.fromkeys(s))))
    if len(counts) < 2:
        return []
    parts = "; ".join(f"{threads} for {names}" for threads, names in counts.items())
    return [f"methods ran on different numbers of threads ({parts}): compare CPU seconds, not wall"]


def _coverage(frame: "pd.DataFrame") -> list[str]:
    n = len(frame[INSTANCE].drop_duplicates())
    if frame["method"].nunique() < 2:
        return []
    shared = len(common_instances(frame)[INSTANCE].drop_duplicates())
    if shared == n:
        return []
    return [f"mean gaps are over the {shared} of {n} instances on which all methods hold a solution with a gap"]


def _holes(frame: "pd.DataFrame", num_skipped: int) -> list[str]:
    """Say if the grid is not full: a store of an interrupted study looks like a finished one otherwise."""
    missing = 0
    for _, family in frame.groupby("problem", sort=False):
        sizes = [len(family[columns].drop_duplicates()) for columns in (INSTANCE, ["method"], ["seed"])]
        missing += int(np.prod(sizes)) - len(family[[*INSTANCE, "method", "seed"]].drop_duplicates())
    missing -= num_skipped * frame["seed"].nunique()
    if missing <= 0:
        return []
    return [
        f"{missing} combination{'s' if missing > 1 else ''} of instance, method and seed without a run: "
        "the study has not finished, was put together from several, or a method cannot handle an instance"
    ]


def _failures(frame: "pd.DataFrame") -> list[str]:
    bad = ~is_solved(frame) & ~frame["termination"].isin(["infeasible", "unbounded"])
    if not bad.any():
        return []
    counts = frame.loc[bad, "method"].value_counts()
    parts = ", ".join(f"{printable(str(name))} {count}" for name, count in counts.items())
    return [f"failed runs (no verified solution, or a refuted claim): {parts}"]


def _late(frame: "pd.DataFrame") -> list[str]:
    counts = frame.loc[frame["is_late"], "method"].value_counts()
    if counts.empty:
        return []
    parts = ", ".join(f"{printable(str(name))} {count}" for name, count in counts.items())
    return [f"runs more than 10 % + 1 s over their time limit: {parts}"]


def _busy(frame: "pd.DataFrame") -> list[str]:
    long = frame[(frame["wall_s"] >= 1) & is_solved(frame)]
    if long.empty:
        return []
    share = float((long["cpu_s"] / long["wall_s"]).median())
    if share >= BUSY:
        return []
    return [
        f"half of the runs got less than {share:.2f} CPU seconds per wall second: the machine was busy, "
        "so results under a wall limit are worse than on a quiet one"
    ]


def _gaps(frame: "pd.DataFrame") -> list[str]:
    undefined = int(np.isinf(frame["gap_to_reference"]).sum())
    found = []
    if undefined:
        found.append(f"{undefined} runs have no relative gap because the reference is 0; see wins, ties and losses")
    kinds = list(dict.fromkeys(frame["reference_kind"]))
    if len(kinds) > 1:
        counts = frame.drop_duplicates(INSTANCE)["reference_kind"].value_counts()
        found.append("gaps are to different kinds of reference: " + ", ".join(f"{k} ({c})" for k, c in counts.items()))
    return found
