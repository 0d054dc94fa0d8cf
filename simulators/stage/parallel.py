"""Many problems of one stage, by several solvers side by side; the same numbers whatever the number of workers.

What a warm solver returns where optima are not unique depends on what it solved before. So problems go to lanes, not to
workers: a lane is a solver of its own, problems are cut into runs of neighbours by their number alone, and workers only
take turns at the lanes. One worker or eight, every solver sees the same problems in the same order.

Workers are threads where the solver lets the interpreter's lock go (`highs`), processes where it does not (`clarabel`,
`ac`; see `stage_workers`). Processes are started afresh, not forked, end when their pipe closes, and leave Ctrl-C to
the parent; one that died is replaced, and what it had to do is done again.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np

from counterpoint.simulators.stage.model import FloatArray, IntArray, StageModel, StageResults, StageSolver
from counterpoint.simulators.stage.stage_workers import Job, Lanes, Processes

LANES = 8
LEAST_PROBLEMS = 8  # of a lane, before another one is opened


class StagePool:
    """A `StageSolver` made of several.

    Parameters
    ----------
    make : callable
        Makes one of the solvers: ``partial(HighsStage, model)``. For processes, something that can be pickled.
    workers : int, optional
        Default: the processors that this process may use.
    uses_processes : bool
    lanes : int
        Solvers; results depend on it, not on `workers`.

    Examples
    --------
    >>> from functools import partial
    >>> from counterpoint.datasets.hydrothermal.public import build
    >>> from counterpoint.simulators.stage.dual_simplex import linear_stage
    >>> from counterpoint.simulators.stage.hydrothermal import stage_models
    >>> with StagePool(partial(linear_stage, stage_models(build("case3"))[0]), workers=2) as pool:
    ...     results = pool.solve_many(np.linspace(0, 0.5, 100)[:, None], np.full((100, 1), 40.0))
    >>> results.objective[[0, -1]].round(1).tolist()
    [1200.0, 501.4]
    """

    def __init__(
        self,
        make: Callable[[], StageSolver],
        *,
        workers: int | None = None,
        uses_processes: bool = False,
        lanes: int = LANES,
    ) -> None:
        if lanes < 1 or (workers is not None and workers < 1):
            raise ValueError(f"expected at least one lane and one worker, not {lanes} and {workers}")
        self.lanes = lanes
        self.workers = min(lanes, _processors() if workers is None else workers)
        self._back: Threads | Processes = (
            Processes(make, self.workers) if uses_processes else Threads(make, self.workers, lanes)
        )
        self.model: StageModel = self._back.model

    def solve_many(
        self, state: FloatArray, noise: FloatArray, target: FloatArray | None = None, *, wants_x: bool = False
    ) -> StageResults:
        """Solve for N states [N, S], noises [N, W] and, if given, targets [N, S]; see `StageSolver`."""
        count = len(state)
        used = max(1, min(self.lanes, count // LEAST_PROBLEMS))
        edges = np.linspace(0, count, used + 1).astype(int).tolist()
        jobs: list[Job] = []
        for lane, (i, j) in enumerate(pairwise(edges)):
            part = (state[i:j], noise[i:j], None if target is None else target[i:j])
            jobs.append((lane, "solve_many", part, {"wants_x": wants_x}))
        return _joined(self._back.run(jobs))

    def add_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Add C cuts to all solvers: theta [C], intercept [C], slope [C, S]."""
        self._back.tell("add_cuts", (theta, intercept, slope))

    def set_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Replace all cuts of all solvers."""
        self._back.tell("set_cuts", (theta, intercept, slope))

    def close(self) -> None:
        """End the workers."""
        self._back.close()

    def __enter__(self) -> "StagePool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Threads:
    """Lanes in this process; threads take turns at them."""

    def __init__(self, make: Callable[[], StageSolver], workers: int, lanes: int) -> None:
        self._lanes = Lanes(make)
        self._locks = [threading.Lock() for _ in range(lanes)]  # an interrupted call's lanes may still be at work
        self._executor = ThreadPoolExecutor(workers, "stage") if workers > 1 else None
        self.model = self._lanes.solver(0).model

    def run(self, jobs: Sequence[Job]) -> list[Any]:
        """Do the jobs; return what they return, in their order."""
        for lane, *_ in jobs:
            self._lanes.solver(lane)  # solvers are made by this thread alone
        if self._executor is None or len(jobs) == 1:
            return [self._do(job) for job in jobs]
        return list(self._executor.map(self._do, jobs))

    def tell(self, method: str, arguments: tuple[Any, ...]) -> None:
        """Tell all solvers, those to come too."""
        for lock in self._locks:
            lock.acquire()
        try:
            self._lanes.tell(method, arguments)
        finally:
            for lock in self._locks:
                lock.release()

    def close(self) -> None:
        """End the threads."""
        if self._executor is not None:
            self._executor.shutdown()

    def _do(self, job: Job) -> Any:
        lane, method, arguments, options = job
        with self._locks[lane]:
            return self._lanes.do(lane, method, arguments, options)


def _processors() -> int:
    """Return how many this process may use; only Linux tells that."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _joined(parts: Sequence[StageResults]) -> StageResults:
    if len(parts) == 1:
        return parts[0]
    columns: dict[str, Any] = {}
    for field in fields(StageResults):
        found = [getattr(part, field.name) for part in parts]
        columns[field.name] = None if found[0] is None else np.concatenate(found)
    return StageResults(**columns)
