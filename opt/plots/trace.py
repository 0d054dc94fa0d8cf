"""How runs got to their result: the objective (and bound) over time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from counterpoint.opt.plots.canvas import PALETTE, axes, literal, plain, tidy, title
from counterpoint.opt.result import Result

if TYPE_CHECKING:
    import pandas as pd


def plot_trace(results: Result | Sequence[Result], ax: Any = None) -> Any:
    """Draw the verified objective of one or several runs over wall time; bounds as dotted lines.

    Parameters
    ----------
    results : Result or sequence of Result
        Runs on one instance; of several seeds of one method each gets its own line in one colour.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    runs = [results] if isinstance(results, Result) else list(results)
    data = trace_frame(runs)
    ax = axes(ax, (8.0, 3.6))
    paint = {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(dict.fromkeys(r.method for r in runs))}
    named: set[str] = set()
    latest = float(data["wall_s"].max()) if len(data) else 0.0
    for _, part in data.groupby("run", sort=False):
        name = str(part["method"].iloc[0])
        for column, style in (("objective", "-"), ("bound", ":")):
            line = part[part[column].notna()]
            if line.empty:
                continue
            label = plain(name, 32) if column == "objective" and name not in named else None
            if label is not None:
                named.add(name)
            ax.step(line["wall_s"], line[column], where="post", color=paint[name], linestyle=style, label=label)
            if column == "objective":
                # what a run held when it ended, it holds ever after
                ax.hlines(
                    line[column].iloc[-1], line["wall_s"].iloc[-1], latest, colors=paint[name], alpha=0.35, linewidth=1
                )
                ax.plot(line["wall_s"].iloc[:1], line[column].iloc[:1], marker="o", markersize=3, color=paint[name])
    if not data.empty and data["wall_s"].max() > 0:
        first = data.loc[data["wall_s"] > 0, "wall_s"].min()
        if data["wall_s"].max() > 30 * first:
            ax.set_xscale("log")
    ax.set_xlabel("wall seconds")
    ax.set_ylabel("objective (dotted: bound)" if data["bound"].notna().any() else "objective")
    if named:
        beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0)}
        literal(ax.legend(frameon=False, fontsize="small", **beside).get_texts())
    title(ax, ", ".join(dict.fromkeys(r.instance_name for r in runs)))
    tidy(ax, "both")
    return ax


def trace_frame(results: Sequence[Result]) -> "pd.DataFrame":
    """Return ``run`` (0, 1, ...), ``method``, ``seed``, ``wall_s``, ``objective``, ``bound``: a row per improvement.

    Each run ends with a row at its wall time, so that a line shows how long it held its last value.
    """
    import pandas as pd

    rows = [
        (i, r.method, r.seed, wall, objective, bound)
        for i, r in enumerate(results)
        for wall, objective, bound in [
            *((p.wall_s, p.objective, p.bound) for p in r.trace),
            (max([r.wall_s, *(p.wall_s for p in r.trace)]), r.objective, r.bound),
        ]
    ]
    frame = pd.DataFrame(rows, columns=["run", "method", "seed", "wall_s", "objective", "bound"])
    return frame.astype({"wall_s": float, "objective": float, "bound": float})
