"""Run CP-SAT so that it can be watched: solutions and bounds stream out, Ctrl-C and the clock get in.

The search runs in a thread of its own and the caller's thread waits, so that Python sees a SIGINT at
once (CP-SAT's own handler would swallow it); any thread may stop it, and an error in a report stops it
and comes back to the caller, where it would end the process if it left a callback of the solver.
"""

import math
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ortools.sat.python import cp_model

from counterpoint.opt.budget import Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.interrupts import run_aside
from counterpoint.opt.result import Termination

Stop = Callable[[], bool]  # True: end the search
TICK_S = 0.05
EARLY_S = 0.1
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
    is_over: threading.Event = field(default_factory=threading.Event)
    lock: Any = field(default_factory=threading.Lock)

    def take_solution(self, read: Callable[[Any], int], objective: float) -> None:
        """Take in a better solution."""
        with self.lock:
            self.solution, self.objective = self.decode(read), float(round(objective))
            self.report(self.solution)
            target = self.clock.budget.target
            if target is not None and self.objective <= target:
                self.is_over.set()

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
            self.is_over.set()


class _Callback(cp_model.CpSolverSolutionCallback):
    """Hands solutions to a watch."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch

    def on_solution_callback(self) -> None:
        """Called by CP-SAT on each improvement."""
        self.watch.guard(self.watch.take_solution, self.value, self.objective_value)
        if self.watch.is_over.is_set():
            self.stop_search()


def log_to_stderr(solver: cp_model.CpSolver) -> None:
    """Have CP-SAT tell what it does; its own way, standard output, is for results."""
    solver.parameters.log_search_progress = True
    solver.parameters.log_to_stdout = False
    solver.log_callback = lambda line: print(line, file=sys.stderr)


def search(solver: cp_model.CpSolver, model: cp_model.CpModel, watch: Watch, stop: Stop | None = None) -> End:
    """Minimise `model` until proof, limit, target, `stop` or Ctrl-C.

    Parameters
    ----------
    solver : CpSolver
        With parameters set; the time limit is set here, from the watch's clock.
    model : CpModel
        Feasible: one that CP-SAT calls infeasible is an error.
    watch : Watch
    stop : callable, optional
        Asked every 50 ms; True ends the search, and the termination is "completed"; so it is if CP-SAT gives up.

    Raises
    ------
    RuntimeError
        If CP-SAT answers anything but optimal, feasible or unknown.
    """
    limit = watch.clock.budget.time_limit_s
    if limit is not None:
        solver.parameters.max_time_in_seconds = watch.clock.remaining_s()
    solver.parameters.catch_sigint_signal = False
    solver.best_bound_callback = lambda bound: watch.guard(watch.take_bound, bound)
    callback = _Callback(watch)
    status: list[Any] = []
    is_interrupted = is_stopped = False
    deadline = math.inf if limit is None else limit + GRACE_S

    def act() -> None:
        watch.guard(lambda: status.append(solver.solve(model, callback)))

    def look() -> None:
        nonlocal is_stopped
        is_stopped = is_stopped or (stop is not None and stop())
        if is_stopped or watch.is_over.is_set() or watch.clock.elapsed_s() > deadline:
            solver.stop_search()

    try:
        run_aside(act, solver.stop_search, look, name="cp-sat", tick_s=TICK_S)
    except KeyboardInterrupt:
        if not status and watch.error is None:  # it had not begun
            raise
        is_interrupted = True
    if watch.error is not None:
        raise watch.error
    outside = Termination.INTERRUPTED if is_interrupted else Termination.COMPLETED if is_stopped else None
    return _end(solver, model, watch, status[0], outside)


def _end(
    solver: cp_model.CpSolver, model: cp_model.CpModel, watch: Watch, status: Any, outside: Termination | None
) -> End:
    """Say what a search came to; `outside` is what ended it if nobody but the caller could know."""
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.UNKNOWN):
        fault = model.validate() or solver.response_proto.solution_info
        raise RuntimeError(f"CP-SAT calls this model {solver.status_name(status)}: {fault}")
    if status == cp_model.OPTIMAL:
        watch.take_solution(solver.value, solver.objective_value)
    if status != cp_model.UNKNOWN:
        watch.take_bound(solver.best_objective_bound)
    reason = watch.clock.stop(objective=watch.objective, bound=watch.bound)
    if reason in (Termination.OPTIMAL, Termination.GAP, Termination.TARGET):
        outside = reason
    elif status == cp_model.OPTIMAL:
        outside = Termination.GAP  # CP-SAT says OPTIMAL also when the gap asked for is reached, as it counts gaps
    elif outside is None and reason is None:
        # CP-SAT stops a moment before its time; now and then (9.15, one worker) it gives up long before, as UNKNOWN
        is_late = watch.clock.remaining_s() < EARLY_S
        is_counted = watch.clock.budget.iterations is not None
        outside = Termination.TIME if is_late else Termination.ITERATIONS if is_counted else Termination.COMPLETED
    final = outside or reason
    assert final is not None
    return End(watch.solution, watch.objective, watch.bound, final, solver.response_proto.solution_info)
