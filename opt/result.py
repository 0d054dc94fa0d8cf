"""What a run returns: why it stopped, what it holds, and the trace of how it got there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Termination(StrEnum):
    """Why a run stopped."""

    OPTIMAL = "optimal"  # proved
    GAP = "gap"  # the relative gap asked for was reached
    TARGET = "target"  # the objective asked for was reached
    TIME = "time"
    ITERATIONS = "iterations"
    COMPLETED = "completed"  # a heuristic that ends by itself did
    INTERRUPTED = "interrupted"  # Ctrl-C or SIGTERM; the best so far is kept
    INFEASIBLE = "infeasible"  # proved
    UNBOUNDED = "unbounded"
    ERROR = "error"
    KILLED = "killed"  # by the supervisor, past its deadline, or by a signal
    MEMORY = "memory"


FAILURES = frozenset({Termination.ERROR, Termination.KILLED, Termination.MEMORY})


class SolutionStatus(StrEnum):
    """What a run holds, as the independent checker sees it."""

    NONE = "none"
    INFEASIBLE = "infeasible"
    FEASIBLE = "feasible"
    OPTIMAL = "proven optimal"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken constraint.

    Parameters
    ----------
    kind : str
        The constraint's name, e.g. ``"overlap"``.
    place : str
        Where, in the words of the family, e.g. ``"machine 3: job 0 op 2, job 4 op 1"``.
    amount : float
        By how much it is broken, in the constraint's unit.
    tolerance : float
        What would have been let pass (0 for integer data).
    """

    kind: str
    place: str
    amount: float
    tolerance: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} at {self.place}: by {self.amount:g}"


@dataclass(frozen=True, slots=True)
class Check:
    """The independent verdict on a solution.

    Parameters
    ----------
    objective : float or None
        Recomputed from the decisions alone; None if they do not determine it.
    violations : tuple of Violation
    metrics : mapping of str to float
        Further figures of the family (for a schedule: makespan, total weighted tardiness).
    """

    objective: float | None
    violations: tuple[Violation, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def is_feasible(self) -> bool:
        """True if nothing is violated."""
        return not self.violations

    def __str__(self) -> str:
        if self.is_feasible:
            return f"feasible, objective {self.objective:g}"
        shown = "; ".join(str(v) for v in self.violations[:3])
        more = f"; and {len(self.violations) - 3} more" if len(self.violations) > 3 else ""
        return f"infeasible ({len(self.violations)} violations): {shown}{more}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a method hands back: claims, which `solve` verifies before anybody sees them.

    Parameters
    ----------
    solution : object or None
    objective : float or None
        What the method believes its solution is worth.
    bound : float or None
        Proven bound on the optimum (lower if minimising).
    termination : Termination
    solver : str
        Name and version of the engine that did the work, e.g. ``"ortools 9.15.6755"``.
    message : str
        One line for humans; untrusted text.
    iterations : int or None
    """

    solution: Any
    objective: float | None
    termination: Termination
    bound: float | None = None
    solver: str = "counterpoint"
    message: str = ""
    iterations: int | None = None


@dataclass(frozen=True, slots=True)
class TracePoint:
    """One improvement: wall seconds since the start, the verified objective and the bound then."""

    wall_s: float
    objective: float | None
    bound: float | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result:
    """One run of one method on one instance; every objective in it was recomputed by the checker."""

    problem: str
    instance_name: str
    instance_hash: str
    method: str
    method_version: int
    options: Mapping[str, Any]
    seed: int
    time_limit_s: float | None
    threads: int
    termination: Termination
    solution_status: SolutionStatus
    objective: float | None
    claimed_objective: float | None
    bound: float | None
    solution: Any
    trace: tuple[TracePoint, ...]
    wall_s: float
    cpu_s: float
    solver: str = "counterpoint"
    message: str = ""
    iterations: int | None = None
    sense: str = "min"
    metrics: Mapping[str, float] = field(default_factory=dict)
    instance: Any = None
    iteration_limit: int | None = None
    target: float | None = None
    gap_limit: float = 0.0

    @property
    def gap(self) -> float | None:
        """Relative gap between objective and bound, |objective - bound| / |objective|."""
        if self.objective is None or self.bound is None:
            return None
        return relative_gap(self.objective, self.bound)

    @property
    def is_late(self) -> bool:
        """True if the run took more than 10 % + 1 s over its time limit."""
        return self.time_limit_s is not None and self.wall_s > 1.1 * self.time_limit_s + 1.0

    def __repr__(self) -> str:
        held = "-" if self.objective is None else f"{self.objective:g}"
        bound = "-" if self.bound is None else f"{self.bound:g}"
        gap = "" if self.gap is None else f" gap {100 * self.gap:.2f} %"
        return (
            f"<Result {self.method} on {self.instance_name!r}: {held} (bound {bound}{gap}), "
            f"{self.solution_status}, stopped by {self.termination} after {self.wall_s:.2f} s>"
        )

    def _repr_html_(self) -> str:
        from counterpoint.opt.reports.snippets import result_html

        html: str = result_html(self)
        return html

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the solution the family's way (a Gantt chart for a job shop); return the Axes."""
        from counterpoint.opt.problems.table import problem

        return problem(self.problem).load("plot")(self.instance, self.solution, ax=ax, **options)

    def save(self, path: Any) -> None:
        """Write this result, with its instance, as JSON that ``counterpoint check`` can verify."""
        from counterpoint.opt.codec import write_result

        write_result(self, path)


def relative_gap(objective: float, bound: float) -> float:
    """Return |objective - bound| / |objective|, 0 if they are equal (as MIP solvers define it).

    >>> relative_gap(100, 90)
    0.1
    """
    distance = abs(objective - bound)
    return 0.0 if distance == 0 else distance / max(abs(objective), 1e-10)


@dataclass(frozen=True, slots=True)
class Reference:
    """What is known about a public instance: proven lower and achieved upper bound (if minimising)."""

    name: str
    lower_bound: float | None
    upper_bound: float | None
    source: str
