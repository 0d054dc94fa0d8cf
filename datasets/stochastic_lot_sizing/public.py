"""Public plants of parallel machines, shipped as JSON, a line each; nothing is known of their optimal cost."""

import json
from functools import cache

from counterpoint.datasets.figures import figure_text
from counterpoint.opt.errors import UnknownNameError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing
from counterpoint.opt.problems.stochastic_lot_sizing_json import decode
from counterpoint.opt.result import Reference


def names() -> tuple[str, ...]:
    """Return the names that `build` takes."""
    return tuple(_plants())


def build(name: str) -> StochasticLotSizing:
    """Return the plant of this name; UnknownNameError otherwise."""
    if name not in _plants():
        raise UnknownNameError("benchmark", name, names())
    return _plants()[name]


def references() -> dict[str, Reference]:
    """Return nothing: costs are expected costs, and no optimum is published."""
    return {}


def names_by_content() -> dict[str, str]:
    """Return nothing, as there are no references."""
    return {}


@cache
def _plants() -> dict[str, StochasticLotSizing]:
    found = (decode(json.loads(line)) for line in figure_text("stochastic_lot_sizing.txt").splitlines())
    return {plant.name: plant for plant in found if isinstance(plant, StochasticLotSizing)}
