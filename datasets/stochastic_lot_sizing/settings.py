"""The plants of the published code as JSON: `leokan92/discrete_lot_sizing_rl_agents` and `leokan92/pdppo`.

An object with ``n_items``, ``n_machines``, ``time_horizon``, ``machine_production``, ``setup_costs``, ``setup_loss``,
``holding_costs``, ``lost_sales_costs``, ``max_inventory_level``, ``initial_inventory``, ``initial_setup`` and
``demand_distribution``: ``binomial`` (``n``, ``p``) or ``probability_mass_function`` (``vals``, ``probs``; a value may
stand there twice). Further keys are descriptions and are not read. There the first reset draws a random start over the
one in the file, so a plant read from such a file has ``is_random_start``.
"""

import math
from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, integers, numbers, real, whole
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing
from counterpoint.opt.problems.stochastic_lot_sizing_json import number_matrix, whole_matrix

NEEDED = (
    "n_items", "n_machines", "time_horizon", "machine_production", "setup_costs", "setup_loss", "holding_costs",
    "lost_sales_costs", "max_inventory_level", "initial_inventory", "initial_setup", "demand_distribution",
)  # fmt: skip
SPELLINGS = {  # of transcriptions
    "items": "n_items", "machines": "n_machines", "horizon": "time_horizon", "setup_cost": "setup_costs",
    "holding_cost": "holding_costs", "lost_sales_cost": "lost_sales_costs", "max_inventory": "max_inventory_level",
    "demand": "demand_distribution",
}  # fmt: skip
MAX_DEMAND = 10_000


def decode_setting(data: Any, name: str) -> StochasticLotSizing:
    """Build a plant from the data of such a file.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    fields = {SPELLINGS.get(key, key): value for key, value in expect(data, dict, "an object").items()}
    if missing := [key for key in NEEDED if key not in fields]:
        raise InstanceError(f"missing fields: {', '.join(missing)}")
    items, machines = whole(fields["n_items"], ("n_items",)), whole(fields["n_machines"], ("n_machines",))
    production = whole_matrix(fields["machine_production"], "machine_production")
    if production.shape != (machines, items):
        raise InstanceError(
            f"expected {machines} rows (n_machines) of {items} (n_items), not {production.shape}",
            place=("machine_production",),
        )
    demand = demand_probability(fields["demand_distribution"])
    return StochasticLotSizing(
        name=name,
        production=production,
        setup_cost=number_matrix(fields["setup_costs"], "setup_costs"),
        setup_loss=whole_matrix(fields["setup_loss"], "setup_loss"),
        holding_cost=np.array(numbers(fields["holding_costs"], ("holding_costs",))),
        lost_sales_cost=np.array(numbers(fields["lost_sales_costs"], ("lost_sales_costs",))),
        max_inventory=np.array(integers(fields["max_inventory_level"], ("max_inventory_level",))),
        demand_probability=np.tile(demand, (max(items, 1), 1)),
        horizon=whole(fields["time_horizon"], ("time_horizon",)),
        initial_inventory=np.array(integers(fields["initial_inventory"], ("initial_inventory",))),
        initial_setup=np.array(integers(fields["initial_setup"], ("initial_setup",))),
        is_random_start=True,
    )


def demand_probability(data: Any) -> Any:
    """Return the probabilities of 0..D, float64 [D + 1], of a described distribution."""
    at = ("demand_distribution",)
    name = expect(data, dict, "an object", at).get("name")
    if name == "binomial":
        n, p = whole(data.get("n"), (*at, "n")), real(data.get("p"), (*at, "p"))
        if not 0 <= n <= MAX_DEMAND or p is None or not 0 <= p <= 1:
            raise InstanceError(f"expected n in 0..{MAX_DEMAND} and p in [0, 1]", place=at)
        return binomial(n, p)
    if name == "probability_mass_function":
        values = integers(data.get("vals"), (*at, "vals"))
        shares = numbers(data.get("probs"), (*at, "probs"))
        if not values or len(values) != len(shares) or min(values) < 0 or max(values) > MAX_DEMAND:
            raise InstanceError(f"expected as many vals, in 0..{MAX_DEMAND}, as probs", place=at)
        found = np.zeros(max(values) + 1)
        np.add.at(found, values, shares)
        if min(shares) < 0 or abs(found.sum() - 1) > 1e-6:
            raise InstanceError("expected probs that add up to 1", place=(*at, "probs"))
        return found / found.sum()
    known = "binomial or probability_mass_function"
    raise InstanceError(
        f"expected a demand distribution {known}, not {printable(repr(name)[:40])}", place=(*at, "name")
    )


def binomial(n: int, p: float) -> Any:
    """Return the probabilities of 0..n successes, float64 [n + 1], adding up to 1.

    >>> binomial(2, 0.5).round(9).tolist()
    [0.25, 0.5, 0.25]
    """
    if p in (0.0, 1.0):
        return np.eye(n + 1)[int(n * p)]
    k = np.arange(n + 1)
    log_factorial = np.array([math.lgamma(i + 1) for i in k])
    log = log_factorial[-1] - log_factorial - log_factorial[::-1] + k * math.log(p) + (n - k) * math.log1p(-p)
    weight = np.exp(log)
    return weight / weight.sum()
