"""Public instances: TSPLIB's travelling salesman problems, symmetric and not; ten are shipped (figures/README.md).

All of which the value is known are recognised by their content, wherever they are read from.
"""

from counterpoint.datasets.routing.public import names_by_content_of, references_of, shipped
from counterpoint.datasets.routing.tsplib import read_tsplib
from counterpoint.opt.problems.tsp import Tsp
from counterpoint.opt.result import Reference


def names() -> tuple[str, ...]:
    """Return the names that `build` takes."""
    return tuple(shipped("tsp"))


def build(name: str) -> Tsp:
    """Return the instance of this name."""
    return read_tsplib(shipped("tsp")[name], name)


def references() -> dict[str, Reference]:
    """Return what is known by name."""
    return references_of("tsp")


def names_by_content() -> dict[str, str]:
    """Return the name of each content hash."""
    return names_by_content_of("tsp")
