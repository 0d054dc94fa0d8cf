"""The plant with its machines' capacity priced instead of limited: every item is then a problem of its own.

Source: Hawkins 2003 (PhD thesis, MIT); Adelman and Mersereau 2008 (Operations Research 56:712-727), on weakly coupled
Markov decision processes. A machine may serve one item in a period. Here it may serve more, but every service costs the
price lambda_tm >= 0, of which one is paid back. For any prices

    sum over items of E[V_i(start)] - sum of lambda  <=  expected cost of every policy that does not look ahead,

as a policy of the plant serves at most one item per machine and period. The best prices balance the expected services.
The same with all demands of a scenario known bounds what any policy costs in it, clairvoyant or not.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from counterpoint.opt.problems.stochastic_lot_sizing import Scenario, StochasticLotSizing
from counterpoint.solvers.bounds.stochastic_lot_sizing_item import Array, Item, items_of
from counterpoint.solvers.bounds.stochastic_lot_sizing_kernels import Words, backward, forward


class Relaxed(NamedTuple):
    """The relaxation at some prices.

    Parameters
    ----------
    bound : float
        A lower bound on the (expected) cost.
    slope : float array [T, M]
        A supergradient: (expected) number of items each machine serves in each period, less one.
    """

    bound: float
    slope: Array


@dataclass(frozen=True, slots=True, eq=False)
class Relaxation:
    """The relaxation; solving it at some prices is O(sum over items of T 2^k (k + D) Y).

    Parameters
    ----------
    items : tuple of Item
    starts : tuple of float array [N, X]
        Each item's probability of sets and stocks at the start.
    shape : (int, int)
        T, M.
    """

    items: tuple[Item, ...]
    starts: tuple[Array, ...]
    shape: tuple[int, int]

    @classmethod
    def expected(cls, instance: StochasticLotSizing, max_bits: int | None = None) -> "Relaxation":
        """Return that of the expected cost, over the demands and (if it is random) the start."""
        items = items_of(instance, max_bits)
        if instance.is_random_start:
            choices = np.count_nonzero(instance.production, axis=1)
            starts = tuple(item.random_start(choices) for item in items)
        else:
            starts = tuple(item.start(instance.initial_inventory, instance.initial_setup) for item in items)
        return cls(items, starts, (instance.horizon, instance.num_machines))

    @classmethod
    def known(cls, instance: StochasticLotSizing, scenario: Scenario, max_bits: int | None = None) -> "Relaxation":
        """Return that of the cost in one scenario, all of which is known."""
        items = tuple(item.known(scenario.demand[:, item.number]) for item in items_of(instance, max_bits))
        starts = tuple(item.start(scenario.inventory, scenario.setup) for item in items)
        return cls(items, starts, (len(scenario.demand), instance.num_machines))

    def solve(self, prices: Array) -> Relaxed:
        """Solve every item at `prices` [T, M], all at least 0."""
        bound, slope = -float(prices.sum()), np.full(self.shape, -1.0)
        for item, start in zip(self.items, self.starts, strict=True):
            value, choice, _ = solve_item(item, prices)
            bound += float((start * value).sum())
            usage = np.zeros((len(prices), len(item.machines)))
            forward(item.chance, item.below, item.made, item.loss, start.copy(), choice, usage)
            slope[:, item.machines] += usage
        return Relaxed(bound, slope)

    def posts(self, prices: Array) -> tuple[NDArray[np.float32], ...]:
        """Return every item's expected cost to come after production, prices of later periods included, [T, N, Y]."""
        return tuple(solve_item(item, prices, has_posts=True)[2] for item in self.items)


def solve_item(item: Item, prices: Array, *, has_posts: bool = False) -> tuple[Array, Words, NDArray[np.float32]]:
    """Return the values before the first period [N, X], the best sets [T, N, X] and the values after production."""
    stage = item.stage
    value = np.zeros((item.rows, item.limit + 1))
    word: Any = np.uint32 if len(item.machines) <= 32 else np.uint64
    choice = np.empty((len(prices), *value.shape), word)
    post = np.empty((len(prices) * has_posts, item.rows, stage.shape[1]), np.float32)
    price = np.ascontiguousarray(prices[:, item.machines])
    backward(item.chance, stage, item.below, item.made, item.loss, item.setup_cost, price, value, choice, post)
    return value, choice, post
