"""A run of the learned method, alike for all problems: greedily, drawn, by a beam, then parts rebuilt."""

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from counterpoint.models.policies.bq import Options
from counterpoint.opt.budget import Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.result import Outcome, Termination

S = TypeVar("S")


def run(
    build: Callable[[int, int], tuple[S, bool]],
    rebuild: Callable[[S], Iterator[S]],
    value: Callable[[S], float],
    solution: Callable[[S], Any],
    *,
    options: Options,
    clock: Clock,
    report: Report,
    sense: str = "min",
) -> Outcome:
    """Return the best that was found; each improvement is reported as it comes.

    Parameters
    ----------
    build : callable
        ``build(width, samples)`` returns a whole solution, the best of that many drawn at random if they are not 0, and
        whether the time was over before the network had built it.
    rebuild : callable
        ``rebuild(built)`` yields one after each round; it ends when the time does.
    value : callable
        The objective.
    solution : callable
        What to report.
    options : Options
        What is drawn and what a beam finds comes after the greedy solution, which it may be worse than, or not come in
        time to beat.
    clock : Clock
    report : callable
    sense : {"min", "max"}
    """
    sign = 1 if sense == "min" else -1
    best, is_late = build(1, 0)
    objective = value(best)
    report(solution(best))
    for width, samples in ((1, options.samples), (options.width, 0)):
        if (width, samples) == (1, 0) or is_late or clock.stop(objective=objective, sense=sense) is not None:
            continue
        other, is_late = build(width, samples)
        if sign * (worth := value(other)) < sign * objective:
            best, objective = other, worth
            report(solution(best))
    limited = clock.budget.time_limit_s is not None or clock.budget.iterations is not None
    most = options.reconstructions if options.reconstructions >= 0 else math.inf if limited else 0
    rounds, done = rebuild(best), 0
    while (stopped := clock.stop(iteration=done, objective=objective, sense=sense)) is None:
        if done == most or (found := next(rounds, None)) is None:
            break
        done += 1
        if sign * (worth := value(found)) < sign * objective:
            best, objective = found, worth
            report(solution(best))
    stopped = stopped or clock.stop(objective=objective, sense=sense)  # rounds end when the time does
    ended = Termination.TIME if is_late else stopped or Termination.COMPLETED
    return Outcome(solution(best), objective, ended, iterations=done)
