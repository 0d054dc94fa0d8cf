"""Small escaped tables for Jupyter: a result, the facts of an instance, a comparison.

Every value is untrusted text (instance names, solver messages), so all of it goes through `html.escape`.
"""

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from counterpoint.opt.errors import printable
from counterpoint.opt.result import Result, Termination

if TYPE_CHECKING:
    from counterpoint.opt.evaluation.comparison import Comparison

MAX_THUMBNAIL = 3000  # operations; beyond it a thumbnail shows nothing but colour


def result_html(result: Result) -> str:
    """Return a result as a small table with its schedule (or what its family draws) beside it."""
    gap = "" if result.gap is None else f"{100 * result.gap:.2f} %"
    limit = "" if result.time_limit_s is None else f" of {result.time_limit_s:g} s"
    facts: dict[str, Any] = {
        "objective": number(result.objective),
        "bound": number(result.bound),
        "gap to bound": gap or "-",
        "holds": f"{result.solution_status} (checked independently)" if result.solution is not None else "nothing",
        "stopped by": str(result.termination) + (" (late)" if result.is_late else ""),
        "time": f"{result.wall_s:.2f} s wall{limit}, {result.cpu_s:.2f} s CPU",
        "seed, threads": f"{result.seed}, {result.threads}",
        "engine": result.solver,
    }
    if result.message:
        facts["message"] = result.message[:300]
    table = facts_html(
        f"{result.method} on {result.instance_name}", facts, alarm=result.termination is Termination.ERROR
    )
    return f'<div style="display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start">{table}{_thumbnail(result)}</div>'


def facts_html(title: str, facts: Mapping[str, Any], *, alarm: bool = False) -> str:
    """Return a two-column table under a title; everything escaped."""
    rows = "".join(
        f'<tr><th style="text-align:left;font-weight:normal;opacity:.7">{escape(key)}</th>'
        f'<td style="text-align:left">{escape(value)}</td></tr>'
        for key, value in facts.items()
    )
    colour = ";color:#b00020" if alarm else ""
    return (
        f'<table><caption style="text-align:left;font-weight:bold{colour}">{escape(title)}</caption>'
        f"<tbody>{rows}</tbody></table>"
    )


def comparison_html(comparison: "Comparison") -> str:
    """Return the verdict, the summary table and the warnings of a comparison."""
    from counterpoint.opt.evaluation.summary import RULE

    table = comparison.summary().reset_index()
    body = table_html(*summary_table(table))
    said = "".join(f"<li>{escape(text)}</li>" for text in comparison.verdict())
    notes = "".join(f"<li>{escape(text)}</li>" for text in comparison.warnings)
    kinds = ", ".join(dict.fromkeys(comparison.frame["reference_kind"]))
    return (
        f"<div><ul>{said}</ul>{body}<p><small>Gaps to: {escape(kinds)}. {escape(RULE)}</small></p>"
        + (f"<p><small>Bear in mind:</small></p><ul>{notes}</ul>" if notes else "")
        + "</div>"
    )


def summary_table(table: Any) -> tuple[list[str], list[list[str]]]:
    """Return the headings and cells of a summary frame (index reset), formatted for people."""
    several = "problem" in table.columns
    headings = [
        *(["problem"] if several else []), "method", "runs", "solved", "proven optimal", "failed", "late",
        "mean gap % (95 % CI)", "instances in mean", "median gap %", "wall s", "CPU s", "wins / ties / losses",
    ]  # fmt: skip
    rows = [
        [
            *([row["problem"]] if several else []),
            row["method"],
            str(row["runs"]),
            str(row["solved"]),
            str(row["optimal"]),
            str(row["failed"]),
            str(row["late"]),
            f"{percent(row['mean_gap'])} ({percent(row['gap_low'])} to {percent(row['gap_high'])})",
            str(row["common"]),
            percent(row["median_gap"]),
            seconds(row["wall_s"]),
            seconds(row["cpu_s"]),
            f"{row['wins']} / {row['ties']} / {row['losses']}",
        ]
        for row in table.to_dict("records")
    ]
    return headings, rows


def table_html(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return an escaped table; the first column to the left, the others to the right."""
    head = "".join(f"<th>{escape(text)}</th>" for text in headings)
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{"right" if i else "left"}">{escape(text)}</td>' for i, text in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def escape(value: Any) -> str:
    """Return any value as text that is safe inside HTML elements and quoted attributes."""
    return html.escape(printable(str(value)), quote=True)


def number(value: float | None) -> str:
    """Return a figure for people: no exponent for whole numbers, a dash for none."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.0f}" if abs(value) < 1e15 and float(value).is_integer() else f"{value:.6g}"


def seconds(value: float) -> str:
    """Return seconds with two digits after the point, or two significant ones below a second."""
    return f"{value:.2f}" if value >= 1 or math.isnan(value) else f"{value:.2g}"


def percent(value: float | None) -> str:
    """Return a ratio as per cent with two digits; a dash for none."""
    return "-" if value is None or math.isnan(value) else "∞" if math.isinf(value) else f"{100 * value:.2f}"


def _thumbnail(result: Result) -> str:
    """Return the solution drawn small; nothing if it cannot be drawn: a repr must never raise."""
    from counterpoint.opt.reports.figures import figure_html, solution_figure

    size = len(getattr(result.solution, "job", ()))
    if result.solution is None or result.instance is None or size > MAX_THUMBNAIL:
        return ""
    try:
        return figure_html(solution_figure(result, size=(6.0, 2.6)), f"{result.method} on {result.instance_name}")
    except Exception:  # the table is worth showing without its picture
        return ""
