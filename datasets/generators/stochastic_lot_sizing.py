"""Random plants of parallel machines, by the rules of the published generator.

Rules and figures: `leokan92/pdppo`, ``code/Lot-sizing/cfg_env/generate_setting.py`` (the ``t100_i100`` settings). A
field takes the first value of its range with the probability given, each of the others with an equal share of the rest.
"""

import numpy as np
import numpy.typing as npt

from counterpoint.datasets.stochastic_lot_sizing.settings import binomial
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing


def published(
    *,
    items: int = 20,
    machines: int = 10,
    seed: int = 0,
    horizon: int = 100,
    is_random_start: bool = True,
    max_production: int = 40,
    max_inventory: int = 100,
    holding_cost: float = 0.01,
    demand_trials: int = 20,
    demand_share: float = 0.4,
) -> StochasticLotSizing:
    """Build a plant: machines make 40 % of the items not at all, the others U{1..max_production} units.

    Lost sales cost 0.1 or 1.1, a setup 15 (one in five) to 30, a changeover 1 (seven in ten) to 3 units; demand is
    binomial.
    """
    if seed < 0:
        raise InstanceError(f"seed must be at least 0, not {seed}")
    if min(items, machines, horizon, max_production) < 1 or not 0 <= demand_share <= 1 or demand_trials < 0:
        raise InstanceError("expected at least one item, machine, period and unit, and a share in [0, 1]")
    rng = np.random.default_rng([seed, 20])
    shape = (machines, items)
    initial_setup = _drawn(rng, np.arange(items + 1), 0.4, machines)
    production = _drawn(rng, np.arange(max_production + 1), 0.4, shape)
    initial_inventory = _drawn(rng, np.arange(min(50, max_inventory) + 1), 0.05, items)
    lost_sales_cost = _drawn(rng, np.array([0.1, 1.1]), 0.5, items)
    setup_cost = _drawn(rng, np.arange(15.0, 31.0), 0.2, shape)
    setup_loss = _drawn(rng, np.arange(1, 4), 0.7, shape)
    return StochasticLotSizing(
        name=f"plant-{items}x{machines}-{seed}",
        production=production,
        setup_cost=setup_cost,
        setup_loss=setup_loss,
        holding_cost=np.full(items, holding_cost),
        lost_sales_cost=lost_sales_cost,
        max_inventory=np.full(items, max_inventory),
        demand_probability=np.tile(binomial(demand_trials, demand_share), (items, 1)),
        horizon=horizon,
        initial_inventory=initial_inventory,
        initial_setup=initial_setup,
        is_random_start=is_random_start,
    )


def _drawn(rng: np.random.Generator, values: npt.NDArray[np.generic], first: float, shape: object) -> npt.NDArray:  # type: ignore[type-arg]
    share = [first, *[(1 - first) / (len(values) - 1)] * (len(values) - 1)] if len(values) > 1 else [1.0]
    return rng.choice(values, size=shape, p=share)  # type: ignore[call-overload,no-any-return]
