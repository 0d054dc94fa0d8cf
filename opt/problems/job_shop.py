"""Job shops: classical, flexible, blocking (with or without swap), with machine-unavailability windows.

n jobs; job j is a chain of operations; operation k may run on one of its options (machine, duration).
All times are integers. Semantics, which the checker in `job_shop_check` judges by:

- an operation occupies its machine without interruption from start to start + duration;
- a machine works on one operation at a time: of any two, one ends before (or when) the other starts;
  so an operation of duration zero may touch another's end but never lie strictly inside it;
- ``blocking="swap"``: no buffers; a job keeps its machine until its next operation starts. Occupations
  are half-open, so jobs that wait for each other in a cycle may exchange machines at one instant;
- ``blocking="no-swap"``: as above, and at every instant the moves can be put into an order in which each
  job enters a machine that is already free (Mascis and Pacciarelli 2002, EJOR 143:498-517);
- an unavailability window [start, end) of a machine overlaps no processing; a blocked job may wait on
  its machine through a window.

The objective is the makespan, or the total weighted tardiness sum_j w_j max(0, C_j - d_j).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError, printable

IntArray = npt.NDArray[np.int64]
Blocking = Literal["none", "swap", "no-swap"]
Objective = Literal["makespan", "total-weighted-tardiness"]

MAX_TIME = 2**40  # sums of durations stay far below 2^53, so they are exact in float64 too
MAX_TARDINESS = 2**53  # likewise for weighted sums
MAX_OPERATIONS = 10_000_000


def _frozen(values: Any) -> IntArray:
    """Return a read-only int64 copy; numbers that are not whole, or too large, are refused, never cut."""
    try:
        given = np.array(values)
    except ValueError:  # ragged
        given = np.array(None)
    is_whole = given.dtype.kind in "iub"
    if given.dtype.kind in "uf":
        is_whole = bool(np.all((np.abs(given) < 2.0**63) & (given == np.floor(given))))
    if not is_whole:
        raise InstanceError("expected whole numbers of at most 63 bits")
    array = given.astype(np.int64)
    array.setflags(write=False)
    return array


def _no_windows() -> IntArray:
    return _frozen(np.zeros((0, 3)))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JobShop:
    """A job-shop instance; operations are numbered 0..N-1, job by job.

    Parameters
    ----------
    name : str
    num_machines : int
    job_offsets : int64 array [n + 1]
        Operations of job j are ``job_offsets[j] : job_offsets[j + 1]``; every job has at least one.
    option_offsets : int64 array [N + 1]
        Options of operation i are ``option_offsets[i] : option_offsets[i + 1]``; at least one.
    option_machine, option_duration : int64 array [P]
        Machine (0-based) and duration of each option.
    blocking : {"none", "swap", "no-swap"}
    objective : {"makespan", "total-weighted-tardiness"}
    due_dates, weights : int64 array [n], optional
        Needed for tardiness; weights default to 1.
    unavailable : int64 array [U, 3]
        Rows (machine, start, end) with start < end.

    Raises
    ------
    InstanceError
        If the arrays do not describe a shop.

    Examples
    --------
    >>> shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4)]])
    >>> shop.num_jobs, shop.num_machines, shop.num_operations
    (2, 2, 3)
    """

    problem: ClassVar[str] = "job-shop"

    name: str
    num_machines: int
    job_offsets: IntArray
    option_offsets: IntArray
    option_machine: IntArray
    option_duration: IntArray
    blocking: Blocking = "none"
    objective: Objective = "makespan"
    due_dates: IntArray | None = None
    weights: IntArray | None = None
    unavailable: IntArray = field(default_factory=_no_windows)

    def __post_init__(self) -> None:
        for key in ("job_offsets", "option_offsets", "option_machine", "option_duration", "unavailable"):
            object.__setattr__(self, key, _frozen(getattr(self, key)))
        for key in ("due_dates", "weights"):
            if getattr(self, key) is not None:
                object.__setattr__(self, key, _frozen(getattr(self, key)))
        if self.objective == "total-weighted-tardiness" and self.weights is None:
            object.__setattr__(self, "weights", _frozen(np.ones(len(self.job_offsets) - 1)))
        _validate(self)

    @classmethod
    def from_jobs(
        cls,
        name: str,
        jobs: Sequence[Sequence[Any]],
        *,
        num_machines: int | None = None,
        **rest: Any,
    ) -> "JobShop":
        """Build from nested lists: an operation is ``(machine, duration)`` or a list of such options.

        `num_machines` defaults to the largest machine index + 1; `rest` are the other fields.
        """
        operations = [[_options(op) for op in job] for job in jobs]
        flat = [op for job in operations for op in job]
        pairs = [pair for op in flat for pair in op]
        machines = [m for m, _ in pairs]
        return cls(
            name=name,
            num_machines=max(machines, default=-1) + 1 if num_machines is None else num_machines,
            job_offsets=_frozen(np.cumsum([0, *(len(job) for job in operations)])),
            option_offsets=_frozen(np.cumsum([0, *(len(op) for op in flat)])),
            option_machine=_frozen(machines),
            option_duration=_frozen([p for _, p in pairs]),
            **rest,
        )

    @classmethod
    def from_matrices(cls, name: str, machines: Any, durations: Any, **rest: Any) -> "JobShop":
        """Build a rectangular shop from machine and duration matrices [n, K] (machines 0-based)."""
        machine, duration = np.asarray(machines, np.int64), np.asarray(durations, np.int64)
        if machine.ndim != 2 or machine.shape != duration.shape or machine.size == 0:
            raise InstanceError(
                f"machines and durations must be matrices of one shape, not {machine.shape} and {duration.shape}"
            )
        n, k = machine.shape
        num_machines = rest.pop("num_machines", int(machine.max()) + 1)
        return cls(
            name=name,
            num_machines=num_machines,
            job_offsets=np.arange(n + 1) * k,
            option_offsets=np.arange(n * k + 1),
            option_machine=machine.ravel(),
            option_duration=duration.ravel(),
            **rest,
        )

    @property
    def num_jobs(self) -> int:
        """Number of jobs n."""
        return len(self.job_offsets) - 1

    @property
    def num_operations(self) -> int:
        """Number of operations N."""
        return len(self.option_offsets) - 1

    @property
    def job_of(self) -> IntArray:
        """Job of each operation, int64 [N]."""
        return np.repeat(np.arange(self.num_jobs), np.diff(self.job_offsets))

    @property
    def is_flexible(self) -> bool:
        """True if some operation has more than one option."""
        return len(self.option_machine) > self.num_operations

    @property
    def is_rectangular(self) -> bool:
        """True if each job visits each machine exactly once (the classical n x m shop)."""
        if self.is_flexible or self.num_operations != self.num_jobs * self.num_machines:
            return False
        visits = np.bincount(
            self.job_of * self.num_machines + self.option_machine,
            minlength=self.num_jobs * self.num_machines,
        )
        return bool(np.all(visits == 1))

    @property
    def machine(self) -> IntArray:
        """Machine of each operation, int64 [N]; only of a shop that is not flexible."""
        if self.is_flexible:
            raise InstanceError("a flexible shop has no fixed machine per operation")
        return self.option_machine

    @property
    def duration(self) -> IntArray:
        """Duration of each operation, int64 [N]; only of a shop that is not flexible."""
        if self.is_flexible:
            raise InstanceError("a flexible shop has no fixed duration per operation")
        return self.option_duration

    @property
    def features(self) -> frozenset[str]:
        """Which variants of the family this is; a method must handle all of them."""
        found = set()
        if self.is_flexible:
            found.add("flexible")
        if self.blocking != "none":
            found.add(f"blocking-{self.blocking}")
        if self.objective != "makespan":
            found.add("tardiness")
        if len(self.unavailable):
            found.add("unavailability")
        return frozenset(found)

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        digest = hashlib.sha256(f"job-shop/1/{self.num_machines}/{self.blocking}/{self.objective}".encode())
        for key in (
            "job_offsets", "option_offsets", "option_machine", "option_duration", "due_dates", "weights",
            "unavailable",
        ):  # fmt: skip
            array = getattr(self, key)
            digest.update(f"/{key}/{None if array is None else array.shape}".encode())
            if array is not None:
                digest.update(array.astype("<i8").tobytes())
        return digest.hexdigest()

    def options_of(self, operation: int) -> list[tuple[int, int]]:
        """Return the (machine, duration) options of one operation."""
        span = slice(int(self.option_offsets[operation]), int(self.option_offsets[operation + 1]))
        return list(zip(self.option_machine[span].tolist(), self.option_duration[span].tolist(), strict=True))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobShop) and (self.name, self.content_hash) == (
            other.name,
            other.content_hash,
        )

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        extra = "".join(f", {f}" for f in sorted(self.features))
        return (
            f"<JobShop {printable(self.name)!r}: {self.num_jobs} jobs, {self.num_machines} machines, "
            f"{self.num_operations} operations{extra}>"
        )

    def _repr_html_(self) -> str:
        from counterpoint.opt.reports.snippets import facts_html

        return facts_html(
            f"Job shop {self.name}",
            {
                "jobs": self.num_jobs,
                "machines": self.num_machines,
                "operations": self.num_operations,
                "variants": ", ".join(sorted(self.features)) or "classical",
                "objective": self.objective,
            },
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Schedule:
    """When and where each operation runs: K records, independent of any instance.

    A record says that operation `operation` (0-based within its job) of job `job` runs on `machine`
    from `start` to `end`. Missing, doubled or wrong records can be stated, and are found by the checker.

    Parameters
    ----------
    job, operation, machine, start, end : int64 array [K]
    """

    job: IntArray
    operation: IntArray
    machine: IntArray
    start: IntArray
    end: IntArray

    def __post_init__(self) -> None:
        arrays = [_frozen(getattr(self, key)) for key in self.__slots__]
        if any(a.ndim != 1 or len(a) != len(arrays[0]) for a in arrays):
            raise InstanceError("job, operation, machine, start and end must be vectors of one length")
        for key, array in zip(self.__slots__, arrays, strict=True):
            object.__setattr__(self, key, array)

    @classmethod
    def from_starts(cls, instance: JobShop, start: Any, choice: Any = None) -> "Schedule":
        """Build from start times [N] and, for a flexible shop, the chosen option of each operation [N].

        `choice[i]` counts from 0 within operation i's options.
        """
        option = instance.option_offsets[:-1] if choice is None else instance.option_offsets[:-1] + choice
        job = instance.job_of
        begin = np.asarray(start, dtype=np.int64)
        return cls(
            job=job,
            operation=np.arange(instance.num_operations) - instance.job_offsets[job],
            machine=instance.option_machine[option],
            start=begin,
            end=begin + instance.option_duration[option],
        )

    @property
    def makespan(self) -> int:
        """Latest end over all records; 0 if there is none."""
        return int(self.end.max(initial=0))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and all(
            np.array_equal(getattr(self, key), getattr(other, key)) for key in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.start.tobytes(), self.machine.tobytes()))

    def __repr__(self) -> str:
        return f"<Schedule of {len(self.job)} operations, makespan {self.makespan}>"


def _options(operation: Any) -> list[tuple[int, int]]:
    """Normalise one operation to a list of (machine, duration)."""
    if len(operation) == 2 and all(isinstance(x, int | np.integer) for x in operation):
        return [(int(operation[0]), int(operation[1]))]
    return [(int(m), int(p)) for m, p in operation]


def _validate(shop: JobShop) -> None:
    """Raise InstanceError unless the arrays describe a shop; O(total size)."""
    jobs, options = shop.job_offsets, shop.option_offsets
    if not isinstance(shop.name, str):
        raise InstanceError("name must be text")
    if shop.num_machines < 1:
        raise InstanceError(f"a shop needs at least one machine, not {shop.num_machines}")
    if len(options) - 1 > MAX_OPERATIONS:
        raise InstanceError(f"{len(options) - 1} operations are more than the {MAX_OPERATIONS} supported")
    for key, offsets, last in (
        ("job_offsets", jobs, len(options) - 1),
        ("option_offsets", options, len(shop.option_machine)),
    ):
        if offsets.ndim != 1 or len(offsets) < 2 or offsets[0] != 0 or offsets[-1] != last:
            raise InstanceError(f"{key} must run from 0 to {last}: a shop needs at least one job and operation")
    for j in np.flatnonzero(np.diff(jobs) < 1)[:1]:
        raise InstanceError(f"job {j} has no operation; every job needs at least one", place=("jobs", int(j)))
    job_of = np.repeat(np.arange(len(jobs) - 1), np.diff(jobs))

    def place(operation: int) -> tuple[str | int, ...]:
        job = int(job_of[operation])
        return ("jobs", job, int(operation - jobs[job]))

    for i in np.flatnonzero(np.diff(options) < 1)[:1]:
        raise InstanceError("an operation needs at least one machine", place=place(int(i)))
    if shop.option_machine.ndim != 1 or shop.option_machine.shape != shop.option_duration.shape:
        raise InstanceError("option_machine and option_duration must be vectors of one length")
    op_of = np.repeat(np.arange(len(options) - 1), np.diff(options))
    bad = (shop.option_machine < 0) | (shop.option_machine >= shop.num_machines)
    for o in np.flatnonzero(bad)[:1]:
        raise InstanceError(
            f"machine {shop.option_machine[o]} does not exist; expected 0..{shop.num_machines - 1}",
            place=place(int(op_of[o])),
        )
    for o in np.flatnonzero(shop.option_duration < 0)[:1]:
        raise InstanceError(
            f"duration {shop.option_duration[o]} is negative; expected an integer >= 0",
            place=place(int(op_of[o])),
        )
    if len(op_of) != len(np.unique(op_of * shop.num_machines + shop.option_machine)):
        order = np.sort(op_of * shop.num_machines + shop.option_machine)
        twice = int(order[:-1][order[1:] == order[:-1]][0]) // shop.num_machines
        raise InstanceError("an operation lists the same machine twice", place=place(twice))
    if shop.option_duration.max() > MAX_TIME or shop.option_duration.astype(float).sum() > MAX_TIME:
        raise InstanceError(f"durations add up to more than {MAX_TIME}; use a coarser time unit")
    _validate_variants(shop)


def _validate_variants(shop: JobShop) -> None:
    """Check blocking, due dates, weights and unavailability windows."""
    if shop.blocking not in ("none", "swap", "no-swap"):
        raise InstanceError(f"blocking must be none, swap or no-swap, not {shop.blocking!r}", place=("blocking",))
    if shop.blocking == "no-swap" and shop.option_duration.min() == 0:
        raise InstanceError("blocking without swap needs durations >= 1: a job that passes in no time has no order")
    if shop.objective not in ("makespan", "total-weighted-tardiness"):
        raise InstanceError(
            f"objective must be makespan or total-weighted-tardiness, not {shop.objective!r}",
            place=("objective",),
        )
    if shop.objective == "total-weighted-tardiness" and shop.due_dates is None:
        raise InstanceError("total weighted tardiness needs due_dates", place=("due_dates",))
    for key in ("due_dates", "weights"):
        values = getattr(shop, key)
        if values is None:
            continue
        if values.shape != (shop.num_jobs,):
            raise InstanceError(f"{key} needs one value per job ({shop.num_jobs})", place=(key,))
        if values.min() < 0 or values.max() > MAX_TIME:
            raise InstanceError(f"{key} must lie in 0..{MAX_TIME}", place=(key,))
    windows = shop.unavailable
    if windows.ndim != 2 or windows.shape[1] != 3:
        raise InstanceError("unavailable needs rows (machine, start, end)", place=("unavailable",))
    for row, (machine, start, end) in enumerate(windows.tolist()):
        if not 0 <= machine < shop.num_machines:
            raise InstanceError(
                f"machine {machine} does not exist; expected 0..{shop.num_machines - 1}",
                place=("unavailable", row),
            )
        if not 0 <= start < end <= MAX_TIME:
            raise InstanceError(f"window [{start}, {end}) must have 0 <= start < end", place=("unavailable", row))
    if shop.weights is not None:
        longest = np.maximum.reduceat(shop.option_duration, shop.option_offsets[:-1])
        horizon = float(longest.sum()) + float(windows[:, 2].max(initial=0))
        if float(shop.weights.astype(float).sum()) * horizon > MAX_TARDINESS:
            raise InstanceError(
                f"weights times the longest schedule exceed {MAX_TARDINESS}; divide the weights by a common factor",
                place=("weights",),
            )
