"""fast-tsp (MIT) on closed tours and paths, symmetric or not, whatever the numbers.

Its distances are symmetric whole numbers of 16 bits. Longer ones and fractions are scaled and rounded for the search,
and the tour found is measured by the true distances. An asymmetric instance of N places becomes a symmetric one of 2N
(Jonker and Volgenant 1983, Operations Research Letters 2:161-163): a place is entered at 2i and left at 2i + 1, with a
link of length 0 between; a link also closes a path. All other legs are made longer by the same amount, so that no
tour gains by leaving a link out; half of the 16 bits are then left for the distances.
"""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import fast_tsp
import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.dynamic_programming.tsp import shortest
from counterpoint.solvers.rules.tsp import order_by

SOLVER = f"fast-tsp {version('fast-tsp')}"
LONGEST = 2**16 - 1  # that it can hold
LINKED = 32_000  # longest distance where there are links
FORBIDDEN = LONGEST
EXACT_NODES = 20  # up to here fast-tsp itself is exact
TINY = 4


@dataclass(frozen=True, slots=True)
class Options:
    """Options of fast-tsp.

    Parameters
    ----------
    candidates : {"auto", "nearest", "alpha"}
        Edges that its search looks at: of nearest places, or ranked by one-trees; auto: by size and time.
    """

    candidates: Literal["auto", "nearest", "alpha"] = "auto"


def solve(instance: Tsp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Run fast-tsp for the time there is; without a limit, until it has converged.

    It counts no iterations, stops at no target and takes no seed: only a run that ends early by itself is reproducible.
    The nearest neighbour's tour is held meanwhile. Up to 20 places (10 asymmetric ones) it is exact, and where
    nothing was rounded the tour is reported as optimal.
    """
    clock = budget.start()
    if instance.num_places <= TINY:
        order = shortest(instance)
        cost = float(length(instance, order))
        return Outcome(Tour(order), cost, Termination.OPTIMAL, bound=cost, solver=SOLVER)
    held = order_by(instance, "nearest-neighbour")
    report(Tour(held))
    held_cost = float(length(instance, held))
    stopped = clock.stop(objective=held_cost)
    if stopped is not None and stopped is not Termination.ITERATIONS:
        return Outcome(Tour(held), held_cost, stopped, solver=SOLVER)
    distances, is_true = short_distances(instance, held_cost)
    remaining = clock.remaining_s()
    tour = fast_tsp.find_tour(
        distances,
        duration_seconds=max(1e-3, remaining),
        max_threads=budget.threads_or_all(),
        candidates=options.candidates,
        stop_when_converged=remaining == np.inf,
    )
    order, is_linked = order_of(instance, np.array(tour))
    cost = float(length(instance, order))
    message = "" if is_true else "distances were scaled and rounded to 16 bits for the search"
    if cost > held_cost:
        order, cost = held, held_cost
    elif is_true and is_linked and len(distances) <= EXACT_NODES:
        return Outcome(Tour(order), cost, Termination.OPTIMAL, bound=cost, solver=SOLVER)
    ended = Termination.TIME if remaining < np.inf else Termination.COMPLETED
    if len(distances) <= EXACT_NODES:
        ended = Termination.COMPLETED
    return Outcome(Tour(order), cost, ended, solver=SOLVER, message=message)


def short_distances(instance: Tsp, upper: float) -> tuple[Any, bool]:
    """Return symmetric distances, uint16 [N, N] or [2N, 2N], and whether they are the true ones but for a constant.

    `upper` is the length of a tour.
    """
    is_asymmetric, n = "asymmetric" in instance.features, instance.num_places
    most = LINKED if is_asymmetric or instance.ends is not None else LONGEST
    matrix = instance.places.distances()
    longest = matrix.max()
    is_true = instance.places.is_integral and longest <= most
    if not is_true:
        longest = min(float(longest), _longest_used(instance, matrix, upper))  # forbidden arcs must not set the scale
        matrix = np.minimum(matrix, longest) * (most / max(longest, 1e-12))
        np.rint(matrix, out=matrix)
        longest = most
    matrix = matrix.astype(np.uint16)
    if most == LINKED:
        matrix += np.uint16(FORBIDDEN - 1 - longest)
    if instance.ends is not None:
        first, last = instance.ends
        matrix[last, first] = 0
        if not is_asymmetric:
            matrix[first, last] = 0
    np.fill_diagonal(matrix, 0)
    if not is_asymmetric:
        return matrix, bool(is_true)
    doubled = np.full((2 * n, 2 * n), FORBIDDEN, np.uint16)
    doubled[1::2, ::2] = matrix  # the diagonal is the links
    doubled[::2, 1::2] = matrix.T
    np.fill_diagonal(doubled, 0)
    return doubled, bool(is_true)


def _longest_used(instance: Tsp, matrix: Any, upper: float) -> float:
    """Return how long a leg of a tour no longer than `upper` can be: every other place is left by its shortest."""
    shortest_left = np.partition(matrix, 1, axis=1)[:, 1].astype(np.float64)  # the diagonal is 0
    if instance.ends is not None:
        shortest_left[instance.ends[1]] = 0.0
    return float(upper - shortest_left.sum() + shortest_left.max())


def order_of(instance: Tsp, tour: IntArray) -> tuple[IntArray, bool]:
    """Return the order of places that a tour of `short_distances` stands for, and whether it kept every link.

    Of a tour that did not, the best that can be made without another search.
    """
    n, is_linked = instance.num_places, True
    candidates = [tour, tour[::-1]]
    if len(tour) == 2 * n:
        is_linked = False
        for k, turned in enumerate(candidates):
            entered = np.flatnonzero(turned % 2 == 0)
            is_linked = is_linked or bool((turned[(entered + 1) % (2 * n)] == turned[entered] + 1).all())
            candidates[k] = turned[entered] // 2
    if instance.ends is not None:
        first, last = instance.ends
        begun = [np.roll(order, -int(np.flatnonzero(order == first)[0])) for order in candidates]
        is_linked = is_linked and any(order[-1] == last for order in begun)
        candidates = [np.append(order[order != last], last) for order in begun]
    return min(candidates, key=lambda order: float(length(instance, order))).astype(np.int64), is_linked
