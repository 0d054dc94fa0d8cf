"""What the verbs print: tables for people on the terminal, JSON for programs."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from counterpoint.opt.errors import printable
from counterpoint.opt.evaluation.figures import figure
from counterpoint.opt.result import FAILURES, Result, SolutionStatus, Termination

WRAP = 36  # characters; longer text may wrap, figures may not
NOTE = 160  # characters of a run's message in its row


def tell(text: str, colour: str | None = None) -> None:
    """Write a line to standard error, coloured on a terminal unless NO_COLOR is set (no-color.org)."""
    import typer

    is_plain = colour is None or os.environ.get("NO_COLOR")
    typer.echo(text if is_plain else typer.style(text, fg=colour), err=True)


def print_json(data: Any) -> None:
    """Write one JSON document to standard output."""
    json.dump(data, sys.stdout, allow_nan=False, indent=2)
    sys.stdout.write("\n")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None, num_keys: int = 1
) -> None:
    """Print a table; numbers to the right, all text escaped.

    Where it is wider than the terminal, it goes on below, with its first `num_keys` columns again: a figure cut
    to fit would be a wrong figure.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    body = [[cell(value) for value in row] for row in rows]
    console = Console()
    if not console.is_terminal:
        console = Console(width=max(160, console.width))
    numeric = [all(_is_number(row[i]) for row in body) for i in range(len(columns))]
    longest = [max(map(len, (column, *(row[i] for row in body)))) for i, column in enumerate(columns)]
    widths = [3 + (n if is_number else min(n, WRAP)) for n, is_number in zip(longest, numeric, strict=True)]
    for part, indices in enumerate(column_blocks(widths, num_keys, console.width - 2)):
        caption = Text(printable(title)) if title is not None and part == 0 else None
        table = Table(title=caption, box=box.SIMPLE_HEAD, title_justify="left")
        for i in indices:
            table.add_column(Text(columns[i]), justify="right" if numeric[i] else "left", no_wrap=numeric[i])
        for row in body:
            table.add_row(*(Text(row[i]) for i in indices))
        console.print(table)


def column_blocks(widths: Sequence[int], num_keys: int, limit: int) -> list[list[int]]:
    """Split columns into blocks of at most `limit` characters, each led by the first `num_keys` columns.

    >>> column_blocks([5, 4, 4, 4], num_keys=1, limit=13)
    [[0, 1, 2], [0, 3]]
    """
    keys = list(range(num_keys))
    blocks = [keys]
    for i in range(num_keys, len(widths)):
        if len(blocks[-1]) > num_keys and sum(widths[k] for k in blocks[-1]) + widths[i] > limit:
            blocks.append(keys)
        blocks[-1] = [*blocks[-1], i]
    return blocks


def cell(value: Any) -> str:
    """Return a value as short, harmless text."""
    if value is None or value != value:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else figure(value)
    return printable(str(value))


def _is_number(text: str) -> bool:
    return text == "-" or text.rstrip("%s").strip().replace(".", "", 1).replace("-", "", 1).isdigit()


def percent(value: float | None, digits: int = 2) -> str:
    """Return a ratio as a percentage."""
    return "-" if value is None or value != value else f"{100 * value:.{digits}f}"


def print_results(results: Sequence[Result], title: str | None = None) -> None:
    """Print one line per run."""
    print_table(
        (
            "instance", "method", "seed", "objective", "bound", "gap to bound %", "status", "stopped by", "wall s",
            "note",
        ),
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
                r.message[:NOTE] if r.termination in (*FAILURES, Termination.INFEASIBLE) else "",
            )
            for r in results
        ),
        title,
        num_keys=3,
    )  # fmt: skip


def exit_status(results: Iterable[Result], bad_inputs: int = 0) -> int:
    """Return 0 if all went well, 1 if a case failed or holds nothing, 2 if an input was bad."""
    if bad_inputs:
        return 2
    failed = any(
        r.termination in FAILURES or r.solution_status in (SolutionStatus.NONE, SolutionStatus.INFEASIBLE)
        for r in results
        if r.termination is not Termination.INFEASIBLE  # a proof of infeasibility is an answer
    )
    return int(failed)
