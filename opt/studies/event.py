"""What a study tells whoever watches it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from counterpoint.opt.result import Result
from counterpoint.opt.studies.case import Case


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened in a study.

    Parameters
    ----------
    kind : {"opened", "started", "incumbent", "finished", "closed"}
        "opened" and "closed" come once; "incumbent" also tells of a better bound alone.
    total, done, failed, reused : int
        Cases in all; finished (the reused ones among them); of these ended by error, kill or memory;
        taken from the store.
    case, index : Case and its place in the list given, or None
    elapsed_s : float
        Of the case.
    objective, bound : float, optional
        Of the case, as checked in the worker.
    result : Result, optional
        With "finished".
    """

    kind: Literal["opened", "started", "incumbent", "finished", "closed"]
    total: int
    done: int
    failed: int
    reused: int
    case: Case | None = None
    index: int | None = None
    elapsed_s: float = 0.0
    objective: float | None = None
    bound: float | None = None
    result: Result | None = None


Watcher = Callable[[Event], None]
