"""Dispatching rules for job shops under four schedule-generation schemes; microseconds to milliseconds.

A rule says which operation goes first; a scheme says among which, and where it is put:

- ``nondelay``: among the operations that can start earliest of all; no machine waits while it has work;
- ``active`` (Giffler and Thompson 1960): among those in conflict with the earliest completion of all;
- ``append`` (semi-active): among the next operations of all jobs, put at the end of its machine;
- ``insert``: as append, but put into the earliest gap of its machine that holds it.

Rules: Haupt 1989 (OR Spektrum 11:3-16); ``fdd-mwkr`` from Sels, Gheysen and Vanhoucke 2012 (IJPR
50:4255-4270). Ties go to the smallest job index. Unavailability windows are avoided under every scheme. In a
flexible shop each operation is bound for the option on which it would complete earliest, the rule then
choosing among operations; remaining work is counted with each operation's shortest option, so that it stays
an integer and ties are exact.
Tardiness is judged, but no rule here looks at due dates.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.splitmix import stream
from counterpoint.solvers.rules.job_shop_arrays import FloatArray, Weights, arrays_of, workspace
from counterpoint.solvers.rules.job_shop_kernels import SCHEMES, dispatch

Rule = Literal["spt", "lpt", "mwkr", "lwkr", "mopnr", "fifo", "fdd-mwkr", "lrm", "srm", "random"]
Scheme = Literal["nondelay", "active", "append", "insert"]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the dispatching rules.

    Parameters
    ----------
    rule : str
        Each method's name fixes its rule.
    scheme : {"nondelay", "active", "append", "insert"}
        How the schedule is generated.
    """

    rule: Rule
    scheme: Scheme = "nondelay"


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build the rule's schedule; the budget is not looked at, since one pass is all there is.

    The seed matters to ``random`` only.
    """
    built = schedule(instance, options.rule, options.scheme, seed)
    report(built)
    return Outcome(built, objective(instance, built), Termination.COMPLETED, iterations=instance.num_operations)


def schedule(instance: JobShop, rule: Rule, scheme: Scheme = "nondelay", seed: int = 0) -> Schedule:
    """Return the schedule of one rule under one scheme; O(N n), about 1 ms for 2,000 operations.

    Raises
    ------
    OptionError
        If the rule or scheme is unknown.
    UnsupportedError
        If the shop has blocking.

    Examples
    --------
    >>> shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(0, 1), (1, 4)]])
    >>> schedule(shop, "spt").start.tolist()
    [1, 5, 0, 1]
    """
    if scheme not in SCHEMES:
        raise OptionError(f"no scheme {scheme!r}; there are {', '.join(SCHEMES)}")
    if instance.blocking != "none":
        raise UnsupportedError("dispatching rules cannot schedule a shop with blocking: they would deadlock")
    static, weights = priority(instance, rule)
    arrays = arrays_of(instance)
    start, option = (np.zeros(instance.num_operations, np.int64) for _ in range(2))
    state = np.array([stream(np.uint64(seed % 2**64), 0)], np.uint64)
    dispatch(arrays, static, weights, SCHEMES.index(scheme), state, workspace(arrays), start, option)
    return Schedule.from_starts(instance, start, option - instance.option_offsets[:-1])


def priority(instance: JobShop, rule: Rule) -> tuple[FloatArray, Weights]:
    """Return what the kernel needs of a rule: static priorities [N] (smallest first) and weights.

    ``fdd-mwkr`` divides the work up to and including the operation by the work from it on; an operation
    with no work from it on goes last.
    """
    own = np.minimum.reduceat(instance.option_duration, instance.option_offsets[:-1]).astype(float)
    total = np.r_[0.0, np.cumsum(own)]
    first, last = (np.repeat(instance.job_offsets[k], np.diff(instance.job_offsets)) for k in (np.s_[:-1], np.s_[1:]))
    remaining = total[last] - total[:-1]  # including the operation itself
    done = total[1:] - total[first]  # likewise
    zero = np.zeros(instance.num_operations)
    table = {
        "spt": (zero, Weights(0.0, 1.0, 0.0)),
        "lpt": (zero, Weights(0.0, -1.0, 0.0)),
        "mwkr": (-remaining, Weights(0.0, 0.0, 0.0)),
        "lwkr": (remaining, Weights(0.0, 0.0, 0.0)),
        "mopnr": ((np.arange(instance.num_operations) - last).astype(float), Weights(0.0, 0.0, 0.0)),
        "fifo": (zero, Weights(1.0, 0.0, 0.0)),
        "fdd-mwkr": (
            np.divide(done, remaining, out=np.full_like(done, np.inf), where=remaining > 0),
            Weights(0.0, 0.0, 0.0),
        ),
        "lrm": (own - remaining, Weights(0.0, 0.0, 0.0)),
        "srm": (remaining - own, Weights(0.0, 0.0, 0.0)),
        "random": (zero, Weights(0.0, 0.0, 1.0)),
    }
    if rule not in table:
        raise OptionError(f"no rule {rule!r}; there are {', '.join(table)}")
    return table[rule]


def objective(instance: JobShop, built: Schedule) -> float:
    """Return what a complete schedule in instance order is worth: makespan or total weighted tardiness."""
    if instance.due_dates is None or instance.weights is None or instance.objective == "makespan":
        return float(built.makespan)
    late = np.maximum(built.end[instance.job_offsets[1:] - 1] - instance.due_dates, 0)
    return float(late @ instance.weights)
