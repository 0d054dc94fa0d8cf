"""How much more one policy costs than another, scenario by scenario: a histogram of paired differences."""

from typing import TYPE_CHECKING, Any

from counterpoint.opt.plots.canvas import INK, PALETTE, axes, plain, tidy, title

if TYPE_CHECKING:
    import pandas as pd

    from counterpoint.opt.evaluation.evaluation import Evaluation


def plot_paired_costs(evaluation: "Evaluation", policy_a: str, policy_b: str, ax: Any = None) -> Any:
    """Draw the differences cost(A) - cost(B) over common scenarios, their mean and its 95 % interval.

    Parameters
    ----------
    evaluation : Evaluation
    policy_a, policy_b : str
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = axes(ax, (8.0, 3.6))
    differences = paired_costs_frame(evaluation, policy_a, policy_b)["difference"].dropna()
    found = evaluation.paired(policy_a, policy_b)
    ax.hist(differences, bins="auto", color=PALETTE[4], edgecolor="white", linewidth=0.5)
    ax.axvline(0.0, color=INK, linewidth=0.9)
    ax.axvline(found.estimate, color=PALETTE[3], linewidth=1.6)
    ax.axvspan(found.low, found.high, color=PALETTE[3], alpha=0.2, linewidth=0)
    ax.set_xlabel("difference of costs in a scenario (line: mean, band: its 95 % interval)")
    ax.set_ylabel("scenarios")
    wins = int((differences < 0).sum())
    title(ax, f"{plain(policy_a, 24)} less {plain(policy_b, 24)}: mean {found.estimate:,.5g}, "
              f"lower in {wins} of {len(differences)}")  # fmt: skip
    tidy(ax, "y")
    return ax


def paired_costs_frame(evaluation: "Evaluation", policy_a: str, policy_b: str) -> "pd.DataFrame":
    """Return the costs of both policies and their ``difference``, a row per scenario; NaN where one failed."""
    import pandas as pd

    frame = pd.DataFrame({"a": evaluation.costs(policy_a), "b": evaluation.costs(policy_b)})
    frame.index.name = "scenario"
    return frame.assign(difference=frame["a"] - frame["b"])
