"""How long a method may run: time, iterations, target, gap; whichever comes first."""

import math
import os
import time
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any

from counterpoint.opt.errors import OptionError
from counterpoint.opt.result import Termination, relative_gap


@dataclass(frozen=True, slots=True)
class Budget:
    """The limits of one run; the first one reached stops it.

    Parameters
    ----------
    time_limit_s : float, optional
        Wall seconds on the monotonic clock.
    iterations : int, optional
        The method's own steps (moves, samples, nodes), as its documentation counts them.
    target : float, optional
        Stop as soon as an objective at least this good is held.
    gap : float
        Stop as soon as the relative gap between objective and bound is at most this.
    threads : int, optional
        Native threads the method may use; None means all cores this process may use.

    Examples
    --------
    >>> Budget(time_limit_s=10).threads_or_all() >= 1
    True
    """

    time_limit_s: float | None = None
    iterations: int | None = None
    target: float | None = None
    gap: float = 0.0
    threads: int | None = None

    def __post_init__(self) -> None:
        convert: Any
        for key, kind, convert, what in (
            ("time_limit_s", Real, float, "a number"), ("target", Real, float, "a number"),
            ("gap", Real, float, "a number"), ("iterations", Integral, int, "a whole number"),
            ("threads", Integral, int, "a whole number"),
        ):  # fmt: skip
            value = getattr(self, key)
            if value is None and key != "gap":
                continue
            if isinstance(value, bool) or not isinstance(value, kind):
                raise OptionError(f"{key} must be {what}, not {value!r}")
            # 10, 10.0 and numpy's 10 are one budget: they must give one key in a store
            object.__setattr__(self, key, convert(value))
        if self.time_limit_s is not None and not (self.time_limit_s >= 0 and math.isfinite(self.time_limit_s)):
            raise OptionError(f"time limit must be a finite number of seconds >= 0, not {self.time_limit_s}")
        if self.iterations is not None and self.iterations < 0:
            raise OptionError(f"iterations must be >= 0, not {self.iterations}")
        if self.target is not None and math.isnan(self.target):
            raise OptionError("target must be a number, not NaN")
        if not 0 <= self.gap < math.inf:
            raise OptionError(f"gap must be >= 0, not {self.gap}")
        if self.threads is not None and self.threads < 1:
            raise OptionError(f"threads must be >= 1, not {self.threads}")

    def start(self) -> "Clock":
        """Start the clock of one run under this budget."""
        return Clock(self)

    def threads_or_all(self) -> int:
        """Return the number of native threads to use."""
        if self.threads is not None:
            return self.threads
        if hasattr(os, "sched_getaffinity"):  # honours taskset and containers; not on macOS
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1


@dataclass(slots=True)
class Clock:
    """The running time of one run; ask it often, it costs 100 ns."""

    budget: Budget
    started: float = field(default_factory=time.monotonic)

    def elapsed_s(self) -> float:
        """Wall seconds since the start."""
        return time.monotonic() - self.started

    def remaining_s(self) -> float:
        """Wall seconds left, never negative; infinity without a time limit."""
        limit = self.budget.time_limit_s
        return math.inf if limit is None else max(0.0, limit - self.elapsed_s())

    def is_up(self) -> bool:
        """Return whether the time is over."""
        return self.remaining_s() <= 0

    def left(self, share: float = 1.0, **changes: object) -> Budget:
        """Return a budget of `share` of the remaining time, for a part of a larger method."""
        remaining = self.remaining_s()
        limit = None if math.isinf(remaining) else remaining * share
        return replace(self.budget, time_limit_s=limit, **changes)  # type: ignore[arg-type]

    def stop(
        self,
        *,
        iteration: int = 0,
        objective: float | None = None,
        bound: float | None = None,
        sense: str = "min",
    ) -> Termination | None:
        """Return why to stop now, or None to go on.

        Proof comes first, then gap, target, iterations and time.
        """
        budget = self.budget
        if objective is not None and bound is not None:
            if objective <= bound if sense == "min" else objective >= bound:
                return Termination.OPTIMAL
            if relative_gap(objective, bound) <= budget.gap:
                return Termination.GAP
        if objective is not None and budget.target is not None:
            reached = objective <= budget.target if sense == "min" else objective >= budget.target
            if reached:
                return Termination.TARGET
        if budget.iterations is not None and iteration >= budget.iterations:
            return Termination.ITERATIONS
        if budget.time_limit_s is not None and self.elapsed_s() >= budget.time_limit_s:
            return Termination.TIME
        return None
