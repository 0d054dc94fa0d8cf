"""Run CP-SAT so that it can be watched: solutions and bounds stream out, Ctrl-C and the clock get in.

The search runs in a thread of its own and the caller's thread waits, so that Python sees a SIGINT at
once (CP-SAT's own handler would swallow it); any thread may stop it, and an error in a report stops it
and comes back to the caller, where it would end the process if it left a callback of the solver.
"""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ortools.sat.python import cp_model

from counterpoint.opt.budget import Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.result import Termination

Stop = threading.Event
TICK_S = 0.05
GRACE_S = 0.2  # CP-SAT keeps its own time; past this it is told


@dataclass(frozen=True, slots=True)
class End:
    """What a search came to; `solution` is None if it found nothing better than what was known."""

    solution: Any
    objective: float | None
    bound: float
    termination: Termination
    message: str = ""


@dataclass(slots=True)
class Watch:
    """What a search reports to, and what it has found; minimisation of integers.

    Parameters
    ----------
    clock : Clock
    report : Report
    decode : callable
        Makes a solution of a function from variable to value.
    bound : float
        A proven lower bound to start with.
    """

    clock: Clock
    report: Report
    decode: Callable[[Callable[[Any], int]], Any]
    bound: float
    solution: Any = None
    objective: float | None = None
    error: BaseException | None = None
    stop: Stop = field(default_factory=Stop)
    lock: Any = field(default_factory=threading.Lock)

    def take_solution(self, read: Callable[[Any], int], objective: float) -> None:
        """Take in a better solution."""
        with self.lock:
            self.solution, self.objective = self.decode(read), float(round(objective))
            self.report(self.solution)
            target = self.clock.budget.target
            if target is not None and self.objective <= target:
                self.stop.set()

    def take_bound(self, bound: float) -> None:
        """Take in a bound; the objective is an integer, so it may be rounded up."""
        bound = float(math.ceil(bound - 1e-6))
        with self.lock:
            if bound > self.bound:
                self.bound = bound
                self.report(bound=bound)

    def guard(self, act: Callable[..., None], *arguments: Any) -> None:
        """Call `act`; keep an error for the caller's thread and stop."""
        try:
            act(*arguments)
        except BaseException as error:
            self.error = self.error or error
            self.stop.set()


class _Callback(cp_model.CpSolverSolutionCallback):
    """Hands solutions to a watch."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def on_solution_callback(self) -> None:
        """Called by CP-SAT on each improvement."""
        self.watch.guard(self.watch.take_solution, self.value, self.objective_value)
        if self.watch.stop.is_set():
            self.stop_search()


def search(solver: cp_model.CpSolver, model: cp_model.CpModel, watch: Watch, stop: Stop | None = None) -> End:
    """Minimise `model` until proof, limit, target, `stop` or Ctrl-C.

    Parameters
    ----------
    solver : CpSolver
        With parameters set; the time limit is set here, from the watch's clock.
    model : CpModel
        Feasible: one that CP-SAT calls infeasible is an error.
    watch : Watch
    stop : threading.Event, optional
        Set from outside to end the search: the termination is then "completed".

    Raises
    ------
    RuntimeError
        If CP-SAT answers anything but optimal, feasible or unknown.
    """
    remaining = watch.clock.remaining_s()
    if math.isfinite(remaining):
        solver.parameters.max_time_in_seconds = remaining
    solver.parameters.catch_sigint_signal = False
    solver.best_bound_callback = lambda bound: watch.guard(watch.take_bound, bound)
    callback = _Callback(watch)
    status: list[Any] = []
    done = threading.Event()  # an interrupted Thread.join takes a running thread for finished (CPython 3.11)

    def run() -> None:
        watch.guard(lambda: status.append(solver.solve(model, callback)))
        done.set()

    threading.Thread(target=run, name="cp-sat", daemon=True).start()
    is_interrupted = False
    try:
        while not done.wait(TICK_S):
            is_stopped = watch.stop.is_set() or (stop is not None and stop.is_set())
            if is_stopped or watch.clock.elapsed_s() > (watch.clock.budget.time_limit_s or math.inf) + GRACE_S:
                solver.stop_search()
    except KeyboardInterrupt:
        is_interrupted = True
        solver.stop_search()
        while not done.wait(TICK_S):
            solver.stop_search()  # again and again: before the search has begun it does nothing
    if watch.error is not None:
        raise watch.error
    return _end(solver, model, watch, status[0], is_interrupted)


def _end(solver: cp_model.CpSolver, model: cp_model.CpModel, watch: Watch, status: Any, is_interrupted: bool) -> End:
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN):
        fault = model.validate() or solver.response_proto.solution_info
        raise RuntimeError(f"CP-SAT calls this model {solver.status_name(status)}: {fault}")
    if status == cp_model.OPTIMAL:
        watch.take_solution(solver.value, solver.objective_value)
    if status != cp_model.UNKNOWN:
        watch.take_bound(solver.best_objective_bound)
    if is_interrupted:
        reason = Termination.INTERRUPTED
    elif status == cp_model.OPTIMAL:
        # CP-SAT says OPTIMAL also when the gap asked for is reached
        is_proved = watch.objective is not None and watch.bound >= watch.objective
        reason = Termination.OPTIMAL if is_proved else Termination.GAP
    else:
        reason = _limit(watch)
    return End(watch.solution, watch.objective, watch.bound, reason, solver.response_proto.solution_info)


def _limit(watch: Watch) -> Termination:
    """Which limit ended a search that is not proved."""
    reason = watch.clock.stop(objective=watch.objective, bound=watch.bound)
    if reason is not None:
        return reason
    if watch.clock.budget.iterations is not None:
        return Termination.ITERATIONS
    remaining = watch.clock.remaining_s()
    # CP-SAT stops a moment before its limit rather than after it
    return Termination.TIME if remaining < 1.0 else Termination.COMPLETED
