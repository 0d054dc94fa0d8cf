"""Blocking job shops with swaps whose machines shut down at random (Wong, Kim, Park, Park, Law 2023, arXiv 2302.02506).

A classical job shop without buffers (`job_shop`, ``blocking="swap"``), decided while it runs. All times are integers.

Shutdowns. Each machine is up and down in turn; period i of a machine is up for ``up[i]`` time units, then down for
``repair[i]``. Up-times are geometric: in every unit of time a machine that is up fails with probability q. With
``fail_when="always"`` that time is the clock's; with ``"busy"`` it is the time the machine spends processing. After
the last period of its trace a machine fails no more (traces are long enough that this hardly matters).
A down machine does not process: the operation on it is frozen and later resumes where it stopped, or with
``on_interrupt="restart"`` starts anew. Nobody enters or leaves a down machine.

One instant, in this order:

1. operations whose work is done end; a job at its last operation leaves the shop, another is now blocked;
2. machines fail (also those on which an operation ended just now) and come back up;
3. jobs move. A job in the source (unlimited, where every job begins) or blocked on an up machine requests the machine
   of its next operation. (a) Jobs blocked on up machines that request one another's machines in a cycle exchange them,
   the cycle as a whole; a job whose next operation is on the machine it holds is a cycle of one. Nobody else could
   enter those machines first, so this is no decision. (b) While a machine is free, up and requested by jobs that can
   move, the policy decides, lowest machine index first, who enters; the move frees the machine that the job leaves, at
   the same instant. (c) Then the next instant comes; it is at the same time if an operation of duration zero started.

A policy may also let a requested machine wait, if some operation is unfinished or another machine is still to be
decided. It is asked again at the next instant at which an operation ends, or a machine comes back up that was down when
the waiting began and that is requested or holds a blocked job: at nothing else could anybody move who could not before.

No deadlock: if nobody can move, following the requests from any job ends at an unfinished operation or at a machine
that is down.

Wong et al. leave open, as far as known, which machines fail, how long repairs take and whether work is lost:
`fail_when`, `repair`, `repair_mean`, `on_interrupt` and their defaults, waiting, and the order within an instant are
ours.
The objective is the makespan.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.job_shop import JobShop

IntArray = npt.NDArray[np.int64]
Repair = Literal["fixed", "uniform", "geometric"]
FailWhen = Literal["always", "busy"]
OnInterrupt = Literal["resume", "restart"]

WAIT = -1  # the decision to let the machine wait
MAX_REPAIR_MEAN = 2**20
NEVER = 2**40  # up-time of a machine that does not fail


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InterruptedJobShop:
    """A blocking job shop with swaps and random machine shutdowns.

    Parameters
    ----------
    shop : JobShop
        Classical (one machine per operation) with ``blocking="swap"``, the makespan as objective, no windows
        of unavailability. Machines may be visited again.
    shutdown_probability : float
        q in [0, 1]: of an up machine per unit of time.
    repair : {"geometric", "uniform", "fixed"}
        Distribution of repair times: geometric from 1, uniform on 1..2 `repair_mean` - 1, or always the mean.
    repair_mean : int
        Mean repair time, at least 1.
    fail_when : {"always", "busy"}
        Whether the up-time is the clock's or counts processing only.
    on_interrupt : {"resume", "restart"}

    Raises
    ------
    InstanceError
        If the shop is of another kind or a number is out of range.

    Examples
    --------
    >>> shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]], blocking="swap")
    >>> InterruptedJobShop(shop, 0.05).name
    'tiny-q0.05'
    """

    problem: ClassVar[str] = "interrupted-job-shop"

    shop: JobShop
    shutdown_probability: float
    repair: Repair = "geometric"
    repair_mean: int = 10
    fail_when: FailWhen = "always"
    on_interrupt: OnInterrupt = "resume"

    def __post_init__(self) -> None:
        _validate(self)
        object.__setattr__(self, "shutdown_probability", float(self.shutdown_probability))

    @classmethod
    def of(cls, shop: JobShop, shutdown_probability: float, **rest: Any) -> "InterruptedJobShop":
        """Build from any classical shop, which is given blocking with swap."""
        if shop.blocking != "swap":
            shop = replace(shop, blocking="swap")
        return cls(shop, shutdown_probability, **rest)

    @property
    def name(self) -> str:
        """The shop's name and the shutdown probability."""
        return f"{self.shop.name}-q{self.shutdown_probability:g}"

    @property
    def features(self) -> frozenset[str]:
        """Which variant this is: "interruptions", "busy-failures", "restart"."""
        if self.shutdown_probability == 0:
            return frozenset()
        found = {"interruptions"}
        if self.fail_when == "busy":
            found.add("busy-failures")
        if self.on_interrupt == "restart":
            found.add("restart")
        return frozenset(found)

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of everything but the name."""
        text = (
            f"interrupted-job-shop/1/{self.shop.content_hash}/{self.shutdown_probability.hex()}/{self.repair}"
            f"/{self.repair_mean}/{self.fail_when}/{self.on_interrupt}"
        )
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def availability(self) -> float:
        """Long-run share of time an idle machine is up, with ``fail_when="always"``: (1/q) / (1/q + mean repair)."""
        return 1.0 / (1.0 + self.shutdown_probability * self.repair_mean)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InterruptedJobShop) and (self.name, self.content_hash) == (
            other.name,
            other.content_hash,
        )

    def __hash__(self) -> int:
        return hash(self.content_hash)

    def __repr__(self) -> str:
        extra = "".join(f", {f}" for f in sorted(self.features - {"interruptions"}))
        size = f"{self.shop.num_jobs} jobs, {self.shop.num_machines} machines"
        return (
            f"<InterruptedJobShop {printable(self.name)!r}: {size},"
            f" q {self.shutdown_probability:g}, {self.repair} repairs of mean {self.repair_mean}{extra}>"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Scenario:
    """The shutdown trace of every machine: what is random, drawn before anything is decided.

    Parameters
    ----------
    up, repair : int64 array [m, L]
        Up-time before each failure, and the repair after it; at least 1 each.

    Raises
    ------
    InstanceError
        If the arrays are not of one shape or hold anything below 1.
    """

    up: IntArray
    repair: IntArray

    def __post_init__(self) -> None:
        for key in ("up", "repair"):
            given = np.asarray(getattr(self, key))
            if given.dtype.kind not in "iu":
                raise InstanceError("expected whole numbers", place=(key,))
            array = given.astype(np.int64)
            array.setflags(write=False)
            object.__setattr__(self, key, array)
        if self.up.ndim != 2 or self.up.shape != self.repair.shape or len(self.up) == 0:
            raise InstanceError(
                f"up and repair must be matrices of one shape, not {self.up.shape}, {self.repair.shape}"
            )
        for key in ("up", "repair"):
            array = getattr(self, key)
            if array.size and (array.min() < 1 or array.max() > NEVER or array.shape[1] > 2**20):
                raise InstanceError(f"periods must last 1..{NEVER}, at most {2**20} of them", place=(key,))

    @property
    def failure(self) -> IntArray:
        """When each failure comes on the machine's own clock, which also runs through repairs, int64 [m, L].

        The machine is down from ``failure`` to ``failure + repair`` on that clock. With ``fail_when="always"`` it is
        the shop's clock; with ``"busy"`` it stands still while the machine is up and does not process.
        """
        past = np.cumsum(self.repair, axis=1) - self.repair
        times: IntArray = np.cumsum(self.up, axis=1) + past
        return times

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Scenario)
            and np.array_equal(self.up, other.up)
            and np.array_equal(self.repair, other.repair)
        )

    def __hash__(self) -> int:
        return hash((self.up.tobytes(), self.repair.tobytes()))


@dataclass(frozen=True, slots=True)
class Trajectory:
    """One scenario as it was run.

    Parameters
    ----------
    cost : float
        The makespan.
    events : tuple of (time, kind, machine, job, operation)
        Sorted by time, kind, machine, job. Kinds: "end", "fail", "repair", "start"; job and operation are -1 where no
        operation is meant. Failures and repairs at or after the makespan are left out.
    start, end : int64 array [N]
        When each operation of the shop starts and when its work is done, job by job.
    """

    cost: float
    events: tuple[tuple[int | str, ...], ...]
    start: IntArray
    end: IntArray

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trajectory) and (self.cost, self.events) == (other.cost, other.events)

    def __hash__(self) -> int:
        return hash((self.cost, self.events))


@dataclass(frozen=True, slots=True)
class Observation:
    """What a policy sees when a machine can be entered: all that is known now, nothing of future shutdowns.

    Parameters
    ----------
    time : int
    machine : int
        The machine in question: free and up.
    eligible : tuple of int
        Jobs that may enter it, ascending.
    may_wait : bool
        Whether `WAIT` is allowed.
    job_state : tuple of str [n]
        "source", "processing" (also while frozen on a down machine), "blocked" or "out".
    operation : tuple of int [n]
        Index, within its job, of the operation the job is at; in the source 0.
    job_machine : tuple of int [n]
        The machine the job holds, or -1.
    remaining : tuple of int [n]
        Work left of an operation in process, 0 of others.
    since : tuple of int [n]
        When the job got into its state.
    occupant : tuple of int [m]
        The job that holds the machine, or -1.
    is_down : tuple of bool [m]
    changed : tuple of int [m]
        When the machine last failed or came back up; 0 if never.
    """

    time: int
    machine: int
    eligible: tuple[int, ...]
    may_wait: bool
    job_state: tuple[str, ...]
    operation: tuple[int, ...]
    job_machine: tuple[int, ...]
    remaining: tuple[int, ...]
    since: tuple[int, ...]
    occupant: tuple[int, ...]
    is_down: tuple[bool, ...]
    changed: tuple[int, ...]


def draw_scenarios(instance: InterruptedJobShop, count: int, seed: int) -> tuple[Scenario, ...]:
    """Draw shutdown traces; scenario i depends on (instance, seed, i) alone, whatever `count` is."""
    q, shape = instance.shutdown_probability, (instance.shop.num_machines, trace_length(instance))
    if seed < 0 or count < 0:
        raise InstanceError(f"seed and count must be at least 0, not {seed} and {count}")
    if q == 0:
        return (Scenario(np.zeros((shape[0], 0), np.int64), np.zeros((shape[0], 0), np.int64)),) * count
    drawn = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        up = rng.geometric(q, shape)
        drawn.append(Scenario(up, _repairs(instance, rng, shape)))
    return tuple(drawn)


def trace_length(instance: InterruptedJobShop) -> int:
    """Return how many periods a trace has: ten standard deviations more failures than one job after another meets."""
    if instance.shutdown_probability == 0:
        return 0
    duration, machine = instance.shop.duration, instance.shop.machine
    work = float(duration.sum())
    if instance.fail_when == "busy" and instance.on_interrupt == "resume":
        work = float(np.bincount(machine, duration).max())  # no machine is busy for longer
    expected = instance.shutdown_probability * work
    return min(int(expected + 10 * expected**0.5 + 20), 2**16)


def _repairs(instance: InterruptedJobShop, rng: np.random.Generator, shape: tuple[int, int]) -> IntArray:
    mean = instance.repair_mean
    drawn: IntArray
    if instance.repair == "fixed":
        drawn = np.full(shape, mean, np.int64)
    elif instance.repair == "uniform":
        drawn = rng.integers(1, 2 * mean - 1, size=shape, endpoint=True)
    else:
        drawn = rng.geometric(1 / mean, shape)
    return drawn


def _validate(instance: InterruptedJobShop) -> None:
    shop: Any = instance.shop
    q: Any = instance.shutdown_probability
    mean: Any = instance.repair_mean
    if not isinstance(shop, JobShop):
        raise InstanceError("expected a job shop", place=("shop",))
    wrong = shop.features - {"blocking-swap"}
    if shop.blocking != "swap" or wrong:
        raise InstanceError(
            f"expected a classical shop with blocking swap, not {', '.join(sorted(shop.features)) or 'no blocking'}",
            place=("shop",),
        )
    if isinstance(q, bool) or not isinstance(q, int | float | np.floating | np.integer) or not 0 <= q <= 1:
        raise InstanceError(f"expected a probability in [0, 1], not {q!r}", place=("shutdown_probability",))
    if isinstance(mean, bool) or not isinstance(mean, int | np.integer) or not 1 <= mean <= MAX_REPAIR_MEAN:
        raise InstanceError(f"expected a whole number in 1..{MAX_REPAIR_MEAN}, not {mean!r}", place=("repair_mean",))
    for key, allowed in (
        ("repair", ("geometric", "uniform", "fixed")),
        ("fail_when", ("always", "busy")),
        ("on_interrupt", ("resume", "restart")),
    ):
        if getattr(instance, key) not in allowed:
            raise InstanceError(f"expected one of {', '.join(allowed)}, not {getattr(instance, key)!r}", place=(key,))
