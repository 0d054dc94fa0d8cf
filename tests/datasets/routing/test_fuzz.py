"""Mutated files: every reader refuses with a line what it can tell, and never fails with another error.

What is accepted after a mutation must be an instance that the written form of itself reproduces: the reader made
sense of every number it was given.
"""

import string

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterpoint.datasets.json_file import read_json, write_json
from counterpoint.datasets.knapsack.kp import read_kp, write_kp
from counterpoint.datasets.routing.oplib import read_oplib, write_oplib
from counterpoint.datasets.routing.solutions import parse_routes, parse_tour, write_routes, write_tour
from counterpoint.datasets.routing.tsplib import read_tsplib, write_tsplib
from counterpoint.datasets.routing.vrplib import read_vrplib, write_vrplib
from counterpoint.datasets.routing.weights import LAYOUTS
from counterpoint.datasets.text import data_lines
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.problems.knapsack import Knapsack
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.problems.places import METRICS, Places
from counterpoint.opt.problems.tsp import Tour, Tsp

CHARACTERS = string.digits + string.ascii_letters + " \n\t-+.,:#_\u0663\x00é"
TOKENS = [
    "", "0", "1", "-1", "7", "nan", "inf", "1e3", "1e999", "1_0", "9" * 25, "9" * 60, "0x1", "½", "-0", "1.5", "EOF",
    "TYPE : ATSP", "TYPE : CVRP", "EXPLICIT", "GEO", "DIMENSION : 2", "DIMENSION : 999999", "\n", ":",
    "NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION", "DEPOT_SECTION", "UPPER_ROW", "CAPACITY : 3", "COST_LIMIT : 1e300",
    "Route #1: 3", "Cost 3",
]  # fmt: skip


def places_of(rng, metrics):
    n, metric = int(rng.integers(1, 6)), metrics[rng.integers(len(metrics))]
    points = rng.integers(-90, 90, (n, 2)) / rng.choice([1, 4, 7])
    if metric != "explicit":
        return Places(metric, points)
    matrix = rng.integers(0, 50, (n, n))
    return Places(metric, points if rng.random() < 0.5 else None, matrix / 3 if rng.random() < 0.3 else matrix)


def tsp_of(rng, metrics=METRICS[1:]):
    return Tsp("x", places_of(rng, metrics))


def cvrp_of(rng, metrics=METRICS[1:]):
    places = places_of(rng, metrics)
    return Cvrp("x", places, [0, *rng.integers(0, 9, len(places) - 1)], 9)


def orienteering_of(rng, metrics=METRICS[1:]):
    places = places_of(rng, metrics)
    end = int(rng.integers(len(places)))
    return Orienteering("x", places, rng.integers(0, 9, len(places)) / 4, float(rng.integers(0, 99)), (end, end))


def knapsack_of(rng, metrics=()):
    n = int(rng.integers(1, 6))
    return Knapsack("x", rng.integers(0, 99, n), rng.integers(0, 99, n), int(rng.integers(0, 200)))


def laid_out(rng):
    """Return a .tsp file with a triangle in any layout."""
    layout, n = LAYOUTS[rng.integers(1, len(LAYOUTS))], int(rng.integers(1, 6))
    weights = rng.integers(0, 99, n * (n + 1) // 2 if "DIAG" in layout else n * (n - 1) // 2)
    head = f"NAME: x\nTYPE: TSP\nCOMMENT: a\nDIMENSION: {n}\nEDGE_WEIGHT_TYPE: EXPLICIT\nEDGE_WEIGHT_FORMAT: {layout}\n"
    return head + f"EDGE_WEIGHT_SECTION\n{' '.join(map(str, weights))}\nEOF\n"


def tour_of(rng):
    return write_tour(Tour(rng.permutation(int(rng.integers(1, 8)))))


def routes_of(rng):
    return write_routes(Routes(tuple(np.array_split(rng.permutation(6) + 1, 3))), 12.5)


def parsed_json(raw):
    return read_json(raw, name="x")


def by_lines(read):
    return lambda raw: read(data_lines(raw), "x")


# how a file is made from random numbers, how it is read, and how what was read is written
KINDS = {
    "tsplib": (lambda rng: write_tsplib(tsp_of(rng)), by_lines(read_tsplib), write_tsplib),
    "tsplib layouts": (laid_out, by_lines(read_tsplib), write_tsplib),
    "vrplib": (lambda rng: write_vrplib(cvrp_of(rng)), by_lines(read_vrplib), write_vrplib),
    "oplib": (lambda rng: write_oplib(orienteering_of(rng)), by_lines(read_oplib), write_oplib),
    "kp": (lambda rng: write_kp(knapsack_of(rng)), by_lines(read_kp), write_kp),
    "tour": (tour_of, lambda raw: parse_tour(data_lines(raw)), write_tour),
    "sol": (routes_of, lambda raw: parse_routes(data_lines(raw))[0], write_routes),
    **{
        f"json of {build.__name__}": (lambda rng, build=build: write_json(build(rng, METRICS)), parsed_json, write_json)
        for build in (tsp_of, cvrp_of, orienteering_of, knapsack_of)
    },
}


@st.composite
def mutated(draw, kind):
    """A well-formed file with one to three mutations."""
    text = KINDS[kind][0](np.random.default_rng(draw(st.integers(0, 10_000))))
    for _ in range(draw(st.integers(1, 3))):
        how = draw(st.sampled_from(["cut", "character", "token", "drop line", "double line"]))
        at = draw(st.integers(0, len(text)))
        if how == "cut":
            text = text[:at]
        elif how == "character":
            text = text[:at] + draw(st.sampled_from(CHARACTERS)) + text[at + draw(st.integers(0, 1)) :]
        elif how == "token":
            parts = text.replace("\n", " \n ").split(" ")
            parts[draw(st.integers(0, len(parts) - 1))] = draw(st.sampled_from(TOKENS))
            text = " ".join(parts)
        else:
            lines = text.splitlines(keepends=True) or [""]
            line = draw(st.integers(0, len(lines) - 1))
            lines[line] = lines[line] * (2 if how == "double line" else 0)
            text = "".join(lines)
    return text


def judge(kind, text):
    _, read, write = KINDS[kind]
    raw = text.encode()
    if not data_lines(raw):
        return  # `read` refuses it before any format is asked
    found, line = outcome(read, raw)
    if found is None:
        assert line is not None
        assert 1 <= line <= raw.count(b"\n") + 1
    else:
        assert read(write(found).encode()) == found


def outcome(read, raw):
    """Return (what was read, None) or (None, the line that an InstanceError names)."""
    try:
        return read(raw), None
    except InstanceError as error:
        return None, error.line


def fuzz(kind, examples):
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(text=mutated(kind))
    def run(text):
        judge(kind, text)

    return run


@pytest.mark.parametrize("kind", KINDS)
def test_originals_are_read(kind):
    make, read, write = KINDS[kind]
    for seed in range(20):
        text = make(np.random.default_rng(seed))
        assert read(write(read(text.encode())).encode()) == read(text.encode())


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_files(kind):
    fuzz(kind, 50)()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_mutated_files(kind):
    fuzz(kind, 10_000)()
