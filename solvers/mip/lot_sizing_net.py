r"""What every lot-sizing model starts from: demand net of initial stock, and how large a lot may be.

Initial stock serves the first demands. Whatever is then produced, the stock at the end of t is the stock of the
net instance plus max(0, s_i0 - d_i1 - ... - d_it), so its holding cost is a constant; this is exact, with and
without backlogging. A lot that is never larger than the net demand it can serve keeps an optimal plan, since no
cost is negative.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from counterpoint.opt.problems.lot_sizing import LotSizing
from counterpoint.opt.problems.lot_sizing_check import ROUNDING as UNEXACT

ROUNDING = 1e-9  # relative, of sums
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class NetData:
    """An instance without initial stock.

    Parameters
    ----------
    instance : LotSizing
    demand : float array [n, T]
        What initial stock does not serve.
    limit : float array [n, T]
        No lot need be larger: the demand it can serve, and what one lot may make in the period; 0 where no setup fits.
    is_capped : bool array [n, T]
        The limit is the capacity's, not the demand's.
    offset : float
        Holding cost of the initial stock.
    """

    instance: LotSizing
    demand: FloatArray
    limit: FloatArray
    is_capped: BoolArray
    offset: float


def net_data(instance: LotSizing) -> NetData:
    """Net out the initial stock; O(n T).

    Examples
    --------
    >>> net = net_data(LotSizing("one", [[3.0, 4.0, 5.0]], setup_cost=9.0, holding_cost=1.0, initial_stock=4.0))
    >>> net.demand.tolist(), net.limit.tolist(), net.offset
    ([[0.0, 3.0, 5.0]], [[8.0, 8.0, 5.0]], 1.0)
    """
    stock = instance.initial_stock[:, None]
    # period by period, not as a difference of cumulated sums: a demand without initial stock stays what it is
    left = np.maximum(stock - np.cumsum(instance.demand, axis=1), 0.0)
    before = np.concatenate([stock, left[:, :-1]], axis=1)
    demand = np.maximum(instance.demand - before, 0.0)
    # what rounding leaves of a demand that the stock just serves is none: it would ask for a setup
    demand[(before > 0) & (demand <= UNEXACT * stock)] = 0.0
    if instance.backlog_cost is None:
        servable = np.cumsum(demand[:, ::-1], axis=1)[:, ::-1]
    else:
        servable = np.broadcast_to(demand.sum(axis=1, keepdims=True), demand.shape)
    most = largest_lots(instance)
    return NetData(
        instance,
        demand,
        np.minimum(servable, most),
        most < servable,
        float((instance.holding_cost * left).sum()),
    )


def largest_lots(instance: LotSizing) -> FloatArray:
    """Return what one lot alone could make in each period, (C_t - b_i) / a_i, [n, T]; infinite without capacity."""
    if instance.capacity is None:
        return np.full(instance.demand.shape, np.inf)
    room = instance.capacity[None, :] - instance.setup_time[:, None]
    unit = np.broadcast_to(instance.unit_time[:, None], room.shape)
    lots = np.where(room >= 0, np.inf, 0.0)
    np.divide(np.maximum(room, 0.0), unit, out=lots, where=(unit > 0) & (room >= 0))
    return lots


def shortage(net: NetData) -> str:
    """Say which period's cumulated capacity cannot carry the demand due by then; empty if none is short.

    Items and periods count from 0. Each item due by t needs its net demand made and at least one setup by t. This is
    necessary, not sufficient: with setup times feasibility is NP-complete (Trigeiro, Thomas and McClain 1989, Mgmt.
    Sci. 35:353-366). What is said is exact but for rounding: the checker would let a millionth of the capacity pass.
    """
    instance = net.instance
    if instance.capacity is None:
        return ""
    due = np.cumsum(net.demand, axis=1)
    work = instance.unit_time @ due + instance.setup_time @ (due > 0)
    room = np.cumsum(instance.capacity)
    short = work > room * (1 + ROUNDING)
    if instance.backlog_cost is not None:
        short[:-1] = False
    reach = np.cumsum(net.limit, axis=1)
    late = due > reach * (1 + ROUNDING)
    if instance.backlog_cost is not None:
        late[:, :-1] = False
    if short.any():
        t = int(np.argmax(short))
        return (
            f"capacity is short by period {t}: demand due and one setup of each item need {work[t]:g}, "
            f"periods 0 to {t} have {room[t]:g}"
        )
    if late.any():
        i, t = (int(x) for x in np.argwhere(late)[0])
        return (
            f"capacity is short for item {i} by period {t}: {due[i, t]:g} are due, and even alone it "
            f"cannot make more than {reach[i, t]:g}"
        )
    return ""
