"""`counterpoint check` on tours and routes in their own formats."""

import json

import pytest

from counterpoint.datasets.reading import write
from counterpoint.datasets.registry import benchmark
from counterpoint.datasets.routing.solutions import write_routes, write_tour
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour
from counterpoint.opt.problems.tsp_json import encode
from counterpoint.opt.verifying import verify_file


def test_a_tour_of_a_public_instance(tmp_path):
    (tmp_path / "a.tour").write_text(write_tour(Tour(range(17))))
    (tmp_path / "a.json").write_text(json.dumps(encode(Tour(range(17)))))
    for name in ("a.tour", "a.json"):
        found = verify_file(tmp_path / name, "br17")
        assert (found.is_confirmed, found.check.objective) == (True, 167)
    (tmp_path / "b.tour").write_text(write_tour(Tour([0, 1, 1])))
    found = verify_file(tmp_path / "b.tour", "br17")
    assert not found.is_confirmed
    assert "missing" in found.message


def test_routes_of_a_file(tmp_path):
    square = Places("euc-2d", [[0, 0], [3, 0], [3, 4], [0, 4]])
    write(Cvrp("x", square, [0, 1, 2, 3], 4), tmp_path / "x.vrp")
    (tmp_path / "x.sol").write_text(write_routes(Routes(([1], [2], [3])), 24))
    assert verify_file(tmp_path / "x.sol", str(tmp_path / "x.vrp")).check.objective == 24
    (tmp_path / "x.sol").write_text("Route #1: x\n")
    with pytest.raises(InstanceError, match=r"x\.sol:1: 'x' is not a whole number"):
        verify_file(tmp_path / "x.sol", str(tmp_path / "x.vrp"))


def test_what_is_no_solution(tmp_path):
    (tmp_path / "br17.json").write_text(json.dumps(encode(benchmark("br17"))))
    with pytest.raises(InstanceError, match="this is an instance, not a solution"):
        verify_file(tmp_path / "br17.json", "br17")
    (tmp_path / "x.txt").write_text("hello\n")
    with pytest.raises(InstanceError, match="not JSON"):
        verify_file(tmp_path / "x.txt", "ft06")
    with pytest.raises(InstanceError, match="not JSON"):
        verify_file(tmp_path / "x.txt")
    with pytest.raises(InstanceError, match=r"x\.txt:1"):
        verify_file(tmp_path / "x.txt", "br17")
