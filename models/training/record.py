"""What `train` returns: where the run lives, why it stopped, its curve."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.opt.result import Termination

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, repr=False)
class Training:
    """A run of `train`.

    Parameters
    ----------
    folder : Path
    iterations : int
        Done so far.
    termination : Termination
        ``completed``, ``iterations``, ``time`` or ``interrupted``; only a completed run has gone its whole length.
    evaluation : dict of str to float
        The last evaluation's figures.
    wall_s, cpu_s : float
        Of all its parts together.
    """

    folder: Path
    iterations: int
    termination: Termination
    evaluation: dict[str, float]
    wall_s: float
    cpu_s: float

    @property
    def policy(self) -> Path:
        """The checkpoint to use."""
        return self.folder / "policy.safetensors"

    @property
    def frame(self) -> "pd.DataFrame":
        """The log, a row per iteration."""
        import pandas as pd

        return pd.read_csv(self.folder / "metrics.csv")

    def plot(self, ax: Any = None, figure: str = "cost") -> Any:
        """Draw a figure of the log over iterations; return the Axes."""
        from counterpoint.opt.plots.learning import plot_learning

        return plot_learning(self.frame, ax=ax, figure=figure)

    def __repr__(self) -> str:
        figures = ", ".join(f"{key} {value:.4g}" for key, value in self.evaluation.items())
        return (
            f"<Training in {self.folder}: {self.iterations} iterations, {self.termination}, "
            f"{self.cpu_s:.0f} CPU seconds; {figures}>"
        )

    def _repr_html_(self) -> str:
        from counterpoint.opt.reports.snippets import facts_html

        facts = {
            "iterations": self.iterations,
            "stopped by": str(self.termination),
            "time": f"{self.wall_s:.0f} s wall, {self.cpu_s:.0f} s CPU",
            **{key: f"{value:.4g}" for key, value in self.evaluation.items()},
            "policy": self.policy,
        }
        return facts_html(f"Training in {self.folder}", facts)
