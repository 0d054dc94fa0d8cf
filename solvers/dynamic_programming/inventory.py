"""The inventory of `simulators.inventory`, solved exactly: 21 states, 11 orders, two rewards.

- value iteration for weighed rewards (Puterman 1994, Markov Decision Processes, section 6.3);
- a policy's exact worth, by a linear system;
- the least cost under a limit on lost sales, by a linear programme over discounted occupancies
  (Altman 1999, Constrained Markov Decision Processes, chapter 3), whose optimum randomises in at most one state.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from counterpoint.simulators.inventory import Inventory

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """The problem as tables; S = capacity + 1 stocks, A = max_order + 1 orders.

    Parameters
    ----------
    transition : float array [S, A, S]
    reward : float array [S, A, 2]
        Expected: minus cost of holding and ordering, minus lost sales.
    start : int
    discount : float
    """

    transition: Array
    reward: Array
    start: int
    discount: float


def model(inventory: Inventory) -> Model:
    """Return the tables; O(S A max_demand)."""
    stocks, orders = inventory.capacity + 1, inventory.max_order + 1
    transition, reward = np.zeros((stocks, orders, stocks)), np.zeros((stocks, orders, 2))
    for stock in range(stocks):
        for order in range(orders):
            filled = min(stock + order, inventory.capacity)
            for demand, probability in enumerate(inventory.demand_probability):
                left = max(filled - demand, 0)
                cost = inventory.holding * left + inventory.fixed * (order > 0) + inventory.unit * order
                transition[stock, order, left] += probability
                reward[stock, order] -= probability * np.array([cost, max(demand - filled, 0)])
    return Model(transition, reward, inventory.start, inventory.discount)


def optimal_orders(tables: Model, weights: tuple[float, float], tolerance: float = 1e-10) -> NDArray[np.int64]:
    """Return the best order for each stock, int64 [S], of the weighed rewards; ties go to the smaller order."""
    reward = tables.reward @ np.array(weights)
    value = np.zeros(len(reward))
    while True:
        gain = reward + tables.discount * tables.transition @ value
        new = gain.max(1)
        if np.abs(new - value).max() < tolerance * (1 - tables.discount):
            # equal but for rounding: the smaller order
            return np.asarray((gain >= new[:, None] - tolerance).argmax(1), dtype=np.int64)
        value = new


def worth(tables: Model, policy: Array) -> Array:
    """Return the discounted rewards (cost, lost sales; both negative) from the start, float [2], of a policy.

    Parameters
    ----------
    policy : float array [S, A]
        Probability of each order at each stock.
    """
    transition = np.einsum("sa,sat->st", policy, tables.transition)
    reward = np.einsum("sa,sak->sk", policy, tables.reward)
    value: Array = np.linalg.solve(np.eye(len(policy)) - tables.discount * transition, reward)
    found: Array = value[tables.start]
    return found


def deterministic(tables: Model, orders: NDArray[np.int64]) -> Array:
    """Return the policy [S, A] that always orders so much."""
    return np.eye(tables.reward.shape[1])[orders]


def coverage_set(tables: Model, count: int = 201) -> Array:
    """Return the distinct worths [k, 2] of the best policies for `count` even weights, by rising first reward.

    Weights go from (0, 1) to (1, 0), each at least 1e-9: at 0 nothing would decide between equals.
    """
    found: dict[tuple[float, ...], Array] = {}
    for w in np.linspace(0, 1, count):
        weights = (max(w, 1e-9), max(1 - w, 1e-9))
        point = worth(tables, deterministic(tables, optimal_orders(tables, weights)))
        found[tuple(np.round(point, 6))] = point
    return np.array([found[key] for key in sorted(found)])


def least_cost(tables: Model, most_lost: float) -> tuple[float, Array]:
    """Return the least discounted cost with at most so many discounted lost sales, and the policy [S, A].

    Raises
    ------
    ValueError
        If no policy loses so little.
    """
    from scipy.optimize import linprog

    stocks, orders, _ = tables.transition.shape
    flow = np.repeat(np.eye(stocks), orders, axis=0) - tables.discount * tables.transition.reshape(-1, stocks)
    start = np.eye(stocks)[tables.start]
    cost, lost = -tables.reward.reshape(-1, 2).T
    done = linprog(cost, A_ub=lost[None], b_ub=[most_lost], A_eq=flow.T, b_eq=start, method="highs")
    if done.status != 0:
        raise ValueError(f"no policy loses at most {most_lost:g} sales: {done.message}")
    occupancy = done.x.reshape(stocks, orders)
    visited = occupancy.sum(1, keepdims=True)
    policy = np.where(visited > 1e-12, occupancy / np.maximum(visited, 1e-12), np.eye(orders)[0])
    return float(done.fun), policy
