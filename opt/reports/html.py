"""The report of a comparison: one self-contained HTML file that runs no script and fetches nothing."""

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.opt.codec import write_text
from counterpoint.opt.errors import printable
from counterpoint.opt.evaluation.references import Key, instance_key, is_valid
from counterpoint.opt.evaluation.summary import RULE
from counterpoint.opt.problems.table import problem
from counterpoint.opt.reports.command import caveats, command_line, python_lines
from counterpoint.opt.reports.figures import figure_html, new_figure, solution_figure
from counterpoint.opt.reports.snippets import number, percent, summary_table
from counterpoint.opt.result import FAILURES, Result, SolutionStatus, Termination

if TYPE_CHECKING:
    from counterpoint.opt.evaluation.comparison import Comparison

MAX_TRACES = 6
MAX_SOLUTIONS = 12
MAX_ROWS = 2000
MAX_LOG = 500  # characters of a message


def write_report(
    comparison: "Comparison", path: str | os.PathLike[str], title: str | None = None, notes: str = ""
) -> None:
    """Write the report of a comparison.

    Names, messages and notes are untrusted: all text goes through jinja2's autoescape, figures are
    embedded as images, and a content security policy forbids scripts and anything remote.

    Parameters
    ----------
    comparison : Comparison
    path : path
        The file appears whole or not at all.
    title : str, optional
    notes : str
        Plain text to put on top.
    """
    write_text(path, report_text(comparison, title, notes))


def report_text(comparison: "Comparison", title: str | None = None, notes: str = "") -> str:
    """Return the report as HTML text; see `write_report`."""
    import jinja2

    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(
        Path(__file__).with_name("report.html").read_text(encoding="utf-8")
    )
    frame = comparison.frame
    summary = comparison.summary()
    headings, rows = summary_table(summary.reset_index())
    best = _best_results(comparison.results)
    text: str = template.render(
        title=printable(title or "Comparison of methods"),
        notes=[printable(line) for line in notes.splitlines()],
        verdict=comparison.verdict(),
        warnings=comparison.warnings,
        rule=RULE,
        summary_headings=headings,
        summary_rows=rows,
        instances=_instance_rows(frame),
        methods=[printable(name) for name in comparison.methods],
        figures=[(caption, _safe(html)) for caption, html in _overview(comparison)],
        traces=[(caption, _safe(html)) for caption, html in _traces(comparison.results)],
        solutions=[(caption, _safe(html)) for caption, html in _solutions(best)],
        num_instances=len(best),
        troubles=_trouble_rows(comparison.results)[:MAX_ROWS],
        num_troubles=len(_trouble_rows(comparison.results)),
        skipped=[(printable(s.method), printable(_name(s.instance)), printable(s.reason)) for s in comparison.skipped],
        machine={printable(k): printable(v) for k, v in comparison.machine.items()},
        solvers=sorted({printable(r.solver) for r in comparison.results}),
        command=command_line(comparison.results),
        python=python_lines(comparison.results),
        caveats=caveats(comparison.results),
        max_rows=MAX_ROWS,
    )
    return text


def _safe(html: str) -> Any:
    """Mark HTML of our own making (an ``<img>`` whose alt text is escaped) as such."""
    from markupsafe import Markup

    return Markup(html)


def _name(instance: Any) -> str:
    return str(getattr(instance, "name", instance))


def _instance_rows(frame: Any) -> list[dict[str, Any]]:
    """One row per instance: its reference and, per method, the best and mean over seeds."""
    methods = list(dict.fromkeys(frame["method"]))
    rows = []
    for (family, content, name), group in frame.groupby(["problem", "instance_hash", "instance"], sort=False):
        first = group.iloc[0]
        cells: list[dict[str, Any]] = []
        gaps: list[float] = []
        for method in methods:
            mine = group[group["method"] == method]
            held = mine[mine["gap_to_reference"].notna()]
            gap = held["gap_to_reference"].mean() if len(held) else math.nan
            gaps.append(float(gap))
            cells.append(
                {
                    "objective": number(_best_value(held["objective"], str(family))) if len(held) else "-",
                    "gap": percent(gap),
                    "note": _cell_note(mine, held),
                }
            )
        least = min((gap for gap in gaps if not math.isnan(gap)), default=math.nan)
        for cell, gap in zip(cells, gaps, strict=True):
            cell["leads"] = gap == least
        rows.append(
            {
                "name": printable(str(name)),
                "hash": printable(str(content))[:12],
                "features": printable(first["features"]) or "classical",
                "reference": number(first["reference"]),
                "kind": first["reference_kind"],
                "cells": cells,
            }
        )
    return rows[:MAX_ROWS]


