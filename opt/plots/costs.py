"""The costs of policies over scenarios: one row per policy, a dot per scenario, mean and interval."""

from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.opt.plots.canvas import INK, axes, colours, literal, plain, tidy, title

if TYPE_CHECKING:
    import pandas as pd


def plot_costs(frame: "pd.DataFrame", ax: Any = None, sense: str = "min") -> Any:
    """Draw each policy's costs, best mean on top; failures are left out, and counted in the label."""
    table = costs_frame(frame, sense)
    ax = axes(ax, (8.0, 0.5 * len(table) + 1.4))
    paint = colours(frame["policy"])
    rng = np.random.default_rng(0)
    labels = []
    for row, (name, facts) in enumerate(table.iterrows()):
        costs = frame.loc[(frame["policy"] == name) & frame["cost"].notna(), "cost"]
        ax.scatter(
            costs, row + rng.uniform(-0.26, 0.26, len(costs)), s=10, color=paint[str(name)], alpha=0.5, linewidths=0
        )
        ax.vlines(facts["mean"], row - 0.38, row + 0.38, color=INK, linewidth=1.8)
        labels.append(f"{plain(name, 28)}{f' ({facts.failed:.0f} failed)' if facts['failed'] else ''}")
    bounds = frame.drop_duplicates("scenario")["bound"]
    if bounds.notna().any():
        ax.axvline(bounds.mean(), color=INK, linestyle="--", linewidth=0.9)
    ax.set_ylim(max(len(table), 1) - 0.5, -0.5)
    ax.set_yticks(range(len(table)), labels)
    literal(ax.get_yticklabels())
    ax.set_xlabel("cost (line: mean" + ("; dashed: mean perfect-information bound)" if bounds.notna().any() else ")"))
    title(ax, "Cost in each scenario")
    tidy(ax)
    return ax


def costs_frame(frame: "pd.DataFrame", sense: str = "min") -> "pd.DataFrame":
    """Return ``mean``, ``failed`` and ``scenarios`` of each policy, best mean first."""
    import pandas as pd

    rows = [
        {"policy": name, "mean": mine.mean(), "failed": int(mine.isna().sum()), "scenarios": len(mine)}
        for name, mine in frame.groupby("policy", sort=False)["cost"]
    ]
    return (
        pd.DataFrame(rows, columns=["policy", "mean", "failed", "scenarios"])
        .set_index("policy")
        .sort_values("mean", ascending=sense == "min", kind="stable")
    )
