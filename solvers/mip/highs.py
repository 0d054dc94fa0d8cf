"""The one adapter to HiGHS: a model as arrays in, values and a proven bound out.

HiGHS (Huangfu and Hall 2018, Math. Prog. Comp. 10:119-142) through highspy. What is done about its traps:

- the solver runs in a thread of ours, and the calling thread waits: so Ctrl-C arrives at once, incumbents
  are handed over in the caller's thread, and nothing of Python runs inside the solver but a flag test.
  (highspy's own ``HandleKeyboardInterrupt`` does the same, but prints to standard output, ends the process at
  the fifth Ctrl-C, and its locks belong to the class, so two solves in one process refuse each other.)
- the task scheduler belongs to the thread and keeps its number of threads for ever: a new thread per run
  gets a new one;
- the time limit is cumulative over runs of one object: every call makes its own object;
- presolve, a long root relaxation and some heuristics look neither at the clock nor at the interrupt: past a
  grace we return what was streamed to us, and the solver's thread ends by itself at its next look;
- every status is mapped by a table; what is not in it is an error.
"""

import atexit
import math
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import highspy
import numpy as np

from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip.model import FloatArray, LinearModel

_STATUS = highspy.HighsModelStatus
TERMINATIONS = {
    _STATUS.kOptimal: Termination.OPTIMAL,
    _STATUS.kModelEmpty: Termination.OPTIMAL,
    _STATUS.kInfeasible: Termination.INFEASIBLE,
    _STATUS.kUnbounded: Termination.UNBOUNDED,
    _STATUS.kObjectiveBound: Termination.TARGET,
    _STATUS.kObjectiveTarget: Termination.TARGET,
    _STATUS.kTimeLimit: Termination.TIME,
    _STATUS.kIterationLimit: Termination.ITERATIONS,
    _STATUS.kSolutionLimit: Termination.ITERATIONS,  # also what a node limit gives
    _STATUS.kInterrupt: Termination.INTERRUPTED,
    _STATUS.kHighsInterrupt: Termination.INTERRUPTED,
    _STATUS.kMemoryLimit: Termination.MEMORY,
}
_MAX_SEED = 2**31 - 1
_POLL_S = 0.1
_GRACE_S = 1.0  # between asking the solver to stop and leaving it behind
_EXIT_WAIT_S = 60.0  # a process that ends with a solver in it crashes: it waits this long for one left behind


@dataclass(frozen=True, slots=True, eq=False)
class MipResult:
    """What HiGHS returned.

    Parameters
    ----------
    values : float array [n] or None
        The best solution; None if there is none.
    objective, bound : float or None
        In the model's own sense, the offset included.
    termination : Termination
    nodes : int
    solver : str
    message : str
    is_interrupted : bool
        Whether Ctrl-C came, which small models do not heed: they are solved all the same. Who has more to solve stops.
    """

    values: FloatArray | None
    objective: float | None
    bound: float | None
    termination: Termination
    nodes: int
    solver: str
    message: str = ""
    is_interrupted: bool = False


