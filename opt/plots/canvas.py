"""What every plot shares: where to draw, and how to show text that nobody vouches for."""

from collections.abc import Iterable
from typing import Any

from counterpoint.opt.errors import printable

# Okabe and Ito 2008, "Color Universal Design": told apart with every common colour blindness
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#666666")
INK = "#222222"


def axes(ax: Any = None, size: tuple[float, float] = (8.0, 4.0)) -> Any:
    """Return `ax`, or new Axes of `size` inches that a notebook shows by itself."""
    if ax is not None:
        return ax
    from matplotlib import pyplot

    return pyplot.subplots(figsize=size, layout="constrained")[1]


def place_of(ax: Any) -> Any:
    """Return the place of an axes in a grid, to be divided by ``subgridspec``.

    An axes at a position of its own gets a grid of its own: new axes inside it cannot share its.
    """
    place = ax.get_subplotspec()
    if place is not None:
        return place
    from matplotlib.gridspec import GridSpec

    box = ax.get_position()
    return GridSpec(1, 1, ax.figure, left=box.x0, right=box.x1, bottom=box.y0, top=box.y1)[0]


def plain(text: object, width: int = 40) -> str:
    """Return untrusted text shortened and without control characters.

    A leading underscore, which matplotlib takes for "not in the legend", gets a space before it.
    """
    shown = printable(str(text))
    shown = shown if len(shown) <= width else shown[: width - 1] + "…"
    return f" {shown}" if shown.startswith("_") else shown


def literal(texts: Iterable[Any]) -> None:
    """Make Text artists show dollar signs and backslashes as they are: no formulas from instance names."""
    for text in texts:
        text.set_parse_math(False)
        text.set_usetex(False)


def title(ax: Any, text: str) -> None:
    """Set a title, left, shown literally."""
    literal([ax.set_title(plain(text, 90), loc="left", fontsize="medium")])


def tidy(ax: Any, grid: str = "x") -> None:
    """Remove the upper and right frame lines; draw a light grid behind the data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, axis=grid, color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)


def colours(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each name, the same on every plot of one comparison."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(names))}
