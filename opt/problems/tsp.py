"""The travelling salesman problem: symmetric or asymmetric, closed tours and paths between two ends.

A path from one place to another through all others is what is left of a tour that has begun: the tail subproblem of
Drakulic, Michel, Mai, Sors and Andreoli 2023 (NeurIPS, arXiv 2301.03313), and so an instance of the same family.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.places import IntArray, Places
from counterpoint.opt.result import Check, Violation


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Tsp:
    """Places to visit, each once.

    Parameters
    ----------
    name : str
    places : Places
        N of them.
    ends : (int, int), optional
        Where a path begins and ends, two places; None: a closed tour.

    Raises
    ------
    InstanceError
    """

    problem: ClassVar[str] = "tsp"

    name: str
    places: Places
    ends: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        checked_name(self.name)
        if self.ends is None:
            return
        ends = two_places(self.ends, len(self.places))
        if ends[0] == ends[1]:
            raise InstanceError(f"expected two different places, not {ends}", place=("ends",))
        object.__setattr__(self, "ends", ends)

    @property
    def num_places(self) -> int:
        """N."""
        return len(self.places)

    @property
    def features(self) -> frozenset[str]:
        """``asymmetric`` where there and back differ; ``path`` where the tour is open."""
        found = set() if self.places.is_symmetric else {"asymmetric"}
        return frozenset(found if self.ends is None else found | {"path"})

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        return hashlib.sha256(b"tsp/1/" + self.places.facts() + repr(self.ends).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tsp) and (self.name, self.content_hash) == (other.name, other.content_hash)

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        path = "" if self.ends is None else f", from {self.ends[0]} to {self.ends[1]}"
        return f"<Tsp {printable(self.name)!r}: {self.num_places} places, {self.places.metric}{path}>"


@dataclass(frozen=True, slots=True, eq=False)
class Tour:
    """The order of visits.

    Parameters
    ----------
    order : int64 array [N]
        Places; a closed tour returns from the last to the first.

    Raises
    ------
    InstanceError
        If it is no list of whole numbers. Whether it fits an instance is the checker's question.
    """

    order: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", whole_list(self.order, "order"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tour) and np.array_equal(self.order, other.order)

    def __hash__(self) -> int:
        return hash(self.order.tobytes())


def check(instance: Tsp, solution: Tour) -> Check:
    """Recompute the length of a tour and name every violation: ``place``, ``missing``, ``repeated``, ``end``; O(N)."""
    order, n = solution.order, instance.num_places
    if bad := np.flatnonzero((order < 0) | (order >= n)).tolist():
        return Check(None, tuple(Violation("place", f"visit {k}: {order[k]}", 1.0) for k in bad))
    visits = np.bincount(order, minlength=n)
    violations = [Violation("missing", f"place {i}", 1.0) for i in np.flatnonzero(visits == 0)]
    violations += [Violation("repeated", f"place {i}", float(visits[i] - 1)) for i in np.flatnonzero(visits > 1)]
    if instance.ends is not None and len(order) and (int(order[0]), int(order[-1])) != instance.ends:
        violations.append(Violation("end", f"from {order[0]} to {order[-1]}, not {instance.ends}", 1.0))
    return Check(float(length(instance, order)), tuple(violations))


def length(instance: Tsp, order: IntArray) -> Any:
    """Return the length of a tour or path; exact where distances are whole."""
    legs = instance.places.lengths(order[:-1], order[1:]).sum() if len(order) > 1 else 0
    if instance.ends is None and len(order) > 1:
        legs = legs + instance.places.lengths(order[-1], order[0])
    return legs


def two_places(ends: Any, num_places: int) -> tuple[int, int]:
    """Return two places; InstanceError if `ends` are none."""
    given = whole_list(ends, "ends").tolist()
    if len(given) != 2 or not all(0 <= end < num_places for end in given):
        raise InstanceError(f"expected two places in 0..{num_places - 1}, not {given[:9]}", place=("ends",))
    return given[0], given[1]


def checked_name(name: Any) -> None:
    """Refuse a name that is no text."""
    if not isinstance(name, str):
        raise InstanceError("name must be text", place=("name",))


def whole_list(values: Any, key: str) -> IntArray:
    """Return a read-only int64 vector; InstanceError if `values` is none."""
    try:
        given = np.array(values)
    except ValueError:
        given = np.array(None)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise InstanceError("expected a list of whole numbers", place=(key,))
    array = given.astype(np.int64)
    array.setflags(write=False)
    return array