def _best_value(values: Any, family: str) -> float:
    return float(values.min() if problem(family).sense == "min" else values.max())


def _cell_note(mine: Any, held: Any) -> str:
    if mine.empty:
        return "not run"
    proven = int((mine["status"] == "proven optimal").sum())
    parts = [f"{len(mine) - len(held)} of {len(mine)} failed"] if len(held) < len(mine) else []
    parts += ["proven"] if proven == len(mine) else [f"{proven} of {len(mine)} proven"] if proven else []
    return ", ".join(parts)


def _overview(comparison: "Comparison") -> Iterable[tuple[str, str]]:
    """Gaps, times, profile."""
    rows = 0.34 * len(comparison.methods) + 1.3
    for caption, draw, size in (
        ("Gap of every run to the reference of its instance; the bar is the median.", comparison.plot_gaps, (8, rows)),
        ("Wall time of every run; crosses hold no solution.", comparison.plot_times, (8, rows)),
        (
            "Share of cases within a factor of the best compared objective; at the right, the share solved.",
            comparison.plot_profile,
            (7, 3.6),
        ),
    ):
        figure, ax = new_figure(size)
        try:
            draw(ax)
        except ValueError as error:  # a profile needs costs that are not negative
            yield f"{caption} Not drawn: {printable(str(error))}", ""
            continue
        yield caption, figure_html(figure, caption)


def _traces(results: Iterable[Result]) -> Iterable[tuple[str, str]]:
    """Objective over time on the instances where something moved."""
    from counterpoint.opt.plots.trace import plot_trace

    groups: dict[Key, list[Result]] = {}
    for r in results:
        groups.setdefault(instance_key(r), []).append(r)
    moving = [runs for runs in groups.values() if any(len(r.trace) > 1 for r in runs)]
    for runs in moving[:MAX_TRACES]:
        figure, ax = new_figure((7.0, 3.0))
        plot_trace(runs, ax=ax)
        caption = f"{printable(runs[0].instance_name)}: objective over time"
        yield caption, figure_html(figure, caption)


def _best_results(results: Iterable[Result]) -> dict[Key, Result]:
    """The best valid run of each instance."""
    best: dict[Key, Result] = {}
    for r in results:
        if not is_valid(r) or r.objective is None:
            continue
        held = best.get(instance_key(r))
        sign = 1 if r.sense == "min" else -1
        if held is None or sign * r.objective < sign * (held.objective or 0.0):
            best[instance_key(r)] = r
    return best


def _solutions(best: dict[Key, Result]) -> Iterable[tuple[str, str]]:
    drawable = [r for r in best.values() if r.instance is not None and r.solution is not None]
    for r in drawable[:MAX_SOLUTIONS]:
        caption = f"{printable(r.instance_name)}: {number(r.objective)} by {printable(r.method)}, seed {r.seed}"
        yield caption, figure_html(solution_figure(r), caption)


def _trouble_rows(results: Iterable[Result]) -> list[dict[str, str]]:
    """Runs that failed, were cut short or were late, with what they said."""
    cut = FAILURES | {Termination.INTERRUPTED}
    nothing = (SolutionStatus.NONE, SolutionStatus.INFEASIBLE)
    proofs = (Termination.INFEASIBLE, Termination.UNBOUNDED)
    return [
        {
            "instance": printable(r.instance_name),
            "method": printable(r.method),
            "seed": str(r.seed),
            "termination": str(r.termination) + (", late" if r.is_late else ""),
            "holds": f"{r.solution_status}" + ("" if r.objective is None else f", {number(r.objective)}"),
            "wall": f"{r.wall_s:.2f}",
            "message": printable(r.message[:MAX_LOG]) + ("…" if len(r.message) > MAX_LOG else ""),
        }
        for r in results
        if r.termination in cut or r.is_late or (r.solution_status in nothing and r.termination not in proofs)
    ]
