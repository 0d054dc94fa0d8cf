"""The optimal policy of a small plant, looked up in the tables of `stochastic_lot_sizing`."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.stochastic_lot_sizing import IntArray, Observation, StochasticLotSizing
from counterpoint.solvers.dynamic_programming.stochastic_lot_sizing import Model, average, backward, discounted

MAX_ENTRIES = 200_000_000  # states x periods


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the optimal policy.

    Parameters
    ----------
    criterion : {"total", "average", "discounted"}
        What is least: the expected total over the horizon, or for ever the average per period or the discounted total.
    discount : float
        Per period, in (0, 1); for "discounted" only.
    """

    criterion: Literal["total", "average", "discounted"] = "total"
    discount: float = 0.9

    def __post_init__(self) -> None:
        if self.criterion not in ("total", "average", "discounted"):
            raise OptionError(f"criterion must be total, average or discounted, not {self.criterion!r}")
        if not 0 < self.discount < 1:
            raise OptionError(f"discount must be between 0 and 1, not {self.discount}")


def policy(instance: StochasticLotSizing, seed: int, options: Options) -> "Optimal":
    """Build the optimal policy.

    Raises
    ------
    UnsupportedError
        If the plant has too many states to list, or with the total too many times periods.
    """
    model = Model(instance)
    kind: Any = np.min_scalar_type(len(model.setups))
    if options.criterion == "average":
        return Optimal(model, average(model).best.astype(kind)[None])
    if options.criterion == "discounted":
        return Optimal(model, discounted(model, options.discount).best.astype(kind)[None])
    if instance.horizon * float(np.prod(model.shape)) > MAX_ENTRIES:
        raise UnsupportedError(f"too many periods for a table of {model.shape}: use criterion=average")
    return Optimal(model, np.stack([s.best.astype(kind) for s in backward(model)][::-1]))


class Optimal:
    """A policy by table.

    Parameters
    ----------
    model : Model
    best : int array [1 or T, Z, X_1, ..., X_I]
        Numbers of decisions, for all periods or for each.
    """

    def __init__(self, model: Model, best: NDArray[Any]) -> None:
        self.model, self.best = model, best

    def start(self, episode: int) -> None:
        """Nothing to forget."""

    def act(self, observation: Observation) -> IntArray:
        """Return the best choice of every machine, int64 [M]."""
        table = self.best[min(observation.period, len(self.best) - 1)]
        state = (self.model.number(observation.setup), *observation.inventory)
        choice: IntArray = self.model.setups[int(table[state])]
        return choice
