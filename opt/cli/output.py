"""What the verbs print: tables for people on the terminal, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from counterpoint.opt.errors import printable
from counterpoint.opt.result import Result, SolutionStatus, Termination

FAILED = (Termination.ERROR, Termination.KILLED, Termination.MEMORY)


def print_json(data: Any) -> None:
    """Write one JSON document to standard output."""
    json.dump(data, sys.stdout, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Print a table; numbers to the right, all text escaped."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    body = [[cell(value) for value in row] for row in rows]
    table = Table(title=None if title is None else Text(printable(title)), box=box.SIMPLE_HEAD, title_justify="left")
    for index, column in enumerate(columns):
        numeric = all(_is_number(row[index]) for row in body)
        table.add_column(Text(column), justify="right" if numeric else "left", no_wrap=numeric)
    for row in body:
        table.add_row(*(Text(text) for text in row))
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(160, console.width))
    console.print(table)


def cell(value: Any) -> str:
    """Return a value as short, harmless text."""
    if value is None or value != value:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return printable(str(value))


def _is_number(text: str) -> bool:
    return text == "-" or text.rstrip("%s").strip().replace(".", "", 1).replace("-", "", 1).isdigit()


def percent(value: float | None, digits: int = 2) -> str:
    """Return a ratio as a percentage."""
    return "-" if value is None or value != value else f"{100 * value:.{digits}f}"


def print_results(results: Sequence[Result], title: str | None = None) -> None:
    """Print one line per run."""
    print_table(
        ("instance", "method", "seed", "objective", "bound", "gap %", "status", "stopped by", "wall s", "note"),
        (
            (
                r.instance_name,
                r.method,
                r.seed,
                r.objective,
                r.bound,
                percent(r.gap),
                str(r.solution_status),
                str(r.termination) + (" (late)" if r.is_late else ""),
                f"{r.wall_s:.2f}",
                r.message[:80] if r.termination in FAILED else "",
            )
            for r in results
        ),
        title,
    )


def exit_status(results: Iterable[Result], bad_inputs: int = 0) -> int:
    """Return 0 if all went well, 1 if a case failed or holds nothing, 2 if an input was bad."""
    if bad_inputs:
        return 2
    failed = any(
        r.termination in FAILED or r.solution_status in (SolutionStatus.NONE, SolutionStatus.INFEASIBLE)
        for r in results
        if r.termination is not Termination.INFEASIBLE  # a proof of infeasibility is an answer
    )
    return int(failed)
