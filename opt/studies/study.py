"""`run_study`: run many cases, each once, whatever happens on the way."""

import os
from collections.abc import Callable, Iterable
from contextlib import closing, nullcontext
from typing import Any

from counterpoint.opt.errors import OptionError
from counterpoint.opt.result import FAILURES, Result, Termination
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.event import Event, Watcher
from counterpoint.opt.studies.progress import live_display
from counterpoint.opt.studies.running import Running
from counterpoint.opt.studies.stopping import StopRequest
from counterpoint.opt.studies.store import Store
from counterpoint.opt.studies.supervisor import Settings, Supervisor


class StudyInterrupted(KeyboardInterrupt):
    """Ctrl-C or SIGTERM ended a study; its store, if it has one, is closed and can be resumed by the same call.

    Parameters
    ----------
    results : list of Result
        In the order of the cases: those that finished and, with termination "interrupted", the best so far of
        those that were running. Cases that had not started have none.
    total : int
        Cases asked for.
    signal_number : int
        SIGINT or SIGTERM.
    is_stored : bool
        Whether the study had a store.
    """

    def __init__(self, results: list[Result], total: int, signal_number: int, is_stored: bool) -> None:
        self.results = results
        self.total = total
        self.signal_number = signal_number
        self.comparison: Any = None  # set by `compare`: the table of the results
        self.finished = sum(r.termination is not Termination.INTERRUPTED for r in results)
        onward = "run it again to go on" if is_stored else "there was no store (--out) to go on from"
        super().__init__(f"study interrupted: {self.finished} of {total} cases finished; {onward}")


def run_study(
    cases: Iterable[Case],
    *,
    store: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    retry_failed: bool = False,
    progress: Watcher | bool | None = None,
    memory_limit_mb: int | None = None,
    grace_s: float = 5.0,
    pin: bool = False,
    on_result: Callable[[Case, Result], None] | None = None,
) -> list[Result]:
    """Run every case in a process of its own and return their results in the order of `cases`.

    A case that crashes, hangs or takes too much memory costs the study that case only: its result says so
    (termination "killed", "memory" or "error") and keeps the best solution it had reported. Cases with one key
    (see `Case.key`) are run once.

    Parameters
    ----------
    cases : iterable of Case
    store : path-like, optional
        Where results are kept, each written when its case ends; finished cases found there are not run again.
        Without one they are only returned.
    workers : int, optional
        Cases at a time; default: as many as leave each its threads (workers x threads <= cores). A number given
        is taken at its word for cases of one thread.
    retry_failed : bool
        Run again the stored cases that ended by error, kill or memory.
    progress : bool or callable, optional
        True for a live display in a terminal; or a function called with every `Event`.
    memory_limit_mb : int, optional
        How much each case may take beyond the loaded program (binary megabytes).
    grace_s : float
        Seconds from a case's time limit to the kill of a process that ignores it: SIGINT after 40 %, SIGTERM after
        80 %, SIGKILL after all of them. Cases without a time limit are never killed for time.
    pin : bool
        Give each running case cores of its own (Linux). Leave it off where other studies run on this machine: they
        would take the same cores.
    on_result : callable, optional
        Called with (case, result) for each case run now, after its result is stored.

    Returns
    -------
    list of Result

    Raises
    ------
    StudyInterrupted
        On Ctrl-C or SIGTERM (in the main thread), within 3 s: workers get 2 s to hand in their best, a second
        Ctrl-C none. Interrupted cases are not stored: they run again on resume.
    StoreError
        If the store is in use, damaged or cannot be written; nothing that was stored is lost.
    UnknownNameError, OptionError
        For a case that names no method or a wrong option; then nothing has run.

    Examples
    --------
    >>> from counterpoint.opt.problems.job_shop import JobShop
    >>> from counterpoint.opt.studies.case import cases
    >>> shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4)]])
    >>> [r.objective for r in run_study(cases([shop], ["spt", "lpt"]))]
    [6.0, 6.0]
    """
    wanted = list(cases)
    settings = _settings(wanted, workers, memory_limit_mb, grace_s, pin)
    first = {case.key: i for i, case in reversed(list(enumerate(wanted)))}
    found: dict[str, Result] = {}
    partial: dict[str, Result] = {}
    with Store(store) if store is not None else nullcontext() as kept, StopRequest() as stop:
        if kept is not None:
            for key, i in first.items():
                result = kept.load(key, wanted[i].instance)
                if result is not None and not (retry_failed and result.termination in FAILURES):
                    found[key] = result
        telling = _Telling(_watcher(progress), len(first), found)
        jobs = [(i, case) for i, case in enumerate(wanted) if first[case.key] == i and case.key not in found]
        telling("opened")
        try:
            if jobs:
                with closing(Supervisor(jobs, settings, stop, telling.of_running)) as supervisor:
                    for ending in supervisor.endings():
                        case = wanted[ending.index]
                        if not ending.is_final:
                            partial[case.key] = ending.result
                            continue
                        if kept is not None:
                            kept.save(case.key, ending.result)
                        found[case.key] = ending.result
                        telling.of_result(case, ending.index, ending.result)
                        if on_result is not None:
                            on_result(case, ending.result)
        finally:
            telling("closed")
        if stop.number is not None:
            got = {**partial, **found}
            raise StudyInterrupted(
                [got[c.key] for c in wanted if c.key in got], len(wanted), stop.number, kept is not None
            )
    return [found.get(case.key) or partial[case.key] for case in wanted]


def _settings(
    wanted: list[Case], workers: int | None, memory_limit_mb: int | None, grace_s: float, pin: bool
) -> Settings:
    for what, number in (("workers", workers), ("memory_limit_mb", memory_limit_mb)):
        if number is not None and number < 1:
            raise OptionError(f"{what} must be at least 1, not {number}")
    if not 0 <= grace_s < float("inf"):
        raise OptionError(f"grace_s must be a number of seconds >= 0, not {grace_s}")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for case in wanted:
        _ = case.key  # wrong names and options raise before anything runs
    return Settings(
        workers=cores if workers is None else workers,
        cores=max(cores, workers or 1),
        memory_limit_mb=memory_limit_mb,
        grace_s=grace_s,
        is_pinned=pin,
    )


def _watcher(progress: Watcher | bool | None) -> Watcher | None:
    if progress is None or isinstance(progress, bool):
        return live_display() if progress else None
    return progress


class _Telling:
    """Counts, and tells the watcher, if there is one."""

    def __init__(self, watcher: Watcher | None, total: int, reused: dict[str, Result]) -> None:
        self.watcher = watcher
        self.total = total
        self.done = self.reused = len(reused)
        self.failed = sum(r.termination in FAILURES for r in reused.values())

    def __call__(self, kind: Any, **rest: Any) -> None:
        if self.watcher is not None:
            self.watcher(Event(kind, self.total, self.done, self.failed, self.reused, **rest))

    def of_running(self, kind: str, run: Running) -> None:
        self(
            kind,
            case=run.case,
            index=run.index,
            elapsed_s=run.elapsed_s(),
            objective=run.objective,
            bound=run.bound,
        )

    def of_result(self, case: Case, index: int, result: Result) -> None:
        self.done += 1
        self.failed += result.termination in FAILURES
        self(
            "finished",
            case=case,
            index=index,
            elapsed_s=result.wall_s,
            objective=result.objective,
            bound=result.bound,
            result=result,
        )
