"""Orienteering by PyVRP: one vehicle of limited distance, places that need not be visited, prizes weighed in length.

PyVRP (Wouda, Lan and Kool 2024, INFORMS Journal on Computing 36:943-955; MIT) minimises the distance plus the prizes
left behind. What a prize is worth in length decides what it finds, so several weights are tried and the best walk kept.
"""

from dataclasses import dataclass

import numpy as np
from pyvrp import Client, Depot, Location, ProblemData, Solution, VehicleType

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.adapters.pyvrp_run import SOLVER, Stop, run
from counterpoint.solvers.rules.orienteering import Open, greedy, opened

MILLION = 10**6
LARGEST = 10**11  # worth of a prize: PyVRP's costs must stay far below 2^44
ROUND = 2_000  # iterations a weight gets in the first round, if there is no limit to share


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the recipe.

    Parameters
    ----------
    weights : tuple of float
        What prizes are worth in length, each tried in its turn: 1 stands for the length that the greedy walk pays for a
        unit of prize.

    Raises
    ------
    OptionError
    """

    weights: tuple[float, ...] = (1.0, 1.5, 2.5)

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", tuple(float(weight) for weight in self.weights))
        if not self.weights or not all(0 < weight <= 1e6 for weight in self.weights):
            raise OptionError(f"weights must be numbers above 0, not {self.weights}")


def solve(instance: Orienteering, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Search once for each weight, in equal shares of the time and the iterations; again and again without either.

    PyVRP counts in whole numbers: distances are multiplied by a power of ten and rounded up, so that a walk that it
    calls short enough is.
    """
    clock = budget.start()
    walk = opened(instance)
    visits = greedy(walk)
    held = float(walk.prize[visits].sum())
    report(walk.walk(visits))
    if len(walk.place) == 2 or not walk.prize.any() or walk.limit <= 0:
        return Outcome(walk.walk(visits), held, Termination.COMPLETED, solver=SOLVER)
    rate = float(walk.length(visits)) / held if held else 0.0
    rate = rate or walk.limit / float(walk.prize.sum())
    done, turn, reason = 0, 0, clock.stop(objective=held, sense="max")
    is_endless = budget.time_limit_s is None and budget.iterations is None

    def take(found: Solution) -> None:
        nonlocal visits, held
        if not found.is_feasible():
            return
        routes = [[1 + visit.idx for visit in route if visit.is_client()] for route in found.routes()]
        more = greedy(walk, routes[0] if routes else [])  # what rounding left room for
        if walk.prize[more].sum() > held and walk.length(more) <= walk.limit:
            visits, held = more, float(walk.prize[more].sum())
            report(walk.walk(visits))

    while reason is None and (turn < len(options.weights) or is_endless):
        waiting = len(options.weights) - turn
        shared = (budget.iterations - done) // waiting if budget.iterations is not None else None
        part = clock.left() if is_endless else clock.left(1 / waiting, iterations=shared)
        most = ROUND * 2 ** (turn // len(options.weights)) if is_endless else float("inf")
        stop = Stop(part.start(), lambda: held, "max", most)
        data, start = _data(walk, rate * options.weights[turn % len(options.weights)]), None
        if turn >= len(options.weights):
            start = Solution(data, [(visits - 1).tolist()])
        run(data, stop, seed + turn, take, start)
        done, turn = done + max(0, stop.done), turn + 1
        reason = Termination.TARGET if stop.reason is Termination.TARGET else reason
    final = reason or clock.stop(iteration=done, objective=held, sense="max") or stop.reason or Termination.COMPLETED
    return Outcome(walk.walk(visits), held, final, solver=SOLVER, iterations=done)


def _data(walk: Open, worth: float) -> ProblemData:
    """Return PyVRP's form of an instance of which a unit of prize is worth this length."""
    m = len(walk.place) - 2
    longest = min(float(walk.distance.max()), 2 * walk.limit) or 1.0
    scale = 10.0 ** np.ceil(np.log10(MILLION / longest))
    matrix = np.ceil(np.minimum(walk.distance, 3 * walk.limit) * scale - 1e-6).astype(np.int64)
    np.fill_diagonal(matrix, 0)
    prize = np.minimum(np.rint(walk.prize * worth * scale), LARGEST).astype(np.int64)
    clients = [Client(k, prize=int(prize[k]), required=False) for k in range(1, m + 1)]
    vehicle = VehicleType(1, start_depot=0, end_depot=1, max_distance=int(np.floor(walk.limit * scale + 1e-6)))
    return ProblemData(
        [Location(0.0, 0.0)] * (m + 2), clients, [Depot(0), Depot(m + 1)], [vehicle], [matrix], [np.zeros_like(matrix)]
    )  # fmt: skip
