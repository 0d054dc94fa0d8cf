"""The orienteering problem: collect prizes on a walk of limited length.

Golden, Levy and Vohra 1987 (Naval Research Logistics 34:307-318). A walk that has begun, with what length is left, is
an instance too: Drakulic et al. 2023 (NeurIPS, arXiv 2301.03313).
"""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.places import FloatArray, IntArray, Places
from counterpoint.opt.problems.tsp import checked_name, two_places, whole_list
from counterpoint.opt.result import Check, Violation

TOLERANCE = 1e-9  # relative, on lengths that are not whole
MAX_PRIZE = 1e9


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Orienteering:
    """Places with prizes.

    Parameters
    ----------
    name : str
    places : Places
        N of them.
    prize : float64 array [N]
        At least 0; those of the ends do not count.
    max_length : float
        Of the walk, the way to its end included; the way from the one end to the other must fit.
    ends : (int, int)
        Where the walk begins and ends; may be one place.

    Raises
    ------
    InstanceError
    """

    problem: ClassVar[str] = "orienteering"

    name: str
    places: Places
    prize: FloatArray
    max_length: float
    ends: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        checked_name(self.name)
        n = len(self.places)
        try:
            prize = np.array(self.prize, np.float64)
        except (ValueError, TypeError):
            prize = np.array(np.nan)
        if prize.shape != (n,) or not ((prize >= 0) & (prize <= MAX_PRIZE)).all():
            raise InstanceError(f"expected {n} prizes in 0..{MAX_PRIZE:g}", place=("prize",))
        prize.setflags(write=False)
        object.__setattr__(self, "prize", prize)
        ends = two_places(self.ends, n)
        object.__setattr__(self, "ends", ends)
        longest: Any = self.max_length
        is_number = isinstance(longest, int | float | np.integer | np.floating) and not isinstance(longest, bool)
        if not is_number or not 0 <= longest < 1e12:
            raise InstanceError(f"expected a length of at least 0, not {longest!r}", place=("max_length",))
        object.__setattr__(self, "max_length", float(self.max_length))
        home = 0 if ends[0] == ends[1] else self.places.lengths(*ends)
        if home > self.max_length + tolerance(self):
            raise InstanceError(f"the way from {ends[0]} to {ends[1]} is {home:g} long", place=("max_length",))

    @property
    def num_places(self) -> int:
        """N."""
        return len(self.places)

    @property
    def features(self) -> frozenset[str]:
        """``asymmetric`` where there and back differ; ``path`` where the ends are two places."""
        found = set() if self.places.is_symmetric else {"asymmetric"}
        return frozenset(found if self.ends[0] == self.ends[1] else found | {"path"})

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        facts = self.prize.tobytes() + f"/{self.max_length!r}/{self.ends}".encode()
        return hashlib.sha256(b"orienteering/1/" + self.places.facts() + facts).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Orienteering) and (self.name, self.content_hash) == (other.name, other.content_hash)

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        size = f"{self.num_places} places, length {self.max_length:g}"
        return f"<Orienteering {printable(self.name)!r}: {size}, {self.places.metric}>"


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """What is visited between the ends, in order.

    Parameters
    ----------
    visits : int64 array
        The ends left out.
    """

    visits: IntArray

    def __post_init__(self) -> None:
        object.__setattr__(self, "visits", whole_list(self.visits, "visits"))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Walk) and np.array_equal(self.visits, other.visits)

    def __hash__(self) -> int:
        return hash(self.visits.tobytes())


def check(instance: Orienteering, solution: Walk) -> Check:
    """Recompute the prize of a walk and name every violation: ``place``, ``repeated``, ``length``; O(N).

    The metric ``length`` is that of the walk.
    """
    visits, n = solution.visits, instance.num_places
    if bad := np.flatnonzero((visits < 0) | (visits >= n) | np.isin(visits, instance.ends)).tolist():
        return Check(None, tuple(Violation("place", f"visit {k}: {visits[k]}", 1.0) for k in bad))
    times = np.bincount(visits, minlength=n)
    violations = [Violation("repeated", f"place {i}", float(times[i] - 1)) for i in np.flatnonzero(times > 1)]
    stops = np.r_[instance.ends[0], visits, instance.ends[1]]
    length = float(instance.places.lengths(stops[:-1], stops[1:]).sum()) if len(visits) or stops[0] != stops[1] else 0.0
    if length > instance.max_length + tolerance(instance):
        violations.append(Violation("length", "the walk", length - instance.max_length, tolerance(instance)))
    return Check(float(instance.prize[np.flatnonzero(times)].sum()), tuple(violations), {"length": length})


def tolerance(instance: Orienteering) -> float:
    """Return how much longer than allowed a walk may be: rounding of floats, nothing where lengths are whole."""
    return 0.0 if instance.places.is_integral else TOLERANCE * max(1.0, instance.max_length)
