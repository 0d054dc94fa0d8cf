"""VRPLIB files of capacitated vehicle routing: TSPLIB's keywords with CAPACITY, demands and a depot.

Uchoa et al. 2017 (European Journal of Operational Research 257:845-858) and the CVRP files of TSPLIB95. The depot must
be node 1, as it is in all of them, so that a solution's customers are places. Limits on length, service times and
fleets are other problems, and refused.
"""

from collections.abc import Sequence

from counterpoint.datasets.routing.sections import sections
from counterpoint.datasets.routing.weights import KEYWORDS, SECTIONS, read_places, write_places
from counterpoint.datasets.text import Line
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.cvrp import MAX_CAPACITY, Cvrp

DEMAND = "DEMAND_SECTION"


def read_vrplib(lines: Sequence[Line], name: str) -> Cvrp:
    """Parse a .vrp file; InstanceError with the line if it is none."""
    data = sections(lines, (*KEYWORDS, "CAPACITY"), (*SECTIONS, DEMAND, "DEPOT_SECTION"))
    data.text("TYPE", ("CVRP",))
    places, capacity = read_places(data), data.whole_number("CAPACITY", MAX_CAPACITY)
    if data.depot() != 0:
        raise InstanceError(
            f"the depot is node {data.depot() + 1}; expected 1", line=data.section("DEPOT_SECTION").head.number
        )
    demand = data.whole_by_node(DEMAND)
    try:
        return Cvrp(name, places, demand, capacity)
    except InstanceError as error:
        if error.place[:1] == ("demand",) and len(error.place) > 1:
            raise InstanceError(error.message, line=data.line_of(DEMAND, int(error.place[1]))) from None
        raise InstanceError(error.message, line=data.last.number) from None


def write_vrplib(instance: Cvrp) -> str:
    """Return the text of an instance with rounded distances or a matrix and all vehicles at the depot."""
    return "\n".join(
        [
            f"NAME : {printable(instance.name).replace(':', ' ')}",
            "TYPE : CVRP",
            f"DIMENSION : {instance.num_places}",
            f"CAPACITY : {instance.capacity}",
            *write_places(instance.places),
            DEMAND,
            *(f"{node} {demand}" for node, demand in enumerate(instance.demand.tolist(), 1)),
            "DEPOT_SECTION",
            "1",
            "-1",
            "EOF",
            "",
        ]
    )
