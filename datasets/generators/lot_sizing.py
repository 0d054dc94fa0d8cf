"""Random lot-sizing instances: several items under a capacity in the manner of Trigeiro, and single items."""

from typing import Literal

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.lot_sizing import MAX_CELLS, FloatArray, LotSizing

Distribution = Literal["uniform", "normal"]
EARLY = 4  # first periods, in which demand may be served by stock that an instance does not show


def trigeiro(
    *,
    items: int,
    periods: int,
    seed: int = 0,
    demand_mean: float = 100.0,
    demand_distribution: Distribution = "uniform",
    demand_spread: float = 0.25,
    early_zero_share: float = 0.25,
    holding_max: int = 5,
    time_between_orders: float = 2.0,
    utilisation: float = 0.85,
    setup_time_share: float = 0.15,
    backlog_factor: float | None = None,
) -> LotSizing:
    """Build a capacitated instance with setup times, by the factors of Trigeiro, Thomas and McClain 1989.

    The factors (distribution of demand, time between orders, utilisation, share of setup times) are theirs, the
    constants our own, so that no instance of theirs is rebuilt. At a high utilisation an instance may have no plan.

    Parameters
    ----------
    items, periods : int
    seed : int
    demand_mean : float
    demand_distribution : {"uniform", "normal"}
        Whole numbers, U{(1 - spread) mean .. (1 + spread) mean} or N(mean, (spread mean)^2), cut at 0.
    demand_spread : float
        In [0, 1].
    early_zero_share : float
        The probability that a demand of the first four periods is 0, as if stock had served it.
    holding_max : int
        Holding costs are U{1..holding_max}.
    time_between_orders : float
        Periods that an economic order lasts: setup costs are h d TBO^2 / 2 times U(0.75, 1.25), rounded.
    utilisation : float
        Mean demand and a setup per item every `time_between_orders` periods take this share of the capacity.
    setup_time_share : float
        Setups' share in that time; each item's setup time is U(0.5, 1.5) times the mean, rounded.
    backlog_factor : float, optional
        Allow backlogging at so many times the holding cost.
    """
    _check_sizes(seed, items, periods)
    _check_range(0, 1, demand_spread=demand_spread, early_zero_share=early_zero_share)
    _check_range(0, 0.9, setup_time_share=setup_time_share)
    _check_range(0.01, 10, utilisation=utilisation)
    _check_range(1, 1e6, demand_mean=demand_mean, holding_max=holding_max)
    _check_range(0.1, 1e3, time_between_orders=time_between_orders)
    rng = np.random.default_rng(seed)
    if demand_distribution == "uniform":
        low, high = (round(demand_mean * (1 + sign * demand_spread)) for sign in (-1, 1))
        demand = rng.integers(low, high, size=(items, periods), endpoint=True).astype(float)
    else:
        demand = np.maximum(rng.normal(demand_mean, demand_spread * demand_mean, (items, periods)).round(), 0.0)
    demand[:, :EARLY] *= rng.random((items, min(EARLY, periods))) >= early_zero_share
    holding = rng.integers(1, holding_max, size=items, endpoint=True).astype(float)
    order = holding * demand_mean * time_between_orders**2 / 2
    setup_cost = np.maximum((order * rng.uniform(0.75, 1.25, items)).round(), 1.0)
    making = items * demand_mean
    setups = making * setup_time_share / (1 - setup_time_share)
    setup_time = (setups * time_between_orders / items * rng.uniform(0.5, 1.5, items)).round()
    return LotSizing(
        f"trigeiro-{items}x{periods}-{seed}",
        demand=demand,
        setup_cost=setup_cost,
        holding_cost=holding,
        setup_time=setup_time,
        backlog_cost=_backlog(holding, backlog_factor),
        capacity=float(np.ceil((making + setups) / utilisation)),
    )


def single_item(
    *,
    periods: int,
    seed: int = 0,
    demand_max: int = 100,
    zero_share: float = 0.2,
    setup_min: int = 100,
    setup_max: int = 1000,
    holding_min: int = 1,
    holding_max: int = 3,
    unit_max: int = 5,
    backlog_factor: float | None = None,
    initial_stock: float = 0.0,
) -> LotSizing:
    """Build an uncapacitated single item whose costs vary from period to period.

    Parameters
    ----------
    periods : int
    seed : int
    demand_max : int
        Demands are U{1..demand_max}, or 0.
    zero_share : float
        The probability that a demand is 0.
    setup_min, setup_max, holding_min, holding_max, unit_max : int
        Costs are U{min..max} in each period; unit costs U{0..unit_max}. Equal ends make constant costs.
    backlog_factor : float, optional
        Allow backlogging at so many times the holding cost of the period.
    initial_stock : float
    """
    _check_sizes(seed, 1, periods)
    _check_range(0, 1, zero_share=zero_share)
    _check_range(1, 1e6, demand_max=demand_max)
    _check_range(0, 1e6, unit_max=unit_max, setup_min=setup_min, holding_min=holding_min)
    _check_range(setup_min, 1e6, setup_max=setup_max)
    _check_range(holding_min, 1e6, holding_max=holding_max)
    rng = np.random.default_rng(seed)
    demand = rng.integers(1, demand_max, size=periods, endpoint=True) * (rng.random(periods) >= zero_share)
    holding = rng.integers(holding_min, holding_max, size=(1, periods), endpoint=True).astype(float)
    return LotSizing(
        f"single-item-{periods}-{seed}",
        demand=demand,
        setup_cost=rng.integers(setup_min, setup_max, size=(1, periods), endpoint=True),
        holding_cost=holding,
        unit_cost=rng.integers(0, unit_max, size=(1, periods), endpoint=True),
        backlog_cost=_backlog(holding, backlog_factor),
        initial_stock=initial_stock,
    )


def _backlog(holding: FloatArray, factor: float | None) -> FloatArray | None:
    if factor is None:
        return None
    _check_range(0, 1e3, backlog_factor=factor)
    return holding * factor


def _check_sizes(seed: int, items: int, periods: int) -> None:
    for key, value in (("items", items), ("periods", periods)):
        if value < 1:
            raise OptionError(f"{key} must be at least 1, not {value}")
    if items * periods > MAX_CELLS:
        raise OptionError(f"{items * periods} items x periods; at most {MAX_CELLS} are supported")
    if seed < 0:
        raise OptionError(f"seed must be at least 0, not {seed}")


def _check_range(least: float, most: float, **values: float) -> None:
    for key, value in values.items():
        if not least <= value <= most:
            raise OptionError(f"{key} must lie in [{least:g}, {most:g}], not {value:g}")
