"""Lot-sizing: how much of each item to make in each period; single-item or several, with or without capacity.

n items, T periods. Item i has demand d_it at the end of period t. Semantics, which the checker in
`lot_sizing_check` judges by:

- a lot x_it >= 0 made in period t may serve the demand of that period already;
- net stock after period t is s_it = initial_i + sum_{u <= t} (x_iu - d_iu); its positive part is held at
  `holding_cost` per unit, its negative part is backlogged at `backlog_cost` per unit;
- without `backlog_cost` (None) net stock is never negative; with it, it is not negative after the last period:
  all demand is met. Stock may be left over, and is paid for;
- a lot needs a setup in its period. A setup without a lot is allowed, and is paid for and takes its time;
- with `capacity`: sum_i unit_time_i x_it + setup_time_i y_it <= capacity_t in every period.

The objective is the sum of setup_cost y + unit_cost x + holding_cost max(s, 0) + backlog_cost max(-s, 0).

The constructor refuses what is no instance (negative, not finite, sizes that do not fit). Whether the capacity
suffices is another question, NP-complete with setup times (Trigeiro, Thomas and McClain 1989, Management Science
35:353-366): an instance may have no plan at all, and methods then end with `Termination.INFEASIBLE` if they prove it.
"""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError, printable

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MAX_VALUE = 1e12  # products and sums of what is given stay far inside the range of float64
MAX_CELLS = 20_000_000  # items x periods
ARRAYS = (
    "demand", "setup_cost", "holding_cost", "unit_cost", "backlog_cost", "initial_stock", "unit_time", "setup_time",
    "capacity",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LotSizing:
    """A lot-sizing instance; every array is read-only float64, finite and non-negative.

    A number stands for all items and periods. A vector of n numbers stands for the items (n = 1: a vector of T
    numbers for the periods); matrices [n, 1] and [1, T] are repeated too.

    Parameters
    ----------
    name : str
    demand : array [n, T]
        Units, due at the end of each period; a vector [T] is a single item.
    setup_cost : array [n, T]
        Per setup.
    holding_cost : array [n, T]
        Per unit in stock at the end of the period.
    unit_cost : array [n, T], optional
        Per unit made in the period.
    backlog_cost : array [n, T], optional
        Per unit of demand unmet at the end of the period; None: there is no backlogging.
    initial_stock : array [n], optional
        Units on hand before the first period.
    unit_time, setup_time : array [n], optional
        Capacity taken by a unit (default 1) and by a setup (default 0).
    capacity : array [T], optional
        Time available in each period; None: any amount can be made.

    Raises
    ------
    InstanceError
        If the arrays do not describe an instance.

    Examples
    --------
    >>> LotSizing("tiny", demand=[20, 50, 10], setup_cost=100, holding_cost=1)
    <LotSizing 'tiny': 1 item, 3 periods>
    """

    problem: ClassVar[str] = "lot-sizing"

    name: str
    demand: FloatArray
    setup_cost: FloatArray
    holding_cost: FloatArray
    unit_cost: FloatArray = 0.0  # type: ignore[assignment]
    backlog_cost: FloatArray | None = None
    initial_stock: FloatArray = 0.0  # type: ignore[assignment]
    unit_time: FloatArray = 1.0  # type: ignore[assignment]
    setup_time: FloatArray = 0.0  # type: ignore[assignment]
    capacity: FloatArray | None = None

    if TYPE_CHECKING:  # what goes in is wider than what comes out

        def __init__(
            self,
            name: str,
            demand: npt.ArrayLike,
            setup_cost: npt.ArrayLike,
            holding_cost: npt.ArrayLike,
            unit_cost: npt.ArrayLike = 0.0,
            backlog_cost: npt.ArrayLike | None = None,
            initial_stock: npt.ArrayLike = 0.0,
            unit_time: npt.ArrayLike = 1.0,
            setup_time: npt.ArrayLike = 0.0,
            capacity: npt.ArrayLike | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InstanceError("name must be text")
        demand = _numbers(self.demand, "demand")
        if demand.ndim not in (1, 2) or demand.size == 0:
            raise InstanceError(f"expected demand as a matrix, items x periods, not of shape {demand.shape}")
        if demand.size > MAX_CELLS:
            raise InstanceError(f"{demand.size} items x periods are more than the {MAX_CELLS} supported")
        demand = _frozen(np.atleast_2d(_in_range(demand, "demand")))
        object.__setattr__(self, "demand", demand)
        for key in ("setup_cost", "holding_cost", "unit_cost", "backlog_cost"):
            if getattr(self, key) is not None:
                object.__setattr__(self, key, _matrix(getattr(self, key), key, *demand.shape))
        for key, length, what in (
            ("initial_stock", demand.shape[0], "items"),
            ("unit_time", demand.shape[0], "items"),
            ("setup_time", demand.shape[0], "items"),
            ("capacity", demand.shape[1], "periods"),
        ):
            if getattr(self, key) is not None:
                object.__setattr__(self, key, _vector(getattr(self, key), key, length, what))

    @property
    def num_items(self) -> int:
        """Number of items n."""
        return int(self.demand.shape[0])

    @property
    def num_periods(self) -> int:
        """Number of periods T."""
        return int(self.demand.shape[1])

    @property
    def features(self) -> frozenset[str]:
        """Which variants of the family this is; a method must handle all of them."""
        found = set()
        if self.num_items > 1:
            found.add("several-items")
        if self.backlog_cost is not None:
            found.add("backlogging")
        if self.capacity is not None:
            found.add("capacity")
            if self.setup_time.any():
                found.add("setup-times")
        return frozenset(found)

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        digest = hashlib.sha256(b"lot-sizing/1")
        for key in ARRAYS:
            array = getattr(self, key)
            digest.update(f"/{key}/{None if array is None else array.shape}".encode())
            if array is not None:
                digest.update(array.astype("<f8").tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LotSizing) and (self.name, self.content_hash) == (other.name, other.content_hash)

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        extra = "".join(f", {f}" for f in sorted(self.features - {"several-items"}))
        items = f"{self.num_items} item{'' if self.num_items == 1 else 's'}"
        return f"<LotSizing {printable(self.name)!r}: {items}, {self.num_periods} periods{extra}>"

    def _repr_html_(self) -> str:
        from counterpoint.opt.reports.snippets import facts_html

        return facts_html(
            f"Lot-sizing {self.name}",
            {
                "items": self.num_items,
                "periods": self.num_periods,
                "variants": ", ".join(sorted(self.features)) or "one item, uncapacitated",
                "total demand": f"{self.demand.sum():g}",
            },
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProductionPlan:
    """How much of each item is made in each period, and which setups are paid for.

    Parameters
    ----------
    lots : float64 array [n, T]
        Units; a vector [T] is a single item.
    setups : bool array [n, T], optional
        Default: a setup wherever there is a lot.

    Raises
    ------
    InstanceError
        If the two are not matrices of one shape, or a lot is not a finite number. Whether a plan fits an instance
        is the checker's question.
    """

    lots: FloatArray
    setups: BoolArray = None  # type: ignore[assignment]

    if TYPE_CHECKING:

        def __init__(self, lots: npt.ArrayLike, setups: npt.ArrayLike | None = None) -> None: ...

    def __post_init__(self) -> None:
        lots = np.atleast_2d(_numbers(self.lots, "lots"))
        given: Any = self.setups
        setups = lots > 0 if given is None else np.atleast_2d(_numbers(given, "setups"))
        if lots.ndim != 2 or lots.shape != setups.shape:
            raise InstanceError(f"lots and setups must be matrices of one shape, not {lots.shape} and {setups.shape}")
        if not np.isfinite(lots).all():
            raise InstanceError("every lot must be a finite number")
        if not np.isin(setups, (0, 1)).all():
            raise InstanceError("every setup must be true or false")
        for key, array in (("lots", lots + 0.0), ("setups", setups.astype(bool))):
            array.setflags(write=False)
            object.__setattr__(self, key, array)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ProductionPlan)
            and np.array_equal(self.lots, other.lots)
            and np.array_equal(self.setups, other.setups)
        )

    def __hash__(self) -> int:
        return hash((self.lots.tobytes(), self.setups.tobytes()))

    def __repr__(self) -> str:
        items, periods = self.lots.shape
        return f"<ProductionPlan of {items} x {periods}: {int(self.setups.sum())} setups, {self.lots.sum():g} units>"


def net_stock(instance: LotSizing, lots: Any) -> FloatArray:
    """Return stock minus backlog at the end of each period, [n, T], of lots [n, T]."""
    flow = np.asarray(lots, np.float64) - instance.demand
    total: FloatArray = instance.initial_stock[:, None] + np.cumsum(flow, axis=1)
    return total


def stock(instance: LotSizing, plan: ProductionPlan) -> FloatArray:
    """Return the units in stock at the end of each period, [n, T]."""
    return np.maximum(net_stock(instance, plan.lots), 0.0)


def backlog(instance: LotSizing, plan: ProductionPlan) -> FloatArray:
    """Return the units of demand unmet at the end of each period, [n, T]."""
    return np.maximum(-net_stock(instance, plan.lots), 0.0)


def capacity_use(instance: LotSizing, plan: ProductionPlan) -> FloatArray:
    """Return the time taken in each period by lots and setups, [T]."""
    used: FloatArray = instance.unit_time @ plan.lots + instance.setup_time @ plan.setups
    return used


def _numbers(values: Any, key: str) -> FloatArray:
    """Return a float64 copy; what is no rectangular array of numbers is refused."""
    try:
        given = np.array(values)
    except ValueError:  # ragged
        given = np.array(None)
    if given.dtype.kind not in "iufb":
        raise InstanceError(f"expected {key} as numbers, in rows of one length")
    return given.astype(np.float64)


def _in_range(array: FloatArray, key: str) -> FloatArray:
    """Return the array if all of it is finite and non-negative."""
    wrong = np.argwhere(~((array >= 0) & (array <= MAX_VALUE)))
    if len(wrong):
        at = tuple(int(i) for i in wrong[0])
        raise InstanceError(f"expected a number from 0 to {MAX_VALUE:g}, not {array[at]:g}", place=(key, *at))
    return array


def _frozen(array: FloatArray) -> FloatArray:
    """Return a read-only copy without negative zeros, which would hash otherwise."""
    copy: FloatArray = np.ascontiguousarray(array) + 0.0
    copy.setflags(write=False)
    return copy


def _matrix(values: Any, key: str, items: int, periods: int) -> FloatArray:
    given = _numbers(values, key)
    array = given[:, None] if given.ndim == 1 and len(given) == items != 1 else given
    shapes = ((), (items, periods), (items, 1), (1, periods), (1, 1), *(((periods,), (1,)) if items == 1 else ()))
    if array.shape not in shapes:
        raise InstanceError(
            f"expected {key} as one number, {items} numbers or a matrix {items} x {periods}, "
            f"not of shape {given.shape}",
            place=(key,),
        )
    _in_range(given, key)
    return _frozen(np.broadcast_to(array, (items, periods)))


def _vector(values: Any, key: str, length: int, what: str) -> FloatArray:
    array = _numbers(values, key)
    if array.shape not in ((), (length,)):
        raise InstanceError(f"expected {key} as one number or {length}, one for each of the {what}", place=(key,))
    return _frozen(np.broadcast_to(_in_range(array, key), (length,)))
