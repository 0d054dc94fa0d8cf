"""When to stop training: rules that look at the progress and at the policy after each iteration.

A rule returns why it stops, or nothing. The first rule that stops, stops. Budgets (`iterations`, `seconds`) are sure;
`bound_stalls` says that the bound has stopped moving, which is no proof that it is near the optimum; `statistical`
says that the bound is within the confidence interval of the simulated cost, which wide intervals satisfy early
(Shapiro 2011, EJOR 209:63-72: such tests should look at the interval's far end); `policy_stalls` compares policies on
the same paths, so that the noise of the paths cancels out.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.solvers.sddp.forward import Paths, path_costs, walk

if TYPE_CHECKING:
    from counterpoint.solvers.sddp.policy import Policy, Progress

Stop = Callable[["Sequence[Progress]", "Policy"], str | None]
_STREAM = 7  # of simulations made to stop, apart from those of the forward passes


def iterations(limit: int) -> Stop:
    """Stop after so many iterations of this training."""
    _check("iterations", limit)
    return lambda progress, _: f"{limit} iterations" if len(progress) >= limit else None


def seconds(limit: float) -> Stop:
    """Stop after so many wall seconds of this training."""
    _check("seconds", limit)
    return lambda progress, _: f"{limit:g} s" if progress and progress[-1].seconds >= limit else None


def bound_stalls(last: int = 20, tolerance: float = 1e-6) -> Stop:
    """Stop when the bound has moved less than `tolerance`, relative, in the last iterations."""
    _check("last", last)

    def stop(progress: "Sequence[Progress]", _: "Policy") -> str | None:
        if len(progress) <= last:
            return None
        moved = progress[-1].bound - progress[-1 - last].bound
        is_still = abs(moved) <= tolerance * max(1.0, abs(progress[-1].bound))
        return f"the bound moved {moved:.3g} in {last} iterations" if is_still else None

    return stop


def statistical(paths: int = 200, every: int = 20, z: float = 1.96, seed: int = 0) -> Stop:
    """Stop when the bound is no lower than the lower end of the confidence interval of the simulated mean cost.

    Risk neutral only: under a risk measure the bound is no bound on the mean.
    """
    _check("paths", paths, 2)
    _check("every", every)

    def stop(progress: "Sequence[Progress]", policy: "Policy") -> str | None:
        if not progress or len(progress) % every:
            return None
        cost = _costs(policy, paths, (seed, _STREAM, len(progress)))
        half = z * cost.std(ddof=1) / np.sqrt(paths)
        if progress[-1].bound < cost.mean() - half:
            return None
        return f"the bound {progress[-1].bound:.6g} is within {cost.mean():.6g} +- {half:.3g}"

    return stop


def policy_stalls(paths: int = 200, every: int = 20, z: float = 1.96, tolerance: float = 1e-4, seed: int = 0) -> Stop:
    """Stop when nothing says that the policy saves more than `tolerance`, relative, against `every` iterations ago.

    Both decide the same paths; the interval is that of the paired differences, and its lower end is looked at.
    """
    _check("paths", paths, 2)
    _check("every", every)
    before: list[np.ndarray] = []

    def stop(progress: "Sequence[Progress]", policy: "Policy") -> str | None:
        if not progress or len(progress) % every:
            return None
        if len(progress) == every:
            before.clear()
        before.append(_costs(policy, paths, (seed, _STREAM)))
        if len(before) < 2:
            return None
        saved = before[-2] - before[-1]
        half = z * saved.std(ddof=1) / np.sqrt(paths)
        if saved.mean() - half > tolerance * max(1.0, abs(before[-1].mean())):
            return None
        return f"the policy saves {saved.mean():.3g} +- {half:.3g} on {paths} paths since {every} iterations ago"

    return stop


def _costs(policy: "Policy", paths: int, seed: tuple[int, ...]) -> np.ndarray:
    visits = walk(policy.graph, policy.solvers, Paths.drawn(paths, policy.options.depth, seed))
    return path_costs(visits, paths)


def _check(key: str, value: float, least: float = 0) -> None:
    if not least <= value or value == 0:
        raise OptionError(f"{key} must be at least {least or 'above 0'}, not {value}")
