"""The 0/1 knapsack problem (Martello and Toth 1990, Knapsack Problems)."""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import checked_name, whole_list
from counterpoint.opt.result import Check, Violation

MAX_TOTAL = 2**53  # of all values, and of all weights


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Knapsack:
    """Items to be packed or not.

    Parameters
    ----------
    name : str
    value, weight : int64 array [n]
        At least 0.
    capacity : int

    Raises
    ------
    InstanceError
    """

    problem: ClassVar[str] = "knapsack"

    name: str
    value: IntArray
    weight: IntArray
    capacity: int

    def __post_init__(self) -> None:
        checked_name(self.name)
        for key in ("value", "weight"):
            array = whole_list(getattr(self, key), key)
            if bad := np.flatnonzero(array < 0).tolist():
                raise InstanceError("expected numbers of at least 0", place=(key, bad[0]))
            if array.astype(np.float64).sum() > MAX_TOTAL:
                raise InstanceError(f"they add up to more than {MAX_TOTAL}", place=(key,))
            object.__setattr__(self, key, array)
        if len(self.value) != len(self.weight) or not len(self.value):
            raise InstanceError(f"{len(self.value)} values, but {len(self.weight)} weights", place=("weight",))
        capacity: Any = self.capacity
        if isinstance(capacity, bool) or not isinstance(capacity, int | np.integer) or not 0 <= capacity <= MAX_TOTAL:
            raise InstanceError(f"expected a whole number in 0..{MAX_TOTAL}, not {capacity!r}", place=("capacity",))
        object.__setattr__(self, "capacity", int(capacity))

    @property
    def num_items(self) -> int:
        """Items."""
        return len(self.value)

    @property
    def features(self) -> frozenset[str]:
        """Nothing special."""
        return frozenset()

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        facts = self.value.tobytes() + self.weight.tobytes() + f"/{self.capacity}".encode()
        return hashlib.sha256(b"knapsack/1/" + facts).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Knapsack) and (self.name, self.content_hash) == (other.name, other.content_hash)

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        return f"<Knapsack {printable(self.name)!r}: {self.num_items} items, capacity {self.capacity}>"


@dataclass(frozen=True, slots=True, eq=False)
class Packing:
    """What is packed.

    Parameters
    ----------
    items : int64 array
        Numbers of items, sorted.
    """

    items: IntArray

    def __post_init__(self) -> None:
        array = np.sort(whole_list(self.items, "items"))
        array.setflags(write=False)
        object.__setattr__(self, "items", array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Packing) and np.array_equal(self.items, other.items)

    def __hash__(self) -> int:
        return hash(self.items.tobytes())


def check(instance: Knapsack, solution: Packing) -> Check:
    """Recompute the value of a packing and name every violation: ``item``, ``repeated``, ``weight``; O(n)."""
    items, n = solution.items, instance.num_items
    if bad := np.flatnonzero((items < 0) | (items >= n)).tolist():
        return Check(None, tuple(Violation("item", str(items[k]), 1.0) for k in bad))
    times = np.bincount(items, minlength=n)
    violations = [Violation("repeated", f"item {i}", float(times[i] - 1)) for i in np.flatnonzero(times > 1)]
    packed = np.flatnonzero(times)
    over = int(instance.weight[packed].sum()) - instance.capacity
    if over > 0:
        violations.append(Violation("weight", "the knapsack", float(over)))
    metrics = {"weight": float(instance.weight[packed].sum()), "num_packed": float(len(packed))}
    return Check(float(instance.value[packed].sum()), tuple(violations), metrics)
