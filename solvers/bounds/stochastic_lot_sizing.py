"""What no policy can beat on a plant of parallel machines: on average, and in one scenario with all demands known.

Both are Lagrangian bounds: the machines' capacity is priced (see `stochastic_lot_sizing_relaxation`), every item solved
exactly by dynamic programming, and the prices improved step by step. A bound is never the cost of a plan.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from counterpoint.opt.problems.stochastic_lot_sizing import Scenario, StochasticLotSizing
from counterpoint.solvers.bounds.stochastic_lot_sizing_item import Array
from counterpoint.solvers.bounds.stochastic_lot_sizing_prices import Ascent
from counterpoint.solvers.bounds.stochastic_lot_sizing_relaxation import Relaxation

STEPS = 60
SCENARIO_STEPS = 30


@dataclass(frozen=True, slots=True, eq=False)
class Priced:
    """A bound and the prices that prove it.

    Parameters
    ----------
    bound : float
        A lower bound on the cost.
    prices : float array [T, M]
        Of a machine's service in a period.
    """

    bound: float
    prices: Array


def expected_cost(
    instance: StochasticLotSizing, *, steps: int = STEPS, time_limit_s: float | None = None, max_bits: int | None = None
) -> Priced:
    """Return a lower bound on the expected cost of every policy that does not know demands before they come.

    The expectation is over the demands, and over the start where it is random.

    Parameters
    ----------
    instance : StochasticLotSizing
    steps : int
        Of the ascent; every number gives a valid bound, more a better one.
    time_limit_s : float, optional
        Wall seconds; looked at between evaluations.
    max_bits : int, optional
        Of how many machines per item the setups are kept in mind; fewer are quicker and give a weaker bound. Default:
        all of up to 12, fewer in large plants.
    """
    return _ascend(instance, Relaxation.expected(instance, max_bits), steps, time_limit_s)


@lru_cache(maxsize=8)
def expected_bound(instance: StochasticLotSizing) -> float:
    """Return the bound of `expected_cost`, remembered for the last few plants (`interfaces.ExpectedBound`)."""
    return expected_cost(instance).bound


def perfect_information(instance: StochasticLotSizing, scenario: Scenario, time_limit_s: float) -> float:
    """Return a lower bound on the cost in this scenario of every policy, even one that knows all of it.

    Parameters
    ----------
    instance : StochasticLotSizing
    scenario : Scenario
    time_limit_s : float
        Wall seconds; less time gives a weaker bound, never a wrong one. One evaluation is always done.
    """
    return in_scenario(instance, scenario, time_limit_s=time_limit_s).bound


def in_scenario(
    instance: StochasticLotSizing,
    scenario: Scenario,
    *,
    steps: int = SCENARIO_STEPS,
    time_limit_s: float | None = None,
    max_bits: int | None = None,
) -> Priced:
    """Return `perfect_information` with its prices; the parameters are those of `expected_cost`."""
    return _ascend(instance, Relaxation.known(instance, scenario, max_bits), steps, time_limit_s)


def warm_up() -> None:
    """Compile, so that no clock pays for it."""
    whole, real = np.ones((1, 1), np.int64), np.ones((1, 1))
    tiny = StochasticLotSizing("tiny", whole, real, whole, real[0], real[0], whole[0], real, 1)
    expected_cost(tiny, steps=1)


def _ascend(instance: StochasticLotSizing, relaxation: Relaxation, steps: int, limit: float | None) -> Priced:
    ascent = Ascent(relaxation.solve, relaxation.shape, _timer(limit))
    ascent.run(float((instance.lost_sales_cost * instance.production).max()), steps)
    return Priced(ascent.bound, ascent.prices)


def _timer(limit: float | None) -> Callable[[], bool]:
    """Return what tells whether so many seconds from now are over."""
    end = np.inf if limit is None else time.monotonic() + limit
    return lambda: time.monotonic() >= end
