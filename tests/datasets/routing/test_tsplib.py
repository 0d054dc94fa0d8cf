"""TSPLIB files: every metric by hand, every layout against one matrix, every mistake with its line."""

import os
from pathlib import Path

import numpy as np
import pytest

from counterpoint.datasets.reading import read, write
from counterpoint.datasets.routing.solutions import read_tour
from counterpoint.datasets.routing.tsplib import read_tsplib, write_tsplib
from counterpoint.datasets.routing.weights import LAYOUTS
from counterpoint.datasets.text import data_lines
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, check

DATA = Path(os.environ.get("COUNTERPOINT_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")) / "routing"
needs_files = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs {DATA} (set COUNTERPOINT_DATA)")
FLAT = """NAME : tiny
COMMENT : a square: 1 2 3
COMMENT : and more
TYPE : TSP (by hand)
DIMENSION : 4
EDGE_WEIGHT_TYPE : {metric}
NODE_COORD_SECTION
1 0 0
2 3 4.2
4 -1.5e0 .5
3 10 0
EOF
"""
FULL = """NAME: full
TYPE: {kind}
DIMENSION: 4
EDGE_WEIGHT_TYPE: EXPLICIT
EDGE_WEIGHT_FORMAT: {layout}
EDGE_WEIGHT_SECTION
{weights}
EOF
"""
SQUARE = np.array([[0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]])
ASYMMETRIC = np.array([[0, 1, 2, 3], [9, 0, 4, 5], [8, 7, 0, 6], [3, 2, 1, 0]])


def parse(text):
    return read_tsplib(data_lines(text.encode()), "tiny")


def error_of(text):
    with pytest.raises(InstanceError) as caught:
        parse(text)
    return caught.value.line, caught.value.message


@pytest.mark.parametrize(
    ("metric", "ab", "ac", "ad"),  # (3, 4.2): 5.161...; (10, 0); (-1.5, 0.5): 1.581...
    [
        ("EUC_2D", 5, 10, 2),
        ("CEIL_2D", 6, 10, 2),
        ("MAN_2D", 7, 10, 2),
        ("MAX_2D", 4, 10, 2),
        ("ATT", 2, 4, 1),  # sqrt(26.64 / 10) = 1.632 up; sqrt(10) = 3.162 up; sqrt(0.25) = 0.5 is 1
    ],
)
def test_each_metric_by_hand_and_nodes_in_any_order(metric, ab, ac, ad):
    instance = parse(FLAT.format(metric=metric))
    assert instance.places.lengths([0, 0, 0], [1, 2, 3]).tolist() == [ab, ac, ad]
    assert instance.places.points[3].tolist() == [-1.5, 0.5]
    assert instance.places.is_integral


def test_geographical_distances():
    """Of ulysses22's first places; TSPLIB's documentation gives 509 for the first two."""
    text = FLAT.format(metric="GEO").replace("1 0 0", "1 38.24 20.42").replace("2 3 4.2", "2 39.57 26.15")
    assert parse(text).places.lengths(0, 1) == 509


def listed(matrix, layout):
    """Return the weights in the order of a layout, cell by cell, as TSPLIB's documentation describes it."""
    n, found = len(matrix), []
    for a in range(n):
        for b in range(n):
            row, column = (a, b) if layout.endswith(("ROW", "MATRIX")) else (b, a)
            inside = {"FULL": True, "UPPE": row < column, "LOWE": row > column}[layout[:4]]
            if inside or ("DIAG" in layout and row == column):
                found.append(matrix[row, column])
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("width", [1, 3, 100])
def test_every_layout_wherever_its_lines_break(layout, width):
    weights = listed(SQUARE + 7 * np.eye(4, dtype=int), layout)
    rows = [" ".join(map(str, weights[k : k + width])) for k in range(0, len(weights), width)]
    instance = parse(FULL.format(kind="TSP", layout=layout, weights="\n".join(rows)))
    assert instance.places.matrix.tolist() == SQUARE.tolist()
    assert instance.places.matrix.dtype == np.int64


def test_an_asymmetric_matrix_needs_its_type():
    weights = "\n".join(" ".join(map(str, row)) for row in ASYMMETRIC.tolist())
    assert parse(FULL.format(kind="ATSP", layout="FULL_MATRIX", weights=weights)).features == {"asymmetric"}
    line, message = error_of(FULL.format(kind="TSP", layout="FULL_MATRIX", weights=weights))
    assert line == 2
    assert "not symmetric; expected TYPE : ATSP" in message


