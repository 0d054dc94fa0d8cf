"""Public instances: the vehicle routing problems of Uchoa et al. 2017, X-n101-k25 is shipped (figures/README.md).

All of which the value is known are recognised by their content, wherever they are read from.
"""

from counterpoint.datasets.routing.public import names_by_content_of, references_of, shipped
from counterpoint.datasets.routing.vrplib import read_vrplib
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.result import Reference


def names() -> tuple[str, ...]:
    """Return the names that `build` takes."""
    return tuple(shipped("cvrp"))


def build(name: str) -> Cvrp:
    """Return the instance of this name."""
    return read_vrplib(shipped("cvrp")[name], name)


def references() -> dict[str, Reference]:
    """Return what is known by name."""
    return references_of("cvrp")


def names_by_content() -> dict[str, str]:
    """Return the name of each content hash."""
    return names_by_content_of("cvrp")
