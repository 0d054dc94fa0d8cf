"""The recorder between a method and its result: believes nothing, keeps the best."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any

from counterpoint.opt.problems.table import problem
from counterpoint.opt.result import Check, TracePoint


class Recorder:
    """The `Report` a method calls: recomputes each objective, keeps the best, the bound and the trace.

    Solvers call back from threads of their own: one call at a time is taken in.
    """

    def __init__(
        self,
        instance: Any,
        on_incumbent: Callable[[Any, float | None, float | None], None] | None = None,
    ) -> None:
        family = problem(instance.problem)
        self.instance = instance
        self.check: Callable[[Any, Any], Check] = family.load("check")
        self.sign = 1.0 if family.sense == "min" else -1.0
        self.on_incumbent = on_incumbent
        self.started = time.monotonic()
        self.solution: Any = None
        self.verdict: Check | None = None
        self.bound: float | None = None
        self.trace: list[TracePoint] = []
        self.rejected: Check | None = None
        self.lock = threading.RLock()

    @property
    def objective(self) -> float | None:
        """The best verified objective so far."""
        return None if self.verdict is None else self.verdict.objective

    def __call__(self, solution: Any = None, *, bound: float | None = None) -> None:
        """Take in a solution and/or a bound."""
        with self.lock:
            self._take(solution, bound)

    def _take(self, solution: Any, bound: float | None) -> None:
        changed = False
        if bound is not None and not math.isfinite(bound):
            bound = None  # solvers start from an infinite bound, which says nothing
        if bound is not None and (self.bound is None or self.sign * bound > self.sign * self.bound):
            self.bound, changed = float(bound), True
        if solution is not None:
            verdict = self.check(self.instance, solution)
            if not verdict.is_feasible or verdict.objective is None:
                self.rejected = self.rejected or verdict
            elif self.objective is None or self.sign * verdict.objective < self.sign * self.objective:
                self.solution, self.verdict, changed = solution, verdict, True
        if changed:
            self.trace.append(TracePoint(time.monotonic() - self.started, self.objective, self.bound))
            if self.on_incumbent is not None:
                self.on_incumbent(self.solution, self.objective, self.bound)
