"""VRPLIB and OPLib files, and files of solutions: by hand, every mistake with its line, published values exactly."""

import os
from pathlib import Path

import pytest

from counterpoint.datasets.reading import read, write
from counterpoint.datasets.routing.solutions import (
    parse_routes,
    parse_tour,
    read_routes,
    read_tour,
    write_routes,
    write_tour,
)
from counterpoint.datasets.text import data_lines
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems import cvrp, orienteering
from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour

DATA = Path(os.environ.get("COUNTERPOINT_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")) / "routing"
needs_files = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs {DATA} (set COUNTERPOINT_DATA)")
VRP = """NAME : \ttiny\t
COMMENT : "by hand"
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 5
NODE_COORD_SECTION\t\t
1\t0\t0\t
2\t3\t4
3\t6\t8
4\t0\t1
DEMAND_SECTION
1 0
2 3
4 5
3 2
DEPOT_SECTION
\t1
\t-1
EOF
"""
OP = """NAME : tiny
TYPE : OP
DIMENSION : 3
TSP_SOLUTION : 20
COST_LIMIT : 10
EDGE_WEIGHT_TYPE : EUC_2D
NODE_COORD_SECTION
1 3 4
2 0 0
3 6 8
NODE_SCORE_SECTION
1 7
2 1
3 2.5
DEPOT_SECTION
2
-1
EOF
"""


def put(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    return tmp_path / name


def test_a_vrp_by_hand(tmp_path):
    instance = read(put(tmp_path, "tiny.vrp", VRP))
    assert instance == Cvrp("tiny", Places("euc-2d", [[0, 0], [3, 4], [6, 8], [0, 1]]), [0, 3, 2, 5], 5)
    found = cvrp.check(instance, Routes(([1, 2], [3])))
    assert (found.objective, found.violations) == (5 + 5 + 10 + 1 + 1, ())


def test_an_op_by_hand(tmp_path):
    instance = read(put(tmp_path, "tiny.oplib", OP))
    places = Places("euc-2d", [[3, 4], [0, 0], [6, 8]])
    assert instance == Orienteering("tiny", places, [7, 1, 2.5], 10.0, (1, 1))
    assert orienteering.check(instance, Walk([0])).objective == 7
    assert orienteering.check(instance, Walk([2])).violations[0].kind == "length"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("4 5\n3", "4 6\n3", 15, "expected a demand in 0..5"),
        ("4 5\n3", "4 -1\n3", 15, "expected a demand in 0..5"),
        ("4 5\n3", "4 1.5\n3", 15, "expected a whole number in DEMAND_SECTION"),
        ("1 0\n2", "1 1\n2", 13, "the depot (place 0) has a demand"),
        ("1 0\n2", "2 0\n2", 14, "node 2 comes twice in DEMAND_SECTION"),
        ("N\n\t1\n", "N\n\t2\n", 17, "the depot is node 2; expected 1"),
        ("N\n\t1\n", "N\n\t1\n2\n", 17, "expected one depot, then -1"),
        ("N\n\t1\n", "N\n\t9\n", 18, "depot 9; expected a node in 1..4"),
        ("\t-1\n", "", 17, "expected one depot, then -1"),
        ("CAPACITY : 5", "CAPACITY : 0", 6, "expected a whole number in 1.."),
        ("CAPACITY : 5\n", "", 19, "CAPACITY is missing"),
        ("CAPACITY : 5", "CAPACITY : 5\nDISTANCE : 9", 7, "'DISTANCE' is not supported here"),
        ("CAPACITY : 5", "CAPACITY : 5\nVEHICLES : 2", 7, "'VEHICLES' is not supported here"),
        ("DEMAND_SECTION\n1 0\n2 3\n4 5\n3 2\n", "", 15, "DEMAND_SECTION is missing"),
    ],
)
def test_mistakes_in_a_vrp(old, new, line, message, tmp_path):
    assert VRP.count(old) == 1
    with pytest.raises(InstanceError) as caught:
        read(put(tmp_path, "tiny.vrp", VRP.replace(old, new)))
    assert message in caught.value.message
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("COST_LIMIT : 10", "COST_LIMIT : -1", 5, "expected a length of at least 0"),
        ("COST_LIMIT : 10", "COST_LIMIT : nan", 5, "a number, not 'nan'"),
        ("COST_LIMIT : 10\n", "", 17, "COST_LIMIT is missing"),
        ("3 2.5", "3 -2", 11, "prizes in 0.."),
        ("3 2.5", "3", 14, "1 fields; expected a node and 1 number"),
        ("DEPOT_SECTION\n2\n-1\n", "", 15, "DEPOT_SECTION is missing"),
    ],
)
def test_mistakes_in_an_op(old, new, line, message, tmp_path):
    assert OP.count(old) == 1
    with pytest.raises(InstanceError) as caught:
        read(put(tmp_path, "tiny.oplib", OP.replace(old, new)))
    assert message in caught.value.message
    assert caught.value.line == line


