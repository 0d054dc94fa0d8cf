"""CP-SAT on any job shop: a first schedule, the model with tight domains and a hint, a watched search."""

import math
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.cp_sat.job_shop_model import Model, build
from counterpoint.solvers.cp_sat.job_shop_start import insert_jobs, insertion_orders
from counterpoint.solvers.cp_sat.search import Stop, Watch, log_to_stderr, search
from counterpoint.solvers.rules.job_shop import Rule
from counterpoint.solvers.rules.job_shop import schedule as dispatch

SOLVER = f"ortools {version('ortools')}"
START_SHARE = 0.05  # of the time limit, for the first schedule
CLIMB_STEPS = 200  # where no rule applies, or none that looks at what is minimised
RETRIES = 10  # of a search that CP-SAT gave up before any limit
PORTFOLIO = 4  # workers from which CP-SAT runs a portfolio
RULES: tuple[Rule, ...] = ("lrm", "fdd-mwkr", "mwkr")  # the three best of non-delay rules on ta01-80


@dataclass(frozen=True, slots=True)
class Options:
    """Options of CP-SAT.

    Parameters
    ----------
    hint : bool
        Give the solver a heuristic schedule as a hint. Its objective bounds the search either way.
    log : bool
        Write the solver's log to stderr.
    """

    hint: bool = True
    log: bool = False


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Minimise the makespan or the total weighted tardiness of any job shop.

    Parameters
    ----------
    instance : JobShop
    budget : Budget
        `iterations` limits the conflicts of each worker; one worker with such a limit is reproducible.
    seed : int
    options : Options
    report : Report
        Called from the solver's threads, one call at a time.

    Returns
    -------
    Outcome
        On Ctrl-C the best schedule so far, as "interrupted".

    Examples
    --------
    >>> shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]])
    >>> solve(shop, Budget(threads=1), 0, Options(), lambda *_, **__: None).objective
    6.0
    """
    clock = budget.start()
    known = first_schedule(instance, seed, clock, report)
    outcome = improve(instance, known, clock, seed, options, report)
    for again in range(RETRIES):
        if outcome.termination is not Termination.COMPLETED:
            break
        outcome = improve(instance, outcome.solution, clock, seed + again + 1, options, report, bound=outcome.bound)
    return outcome


def first_schedule(instance: JobShop, seed: int, clock: Clock, report: Report) -> Schedule:
    """Return a schedule for any variant within `START_SHARE` of the time: rules, or a climb over insertion orders.

    Where rules apply they come first: on a large shop an insertion takes many times as long.
    """
    until = clock.elapsed_s() + START_SHARE * clock.remaining_s()
    order, *others = insertion_orders(instance, seed, 1 if instance.due_dates is None else 2)
    ways = [partial(dispatch, instance, rule) for rule in RULES if instance.blocking == "none"]
    ways += [partial(insert_jobs, instance, one) for one in (order, *others)]
    best = ways[0]()
    value = value_of(instance, best)
    report(best)
    for way in ways[1:]:
        if clock.elapsed_s() >= until:
            break
        found = way()
        worth = value_of(instance, found)
        if worth < value:
            best, value = found, worth
            report(best)
    is_plain = instance.blocking == "none" and instance.objective == "makespan"
    if is_plain or clock.elapsed_s() >= until:
        return best  # in a plain shop no insertion comes near the rules
    rng, bound, at = np.random.default_rng(seed), best_bound(instance), value_of(instance, insert_jobs(instance, order))
    for _ in range(min(CLIMB_STEPS, 2 * instance.num_jobs**2)):
        if clock.elapsed_s() >= until or value <= bound:
            break
        other = list(order)
        other.insert(int(rng.integers(len(order))), other.pop(int(rng.integers(len(order)))))
        found = insert_jobs(instance, other)
        worth = value_of(instance, found)
        if worth <= at:
            order, at = other, worth
        if worth < value:
            best, value = found, worth
            report(best)
    return best


def value_of(instance: JobShop, schedule: Schedule) -> float:
    """Objective of a schedule; one that does not determine it is worth nothing."""
    objective = check(instance, schedule).objective
    return math.inf if objective is None else objective


def improve(
    instance: JobShop,
    known: Schedule,
    clock: Clock,
    seed: int,
    options: Options,
    report: Report,
    *,
    bound: float | None = None,
    workers: int | None = None,
    stop: Stop | None = None,
) -> Outcome:
    """Improve a known schedule, or prove it optimal, in what is left of a budget.

    Parameters
    ----------
    instance : JobShop
    known : Schedule
        A feasible schedule.
    clock : Clock
        The running budget.
    seed : int
    options : Options
    report : Report
    bound : float, optional
        A proven lower bound from elsewhere.
    workers : int, optional
        Threads of the search; default: the budget's.
    stop : callable, optional
        Asked every 50 ms; True ends the search early, as "completed".
    """
    value = check(instance, known).objective
    assert value is not None
    proven = max(float(best_bound(instance)), -1.0 if bound is None else bound)
    report(bound=proven)
    reason = clock.stop(objective=value, bound=proven)
    if reason is not None and reason is not Termination.ITERATIONS:
        return Outcome(known, value, reason, bound=proven, solver=SOLVER)
    model = build(instance, known, round(value), round(proven), has_hint=options.hint)
    watch = Watch(clock, report, lambda read: _schedule(model, read), proven)
    solver = cp_model.CpSolver()
    set_parameters(solver, instance, clock.budget, seed, options, workers or clock.budget.threads_or_all())
    end = search(solver, model.cp, watch, stop)
    solution, objective = (known, value) if end.solution is None else (end.solution, end.objective)
    return Outcome(solution, objective, end.termination, bound=end.bound, solver=SOLVER, message=end.message)


def set_parameters(
    solver: cp_model.CpSolver, instance: JobShop, budget: Budget, seed: int, options: Options, workers: int
) -> None:
    """Set every parameter of the solver but the time limit."""
    parameters = solver.parameters
    parameters.random_seed = seed % 2**31
    parameters.num_workers = workers
    parameters.relative_gap_limit = budget.gap
    if budget.iterations is not None:
        parameters.max_number_of_conflicts = budget.iterations
    if workers < PORTFOLIO and not instance.is_flexible:
        # what the portfolio of many workers tries anyway; measured in CPU-s to proof, default -> this:
        # ft10 38 -> 5, orb01 over 80 -> 10 (one worker), la05 with blocking over 20 -> 5 (two workers)
        parameters.linearization_level = 0
        parameters.use_dynamic_precedence_in_disjunctive = True
        parameters.use_strong_propagation_in_disjunctive = True
    if options.log:
        log_to_stderr(solver)


def _schedule(model: Model, read: Any) -> Schedule:
    """Make a schedule of a solution's values; `read` maps a variable to its value."""
    shop = model.shop
    choice = None
    if shop.is_flexible:
        choice = [
            next(k for k, (_, _, _, x) in enumerate(model.options(i)) if x is None or read(x))
            for i in range(shop.num_operations)
        ]
    return Schedule.from_starts(shop, [read(start) for start in model.start], choice)
