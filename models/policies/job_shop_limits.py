"""What the learned methods for job shops share: how many schedules to build, and the bound that ends them early."""

import math
from importlib.util import find_spec

from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop

UNLIMITED = 128  # schedules, where nothing sets a limit


def schedules_at_most(budget: Budget, mode: str, samples: int) -> float:
    """Return how many schedules to build at most, at least 1; `samples` 0 means as many as the budget allows."""
    if mode == "greedy":
        return 1
    limit = math.inf if budget.iterations is None else budget.iterations
    if samples:
        limit = min(limit, samples)
    elif math.isinf(limit) and budget.time_limit_s is None:
        limit = UNLIMITED
    return max(1, limit)


def lower_bound(instance: JobShop) -> float | None:
    """Return the foundation's lower bound where its compiler is installed."""
    if find_spec("numba") is None:
        return None
    from counterpoint.solvers.bounds.job_shop import best_bound

    return float(best_bound(instance))
