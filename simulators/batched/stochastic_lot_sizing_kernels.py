"""The step of the batched plant as compiled loops, for CPU: what torch does in some forty operations, in three passes.

What is observed is kept up to date on the way. The order in which costs are added up is the compiler's (`reassoc`), so
that it can add eight at once; stocks are whole numbers, exact in any order.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from counterpoint.simulators.splitmix import mix

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
LOW = np.uint64(0xFFFFFFFF)
OUT_OF_RANGE, GOES_ON, ENDS = range(3)  # how a step went: refused, or whether it was the last of any copy


class Plants(NamedTuple):
    """Views of the environment's tensors.

    Parameters
    ----------
    production, loss, cost : float [M (I + 1)]
        With a column in front for idle machines.
    limit, lost_sales, holding : float [I]
    keep, other : float32 [I, K], float [I, K]
        Alias tables of demand.
    stock : float [B, I + 1]
        With a column in front for idle machines.
    setup : int64 [B, M]
    setup_reward : float [B]
    period : int64 [B]
    random : uint64 [B]
        A splitmix64 state per copy.
    lost : float [B, I]
    share, one_hot : float32 [B, I], [B, M (I + 1)]
        What is observed: stocks as shares of their limits, and setups.
    """

    production: Any
    loss: Any
    cost: Any
    limit: Any
    lost_sales: Any
    holding: Any
    keep: Any
    other: Any
    stock: Any
    setup: Any
    setup_reward: Any
    period: Any
    random: Any
    lost: Any
    share: Any
    one_hot: Any


@njit(cache=True)
def step(p: Plants, action: Any, horizon: int, reward: Any, truncated: Any) -> int:  # pragma: no cover
    """Set up and make as `action` [B, M] says, meet demand that is drawn; write `reward` and `truncated` [B]."""
    if not _is_sound(action, p.stock.shape[1]):
        return OUT_OF_RANGE
    _produce(action, p.production, p.loss, p.cost, p.stock, p.setup, p.setup_reward, p.one_hot)
    return draw_and_sell(p, horizon, reward, truncated)


@njit(cache=True)
def produce(p: Plants, action: Any) -> int:  # pragma: no cover
    """Set up and make."""
    if not _is_sound(action, p.stock.shape[1]):
        return OUT_OF_RANGE
    _produce(action, p.production, p.loss, p.cost, p.stock, p.setup, p.setup_reward, p.one_hot)
    _share(p.stock, p.limit, p.share)
    return GOES_ON


@njit(cache=True)
def draw_and_sell(p: Plants, horizon: int, reward: Any, truncated: Any) -> int:  # pragma: no cover
    """Meet demand that is drawn."""
    _draw(p.random, p.keep, p.other, p.lost)
    return sell(p, p.lost, horizon, reward, truncated)


@njit(cache=True)
def sell(p: Plants, demand: Any, horizon: int, reward: Any, truncated: Any) -> int:  # pragma: no cover
    """Meet `demand` [B, I] and finish the period."""
    _sell(demand, p.limit, p.lost_sales, p.holding, p.setup_reward, p.stock, p.lost, p.share, reward)
    found = GOES_ON
    for b in range(len(truncated)):
        p.period[b] += 1
        truncated[b] = p.period[b] >= horizon
        if truncated[b]:
            found = ENDS
    return found


@njit(cache=True)
def show(p: Plants) -> None:  # pragma: no cover
    """Write anew what is observed."""
    batch, machines = p.setup.shape
    width = p.stock.shape[1]
    _share(p.stock, p.limit, p.share)
    for b in range(batch):
        p.one_hot[b] = 0
        for m in range(machines):
            p.one_hot[b, m * width + p.setup[b, m]] = 1


@njit(cache=True)
def _is_sound(action: Any, width: int) -> bool:  # pragma: no cover
    """Whether every action is in range: others would be written past the arrays."""
    is_so = True
    for b in range(len(action)):
        for m in range(action.shape[1]):
            is_so &= 0 <= action[b, m] < width
    return is_so


@njit(cache=True)
def _produce(
    action: Any, production: Any, loss: Any, cost: Any, stock: Any, setup: Any, reward: Any, one_hot: Any
) -> None:  # pragma: no cover
    width = stock.shape[1]
    for b in range(len(action)):
        paid = reward.dtype.type(0)
        for m in range(action.shape[1]):
            choice, old = action[b, m], setup[b, m]
            entry = m * width + choice
            made = production[entry]
            if choice != old:
                made -= loss[entry]
                paid += cost[entry]
                setup[b, m] = choice
                one_hot[b, m * width + old] = 0
                one_hot[b, entry] = 1
            stock[b, choice] += made
        reward[b] = -paid


@njit(cache=True)
def _draw(random: Any, keep: Any, other: Any, demand: Any) -> None:  # pragma: no cover
    """Draw every demand by alias tables; a word's upper half chooses the column, its lower half whether to keep it."""
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


@njit(cache=True, error_model="numpy", fastmath={"reassoc"})
def _sell(
    demand: Any,
    limit: Any,
    lost_sales: Any,
    holding: Any,
    setup_reward: Any,
    stock: Any,
    lost: Any,
    share: Any,
    reward: Any,
) -> None:  # pragma: no cover
    """Meet demand, cut to the limits and add up what it costs; `lost` may be the memory of `demand`."""
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
            share[b, i] = left / limit[i]
        reward[b] = setup_reward[b] - paid


@njit(cache=True, error_model="numpy")
def _share(stock: Any, limit: Any, share: Any) -> None:  # pragma: no cover
    batch, items = share.shape
    for b in range(batch):
        for i in range(items):
            share[b, i] = stock[b, i + 1] / limit[i]
