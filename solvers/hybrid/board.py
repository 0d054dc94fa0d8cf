"""What the parts of a hybrid share: the best schedule, the best bound, and whether it is over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from counterpoint.opt.budget import Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.result import Termination


@dataclass(slots=True)
class Board:
    """The shared incumbent and bound of a minimisation; a `Report` that any thread may call.

    Parameters
    ----------
    clock : Clock
    report : Report
        Told of every improvement, one call at a time.
    worth : callable
        Objective of a feasible solution.
    """

    clock: Clock
    report: Report
    worth: Callable[[Any], float]
    best: Any = None
    value: float = float("inf")
    bound: float = float("-inf")
    error: BaseException | None = None
    is_closed: bool = False
    _lock: Any = field(default_factory=threading.Lock)

    def __call__(self, solution: Any = None, *, bound: float | None = None) -> None:
        """Take in a solution and/or a bound."""
        value = float("inf") if solution is None else self.worth(solution)
        with self._lock:
            if self.is_closed:
                return
            if value < self.value:
                self.best, self.value = solution, value
                self.report(solution)
            if bound is not None and bound > self.bound:
                self.bound = bound
                self.report(bound=bound)

    def close(self) -> None:
        """Let nothing in any more: a thread that could not be waited for may still call."""
        with self._lock:
            self.is_closed = True

    def ended(self) -> Termination | None:
        """Why all parts should stop now, or None; iterations are left to the parts."""
        if self.error is not None:
            return Termination.ERROR
        held = None if self.best is None else self.value
        return self.clock.stop(iteration=-1, objective=held, bound=self.bound)


@dataclass(slots=True)
class Part:
    """One part's view of a board: what it found itself, and whether another is far enough ahead to join.

    It joins another's incumbent by starting anew, which costs what it has learned; that is allowed when
    it has run for `patience_s` and for `share` of the time before it began, so restarts cost a
    bounded share of the whole.

    Parameters
    ----------
    board : Board
    patience_s, share : float
    """

    board: Board
    patience_s: float
    share: float
    value: float = field(init=False)
    _began_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> Any:
        """Start (anew) from the best of all, and return it."""
        self._began_s = self.board.clock.elapsed_s()
        self.value = self.board.value
        return self.board.best

    def __call__(self, solution: Any = None, *, bound: float | None = None) -> None:
        """Report to the board, and remember."""
        if solution is not None:
            self.value = min(self.value, self.board.worth(solution))
        self.board(solution, bound=bound)

    def should_stop(self) -> bool:
        """True if all is over, or if it is time to start anew from a better incumbent."""
        if self.board.ended() is not None:
            return True
        ran_s = self.board.clock.elapsed_s() - self._began_s
        is_behind = self.board.value < self.value
        return is_behind and ran_s >= self.patience_s + self.share * self._began_s


@dataclass(slots=True)
class PartClock(Clock):
    """The clock of the whole, which also ends a part when `should_stop` says so."""

    should_stop: Callable[[], bool] = lambda: False

    def stop(
        self,
        *,
        iteration: int = 0,
        objective: float | None = None,
        bound: float | None = None,
        sense: str = "min",
    ) -> Termination | None:
        """As `Clock.stop`, or "completed" if the part should stop."""
        reason = Clock.stop(self, iteration=iteration, objective=objective, bound=bound, sense=sense)
        return Termination.COMPLETED if reason is None and self.should_stop() else reason
