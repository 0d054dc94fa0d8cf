"""The lake of `simulators.frozen_lake`, solved exactly by value iteration over its n * n cells.

Without the time limit, as a learner sees it that bootstraps there. Puterman 1994, Markov Decision Processes, 6.3.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from counterpoint.simulators.frozen_lake import SLIP, FrozenLake

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Model:
    """The problem as tables; S cells, 4 directions.

    Parameters
    ----------
    post : int64 array [S, 4]
        Cell after the move.
    pays : float array [S]
        Of arriving in a cell: the certain reward of a step is ``pays[post]``.
    slip : float array [S, S]
        Probability of each next cell from a post-decision cell; rows of ends are 0.
    slip_pays : float array [S]
        Expected reward of what follows a post-decision cell.
    is_end : bool array [S]
    discount : float
    """

    post: NDArray[np.int64]
    pays: Array
    slip: Array
    slip_pays: Array
    is_end: NDArray[np.bool_]
    discount: float

    def post_value(self, value: Array) -> Array:
        """Return W(x) = E[reward of the slip + discount * value of the next cell], [S]."""
        found: Array = self.slip_pays + self.discount * self.slip @ np.where(self.is_end, 0.0, value)
        return found

    def action_value(self, value: Array) -> Array:
        """Return Q(s, a) = certain reward + W of the post-decision cell, [S, 4]."""
        found: Array = (self.pays + self.post_value(value))[self.post]
        return found


def model(lake: FrozenLake) -> Model:
    """Return the tables."""
    cells, neighbour = lake.num_cells, lake.neighbour
    slip = np.zeros((cells, cells))
    for direction in range(4):
        np.add.at(slip, (np.arange(cells), neighbour[:, direction]), SLIP * lake.slip_direction[:, direction])
    slip[np.arange(cells), np.arange(cells)] += 1 - SLIP
    slip[lake.is_end] = 0
    return Model(neighbour, lake.pays, slip, slip @ lake.pays, lake.is_end, lake.discount)


def optimal_values(tables: Model, tolerance: float = 1e-12) -> Array:
    """Return the optimal value of each cell, [S]; 0 where a walk ends."""
    value: Array = np.zeros(len(tables.pays))
    while True:
        new: Array = np.where(tables.is_end, 0.0, tables.action_value(value).max(1))
        if np.abs(new - value).max() < tolerance:
            return new
        value = new


def policy_values(tables: Model, policy: Array) -> Array:
    """Return the value of each cell, [S], under a policy [S, 4] of probabilities, by a linear system."""
    cells = np.arange(len(policy))
    reach = np.zeros((len(policy), len(policy)))  # from a cell to its post-decision cells
    for direction in range(4):
        np.add.at(reach, (cells, tables.post[:, direction]), policy[:, direction])
    reach[tables.is_end] = 0
    move = tables.slip * ~tables.is_end
    reward = reach @ (tables.pays + tables.slip_pays)
    value: Array = np.asarray(np.linalg.solve(np.eye(len(policy)) - tables.discount * reach @ move, reward), np.float64)
    return value
