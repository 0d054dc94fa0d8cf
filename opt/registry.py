"""The registry of methods: what each can do, known without importing any solver.

To add a method: write one function (see `interfaces.Solve`) and one `Method` line in `opt/methods/<family>.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from counterpoint.opt.errors import MissingPackageError, UnknownNameError, UnsupportedError
from counterpoint.opt.problems.table import problems, resolve


@dataclass(frozen=True, slots=True)
class Method:
    """A named way to solve a problem.

    Parameters
    ----------
    name : str
        Lower-case with hyphens; the same in Python, on the command line and in tables.
    problem : str
    target : str
        ``module:function`` that solves (or, for a sequential problem, builds a policy).
    summary : str
        One line.
    options : str
        ``module:class`` of its frozen options dataclass; empty if it has none.
    preset : mapping
        Option values this name fixes (``spt`` is the rule solver with ``rule="spt"``).
    handles : frozenset of str
        Instance features it can handle.
    refuses : str
        ``module:function`` that says why it cannot take an instance in spite of those, or an empty text: too many
        places, no coordinates. Imports no solver.
    is_exact : bool
        It can prove optimality, given time.
    is_anytime : bool
        It improves until the budget ends.
    uses_bound : bool
        It returns a proven bound.
    is_random : bool
        The result depends on the seed.
    is_parallel : bool
        It uses more than one thread when allowed.
    needs : tuple of str
        Import names of the packages it needs beyond NumPy.
    extra : str
        The extra that installs them.
    warm_up : str
        ``module:function`` that gets compiled kernels ready, so that no run's clock pays for it; cheap when repeated.
    kind : {"static", "sequential"}
        Whether `target` is an `interfaces.Solve` or an `interfaces.MakePolicy`.
    network : str
        The network that its checkpoints name in their cards; empty if it is not learned.
    version : int
        Raised whenever the method's results change, so that stored results are not reused.
    """

    name: str
    problem: str
    target: str
    summary: str
    options: str = ""
    preset: Mapping[str, Any] = field(default_factory=dict)
    handles: frozenset[str] = frozenset()
    refuses: str = ""
    is_exact: bool = False
    is_anytime: bool = False
    uses_bound: bool = False
    is_random: bool = False
    is_parallel: bool = False
    needs: tuple[str, ...] = ()
    extra: str = ""
    kind: str = "static"
    network: str = ""
    warm_up: str = ""
    version: int = 1

    def unsupported(self, instance: Any) -> frozenset[str]:
        """Return the features of `instance` this method cannot handle."""
        return frozenset(instance.features) - self.handles

    def refusal(self, instance: Any) -> str:
        """Return why this method cannot take `instance`; empty if it can."""
        missing = self.unsupported(instance)
        if missing:
            return f"does not handle {', '.join(sorted(missing))}"
        return str(resolve(self.refuses)(instance)) if self.refuses else ""

    def require(self, instance: Any, kind: str = "static") -> None:
        """Raise unless this method is of `kind` and can run on `instance` here and now."""
        if self.kind != kind:
            use = "evaluate" if self.kind == "sequential" else "solve or compare"
            raise UnsupportedError(f"{self.problem} is a {self.kind} problem: judge its method {self.name} by {use}")
        if reason := self.refusal(instance):
            able = [m.name for m in methods(instance)]
            raise UnsupportedError(f"method {self.name} {reason}; these do: {', '.join(able)}")
        for package in self.needs:
            if find_spec(package) is None:
                extra = f"[{self.extra}]" if self.extra else ""
                raise MissingPackageError(f"method {self.name} needs {package}: pip install 'counterpoint{extra}'")

    def load(self) -> Any:
        """Import and return the solving function, with its compiled kernels ready."""
        if self.warm_up:
            resolve(self.warm_up)()
        return resolve(self.target)


def methods(what: Any = None) -> tuple[Method, ...]:
    """Return the methods of a problem (by name), those that can solve an instance, or all.

    Examples
    --------
    >>> "cp-sat" in [m.name for m in methods("job-shop")]
    True
    """
    if what is None:
        return tuple(m for p in problems() for m in _table(p.name))
    if isinstance(what, str):
        return _table(what)
    return tuple(m for m in _table(what.problem) if not m.refusal(what))


def method(problem: str, name: str) -> Method:
    """Return one method of a problem; UnknownNameError, with close names, otherwise."""
    for candidate in _table(problem):
        if candidate.name == name:
            return candidate
    raise UnknownNameError("method", name, (m.name for m in _table(problem)))


def _table(problem: str) -> tuple[Method, ...]:
    if problem not in {p.name for p in problems()}:
        raise UnknownNameError("problem", problem, (p.name for p in problems()))
    table: tuple[Method, ...] = import_module(f"counterpoint.opt.methods.{problem.replace('-', '_')}").METHODS
    return table