def solve_model(
    model: LinearModel,
    *,
    time_limit_s: float = math.inf,
    threads: int = 1,
    seed: int = 0,
    gap: float = 0.0,
    target: float | None = None,
    max_nodes: int | None = None,
    start: FloatArray | None = None,
    on_incumbent: Callable[[FloatArray], None] | None = None,
    on_bound: Callable[[float], None] | None = None,
) -> MipResult:
    """Solve a linear or mixed-integer model.

    Parameters
    ----------
    model : LinearModel
    time_limit_s : float
        Wall seconds, from the call; at most a second more.
    threads, seed, gap
        `gap` is relative; the absolute one is HiGHS' 1e-6.
    target : float, optional
        Stop as soon as an objective at least this good is held.
    max_nodes : int, optional
        Nodes of branch and bound.
    start : float array [n], optional
        A starting solution; NaN where HiGHS is to find the value. One that is not feasible is not used.
    on_incumbent : callable, optional
        Called in the calling thread with the values of each improving solution, at the latest 0.1 s after.
    on_bound : callable, optional
        Likewise with each better bound.

    Returns
    -------
    MipResult
        After Ctrl-C, within about a second, the best so far with termination "interrupted". A second
        Ctrl-C is raised.

    Examples
    --------
    >>> from scipy import sparse
    >>> model = LinearModel([2, 3], [0, 0], [10, 10], [False, True], sparse.csr_array([[1.0, 1.0]]), [4.5], [np.inf])
    >>> solve_model(model).objective
    9.0
    """
    deadline = time.monotonic() + time_limit_s
    version = f"highs {highspy.Highs().version()}"
    if (model.col_lower > model.col_upper).any() or (model.row_lower > model.row_upper).any():
        return MipResult(None, None, None, Termination.INFEASIBLE, 0, version, "a lower bound exceeds its upper bound")
    highs = _load(model)
    options = {
        "threads": threads,
        "random_seed": seed % _MAX_SEED,
        "mip_rel_gap": gap,
        "mip_max_nodes": _MAX_SEED if max_nodes is None else min(max_nodes, _MAX_SEED),
    }
    if target is not None:
        options["objective_target"] = target
    for key, value in options.items():
        _require(highs.setOptionValue(key, value), f"option {key}={value}")
    if start is not None:
        known = np.flatnonzero(~np.isnan(start)).astype(np.int32)
        highs.setSolution(len(known), known, np.asarray(start, np.float64)[known])
    run = _Run(highs, deadline, model.sense, on_incumbent, on_bound)
    return replace(_outcome(run, model, version), is_interrupted=run.is_interrupted)


def _outcome(run: "_Run", model: LinearModel, version: str) -> MipResult:
    """Run, and say what came of it."""
    status = run.solve()
    if status is None:
        return run.left_behind(model, version)
    if status == _STATUS.kUnboundedOrInfeasible:
        return _unbounded_or_infeasible(run, model, version)
    termination = TERMINATIONS.get(status, Termination.ERROR)
    if termination is Termination.INTERRUPTED and not run.is_interrupted and time.monotonic() >= run.deadline:
        termination = Termination.TIME
    return _result(run.highs, model, status, termination, version)


def _unbounded_or_infeasible(run: "_Run", model: LinearModel, version: str) -> MipResult:
    """Tell them apart: without costs nothing is unbounded, so what is feasible then was unbounded."""
    columns = np.arange(model.num_cols, dtype=np.int32)
    run.highs.changeColsCost(model.num_cols, columns, np.zeros(model.num_cols))
    run.on_incumbent = run.on_bound = None  # values of another objective are of no use to the caller
    status = run.solve()
    if status is None:
        return run.left_behind(model, version)
    termination = TERMINATIONS.get(status, Termination.ERROR)
    if termination is Termination.OPTIMAL:
        termination = Termination.UNBOUNDED
    return MipResult(None, None, None, termination, 0, version, "unbounded or infeasible before costs were dropped")


