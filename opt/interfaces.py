"""Every protocol of the package: implement these and the rest works with what you wrote."""

from typing import Any, ClassVar, Protocol, runtime_checkable

from counterpoint.opt.budget import Budget
from counterpoint.opt.result import Check, Outcome


@runtime_checkable
class Instance(Protocol):
    """The data of one case: frozen, named, hashable by content."""

    problem: ClassVar[str]  # the family's name, e.g. "job-shop"

    @property
    def name(self) -> str:
        """What the user calls it; untrusted text."""

    @property
    def features(self) -> frozenset[str]:
        """What is special about it; a method that does not handle one refuses the instance."""

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the data, without the name."""


class Report(Protocol):
    """What a method calls when it finds something; cheap enough to call on every improvement.

    The caller recomputes the objective, so a method passes decisions, not claims.
    """

    def __call__(self, solution: Any = None, *, bound: float | None = None) -> None:
        """Report a better solution, a better bound, or both."""


class Solve(Protocol):
    """A static method: one module-level function.

    Raise nothing on a time limit: return what is held. Let KeyboardInterrupt pass:
    the caller keeps the best reported solution.
    """

    def __call__(self, instance: Any, budget: Budget, seed: int, options: Any, report: Report) -> Outcome:
        """Solve `instance` within `budget`; `options` is the method's own frozen dataclass."""


class Checker(Protocol):
    """A family's judge: pure NumPy, written without knowledge of any solver."""

    def __call__(self, instance: Any, solution: Any) -> Check:
        """Recompute the objective and name every violation."""
