"""OPLib files of the orienteering problem: TSPLIB's keywords with COST_LIMIT, scores and a depot.

Kobeaga, Merino and Lozano 2018 (Computers and Operations Research 90:42-59). The walk begins and ends at the depot,
whose own score (1, 74 and 0 in the generations 1, 2 and 3) does not count here, for every walk has it. Published values
count it and are that much higher: of eil51, st70 and kroA100 the best walks we know have 28, 42 and 55 visits besides
the depot in generation 1, where 29, 43 and 56 are published, and 1600, 2212 and 3138 in generation 2, where 1674, 2286
and 3212 are (Fischetti, Salazar Gonzalez and Toth 1998, INFORMS Journal on Computing 10:133-148).
"""

from collections.abc import Sequence

from counterpoint.datasets.routing.sections import sections
from counterpoint.datasets.routing.weights import KEYWORDS, SECTIONS, read_places, write_places
from counterpoint.datasets.text import Line
from counterpoint.opt.errors import InstanceError, printable
from counterpoint.opt.problems.orienteering import Orienteering

SCORE = "NODE_SCORE_SECTION"


def read_oplib(lines: Sequence[Line], name: str) -> Orienteering:
    """Parse a .oplib file; InstanceError with the line if it is none."""
    data = sections(lines, (*KEYWORDS, "COST_LIMIT"), (*SECTIONS, SCORE, "DEPOT_SECTION"))
    data.text("TYPE", ("OP",))
    places, longest, depot = read_places(data), data.number("COST_LIMIT"), data.depot()
    score = data.by_node(SCORE, 1)[:, 0]
    try:
        return Orienteering(name, places, score, longest, (depot, depot))
    except InstanceError as error:
        at = data.keywords["COST_LIMIT"].line if error.place[:1] == ("max_length",) else data.section(SCORE).head
        raise InstanceError(error.message, line=at.number) from None


def write_oplib(instance: Orienteering) -> str:
    """Return the text of an instance with rounded distances or a matrix that ends where it begins."""
    scores = (repr(prize).removesuffix(".0") for prize in instance.prize.tolist())
    return "\n".join(
        [
            f"NAME : {printable(instance.name).replace(':', ' ')}",
            "TYPE : OP",
            f"DIMENSION : {instance.num_places}",
            f"COST_LIMIT : {repr(instance.max_length).removesuffix('.0')}",
            *write_places(instance.places),
            SCORE,
            *(f"{node} {score}" for node, score in enumerate(scores, 1)),
            "DEPOT_SECTION",
            str(instance.ends[0] + 1),
            "-1",
            "EOF",
            "",
        ]
    )