def _load(model: LinearModel) -> highspy.Highs:
    """Pass the whole model in one call."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = model.num_cols, model.num_rows
    lp.col_cost_, lp.offset_ = model.cost, model.offset
    lp.sense_ = highspy.ObjSense.kMinimize if model.sense == "min" else highspy.ObjSense.kMaximize
    lp.col_lower_, lp.col_upper_ = model.col_lower, model.col_upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = model.matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = model.matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = model.matrix.data.astype(np.float64)
    if model.is_integer.any():
        kinds = np.array([highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger], object)
        lp.integrality_ = kinds[model.is_integer.astype(np.int64)].tolist()
    _require(highs.passModel(lp), "the model")
    return highs


def _require(status: Any, what: str) -> None:
    if status == highspy.HighsStatus.kError:
        raise RuntimeError(f"HiGHS refuses {what}")


class _Run:
    """One solve in its own thread; the caller's thread waits, listens for Ctrl-C and passes on what comes."""

    def __init__(
        self,
        highs: highspy.Highs,
        deadline: float,
        sense: str,
        on_incumbent: Callable[[FloatArray], None] | None,
        on_bound: Callable[[float], None] | None,
    ) -> None:
        self.highs, self.deadline, self.sign = highs, deadline, 1.0 if sense == "min" else -1.0
        self.on_incumbent, self.on_bound = on_incumbent, on_bound
        self.events: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.must_stop = self.has_ended = False
        self.stopped_at = math.inf
        self.is_interrupted = False
        self.best_bound = -math.inf  # times sign
        self.best: FloatArray | None = None
        highs.cbSimplexInterrupt += self._interrupt
        highs.cbIpmInterrupt += self._interrupt
        highs.cbMipInterrupt += self._mip_interrupt
        highs.cbMipImprovingSolution += self._improving

    def solve(self) -> Any:
        """Run to the end or to the deadline; return HiGHS' model status, or None if it would not stop."""
        remaining = max(0.0, self.deadline - time.monotonic())
        # HiGHS' clock runs on from one run of an object to the next
        self.highs.setOptionValue("time_limit", self.highs.getRunTime() + remaining)
        thread = threading.Thread(target=self._work, name="highs", daemon=True)
        try:
            thread.start()  # inside: Ctrl-C may strike while it waits for the thread to begin
            while not self._wait():
                if time.monotonic() > self.stopped_at + _GRACE_S:
                    return None
            thread.join()
        finally:
            if not self.has_ended:
                self._stop()
                if thread.is_alive():  # it may not have begun
                    atexit.register(thread.join, _EXIT_WAIT_S)
        return self.highs.getModelStatus()

    def left_behind(self, model: LinearModel, version: str) -> MipResult:
        """What was streamed by a solver that did not stop when asked to."""
        values = self.best
        return MipResult(
            values,
            None if values is None else float(model.cost @ values) + model.offset,
            self.sign * self.best_bound if math.isfinite(self.best_bound) else None,
            Termination.INTERRUPTED if self.is_interrupted else Termination.TIME,
            0,
            version,
            f"HiGHS had not stopped {_GRACE_S:g} s after it was asked to",
        )

    def _stop(self) -> None:
        if not self.must_stop:
            self.must_stop, self.stopped_at = True, time.monotonic()

    def _wait(self) -> bool:
        """Handle one event, or nothing for a while; True if the solver has ended."""
        try:
            with plain_interrupts():
                kind = self._hear()
        except queue.Empty:
            kind = "nothing"
        except KeyboardInterrupt:
            if self.is_interrupted:
                raise
            self.is_interrupted, kind = True, "nothing"
            self._stop()
        if time.monotonic() >= self.deadline:
            self._stop()
        return kind == "end" or (self.has_ended and self.events.empty())  # Ctrl-C may have cost us the event

    def _hear(self) -> str:
        kind, payload = self.events.get(timeout=_POLL_S)
        if kind == "error":
            raise payload
        if kind == "incumbent":
            self.best = payload
            if self.on_incumbent is not None:
                self.on_incumbent(payload)
        elif kind == "bound" and self.on_bound is not None:
            self.on_bound(payload)
        return kind

    def _work(self) -> None:
        try:
            self.highs.run()
        except BaseException as error:  # to be raised in the caller's thread
            self.events.put(("error", error))
        finally:
            highspy.Highs.resetGlobalScheduler(True)  # ends this thread's workers
            self.has_ended = True
            self.events.put(("end", None))

    def _interrupt(self, event: Any) -> None:
        if self.must_stop:
            event.interrupt()

    def _mip_interrupt(self, event: Any) -> None:
        self._interrupt(event)
        bound = self.sign * event.data_out.mip_dual_bound
        if math.isfinite(bound) and bound > self.best_bound + 1e-9 * max(1.0, abs(bound)):
            self.best_bound = bound
            self.events.put(("bound", self.sign * bound))

    def _improving(self, event: Any) -> None:
        self.events.put(("incumbent", np.array(event.data_out.mip_solution)))


def _result(highs: highspy.Highs, model: LinearModel, status: Any, termination: Termination, version: str) -> MipResult:
    info = highs.getInfo()
    is_held = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if termination is Termination.OPTIMAL and model.num_rows == 0:
        is_held = True  # HiGHS says nothing of the kind for a model without rows
    values = np.array(highs.getSolution().col_value) if is_held else None
    objective = None if values is None else float(model.cost @ values) + model.offset
    if not model.is_integer.any():
        bound = objective if termination is Termination.OPTIMAL else None
    else:
        bound = info.mip_dual_bound if math.isfinite(info.mip_dual_bound) else None
    nodes = max(0, int(info.mip_node_count))
    message = "" if termination in (Termination.OPTIMAL, Termination.TIME) else highs.modelStatusToString(status)
    return MipResult(values, objective, bound, termination, nodes, version, message)
