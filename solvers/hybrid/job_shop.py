"""The default method for job shops: rules, preemptive bound, tabu search and CP-SAT under one budget.

Tabu search finds schedules that CP-SAT does not; CP-SAT proves what tabu search cannot. Rules and bound
come first: if they meet, nothing is left to do. Then, on two cores or more, tabu searches run in threads of
their own (compiled, without the interpreter's lock) beside CP-SAT, and all report to one board. Whoever
has fallen behind starts anew from the best schedule of all, now and then; CP-SAT so gets the tight horizon
that its propagation lives on. On one core they take turns of growing length.

Variants that tabu search cannot treat are left to CP-SAT, with a hint from rules and job insertion.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.cp_sat import job_shop as cp_sat
from counterpoint.solvers.hybrid.board import Board, Part, PartClock
from counterpoint.solvers.local_search import job_shop as tabu

SOLVER = f"counterpoint, {cp_sat.SOLVER}"
OPENING_S, OPENING_SHARE = 2.0, 0.1  # the share is of the time limit
# CP-SAT after 8 CPU-s of tabu search: 16 s on ta11 1.25 -> 0.52 % (tabu going on: 0.66 %); 12 s on ta33 and ta41
# nothing (tabu going on: 1.06 -> 0.89 %, 1.55 -> 1.50 %)
LARGE, LARGE_OPENING_S, LARGE_OPENING_SHARE = 300, 60.0, 0.75
TABU_RESTARTS, CP_SAT_RESTARTS = 1.0, 0.5  # see Part: the population is dearer than learned clauses
TICK_S = 0.02
GRACE_S = 0.5
STREAM = 1_000  # seeds of one tabu thread: far enough apart never to meet another's


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the hybrid.

    Parameters
    ----------
    opening_s : float, optional
        Seconds of tabu search on all cores before CP-SAT joins in; default: 2 s, at most a tenth of the time
        limit, but three quarters of it (or a minute) for a shop of more than 300 operations.
    tabu_threads : int, optional
        Cores that tabu search keeps after the opening, if there are two or more; default: one in two.
    patience_s : float
        Least seconds before a part that has fallen behind starts anew from the best schedule.

    Raises
    ------
    OptionError
        If a number is negative or NaN.
    """

    opening_s: float | None = None
    tabu_threads: int | None = None
    patience_s: float = 2.0

    def __post_init__(self) -> None:
        numbers = (self.opening_s or 0.0, self.patience_s, self.tabu_threads or 0)
        if not all(number >= 0 for number in numbers):  # written so that NaN fails
            raise OptionError("opening_s, tabu_threads and patience_s must not be negative")


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Minimise the objective of any job shop.

    Parameters
    ----------
    instance : JobShop
    budget : Budget
        `iterations` limits each part: the moves of a tabu search, the conflicts of a CP-SAT worker.
    seed : int
        Runs depend on the machine's speed, too: the parts take turns, and join each other, by the clock.
    options : Options
    report : Report
        Called from several threads, one call at a time.

    Returns
    -------
    Outcome
        On Ctrl-C the best schedule so far, as "interrupted".
    """
    clock = budget.start()
    board = Board(clock, report, partial(cp_sat.value_of, instance))
    cp_sat.first_schedule(instance, seed, clock, board)
    board(bound=best_bound(instance))
    is_interrupted = False
    try:
        if board.ended() is None:
            with plain_interrupts():
                _search(instance, board, budget.threads_or_all(), seed, options)
    except KeyboardInterrupt:
        is_interrupted = True
    if board.error is not None:
        raise board.error
    reason = Termination.INTERRUPTED if is_interrupted else board.ended() or Termination.ITERATIONS
    return Outcome(board.best, board.value, reason, bound=board.bound, solver=SOLVER)


def _search(instance: JobShop, board: Board, threads: int, seed: int, options: Options) -> None:
    """Run what fits the instance until the board says that it is over, or a part has used up its iterations."""
    if instance.features:
        _prove(instance, board, threads, seed, options)
    elif threads == 1:
        _take_turns(instance, board, seed, options)
    else:
        _race(instance, board, threads, seed, options)


def _opening_s(instance: JobShop, clock: Clock, options: Options) -> float:
    """How long CP-SAT waits."""
    if options.opening_s is not None:
        return options.opening_s
    remaining = clock.remaining_s()
    if instance.num_operations <= LARGE:
        return min(OPENING_S, OPENING_SHARE * remaining)
    return LARGE_OPENING_S if math.isinf(remaining) else LARGE_OPENING_SHARE * remaining


def _race(instance: JobShop, board: Board, threads: int, seed: int, options: Options) -> None:
    """Tabu search in threads; in this one CP-SAT with the rest of the cores, after the opening."""
    clock, over = board.clock, threading.Event()
    kept = threads // 2 if options.tabu_threads is None else min(options.tabu_threads, threads - 1)
    opening_s = _opening_s(instance, clock, options)
    ends = [math.inf if i < kept else opening_s for i in range(threads)]
    runs: list[threading.Event] = []
    try:
        for i, until_s in enumerate(ends):  # inside: Ctrl-C may strike when some have begun
            runs.append(_start(partial(_tabu, instance, board, seed + STREAM * i, options, over, until_s=until_s)))
        while clock.elapsed_s() < opening_s and board.ended() is None and not all(run.is_set() for run in runs):
            over.wait(TICK_S)
        _prove(instance, board, threads - kept, seed, options)
    finally:
        _finish(board, runs, over)


def _take_turns(instance: JobShop, board: Board, seed: int, options: Options) -> None:
    """Tabu search and CP-SAT in turn on one core, each turn twice as long as the one before.

    Tabu search lives on in a thread that waits at a gate while CP-SAT, which cannot wait, is run anew.
    """
    clock, over, gate = board.clock, threading.Event(), threading.Event()
    turn_s = max(TICK_S, _opening_s(instance, clock, options))
    runs: list[threading.Event] = []
    reason = None
    try:
        runs.append(run := _start(partial(_tabu, instance, board, seed, options, over, gate=gate)))
        while board.ended() is None and reason is not Termination.ITERATIONS:
            gate.set()
            until_s = clock.elapsed_s() + turn_s
            while clock.elapsed_s() < until_s and not run.wait(TICK_S) and board.ended() is None:
                pass
            gate.clear()
            reason = _prove(instance, board, 1, seed, options, clock.elapsed_s() + turn_s)
            turn_s, seed = 2 * turn_s, seed + 1
    finally:
        _finish(board, runs, over)


def _start(act: Callable[[], object]) -> threading.Event:
    """Run `act` in a thread; the event is set when it is done."""
    done = threading.Event()

    def run() -> None:
        try:
            act()
        finally:
            done.set()

    threading.Thread(target=run, name="tabu", daemon=True).start()
    return done


def _finish(board: Board, runs: list[threading.Event], over: threading.Event) -> None:
    """End all runs; one that is still compiling (once per installation) is left behind rather than waited for."""
    over.set()
    patience = time.monotonic() + GRACE_S
    if not all(run.wait(max(0.0, patience - time.monotonic())) for run in runs):
        board.close()


def _tabu(
    instance: JobShop,
    board: Board,
    seed: int,
    options: Options,
    over: threading.Event,
    *,
    until_s: float = math.inf,
    gate: threading.Event | None = None,
) -> None:
    """Run tabu search, but only while its gate is open, until a time or until it is over; errors go to the board."""
    part = Part(board, options.patience_s, TABU_RESTARTS)

    def is_over() -> bool:
        while gate is not None and not over.is_set() and not gate.wait(TICK_S):
            pass
        return over.is_set() or board.clock.elapsed_s() >= until_s or board.ended() is not None

    clock = PartClock(board.clock.budget, board.clock.started, lambda: is_over() or part.should_stop())
    reason = None
    try:
        while not is_over() and reason in (None, Termination.COMPLETED):
            reason = tabu.improve(instance, part.begin(), clock, seed, part, bound=int(board.bound)).termination
            seed += 1
    except BaseException as error:
        board.error = board.error or error


def _prove(
    instance: JobShop, board: Board, workers: int, seed: int, options: Options, until_s: float = math.inf
) -> Termination | None:
    """Run CP-SAT until a time or until it is over."""
    part = Part(board, options.patience_s, CP_SAT_RESTARTS)
    reason = None
    while board.ended() is None and board.clock.elapsed_s() < until_s and reason in (None, Termination.COMPLETED):
        outcome = cp_sat.improve(
            instance,
            part.begin(),
            board.clock,
            seed,
            cp_sat.Options(),
            part,
            bound=board.bound,
            workers=workers,
            stop=lambda: board.clock.elapsed_s() >= until_s or part.should_stop(),
        )
        reason = outcome.termination
        if reason is Termination.INTERRUPTED:
            raise KeyboardInterrupt
        seed += 1
    return reason
