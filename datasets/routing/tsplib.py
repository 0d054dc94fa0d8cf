"""TSPLIB95 files of symmetric and asymmetric travelling salesman problems (Reinelt 1991, ORSA J. Computing 3:376-384).

Other types (SOP, HCP, HPP), fixed edges and three-dimensional coordinates are refused. A file of type TSP must be
symmetric; the diagonal never counts.
"""

from collections.abc import Sequence

from counterpoint.datasets.routing.sections import sections
from counterpoint.datasets.routing.weights import KEYWORDS, SECTIONS, read_places, write_places
from counterpoint.datasets.text import Line
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.tsp import Tsp


def read_tsplib(lines: Sequence[Line], name: str) -> Tsp:
    """Parse a .tsp or .atsp file; InstanceError with the line if it is none."""
    data = sections(lines, KEYWORDS, (*SECTIONS, "TOUR_SECTION"))
    if data.text("TYPE", ("TSP", "ATSP", "TOUR")) == "TOUR":
        raise InstanceError(
            "this is a tour; expected an instance (counterpoint.datasets.routing.solutions.read_tour reads tours)",
            line=data.keywords["TYPE"].line.number,
        )
    kind = data.text("TYPE", ("TSP", "ATSP"))
    instance = Tsp(name, read_places(data))
    if kind == "TSP" and not instance.places.is_symmetric:
        raise InstanceError("the matrix is not symmetric; expected TYPE : ATSP", line=data.keywords["TYPE"].line.number)
    return instance


def write_tsplib(instance: Tsp) -> str:
    """Return the text of an instance with rounded distances or a matrix."""
    return "\n".join(
        [
            f"NAME : {printable(instance.name).replace(':', ' ')}",
            f"TYPE : {'TSP' if instance.places.is_symmetric else 'ATSP'}",
            f"DIMENSION : {instance.num_places}",
            *write_places(instance.places),
            "EOF",
            "",
        ]
    )
