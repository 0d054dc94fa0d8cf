"""Orienteering as a mixed-integer linear model: steps of a walk, and the length walked at the end of each.

The flow of what has been walked keeps steps together (after Gavish and Graves 1978, The travelling salesman problem and
related problems, MIT OR 078-78): it grows along the walk, so steps that go round elsewhere cannot be. Each step counts
for a little more than its length there, and only there, so that steps of no length cannot either.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.sparse.csgraph import csgraph_from_dense, dijkstra

from counterpoint.opt.problems.places import FloatArray, IntArray
from counterpoint.solvers.mip.model import Columns, LinearModel, Rows
from counterpoint.solvers.rules.orienteering import Open

MORE = 0.01  # of the length, that all steps together count for more
LIMIT = 4000.0  # what a length that is not whole is scaled to, for HiGHS lets pass 1e-6 of the row


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """The model and what its columns are.

    Parameters
    ----------
    linear : LinearModel
        Minimises minus the prize.
    origin, destination : int64 array [A]
        Of each step that may be part of a walk, numbers of `Open`.
    step, visit, walked : int64 array [A], [m], [A]
        Columns: whether it is taken, whether a place is visited, what has been walked after it.
    grown : float64 array [A]
        What a step adds to that.
    """

    linear: LinearModel
    origin: IntArray
    destination: IntArray
    step: IntArray
    visit: IntArray
    walked: IntArray
    grown: FloatArray


def build(walk: Open) -> Model:
    """Build the model; O(N^2) columns and rows."""
    n, inner = len(walk.place), len(walk.place) - 2
    from_origin, to_end = _ways(walk.distance)
    reach = from_origin[:, None] + walk.distance + to_end
    origin, destination = np.nonzero(_may_follow(n) & (reach <= walk.limit))
    length = walk.distance[origin, destination].astype(np.float64)
    unit = walk.limit if walk.limit > 0 else 1.0
    little = MORE / (inner + 1)
    grown = length / unit + little
    columns, rows = Columns(), Rows()
    step = columns.add(len(origin), 0, 1, integer=True)
    visit = columns.add(inner, 0, 1, integer=True, cost=-walk.prize[1:-1])
    walked = columns.add(len(origin), 0, 1 + MORE)
    for ends, first in ((origin, 0), (destination, 1)):  # as many steps leave and reach a place as it is visited
        of_visit = np.arange(1, n - 1) - first
        is_end = np.arange(n - 1) == (0 if first == 0 else n - 2)
        rows.add_scattered(
            n - 1, np.concatenate((ends - first, of_visit)), np.concatenate((step, visit)),
            np.concatenate((np.ones(len(step)), -np.ones(inner))), is_end, is_end,
        )  # fmt: skip
    is_whole = walk.distance.dtype.kind == "i"
    scale, limit = (1.0, np.floor(walk.limit)) if is_whole else (LIMIT / unit, LIMIT / unit * walk.limit)
    rows.add_scattered(1, np.zeros(len(step)), step, scale * length, upper=limit)
    leaves, comes = origin > 0, destination < n - 1
    rows.add_scattered(
        inner, np.concatenate((origin[leaves], destination[comes], origin[leaves])) - 1,
        np.concatenate((walked[leaves], walked[comes], step[leaves])),
        np.concatenate((np.ones(leaves.sum()), -np.ones(comes.sum()), -grown[leaves])), 0, 0,
    )  # fmt: skip
    least = from_origin[origin] / unit + little * leaves + grown
    most = np.where(leaves, 1 - to_end[destination] / unit + little * (inner + 1 - comes), grown)
    rows.add([(walked, 1), (step, -least)], lower=0)
    rows.add([(walked, 1), (step, -np.maximum(most, least))], upper=0)
    number = np.full((n, n), -1)
    number[origin, destination] = step
    there, back = np.nonzero((number >= 0) & (number.T >= 0))
    steps = number[there, back], number[back, there]  # each pair twice: once for either place
    rows.add([(steps[0], 1), (steps[1], 1), (visit[there - 1], -1)], upper=0)
    return Model(rows.finish(columns), origin, destination, step, visit, walked, grown)


def start_values(model: Model, visits: Any, places: int) -> FloatArray:
    """Return what the columns are of a walk through `visits`, numbers of an `Open` of so many places."""
    values = np.zeros(model.linear.num_cols)
    number = {pair: k for k, pair in enumerate(zip(model.origin.tolist(), model.destination.tolist(), strict=True))}
    total = 0.0
    for pair in pairwise([0, *np.asarray(visits).tolist(), places - 1]):
        k = number[pair]
        total += model.grown[k]
        values[model.step[k]], values[model.walked[k]] = 1.0, total
    values[model.visit[np.asarray(visits, np.int64) - 1]] = 1.0
    return values


def visits_of(model: Model, values: FloatArray) -> IntArray:
    """Return the visits, in order, of a solution."""
    taken = values[model.step] > 0.5
    following = dict(zip(model.origin[taken].tolist(), model.destination[taken].tolist(), strict=True))
    visits, here = [], following.get(0)
    while here in following:
        visits.append(here)
        here = following.pop(here)
    return np.array(visits, np.int64)


def _may_follow(n: int) -> Any:
    """Return whether a step may go from i to j: not into the first end nor out of the last."""
    may = ~np.eye(n, dtype=bool)
    may[-1, :] = may[:, 0] = False
    return may


def _ways(distance: Any) -> tuple[FloatArray, FloatArray]:
    """Return shortest ways from the first end and to the last, which need not be straight ones."""
    legs = np.where(_may_follow(len(distance)), distance, np.inf)
    there, back = (csgraph_from_dense(way, null_value=np.inf) for way in (legs, legs.T))  # a leg may be of no length
    return dijkstra(there, indices=0), dijkstra(back, indices=len(distance) - 1)
