"""Solutions in files: tours of TSPLIB95 (``.tour``) and routes of VRPLIB (``.sol``)."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from counterpoint.datasets.routing.numbers import single, stream, whole
from counterpoint.datasets.routing.sections import sections
from counterpoint.datasets.text import Line, data_lines, numbers
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.cvrp import Routes
from counterpoint.opt.problems.tsp import Tour

Solution = TypeVar("Solution")
MAX_BYTES = 200_000_000
ROUTE = re.compile(rb"route\s*#?\s*([0-9]{1,9})\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)
COST = re.compile(rb"cost\s*:?\s*(\S+)", re.IGNORECASE)


def read_tour(path: str | os.PathLike[str]) -> Tour:
    """Read a tour, nodes 1..N of a file as places 0..N-1.

    Raises
    ------
    InstanceError
        With file and line. Whether the tour fits an instance is the checker's question.
    """
    return _read(path, parse_tour)


def read_routes(path: str | os.PathLike[str]) -> Routes:
    """Read routes ``Route #1: 31 46``, customers as places (the depot is 0); a stated cost is not trusted, or kept.

    Raises
    ------
    InstanceError
        With file and line.
    """
    return _read(path, lambda lines: parse_routes(lines)[0])


def parse_tour(lines: Sequence[Line]) -> Tour:
    """Parse the lines of a .tour file; a minus one at the end of the tour may be missing where EOF stands."""
    data = sections(lines, ("TYPE", "DIMENSION"), ("TOUR_SECTION",))
    data.text("TYPE", ("TOUR",), "TOUR")
    section = data.section("TOUR_SECTION")
    what = "the nodes of a tour, then -1"
    values, _ = stream(section.body, what)
    ends = np.flatnonzero(values == -1).tolist()
    if len(ends) > 2 or (ends and set(ends) != set(range(len(values) - len(ends), len(values)))):
        raise InstanceError(f"expected {what}: one tour", line=section.head.number)
    nodes = whole(values[: len(values) - len(ends)], [section.head] * len(values), what)
    if not len(nodes):
        raise InstanceError(f"the tour is empty; expected {what}", line=section.head.number)
    if "DIMENSION" in data.keywords and data.dimension() != len(nodes):
        raise InstanceError(f"{len(nodes)} nodes; expected {data.dimension()}", line=section.head.number)
    if nodes.min() < 1:
        raise InstanceError(f"node {nodes.min()}; expected nodes from 1", line=section.head.number)
    return Tour(nodes - 1)


def parse_routes(lines: Sequence[Line]) -> tuple[Routes, float | None]:
    """Parse the lines of a .sol file: the routes, numbered from 1, and the cost that it states, if it does."""
    routes: list[list[int]] = []
    for k, line in enumerate(lines):
        if (match := ROUTE.fullmatch(line.raw)) is not None:
            if int(match[1]) != len(routes) + 1:
                raise InstanceError(f"expected route {len(routes) + 1} here", line=line.number)
            routes.append(numbers(Line(line.number, match[2]), "customers"))
        elif (match := COST.fullmatch(line.raw)) is not None and k == len(lines) - 1:
            return Routes(tuple(np.array(route, np.int64) for route in routes)), single(match[1], line, "the cost")
        else:
            raise InstanceError("expected Route #k: customers, and Cost at the end", line=line.number)
    if lines and not lines[-1].is_ended:
        raise InstanceError("the last line is cut: it has no end", line=lines[-1].number)
    return Routes(tuple(np.array(route, np.int64) for route in routes)), None


def write_routes(solution: Routes, cost: float | None = None) -> str:
    """Return the text of a .sol file."""
    rows = [f"Route #{k}: {' '.join(map(str, route.tolist()))}" for k, route in enumerate(solution.routes, 1)]
    return "\n".join([*rows, *([] if cost is None else [f"Cost {repr(float(cost)).removesuffix('.0')}"]), ""])


def write_tour(solution: Tour, name: str = "tour") -> str:
    """Return the text of a .tour file."""
    head = [f"NAME : {name}", "TYPE : TOUR", f"DIMENSION : {len(solution.order)}", "TOUR_SECTION"]
    return "\n".join([*head, *map(str, (solution.order + 1).tolist()), "-1", "EOF", ""])


def _read(path: str | os.PathLike[str], parse: Callable[[Sequence[Line]], Solution]) -> Solution:
    file = Path(path)
    try:
        if not file.is_file():
            raise InstanceError("there is no such file", line=1)
        if file.stat().st_size > MAX_BYTES:
            raise InstanceError(f"expected a file of up to {MAX_BYTES} bytes", line=1)
        lines = data_lines(file.read_bytes())
        if not lines:
            raise InstanceError("the file is empty; expected a solution", line=1)
        return parse(lines)
    except (OSError, ValueError) as error:
        if isinstance(error, InstanceError):
            raise error.at(str(path), error.line or 1) from None
        raise InstanceError("cannot be read", file=str(path), line=1) from None
