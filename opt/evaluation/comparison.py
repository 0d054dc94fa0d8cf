"""What `compare` returns: the runs, the tidy table, the summary, paired comparisons, plots and the report."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.evaluation.advice import advice
from counterpoint.opt.evaluation.frame import results_frame
from counterpoint.opt.evaluation.labels import distinct_labels
from counterpoint.opt.evaluation.machine import machine
from counterpoint.opt.evaluation.paired import Paired, paired_comparison
from counterpoint.opt.evaluation.summary import summarise
from counterpoint.opt.result import Reference, Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison:
    """Methods compared on the same instances and seeds; build it by `compare`, `from_results` or `from_store`.

    Parameters
    ----------
    results : tuple of Result
    skipped : tuple
        Pairs that could not be run, each with ``instance``, ``method`` and ``reason``.
    references : mapping of str to float or Reference
        The user's own yardsticks, by instance name or content hash.
    machine : mapping of str to str
        Where the times were measured.
    """

    results: tuple[Result, ...]
    skipped: tuple[Any, ...] = ()
    references: Mapping[str, float | Reference] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=machine)
    _frame: Any = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "results", distinct_labels(self.results))
        object.__setattr__(self, "skipped", tuple(self.skipped))
        object.__setattr__(self, "references", MappingProxyType(dict(self.references)))
        object.__setattr__(self, "machine", MappingProxyType(dict(self.machine)))
        object.__setattr__(self, "_frame", results_frame(self.results, self.references))

    @classmethod
    def from_results(
        cls,
        results: Iterable[Result],
        *,
        skipped: Iterable[Any] = (),
        references: Mapping[str, float | Reference] | None = None,
        machine_facts: Mapping[str, str] | None = None,
    ) -> "Comparison":
        """Compare runs that have been made, whoever made them.

        `machine_facts` describes where they ran; default: this machine.
        """
        facts = machine() if machine_facts is None else machine_facts
        return cls(tuple(results), tuple(skipped), references or {}, facts)

    @classmethod
    def from_store(
        cls,
        path: str | os.PathLike[str],
        *,
        references: Mapping[str, float | Reference] | None = None,
    ) -> "Comparison":
        """Rebuild a comparison from a study's store.

        The machine described is this one: a store does not say where it was filled.

        Raises
        ------
        StoreError, InstanceError
            If it cannot be read, or holds no result.
        """
        from counterpoint.opt.studies.store import read_results

        found = read_results(path)
        if not found:
            raise InstanceError("the study's store holds no result yet", file=str(path))
        note = "this describes the machine that made this report; the runs may have been made on another"
        return cls.from_results(found, references=references, machine_facts={**machine(), "note": note})

    @property
    def frame(self) -> "pd.DataFrame":
        """Tidy table, a row per method x instance x seed (a copy); columns: see `frame.results_frame`."""
        copy: pd.DataFrame = self._frame.copy()
        return copy

    @property
    def methods(self) -> tuple[str, ...]:
        """Names of the methods, in order of appearance."""
        return tuple(dict.fromkeys(r.method for r in self.results))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to bear in mind when reading the figures: few instances, unequal budgets, busy machine, ..."""
        return advice(self._frame, len(self.skipped))

    def summary(self, *, confidence: float = 0.95) -> "pd.DataFrame":
        """Return a row per method, best first; see `summary.summarise` for the columns and for how failures count."""
        return summarise(self._frame, confidence=confidence)

    def paired(self, method_a: str, method_b: str, *, confidence: float = 0.95) -> Paired:
        """Compare two methods pair by pair: difference with interval, wins, ties, losses, tests."""
        return paired_comparison(self._frame, method_a, method_b, confidence=confidence)

    def times_to_target(self, within: float = 0.01) -> "pd.DataFrame":
        """Return when each run first held an objective within a share of its reference; see `targets.target_frame`."""
        from counterpoint.opt.evaluation.targets import target_frame

        return target_frame(self.results, within, self.references)

    def verdict(self) -> tuple[str, ...]:
        """Say in words who is best, by how much, and how sure that is."""
        from counterpoint.opt.evaluation.verdict import verdict

        return verdict(self._frame)

    def plot_profile(self, ax: Any = None, **options: Any) -> Any:
        """Draw performance profiles (Dolan and More 2002); return the Axes."""
        from counterpoint.opt.plots.profile import plot_profile

        return plot_profile(self._frame, ax=ax, **options)

    def plot_gaps(self, ax: Any = None, **options: Any) -> Any:
        """Draw the gaps of each method, a dot per run; return the Axes."""
        from counterpoint.opt.plots.gaps import plot_gaps

        return plot_gaps(self._frame, ax=ax, **options)

    def plot_times(self, ax: Any = None, **options: Any) -> Any:
        """Draw the times of each method, a dot per run; return the Axes."""
        from counterpoint.opt.plots.times import plot_times

        return plot_times(self._frame, ax=ax, **options)

    def report(self, path: str | os.PathLike[str], *, title: str | None = None, notes: str = "") -> None:
        """Write one self-contained HTML file with everything in it."""
        from counterpoint.opt.reports.html import write_report

        write_report(self, path, title=title, notes=notes)

    def __len__(self) -> int:
        return len(self.results)

    def __repr__(self) -> str:
        num_instances = len({(r.problem, r.instance_hash, r.instance_name) for r in self.results})
        names = ", ".join(printable(m) for m in self.methods)
        head = f"<Comparison of {names or 'nothing'} on {num_instances} instances, {len(self)} runs>"
        return "\n".join([head, *self.verdict(), *(f"note: {text}" for text in self.warnings)])

    def _repr_html_(self) -> str:
        from counterpoint.opt.reports.snippets import comparison_html

        return comparison_html(self)
