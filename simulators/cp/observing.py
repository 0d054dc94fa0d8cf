"""What the agent sees: for each decision a window of interval tokens, and nothing but the CP variables.

Source: the published environment (Tassel, Gebser and Schekotihin 2023). Row j of a classical shop is job j's window:
the last fixed interval (or a START token), then the next ones, END tokens behind the last.

Deviations: by default start.lb is normalised by the mean and standard deviation of the start.lb shown; the published
code takes those of all four features of window slot 1 (``is_quirky``). START has is_fixed 1 and END 0, both have zeros
for normalised times, which the description leaves open. In a problem with alternatives each option of the next interval
has a row of its own; intervals further on show their least start.lb and shortest option.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from counterpoint.simulators.cp.decisions import is_legal, option_of
from counterpoint.simulators.cp.propagation import earliest_start
from counterpoint.simulators.cp.state import UNFIXED, Problem

REAL, START, END = range(3)


class Views(NamedTuple):
    """What is seen of one problem (of B, with one axis in front): see `CpEnvironment` for the meaning."""

    interval_rep: Any  # float32 [R, W, 4]
    index_interval: Any  # int64 [R, W]
    attention_interval_mask: Any  # bool [R, W]
    start_end_tokens: Any  # int64 [R, W]
    action_mask: Any  # bool [R + 1]
    job_resource_mask: Any  # bool [R + 1, R + 1]
    row_exists: Any  # bool [R]


def blank_views(batch: int, rows: int, window: int) -> Views:
    """Return views of zeros for `observe` to fill."""
    return Views(
        np.zeros((batch, rows, window, 4), np.float32), np.zeros((batch, rows, window), np.int64),
        np.zeros((batch, rows, window), bool), np.zeros((batch, rows, window), np.int64),
        np.zeros((batch, rows + 1), bool), np.zeros((batch, rows + 1, rows + 1), bool), np.zeros((batch, rows), bool),
    )  # fmt: skip


@njit(cache=True)
def observe(p: Problem, width: int, is_quirky: bool, view: Views) -> None:
    """Fill the views of one problem; they hold zeros before."""
    rows = len(view.row_exists)
    least = 2**31
    for row in range(rows):
        view.row_exists[row] = row % width == 0 and row // width < p.facts[0].chains
        chosen = option_of(p, width, row)
        if chosen != UNFIXED:
            view.row_exists[row] = True
            view.action_mask[row] = is_legal(p, width, row, rows)
        _read_row(p, row // width, chosen, row, view)
        if view.row_exists[row]:
            least = min(least, view.index_interval[row, 0])
    for row in range(rows):
        for k in range(view.index_interval.shape[1]):
            view.index_interval[row, k] = max(0, view.index_interval[row, k] - least)
    view.action_mask[rows] = is_legal(p, width, rows, rows)
    _mark_rivals(p, width, view)
    _normalise(p, is_quirky, view)


@njit(cache=True)
def _read_row(p: Problem, j: int, chosen: int, row: int, view: Views) -> None:
    """Fill one row's tokens; times are not normalised yet."""
    window = view.index_interval.shape[1]
    if not view.row_exists[row]:
        view.start_end_tokens[row] = END
        view.attention_interval_mask[row, 1:] = True
        return
    chain, rep = p.chains[j], view.interval_rep[row]
    for k in range(window):
        i = chain.following - 1 + k
        view.index_interval[row, k] = i - chain.first + 1
        if i < chain.first:
            view.start_end_tokens[row, k] = START
            rep[k, 0] = 1.0
        elif i >= chain.end:
            view.start_end_tokens[row, k] = END
            view.attention_interval_mask[row, k] = i > chain.end
        elif k == 0:
            rep[k, 0] = 1.0
            rep[k, 1] = p.intervals[i].start
            rep[k, 2] = p.options[p.intervals[i].option].duration
        elif k == 1 and chosen != UNFIXED:
            rep[k, 1] = p.options[chosen].lower
            rep[k, 2] = p.options[chosen].duration
            rep[k, 3] = view.action_mask[row]
        else:
            rep[k, 1] = earliest_start(p, i)
            shortest = p.options[p.intervals[i].first].duration
            for o in range(p.intervals[i].first + 1, p.intervals[i].end):
                shortest = min(shortest, p.options[o].duration)
            rep[k, 2] = shortest


@njit(cache=True)
def _mark_rivals(p: Problem, width: int, view: Views) -> None:
    """Mark each row as its own rival, and legal rows that want one resource as each other's."""
    rows = len(view.row_exists)
    for row in range(rows + 1):
        view.job_resource_mask[row, row] = True
    for row in range(rows):
        if not view.action_mask[row]:
            continue
        r = p.options[option_of(p, width, row)].resource
        for other in range(row):
            if view.action_mask[other] and p.options[option_of(p, width, other)].resource == r:
                view.job_resource_mask[row, other] = view.job_resource_mask[other, row] = True


@njit(cache=True)
def _normalise(p: Problem, is_quirky: bool, view: Views) -> None:
    """Normalise durations by the instance's, start.lb by what is shown."""
    rep, tokens = view.interval_rep, view.start_end_tokens
    rows, window, _ = rep.shape
    total, square, count = 0.0, 0.0, 0
    for row in range(rows):
        if not view.row_exists[row]:
            continue
        for k in range(window):
            for f in range(4):
                if (k == 1) if is_quirky else (f == 1 and tokens[row, k] == REAL):
                    value = np.float64(rep[row, k, f])
                    total += value
                    square += value * value
                    count += 1
    mean = total / max(count, 1)
    deviation = max(1e-8 if is_quirky else 1.0, np.sqrt(max(0.0, square / max(count, 1) - mean * mean)))
    for row in range(rows):
        for k in range(window):
            if tokens[row, k] == REAL:
                rep[row, k, 1] = (rep[row, k, 1] - mean) / deviation
                rep[row, k, 2] = (rep[row, k, 2] - p.facts[0].mean) / max(p.facts[0].deviation, 1e-8)
