"""The step of the batched plant as compiled loops, for CPU: what torch does in some forty operations, in four passes.

All arrays are views of the environment's tensors. Every kernel is O(B) times what its result holds.
"""

from typing import Any

import numpy as np
from numba import njit

from counterpoint.simulators.splitmix import mix

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LOW = np.uint64(0xFFFFFFFF)


@njit(cache=True, error_model="numpy")
def produce(
    stock: Any, setup: Any, action: Any, production: Any, loss: Any, cost: Any, reward: Any
) -> bool:  # pragma: no cover
    """Set up and make; `stock` [B, I + 1] has a column in front for idle machines, the tables are [M (I + 1)].

    False, and nothing is done, if an action is out of range: it would be written past the arrays.
    """
    batch, machines = action.shape
    width = stock.shape[1]
    is_sound = True
    for b in range(batch):
        for m in range(machines):
            is_sound &= 0 <= action[b, m] < width
    if not is_sound:
        return False
    for b in range(batch):
        paid = reward.dtype.type(0)
        for m in range(machines):
            choice = action[b, m]
            entry = m * width + choice
            made = production[entry]
            if choice != setup[b, m]:
                made -= loss[entry]
                paid += cost[entry]
                setup[b, m] = choice
            stock[b, choice] += made
        reward[b] = -paid
    return True


@njit(cache=True, error_model="numpy")
def draw(random: Any, keep: Any, other: Any, demand: Any) -> None:  # pragma: no cover
    """Draw every demand [B, I] by alias tables [I, K]; `random` uint64 [B] holds a splitmix64 state per copy.

    The upper half of a word chooses the column, the lower half whether to keep it.
    """
    batch, items = demand.shape
    count = np.uint64(keep.shape[1])
    for b in range(batch):
        state = random[b]
        for i in range(items):
            state += GOLDEN
            word = mix(state)
            column = np.int64(((word >> np.uint64(32)) * count) >> np.uint64(32))
            own, alias = demand.dtype.type(column), other[i, column]  # both at hand: no branch to mispredict
            is_kept = np.float32(np.int64(word & LOW)) * np.float32(2.0**-32) < keep[i, column]
            demand[b, i] = own if is_kept else alias
        random[b] = state


@njit(cache=True, error_model="numpy")
def sell(
    stock: Any, demand: Any, limit: Any, lost_sales: Any, holding: Any, setup_reward: Any, lost: Any, reward: Any
) -> None:  # pragma: no cover
    """Meet demand, cut to the limits and add up what it costs; `lost` [B, I] is written."""
    batch, items = demand.shape
    for b in range(batch):
        paid = reward.dtype.type(0)
        for i in range(items):
            left = stock[b, i + 1] - demand[b, i]
            missing = max(-left, reward.dtype.type(0))
            left = min(left + missing, limit[i])
            paid += lost_sales[i] * missing + holding[i] * left
            lost[b, i] = missing
            stock[b, i + 1] = left
        reward[b] = setup_reward[b] - paid


@njit(cache=True, error_model="numpy")
def observe(stock: Any, setup: Any, limit: Any, share: Any, one_hot: Any) -> None:  # pragma: no cover
    """Write stocks as shares of their limits [B, I] and setups one-hot [B, M (I + 1)]."""
    batch, machines = setup.shape
    width = stock.shape[1]
    for b in range(batch):
        for i in range(width - 1):
            share[b, i] = stock[b, i + 1] / limit[i]
        one_hot[b] = 0
        for m in range(machines):
            one_hot[b, m * width + setup[b, m]] = 1
