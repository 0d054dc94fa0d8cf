"""Pigment sequencing: discrete lot-sizing of many items on one machine (CSPLib problem 058).

T periods, n items. An order is one unit of an item with a due date; an item has at most one order per period.
Semantics, which the checker in `pigment_sequencing_check` judges by:

- in each period the machine makes one unit of one item, or idles;
- every order is made exactly once, in or before its due period: no backlog, and nothing is made beyond the orders;
- a unit of item i costs ``stocking_cost[i]`` per period from the period that makes it to its due period (0 if they
  are the same); orders of one item are alike, so they are served in the order of their due dates;
- ``changeover_cost[i, j]`` is paid when j is made and i was the item made last. Idling neither costs nor forgets:
  the machine stays set up for what it made last. The first unit of all costs no changeover.

The objective is the sum of stocking and changeover costs, a whole number. Source: Houndji, Schaus, Wolsey and
Deville (2014), "The stockingcost constraint", CP 2014; CSPLib 058; Pochet and Wolsey (2006), "Production planning by
mixed integer programming", section 14.4 (discrete lot-sizing with changeovers).
"""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError, printable

IntArray = npt.NDArray[np.int64]

IDLE = -1
MAX_CELLS = 50_000_000  # items x periods
MAX_COST = 2**40
MAX_TOTAL = 2**53  # no plan can cost more: objectives stay exact in float64


