"""Orienteering for CP-SAT: a circuit that may leave places out, of limited length.

Lengths that are not whole are multiplied by a power of ten and rounded down: so finely that a walk which is short
enough rounded is so within the checker's tolerance, and so that no walk that is short enough is lost. Prizes that are
not whole are multiplied and rounded up; the bound holds for the prizes as they are.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.result import Outcome
from counterpoint.solvers.cp_sat.search import Watch, log_to_stderr, search
from counterpoint.solvers.rules.orienteering import Open, greedy, opened

SOLVER = f"ortools {version('ortools')}"
FINE = 1e10  # units of length for each place, in the longest walk: ten times what the tolerance needs
PRIZES = 1e11  # units of prize in all that there is, at least


@dataclass(frozen=True, slots=True)
class Options:
    """Options of CP-SAT.

    Parameters
    ----------
    log : bool
        Write the solver's log to stderr.
    """

    log: bool = False


def solve(instance: Orienteering, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Maximise the prize, starting from the greedy walk; `iterations` limits the conflicts of each worker."""
    walk = opened(instance)
    visits = greedy(walk)
    held, bound = float(walk.prize[visits].sum()), float(walk.prize.sum())
    report(walk.walk(visits), bound=bound)
    scale = 1 if (walk.prize == np.rint(walk.prize)).all() else 10 ** int(np.ceil(np.log10(PRIZES / bound)))
    aim = None if budget.target is None else -budget.target * scale
    clock = replace(budget, target=aim).start()
    stopped = clock.stop(objective=-held * scale, bound=-bound * scale)
    if stopped is not None:
        return Outcome(walk.walk(visits), held, stopped, bound=bound, solver=SOLVER)

    def tell(solution: Any = None, *, bound: float | None = None) -> None:
        report(solution, bound=None if bound is None else -bound / scale)

    model, steps = _model(walk, visits, scale)
    prizes = np.ceil(walk.prize * scale - 1e-9)
    watch = Watch(clock, tell, lambda read: _walk(walk, steps, read), -float(prizes.sum()))
    solver = cp_model.CpSolver()
    solver.parameters.random_seed = seed % 2**31
    solver.parameters.num_workers = budget.threads_or_all()
    solver.parameters.relative_gap_limit = budget.gap
    if budget.iterations is not None:
        solver.parameters.max_number_of_conflicts = budget.iterations
    if options.log:
        log_to_stderr(solver)
    end = search(solver, model, watch)
    bound = -end.bound / scale
    best = walk.walk(visits)
    if end.solution is not None:
        value = float(instance.prize[end.solution.visits].sum())
        if value > held:
            best, held = end.solution, value
    bound = max(bound, held)  # it may be less by what floats are rounded by
    return Outcome(best, held, end.termination, bound=bound, solver=SOLVER, message=end.message)


def _model(walk: Open, known: Any, scale: int) -> tuple[cp_model.CpModel, dict[tuple[int, int], Any]]:
    """Return the model and the literals of steps (i, j)."""
    n, model = len(walk.place), cp_model.CpModel()
    if walk.distance.dtype.kind == "i":
        length, limit = walk.distance, int(np.floor(walk.limit))
    else:
        fine = 10.0 ** np.ceil(np.log10(FINE * n / max(walk.limit, 1e-9)))
        length = np.floor(np.minimum(walk.distance, 2 * walk.limit + 1e-9) * fine).astype(np.int64)
        limit = int(np.floor(walk.limit * fine))
    steps: dict[tuple[int, int], Any] = {}
    arcs: list[tuple[int, int, Any]] = [(n - 1, 0, True)]
    for i in range(n - 1):
        for j in range(1, n):
            if i != j and length[i, j] <= limit:
                steps[i, j] = model.new_bool_var(f"s{i},{j}")
                arcs.append((i, j, steps[i, j]))
    skipped = [model.new_bool_var(f"o{i}") for i in range(1, n - 1)]
    arcs += [(i, i, literal) for i, literal in enumerate(skipped, 1)]
    model.add_circuit(arcs)
    model.add(sum(int(length[step]) * literal for step, literal in steps.items()) <= limit)
    prizes = np.ceil(walk.prize * scale - 1e-9).astype(np.int64).tolist()
    model.minimize(sum(prizes[i] * literal for i, literal in enumerate(skipped, 1)) - sum(prizes))
    stops = [0, *known, n - 1]
    taken = set(pairwise(stops))
    for step, literal in steps.items():
        model.add_hint(literal, step in taken)
    return model, steps


def _walk(walk: Open, steps: dict[tuple[int, int], Any], read: Callable[[Any], Any]) -> Walk:
    """Make a walk of a solution's values."""
    following = {i: j for (i, j), literal in steps.items() if read(literal)}
    visits, here = [], following[0]
    while here != len(walk.place) - 1:
        visits.append(here)
        here = following[here]
    return walk.walk(visits)
