"""PyVRP's iterated local search under this package's budgets, reports and Ctrl-C."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from pyvrp import IteratedLocalSearchCallbacks, IteratedLocalSearchParams, ProblemData, Solution, SolveParams
from pyvrp import solve as solve_data

from counterpoint.opt.budget import Clock
from counterpoint.opt.result import Termination

SOLVER = f"pyvrp {version('pyvrp')}"


class _Callbacks(IteratedLocalSearchCallbacks):
    """Hands every better solution on."""

    def __init__(self, take: Callable[[Solution], None]) -> None:
        super().__init__()
        self.take = take

    def on_start(self, algorithm: Any) -> None:
        """Take what the search begins with."""
        self.take(algorithm.initial_solution)

    def on_best(self, best: Solution) -> None:
        """Take a better one."""
        self.take(best)


@dataclass(slots=True)
class Stop:
    """PyVRP's stopping criterion, asked before every iteration.

    Parameters
    ----------
    clock : Clock
    held : callable
        Returns the objective held, or None.
    sense : {"min", "max"}
    iterations : float
        At most this many, whatever the budget.
    """

    clock: Clock
    held: Callable[[], float | None]
    sense: str = "min"
    iterations: float = math.inf
    done: int = -1
    reason: Termination | None = field(default=None)

    def __call__(self, best_cost: float) -> bool:
        """Return whether to stop."""
        self.done += 1
        self.reason = self.clock.stop(iteration=self.done, objective=self.held(), sense=self.sense)
        return self.reason is not None or self.done >= self.iterations


def run(data: ProblemData, stop: Stop, seed: int, take: Callable[[Solution], None], start: Solution | None) -> None:
    """Search until `stop`; every solution that is better goes to `take`, feasible or not."""
    settings = SolveParams(ils=IteratedLocalSearchParams(callbacks=_Callbacks(take)))
    solve_data(
        data, stop, seed=seed % 2**32, collect_stats=False, display=False, params=settings, initial_solution=start
    )  # fmt: skip
