"""Public routing instances by name, for each problem's own module ``public``: a table of values, a few instances."""

from functools import cache

from counterpoint.datasets.figures import figure_rows, figure_text
from counterpoint.datasets.text import Line, data_lines
from counterpoint.opt.result import Reference

BOUNDS = "routing_bounds.csv"


@cache
def shipped(problem: str) -> dict[str, list[Line]]:
    """Return the lines of each shipped instance of a problem, by name."""
    parts = figure_text("routing.txt").split("instance ")[1:]
    texts = {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}
    ours = {row[0] for row in figure_rows(BOUNDS) if row[1] == problem}
    return {name: data_lines(text.encode()) for name, text in texts.items() if name in ours}


@cache
def references_of(problem: str) -> dict[str, Reference]:
    """Return what is known by name, also of instances that are not shipped; an empty bound means that none is."""
    return {
        name: Reference(name, float(low) if low else None, float(high), source)
        for name, family, low, high, source, _ in figure_rows(BOUNDS)
        if family == problem
    }


@cache
def names_by_content_of(problem: str) -> dict[str, str]:
    """Return the name of each content hash."""
    return {row[-1]: row[0] for row in figure_rows(BOUNDS) if row[1] == problem and row[-1]}
