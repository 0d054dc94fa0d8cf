"""OR-Tools' branch and bound for knapsacks."""

from importlib.metadata import version

import numpy as np
from ortools.algorithms.python import knapsack_solver

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.rules.knapsack import greedy

SOLVER = f"ortools {version('ortools')}"
KIND = knapsack_solver.SolverType.KNAPSACK_MULTIDIMENSION_BRANCH_AND_BOUND_SOLVER


def solve(instance: Knapsack, budget: Budget, seed: int, options: object, report: Report) -> Outcome:
    """Maximise the value packed. The library cannot be interrupted: Ctrl-C waits for it, so give a time limit."""
    clock = budget.start()
    items = greedy(instance)
    report(Packing(items))
    value = int(instance.value[items].sum())
    stopped = clock.stop(objective=value, sense="max")
    if stopped is not None:
        return Outcome(Packing(items), float(value), stopped, solver=SOLVER)
    solver = knapsack_solver.KnapsackSolver(KIND, "knapsack")
    if budget.time_limit_s is not None:
        solver.set_time_limit(max(clock.remaining_s(), 1e-3))
    solver.init(instance.value.tolist(), [instance.weight.tolist()], [instance.capacity])
    solver.solve()
    found = np.flatnonzero([solver.best_solution_contains(i) for i in range(instance.num_items)])
    is_proven = bool(solver.is_solution_optimal())
    if int(instance.value[found].sum()) > value and int(instance.weight[found].sum()) <= instance.capacity:
        items, value = found, int(instance.value[found].sum())
    bound = float(value) if is_proven else None
    final = Termination.OPTIMAL if is_proven else Termination.TIME
    return Outcome(Packing(items), float(value), final, bound=bound, solver=SOLVER)