def test_what_is_written_is_read_back(tmp_path):
    places = Places("ceil-2d", [[0.25, 0], [1, 1 / 3], [5, 5]])
    matrix = Places("explicit", None, [[0, 2, 3], [4, 0, 5], [6, 7, 0]])
    for instance, suffix in (
        (Cvrp("a", places, [0, 2, 3], 4), ".vrp"),
        (Cvrp("b", matrix, [0, 2, 3], 4), ".vrp"),
        (Orienteering("c", places, [0, 1, 1 / 3], 7.5, (2, 2)), ".oplib"),
        (Orienteering("d", matrix, [0, 1, 2], 7), ".oplib"),
    ):
        write(instance, tmp_path / f"{instance.name}{suffix}")
        assert read(tmp_path / f"{instance.name}{suffix}") == instance


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        (Cvrp("x", Places("euc-2d", [[0, 0], [1, 1]]), [0, 1], 4, 1, 2), "cannot hold under-way"),
        (Cvrp("x", Places("euclidean", [[0, 0], [1, 1]]), [0, 1], 4), "not rounded"),
        (Orienteering("x", Places("euc-2d", [[0, 0], [1, 1]]), [0, 1], 4, (0, 1)), "cannot hold path"),
    ],
)
def test_what_the_formats_cannot_hold(instance, message, tmp_path):
    suffix = ".vrp" if isinstance(instance, Cvrp) else ".oplib"
    with pytest.raises(InstanceError, match=message):
        write(instance, tmp_path / f"x{suffix}")


def test_routes_by_hand(tmp_path):
    text = "Route #1: 31 46\nroute #2 : 5\nCost 12.5\n"
    assert parse_routes(data_lines(text.encode())) == (Routes(([31, 46], [5])), 12.5)
    assert read_routes(put(tmp_path, "a.sol", text)) == Routes(([31, 46], [5]))
    assert parse_routes(data_lines(write_routes(Routes(([3], [1, 2])), 7).encode())) == (Routes(([3], [1, 2])), 7)
    assert parse_routes(data_lines(write_routes(Routes(([3],))).encode())) == (Routes(([3],)), None)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("Route #2: 1\n", 1, "expected route 1 here"),
        ("Route #1: 1 x\n", 1, "'x' is not a whole number"),
        ("Route #1: 1\nCost 3\nRoute #2: 2\n", 2, "Cost at the end"),
        ("Route #1: 1\nCost nan\n", 2, "expected the cost, a number"),
        ("Route #1: 1 23", 1, "the last line is cut"),
        ("", 1, "the file is empty"),
        ("hello\n", 1, "expected Route #k"),
    ],
)
def test_mistakes_in_routes(text, line, message, tmp_path):
    with pytest.raises(InstanceError) as caught:
        read_routes(put(tmp_path, "a.sol", text))
    assert message in caught.value.message
    assert (caught.value.line, caught.value.file) == (line, str(tmp_path / "a.sol"))


def test_tours_by_hand(tmp_path):
    text = "NAME : t\nTYPE : TOUR\nDIMENSION : 3\nTOUR_SECTION\n2 3\n1\n-1\nEOF\n"
    for given in (text, text.replace("-1\n", "-1\n-1\n"), text.replace("-1\n", ""), text.replace("TYPE : TOUR\n", "")):
        assert parse_tour(data_lines(given.encode())) == Tour([1, 2, 0])
    assert read_tour(put(tmp_path, "a.tour", write_tour(Tour([2, 0, 1])))) == Tour([2, 0, 1])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2 3\n", "2 3\n-1\n", "one tour"),
        ("2 3\n", "2\n", "2 nodes; expected 3"),
        ("2 3\n1\n", "", "the tour is empty"),
        ("2 3\n", "2 0\n", "node 0; expected nodes from 1"),
        ("2 3\n", "2 2.5\n", "a whole number"),
        ("2 3\n", "2 3_0\n", "'3_0' is not a number"),
        ("TYPE : TOUR", "TYPE : TSP", "TYPE 'TSP' is not supported"),
        ("TOUR_SECTION", "NODE_COORD_SECTION", "is not supported here"),
    ],
)
def test_mistakes_in_tours(old, new, message):
    text = "NAME : t\nTYPE : TOUR\nDIMENSION : 3\nTOUR_SECTION\n2 3\n1\n-1\nEOF\n"
    with pytest.raises(InstanceError) as caught:
        parse_tour(data_lines(text.replace(old, new).encode()))
    assert message in caught.value.message
    assert caught.value.line is not None


def test_files_that_are_not_there(tmp_path):
    for reader in (read_tour, read_routes):
        with pytest.raises(InstanceError, match="there is no such file"):
            reader(tmp_path / "none")


@needs_files
def test_every_published_solution_costs_what_it_says():
    files = sorted((DATA / "cvrplib").glob("X-*.vrp"))
    assert len(files) >= 15
    for file in files:
        routes, cost = parse_routes(data_lines(file.with_suffix(".sol").read_bytes()))
        found = cvrp.check(read(file), routes)
        assert (found.objective, found.violations) == (cost, ()), file
