"""The size of numbers in a graph, before it is trained: what makes solvers answer wrongly shows here.

Linear programming in double precision keeps about seven digits of a solution. Coefficients whose sizes differ by more
than 1e6 or so in one problem, or that are greater than 1e7, deserve other units (hm3, GWh, millions of money).
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from counterpoint.simulators.stage.model import FloatArray
from counterpoint.solvers.sddp.graph import PolicyGraph

if TYPE_CHECKING:
    import pandas as pd

WIDEST, GREATEST, LEAST = 1e7, 1e8, 1e-5


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest and greatest size of the numbers other than 0 and infinity of one kind; NaN if there are none."""

    what: str
    smallest: float
    greatest: float

    @property
    def concerns(self) -> tuple[str, ...]:
        """What is worrying about it."""
        found = []
        if self.greatest > GREATEST:
            found.append(f"{self.what} as great as {self.greatest:.1g}")
        if self.smallest < LEAST:
            found.append(f"{self.what} as small as {self.smallest:.1g}")
        if self.greatest > WIDEST * self.smallest:
            found.append(f"{self.what} from {self.smallest:.1g} to {self.greatest:.1g}")
        return tuple(found)


def ranges(graph: PolicyGraph) -> tuple[Range, ...]:
    """Return the ranges of all nodes together: matrix, objective, bounds, right-hand sides, state and noise."""
    kinds: dict[str, list[FloatArray]] = {}
    for model in {id(node.model): node.model for node in graph.nodes}.values():
        for what, numbers in (
            ("matrix", [model.matrix.data]), ("objective", [model.cost]),
            ("bounds", [model.col_lower, model.col_upper]), ("right-hand sides", [model.row_lower, model.row_upper]),
            ("state coefficients", [model.state_matrix.data]), ("noise coefficients", [model.noise_matrix.data]),
        ):  # fmt: skip
            kinds.setdefault(what, []).extend(numbers)
    kinds["noises"] = [node.noise.ravel() for node in graph.nodes]
    return tuple(_range(what, np.concatenate(numbers)) for what, numbers in kinds.items())


def stability_report(graph: PolicyGraph, *, warns: bool = True) -> "pd.DataFrame":
    """Return the ranges as a frame, with what is worrying about each; warn of it too."""
    import pandas as pd

    found = ranges(graph)
    concerns = [concern for r in found for concern in r.concerns]
    if concerns and warns:
        warnings.warn(f"{graph.name}: {'; '.join(concerns)}: choose other units", stacklevel=2)
    rows = [{"what": r.what, "smallest": r.smallest, "greatest": r.greatest, "concerns": "; ".join(r.concerns)}
            for r in found]  # fmt: skip
    return pd.DataFrame(rows)


def _range(what: str, numbers: FloatArray) -> Range:
    sizes = np.abs(numbers[np.isfinite(numbers) & (numbers != 0)])
    return Range(what, float(sizes.min()), float(sizes.max())) if len(sizes) else Range(what, np.nan, np.nan)
