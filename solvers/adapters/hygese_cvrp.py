"""Vehicle routing by hybrid genetic search: HGS-CVRP (Vidal 2022, Computers and OR 140:105643) through hygese; MIT."""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from hygese import AlgorithmParameters, Solver

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.rules.cvrp import savings
from counterpoint.solvers.rules.cvrp_closed import closed

TICK_S = 0.05
MAX_ITERATIONS = 2**31 - 1
LEAST = 3  # customers: fewer end the process in the library


@dataclass(frozen=True, slots=True)
class Options:
    """Options of hybrid genetic search.

    Parameters
    ----------
    patience : int
        Iterations without improvement after which it ends, or begins anew if there is time.

    Raises
    ------
    OptionError
    """

    patience: int = 20_000

    def __post_init__(self) -> None:
        if not 1 <= self.patience <= MAX_ITERATIONS:
            raise OptionError(f"patience must be in 1..{MAX_ITERATIONS}, not {self.patience}")


def solve(instance: Cvrp, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Search until `patience` iterations (or the budget's, if fewer) brought nothing; with a time limit, until then.

    Deviation: with a time limit the library begins anew until it is up, whatever the iterations, and it counts
    processor time, which is later on a crowded machine. It tells nothing before its end: on Ctrl-C the routes of
    savings are what is held. Only limits of iterations without one of time are reproducible.
    """
    clock = budget.start()
    plain = closed(instance)
    best = savings(plain)
    cost = float(plain.total(best))
    report(plain.routes(best))
    stopped = clock.stop(objective=cost)
    if stopped is not None or plain.num_places <= LEAST:
        return Outcome(plain.routes(best), cost, stopped or Termination.COMPLETED, solver="hygese")
    patience = options.patience if budget.iterations is None else max(1, min(options.patience, budget.iterations))
    limit = 0.0 if budget.time_limit_s is None else max(0.01, clock.remaining_s())
    settings = AlgorithmParameters(seed=seed % 2**31, nbIter=patience, timeLimit=limit)
    points = np.zeros((plain.num_places, 2)) if instance.places.points is None else instance.places.points
    points = points - points.min(axis=0)
    data = {
        "distance_matrix": plain.distance, "demands": plain.demand, "vehicle_capacity": plain.capacity,
        "x_coordinates": points[:, 0], "y_coordinates": points[:, 1], "num_vehicles": len(best) + 5,
    }  # fmt: skip
    found: list[Any] = []
    done = threading.Event()

    def work() -> None:
        try:
            found.append(Solver(settings, verbose=False).solve_cvrp(data))
        except Exception as error:
            found.append(error)
        done.set()

    threading.Thread(target=work, name="hygese", daemon=True).start()  # so that Ctrl-C is seen at once
    while not done.wait(TICK_S):
        pass
    if isinstance(found[0], Exception):
        raise found[0]
    total = float(plain.total(found[0].routes))
    if total < cost and all(plain.demand[route].sum() <= plain.capacity for route in found[0].routes):
        best, cost = found[0].routes, total
    reason = clock.stop(objective=cost) or (Termination.ITERATIONS if budget.iterations else Termination.COMPLETED)
    return Outcome(plain.routes(best), cost, reason, solver="hygese 0.1")