def test_decimals_make_a_matrix_of_floats():
    matrix = parse(FULL.format(kind="TSP", layout="UPPER_ROW", weights="1.0 2 3 4 5 6")).places.matrix
    assert matrix.dtype == np.float64
    assert matrix[0, 1] == 1.0


def test_a_diagonal_of_any_size_does_not_count():
    weights = "\n".join(" ".join(map(str, row)) for row in (SQUARE + 10**17 * np.eye(4, dtype=int)).tolist())
    instance = parse(FULL.format(kind="TSP", layout="FULL_MATRIX", weights=weights))
    assert instance.places.matrix.tolist() == SQUARE.tolist()


@pytest.mark.parametrize("section", ["DISPLAY_DATA_SECTION", "NODE_COORD_SECTION"])
def test_points_beside_a_matrix_are_kept_for_pictures(section):
    text = FULL.format(kind="TSP", layout="UPPER_ROW", weights=f"1 2 3 4 5 6\n{section}\n1 0 0\n2 1 0\n3 1 1\n4 0 .5")
    instance = parse(text)
    assert instance.places.points[3].tolist() == [0, 0.5]
    assert instance.places.lengths(0, 1) == 1
    assert parse(write_tsplib(instance)) == instance


GOOD = FLAT.format(metric="EUC_2D")
EXPLICIT = FULL.format(kind="TSP", layout="UPPER_ROW", weights="1 2 3\n4 5 6")


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("2 3 4.2", "2 3", 9, "2 fields; expected a node and 2 numbers"),
        ("2 3 4.2", "2 3 4.2 7", 9, "4 fields"),
        ("2 3 4.2", "2 3 nan", 9, "'nan' is not a number"),
        ("2 3 4.2", "2 3 1e999", 9, "'1e999' is not a number"),
        ("2 3 4.2", "2 3 1_0", 9, "'1_0' is not a number"),
        ("2 3 4.2", "2 3 4-2", 9, "'4-2' is not a number"),
        ("2 3 4.2", "2 3 4.2\n2 3 4.2", 12, "5 lines in NODE_COORD_SECTION; expected 4"),
        ("2 3 4.2\n", "", 10, "3 lines in NODE_COORD_SECTION; expected 4"),
        ("2 3 4.2", "1 3 4.2", 9, "node 1 comes twice"),
        ("2 3 4.2", "5 3 4.2", 9, "node 5; expected 1..4"),
        ("2 3 4.2", "0 3 4.2", 9, "node 0; expected 1..4"),
        ("2 3 4.2", "2.5 3 4.2", 9, "a whole number"),
        ("2 3 4.2", "2 3 1e10", 9, "expected coordinates within"),
        ("2 3 4.2", "2 3 " + "1" * 50, 9, "is not a number"),
        ("DIMENSION : 4", "DIMENSION : 0", 5, "expected a whole number in 1.."),
        ("DIMENSION : 4", "DIMENSION : 4.5", 5, "expected a whole number in 1.."),
        ("DIMENSION : 4", "DIMENSION : 1e9", 5, "expected a whole number in 1.."),
        ("DIMENSION : 4", "DIMENSION : four", 5, "a number, not 'four'"),
        ("DIMENSION : 4", "DIMENSION 4", 5, "'DIMENSION 4' is not supported here"),
        ("DIMENSION : 4\n", "", 11, "DIMENSION is missing"),
        ("DIMENSION : 4", "DIMENSION : 4\nDIMENSION : 4", 6, "DIMENSION comes twice"),
        ("DIMENSION : 4", "DIMENSION : 4\n3", 6, "expected a keyword or a section after DIMENSION"),
        ("EUC_2D", "EUC_3D", 6, "'EUC_3D' is not supported"),
        ("EUC_2D", "", 6, "EDGE_WEIGHT_TYPE '' is not supported"),
        ("TSP (by", "SOP (by", 4, "TYPE 'SOP' is not supported; expected one of TSP, ATSP"),
        ("TSP (by", "TOUR (by", 4, "this is a tour"),
        ("NODE_COORD_SECTION", "NODE_COORD_SECTION : 3", 7, "expected nothing after"),
        ("NODE_COORD_SECTION", "FIXED_EDGES_SECTION\n1 2\n-1\nNODE_COORD_SECTION", 7, "is not supported here"),
        ("EOF", "EOF\n1", 13, "expected nothing after EOF"),
        ("EOF", "NODE_COORD_SECTION\n1 0 0", 12, "NODE_COORD_SECTION comes twice"),
        ("EOF", "EDGE_WEIGHT_SECTION\n1 2", 12, "EDGE_WEIGHT_TYPE EUC_2D has none"),
        ("EOF\n", "5 1", 12, "the last line is cut"),
        ("NAME : tiny", "1 2", 1, "expected a keyword"),
    ],
)
def test_every_mistake_has_its_line(old, new, line, message):
    assert GOOD.count(old) == 1
    found_line, found = error_of(GOOD.replace(old, new))
    assert message in found
    assert found_line == line


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("4 5 6", "4 5", 8, "5 weights; expected 6 (UPPER_ROW of 4 places)"),
        ("4 5 6", "4 5 6 7", 8, "7 weights; expected 6"),
        ("4 5 6", "4 5 -6", 6, "expected distances in 0.."),
        ("4 5 6", "4 5 inf", 8, "'inf' is not a number"),
        ("4 5 6", "4 5 1e13", 6, "expected distances in 0.."),
        ("UPPER_ROW", "UPPER", 5, "'UPPER' is not supported; expected one of FULL_MATRIX"),
        ("EDGE_WEIGHT_FORMAT: UPPER_ROW\n", "", 8, "EDGE_WEIGHT_FORMAT is missing"),
        ("DIMENSION: 4", "DIMENSION: 900000", 6, "a matrix of 900000 places"),
        ("EDGE_WEIGHT_SECTION\n1 2 3\n4 5 6\n", "", 6, "EDGE_WEIGHT_SECTION is missing"),
    ],
)
def test_mistakes_in_a_matrix(old, new, line, message):
    found_line, found = error_of(EXPLICIT.replace(old, new))
    assert message in found
    assert found_line == line


