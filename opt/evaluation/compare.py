"""`compare`: methods x instances x seeds under one budget, in one verified table."""

import math
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError, printable
from counterpoint.opt.evaluation.comparison import Comparison
from counterpoint.opt.loading import load_instance
from counterpoint.opt.registry import Method
from counterpoint.opt.result import Reference

__all__ = ["Comparison", "compare"]


def compare(
    instances: Any,
    methods: str | Method | Sequence[str | Method],
    *,
    time_limit: float | None = None,
    iterations: int | None = None,
    target: float | None = None,
    gap: float = 0.0,
    threads: int | None = None,
    seeds: int | Sequence[int] = 1,
    workers: int | None = None,
    store: str | os.PathLike[str] | None = None,
    retry_failed: bool = False,
    progress: Callable[..., None] | bool = True,
    memory_limit_mb: int | None = None,
    references: Mapping[str, float | Reference] | None = None,
) -> Comparison:
    """Run every method on every instance and seed, each in its own process, and compare what they hold.

    Parameters
    ----------
    instances : Instance, str, path, or a sequence of them
        A text is a file or the name of a public benchmark. What is named twice is run, and counted, once.
    methods : str, Method, or a sequence of them
        Names as in `solve`, with options if you like: ``"spt:scheme=active"``.
    time_limit, iterations, target, gap, threads
        The budget, the same for all; see `Budget`. Methods that would run on without a limit get 60 s.
    seeds : int or sequence of int
        How many (0, 1, ...) or which.
    workers : int, optional
        Cases run at once; by default as many as fit, solver threads x workers <= cores.
    store : path, optional
        SQLite file; interrupted comparisons resume from it, finished cases are not run again.
    retry_failed : bool
        Run cases again that ended in an error.
    progress : bool or callable
        A live display where somebody looks (a terminal, a notebook), none, or a watcher of every event.
    memory_limit_mb : int, optional
        Of each process.
    references : mapping, optional
        Instance name or content hash -> value to measure its gaps to, instead of the best known.

    Returns
    -------
    Comparison
        Pairs that a method cannot handle are in its ``skipped``, not dropped silently.

    Raises
    ------
    UnknownNameError, OptionError, InstanceError
        Before anything runs.
    StudyInterrupted
        On Ctrl-C; its ``comparison`` holds what had finished, and the best so far of what was running.
    """
    from counterpoint.opt.studies.case import plan
    from counterpoint.opt.studies.study import StudyInterrupted, run_study

    shops = load_instances(instances)
    chosen = [methods] if isinstance(methods, str | Method) else list(methods)
    if not shops or not chosen:
        raise OptionError("compare needs at least one instance and one method")
    if (seeds if isinstance(seeds, int) else len(seeds)) < 1:
        raise OptionError("compare needs at least one seed")
    for name, value in (references or {}).items():
        if not isinstance(value, Reference) and not math.isfinite(value):
            raise OptionError(f"the reference of {printable(name)!r} must be a finite number, not {value}")
    made = plan(shops, chosen, seeds, Budget(time_limit, iterations, target, gap, threads))
    cases = list({case.key: case for case in made.cases}.values())  # what is named twice counts once
    try:
        results = run_study(
            cases,
            store=store,
            workers=workers,
            retry_failed=retry_failed,
            progress=progress,
            memory_limit_mb=memory_limit_mb,
        )
    except StudyInterrupted as stopped:
        stopped.comparison = Comparison.from_results(stopped.results, skipped=made.skipped, references=references)
        raise
    comparison = Comparison.from_results(results, skipped=made.skipped, references=references)
    for text in comparison.warnings:
        warnings.warn(text, stacklevel=2)
    return comparison


def load_instances(instances: Any) -> list[Any]:
    """Return instances from one or several instances, file paths or benchmark names."""
    single = isinstance(instances, str | os.PathLike) or hasattr(instances, "content_hash")
    items: Iterable[Any] = [instances] if single else list(instances)
    return [load_instance(item) for item in items]
