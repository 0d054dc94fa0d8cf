"""Figures as parts of one HTML file: drawn off screen, embedded as images, which never run scripts."""

import base64
import html
import io
import warnings
from typing import Any

from counterpoint.opt.errors import printable
from counterpoint.opt.problems.table import problem
from counterpoint.opt.result import Result

MAX_SVG = 400_000  # bytes; larger drawings are embedded as PNG


def new_figure(size: tuple[float, float]) -> tuple[Any, Any]:
    """Return a figure of `size` inches and its Axes; no window, no global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots()


def solution_figure(result: Result, size: tuple[float, float] = (9.0, 3.6)) -> Any:
    """Return the solution of a result, drawn the family's way."""
    figure, ax = new_figure(size)
    problem(result.problem).load("plot")(result.instance, result.solution, ax=ax)
    return figure


def figure_html(figure: Any, alt: str) -> str:
    """Return an ``<img>`` with the figure as SVG, or as PNG if that is smaller than a large SVG."""
    kind, data = "svg+xml", render(figure, "svg")
    if len(data) > MAX_SVG:
        kind, data = "png", render(figure, "png")
    text = base64.b64encode(data).decode("ascii")
    label = html.escape(printable(alt), quote=True)
    return f'<img alt="{label}" style="max-width:100%" src="data:image/{kind};base64,{text}">'


def render(figure: Any, kind: str) -> bytes:
    """Return the figure's file content; the same figure gives the same bytes."""
    import matplotlib as mpl

    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "counterpoint"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # names in any script are welcome
        figure.savefig(buffer, format=kind, dpi=110, metadata=metadata)
    return buffer.getvalue()
