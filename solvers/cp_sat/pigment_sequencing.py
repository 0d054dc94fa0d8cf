"""Pigment sequencing in CP-SAT: who is made when, who was made last, and the changes between.

Literals x[i, t] (item i is made in period t), idle[t], y[i, t] (i is the item made last) and f[i, j, t] (the machine
changes from i to j to make it in t). As all orders are made, stocking costs are linear in x. The cuts on the stock of
`solvers.mip.pigment_sequencing_model` are added as linear constraints, which its relaxation can use.
"""

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.pigment_sequencing import IDLE, PigmentSequencing, ProductionSequence
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.cp_sat.search import End, Watch, log_to_stderr, search
from counterpoint.solvers.rules.pigment_sequencing import best_by_rules

SOLVER = f"ortools {version('ortools')}"
RETRIES = 10  # of a search that CP-SAT gave up before any limit


@dataclass(frozen=True, slots=True)
class Options:
    """Options of CP-SAT.

    Parameters
    ----------
    depth : int
        Orders that a cut on the stock looks ahead, at most; 0 for none.
    hint : bool
        Give the solver the rules' plan as a hint.
    log : bool
        Write the solver's log to stderr.

    Raises
    ------
    OptionError
        If the depth is negative.
    """

    depth: int = 2
    hint: bool = True
    log: bool = False

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise OptionError(f"depth must be >= 0, not {self.depth}")


def solve(instance: PigmentSequencing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Minimise, starting from the better of two rules' plans.

    Parameters
    ----------
    instance : PigmentSequencing
    budget : Budget
        `iterations` limits the conflicts of each worker; one worker with such a limit is reproducible.
    seed : int
    options : Options
    report : Report
        Called from the solver's threads, one call at a time.

    Returns
    -------
    Outcome
        On Ctrl-C the best sequence so far, as "interrupted".
    """
    clock = budget.start()
    sequence, cost = best_by_rules(instance)
    report(sequence, bound=0.0)
    stopped = clock.stop(objective=cost, bound=0.0)
    if stopped is not None:
        return Outcome(sequence, float(cost), stopped, bound=0.0, solver=SOLVER)
    built = _model(instance, sequence, options, clock)
    if built is None:
        message = "the time was up before the model was built"
        return Outcome(sequence, float(cost), Termination.TIME, bound=0.0, solver=SOLVER, message=message)
    model, made = built
    end = End(None, None, 0.0, Termination.COMPLETED)
    for again in range(RETRIES):
        watch = Watch(clock, report, lambda read: _sequence(made, read), end.bound, end.solution, end.objective)
        solver = cp_model.CpSolver()
        parameters = solver.parameters
        parameters.random_seed = (seed + again) % 2**31
        parameters.num_workers = budget.threads_or_all()
        parameters.relative_gap_limit = budget.gap
        parameters.linearization_level = 2  # measured: the bound is worth nothing without the relaxation
        if budget.iterations is not None:
            parameters.max_number_of_conflicts = budget.iterations
        if options.log:
            log_to_stderr(solver)
        end = search(solver, model, watch)
        if end.termination is not Termination.COMPLETED:
            break
    if end.objective is None or end.objective > cost:
        final = clock.stop(objective=cost, bound=end.bound) or end.termination
        return Outcome(sequence, float(cost), final, bound=end.bound, solver=SOLVER, message=end.message)
    return Outcome(end.solution, end.objective, end.termination, bound=end.bound, solver=SOLVER, message=end.message)


def _model(
    instance: PigmentSequencing, known: ProductionSequence, options: Options, clock: Clock
) -> tuple[cp_model.CpModel, list[list[Any]]] | None:
    """Return the model and the literals x[i][t]; None if the time is up first: n^2 T Python objects take seconds."""
    model = cp_model.CpModel()
    items, periods = range(instance.num_items), range(instance.num_periods)
    made = [[model.new_bool_var(f"x{i},{t}") for t in periods] for i in items]
    idle = [model.new_bool_var(f"idle{t}") for t in periods]
    state = [[model.new_bool_var(f"y{i},{t}") for t in periods] for i in items]
    starts: list[list[list[Any]]] = [[[] for _ in periods] for _ in items]  # literals of a change to i in t
    cost: list[Any] = []
    for t in periods:
        model.add_exactly_one([idle[t], *(made[i][t] for i in items)])
        model.add_exactly_one(state[i][t] for i in items)
        for i in items:
            model.add_implication(made[i][t], state[i][t])
    for t in periods[1:]:
        if clock.is_up():
            return None
        flow = [[model.new_bool_var(f"f{i},{j},{t}") for j in items] for i in items]
        for i in items:
            model.add_exactly_one([*flow[i], state[i][t - 1].negated()])
            model.add_exactly_one([*(row[i] for row in flow), state[i][t].negated()])
            starts[i][t] = [row[i] for j, row in enumerate(flow) if j != i]
            model.add(sum(starts[i][t]) <= made[i][t])
            cost += [int(q) * literal for q, literal in zip(instance.changeover_cost[i], flow[i], strict=True) if q]
    due = instance.orders.cumsum(axis=1)
    for i in items:
        model.add(sum(made[i]) == int(due[i, -1]))
        for t in np.flatnonzero(instance.orders[i]).tolist():
            model.add(sum(made[i][: t + 1]) >= int(due[i, t]))
        h = int(instance.stocking_cost[i])
        cost += [h * int(instance.due_periods(i).sum()), *(-h * t * made[i][t] for t in periods)]
        if not _cut(model, instance, i, made[i], state[i], starts[i], options.depth, clock):
            return None
    model.minimize(sum(cost))
    if options.hint:
        for t, item in enumerate(known.item.tolist()):
            for i in items:
                model.add_hint(made[i][t], i == item)
            model.add_hint(idle[t], item == IDLE)
    return model, made


def _cut(
    model: cp_model.CpModel,
    instance: PigmentSequencing,
    item: int,
    made: list[Any],
    state: list[Any],
    starts: list[list[Any]],
    depth: int,
    clock: Clock,
) -> bool:
    """Add the cuts of an item; return whether there was time."""
    due = instance.due_periods(item)
    for t in range(instance.num_periods):
        if clock.is_up():
            return False
        met = int(np.searchsorted(due, t))
        terms = list(made[:t])
        for k, last in enumerate(due[met : met + depth].tolist(), 1):
            terms += [state[t + k - 1], *(literal for u in range(t + k, last + 1) for literal in starts[u])]
            model.add(cp_model.LinearExpr.sum(terms) >= met + k)
    return True


def _sequence(made: list[list[Any]], read: Any) -> ProductionSequence:
    """Make a sequence of a solution's values; `read` maps a literal to its value."""
    values = np.array([[bool(read(x)) for x in row] for row in made])
    return ProductionSequence(np.where(values.any(axis=0), values.argmax(axis=0), IDLE))