@pytest.mark.parametrize("metric", ["euc-2d", "ceil-2d", "att", "geo", "man-2d", "max-2d"])
def test_what_is_written_is_read_back(metric, tmp_path):
    points = np.random.default_rng(3).normal(size=(9, 2)) * 30
    instance = Tsp("round", Places(metric, points))
    write(instance, tmp_path / "round.tsp")
    assert read(tmp_path / "round.tsp") == instance


@pytest.mark.parametrize("matrix", [SQUARE, ASYMMETRIC, SQUARE / 3.0, SQUARE * 1.0])
def test_matrices_are_read_back(matrix, tmp_path):
    instance = Tsp("round", Places("explicit", None, matrix))
    write(instance, tmp_path / "round.tsp")
    assert read(tmp_path / "round.tsp") == instance


@pytest.mark.parametrize(
    ("instance", "message"),
    [
        (Tsp("x", Places("euclidean", [[0, 0], [1, 1]])), "not rounded"),
        (Tsp("x", Places("euc-2d", [[0, 0], [1, 1]]), (0, 1)), "cannot hold path"),
    ],
)
def test_what_the_format_cannot_hold(instance, message, tmp_path):
    with pytest.raises(InstanceError, match=message):
        write(instance, tmp_path / "x.tsp")
    assert not (tmp_path / "x.tsp").exists()


def test_the_content_tells_the_format(tmp_path):
    (tmp_path / "what.txt").write_text(GOOD)
    assert read(tmp_path / "what.txt").problem == "tsp"
    (tmp_path / "what.txt").write_text(GOOD.replace("TSP (by hand)", "HCP"))
    with pytest.raises(InstanceError, match=r"what.txt:4: TYPE 'HCP' is not supported"):
        read(tmp_path / "what.txt")


def optima():
    rows = (line.split(":") for line in (DATA / "tsplib_optima.txt").read_text().splitlines() if ":" in line)
    return {name.strip(): int(value.split()[0]) for name, value in rows}


@needs_files
def test_every_optimal_tour_has_the_published_length():
    seen = 0
    for file in sorted((DATA / "tours").glob("*.tour")):
        name = file.name.split(".")[0]
        if not (DATA / "tsplib" / f"{name}.tsp").exists():
            continue  # alb1000 is a Hamiltonian cycle problem
        found = check(read(DATA / "tsplib" / f"{name}.tsp"), read_tour(file))
        assert (found.objective, found.violations) == (optima()[name], ()), name
        seen += 1
    assert seen >= 30


@needs_files
def test_every_asymmetric_file_is_read():
    files = sorted((DATA / "atsp").glob("*.atsp"))
    assert {read(file).features == {"asymmetric"} for file in files} == {True}
    assert [read(file).num_places for file in files[:2]] == [17, 53]


@needs_files
@pytest.mark.slow
def test_every_symmetric_file_is_read():
    for file in sorted((DATA / "tsplib").glob("*.tsp")):
        if file.stem == "linhp318":
            with pytest.raises(InstanceError, match="'FIXED_EDGES_SECTION' is not supported"):
                read(file)
        else:
            assert read(file).places.is_symmetric
