"""Small tables shipped with the package; README.md names their sources, make_*.py make them."""

from functools import cache
from pathlib import Path


@cache
def figure_text(name: str) -> str:
    """Return the text of a shipped table."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


@cache
def figure_rows(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the rows of a shipped CSV table without its header; its fields hold no commas or quotes."""
    return tuple(tuple(line.split(",")) for line in figure_text(name).splitlines()[1:])