def frozen_whole(values: Any, what: str) -> IntArray:
    """Return a read-only int64 copy; what holds anything but whole numbers is refused, never cut."""
    try:
        given = np.array(values)
    except ValueError:  # ragged
        given = np.array(None)
    is_whole = given.dtype.kind in "iub"
    if given.dtype.kind in "uf":
        is_whole = bool(np.all((np.abs(given) < 2.0**63) & (given == np.floor(given))))
    if not is_whole:
        raise InstanceError("expected whole numbers of at most 63 bits", place=(what,))
    array = given.astype(np.int64)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class PigmentSequencing:
    """An instance: when units of each item are due, and what stocking and changing over cost.

    Parameters
    ----------
    name : str
    orders : int64 array [n, T]
        1 where a unit of the item is due in the period, else 0; at least one order in all.
    stocking_cost : int64 array [n]
        Per unit and period, >= 0; a scalar counts for every item.
    changeover_cost : int64 array [n, n]
        From row to column, >= 0; zeros on the diagonal.

    Raises
    ------
    InstanceError
        If the arrays do not describe an instance, or more orders are due by some period than there are periods.

    Examples
    --------
    >>> tiny = PigmentSequencing("tiny", [[0, 1, 0], [0, 0, 1]], 2, [[0, 5], [3, 0]])
    >>> tiny.num_items, tiny.num_periods, tiny.num_orders
    (2, 3, 2)
    """

    problem: ClassVar[str] = "pigment-sequencing"

    name: str
    orders: IntArray
    stocking_cost: IntArray
    changeover_cost: IntArray

    def __post_init__(self) -> None:
        for key in ("orders", "stocking_cost", "changeover_cost"):
            object.__setattr__(self, key, frozen_whole(getattr(self, key), key))
        if self.stocking_cost.ndim == 0 and self.orders.ndim == 2:
            every = np.full(len(self.orders), self.stocking_cost)
            object.__setattr__(self, "stocking_cost", frozen_whole(every, "stocking_cost"))
        _validate(self)

    @property
    def num_items(self) -> int:
        """Number of items n."""
        return len(self.orders)

    @property
    def num_periods(self) -> int:
        """Number of periods T."""
        return int(self.orders.shape[1])

    @property
    def num_orders(self) -> int:
        """Number of units to be made."""
        return int(self.orders.sum())

    @property
    def utilisation(self) -> float:
        """Share of the periods in which the machine must work."""
        return self.num_orders / self.num_periods

    @property
    def features(self) -> frozenset[str]:
        """``stocking-costs-per-item`` if they differ between items."""
        differ = len(np.unique(self.stocking_cost)) > 1
        return frozenset({"stocking-costs-per-item"} if differ else ())

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        digest = hashlib.sha256(f"pigment-sequencing/1/{self.num_items}/{self.num_periods}".encode())
        for array in (self.orders, self.stocking_cost, self.changeover_cost):
            digest.update(array.astype("<i8").tobytes())
        return digest.hexdigest()

    def due_periods(self, item: int) -> IntArray:
        """Return the due periods of an item's orders, ascending."""
        return np.flatnonzero(self.orders[item])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PigmentSequencing) and (self.name, self.content_hash) == (
            other.name,
            other.content_hash,
        )

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        extra = "".join(f", {f}" for f in sorted(self.features))
        return (
            f"<PigmentSequencing {printable(self.name)!r}: {self.num_items} items, {self.num_periods} periods, "
            f"{self.num_orders} orders{extra}>"
        )

    def _repr_html_(self) -> str:
        from counterpoint.opt.reports.snippets import facts_html

        return facts_html(
            f"Pigment sequencing {self.name}",
            {
                "items": self.num_items,
                "periods": self.num_periods,
                "orders": self.num_orders,
                "utilisation": f"{100 * self.utilisation:.0f} %",
                "variants": ", ".join(sorted(self.features)) or "one stocking cost",
            },
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProductionSequence:
    """What the machine makes in each period, independent of any instance.

    Parameters
    ----------
    item : int64 array [T]
        Item of each period, 0-based; -1 where the machine idles. Wrong sequences can be stated, and are found by
        the checker.

    Raises
    ------
    InstanceError
        If it is no vector of whole numbers.

    Examples
    --------
    >>> ProductionSequence([-1, 0, 1])
    <ProductionSequence of 3 periods: 2 units, 1 idle>
    """

    item: IntArray

    def __post_init__(self) -> None:
        array = frozen_whole(self.item if np.size(self.item) else np.zeros(0, np.int64), "item")
        if array.ndim != 1:
            raise InstanceError("a production sequence must be a vector, one item per period", place=("item",))
        object.__setattr__(self, "item", array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ProductionSequence) and np.array_equal(self.item, other.item)

    def __hash__(self) -> int:
        return hash(self.item.tobytes())

    def __repr__(self) -> str:
        idle = int((self.item == IDLE).sum())
        return f"<ProductionSequence of {len(self.item)} periods: {len(self.item) - idle} units, {idle} idle>"


def _validate(instance: PigmentSequencing) -> None:
    """Raise InstanceError unless the arrays describe an instance that has a plan; O(n T + n^2)."""
    orders, stocking, changeover = instance.orders, instance.stocking_cost, instance.changeover_cost
    if not isinstance(instance.name, str):
        raise InstanceError("name must be text")
    if orders.ndim != 2 or orders.size == 0:
        raise InstanceError(f"orders must be a matrix items x periods, not of shape {orders.shape}", place=("orders",))
    if orders.size > MAX_CELLS:
        raise InstanceError(f"{orders.size} items x periods are more than the {MAX_CELLS} supported")
    for i, t in np.argwhere((orders < 0) | (orders > 1))[:1].tolist():
        raise InstanceError(f"expected 0 or 1, not {orders[i, t]}", place=("orders", i, t))
    n = len(orders)
    if stocking.shape != (n,):
        raise InstanceError(f"expected {n} stocking costs, not shape {stocking.shape}", place=("stocking_cost",))
    if changeover.shape != (n, n):
        raise InstanceError(
            f"expected a square matrix of {n} x {n} changeover costs, not shape {changeover.shape}",
            place=("changeover_cost",),
        )
    for key, costs in (("stocking_cost", stocking), ("changeover_cost", changeover)):
        for at in np.argwhere((costs < 0) | (costs > MAX_COST))[:1].tolist():
            raise InstanceError(f"expected a cost from 0 to {MAX_COST}, not {costs[tuple(at)]}", place=(key, *at))
    for i in np.flatnonzero(np.diag(changeover))[:1].tolist():
        raise InstanceError(
            f"expected 0 from an item to itself, not {changeover[i, i]}", place=("changeover_cost", i, i)
        )
    if not orders.any():
        raise InstanceError("there is no order; expected at least one 1", place=("orders",))
    due_by = orders.sum(axis=0).cumsum()
    for t in np.flatnonzero(due_by > np.arange(1, orders.shape[1] + 1))[:1].tolist():
        raise InstanceError(
            f"infeasible: {due_by[t]} orders are due within the first {t + 1} periods, one unit can be made in each",
            place=("orders",),
        )
    # Python's integers: no overflow
    worst = int(due_by[-1]) * (orders.shape[1] * int(stocking.max()) + int(changeover.max()))
    if worst >= MAX_TOTAL:
        raise InstanceError(f"costs are too large: a plan could cost {worst}, at most {MAX_TOTAL} is exact")
