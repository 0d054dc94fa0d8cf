"""Maps of routes and the chart of a packing: what is drawn where, and the numbers behind it."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.plots.knapsack import break_density, packing_frame, plot_packing
from counterpoint.opt.plots.routing import layout, plot_routes, plot_tour, plot_walk, route_frame
from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.problems.knapsack import Knapsack, Packing
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour, Tsp

SQUARE = Places("euc-2d", [[0, 0], [3, 0], [3, 4], [0, 4]])
ONE_WAY = Places("explicit", None, [[0, 1, 2, 3], [9, 0, 4, 5], [8, 7, 0, 6], [3, 2, 1, 0]])
ROUTED = Cvrp("r", SQUARE, [0, 1, 2, 3], 5)
PRIZED = Orienteering("p", SQUARE, [0, 1, 2, 3], 10, (0, 3))


def drawn(plot, instance, solution, **options):
    ax = Figure(figsize=(4, 4)).subplots()
    assert plot(instance, solution, ax=ax, **options) is ax
    return ax


def lines(ax):
    return [np.asarray(line.get_xydata()).tolist() for line in ax.lines]


def title(ax):
    return ax.get_title(loc="left")


def test_a_tour_is_closed_and_a_path_is_not():
    ax = drawn(plot_tour, Tsp("a$b", SQUARE), Tour([1, 0, 3, 2]))
    assert lines(ax) == [[[3, 0], [0, 0], [0, 4], [3, 4], [3, 0]]]
    assert title(ax) == "a$b: length 14"
    assert [len(c.get_offsets()) for c in ax.collections] == [4, 1]
    assert ax.collections[1].get_offsets().tolist() == [[3, 0]]
    ax = drawn(plot_tour, Tsp("x", SQUARE, (1, 2)), Tour([1, 0, 3, 2]))
    assert lines(ax) == [[[3, 0], [0, 0], [0, 4], [3, 4]]]
    assert title(ax) == "x: length 10"
    assert ax.collections[2].get_offsets().tolist() == [[3, 4]]


def test_without_coordinates_places_stand_on_a_circle_and_one_way_legs_have_arrows():
    points = layout(ONE_WAY)
    assert np.allclose(points, [[0, 1], [1, 0], [0, -1], [-1, 0]])
    ax = drawn(plot_tour, Tsp("x", ONE_WAY), Tour([0, 1, 2, 3]))
    assert title(ax) == "x: length 14"
    assert len(ax.texts) == 4
    assert "circle" in ax.get_xlabel()
    assert not drawn(plot_tour, Tsp("x", SQUARE), Tour([0, 1, 2, 3])).texts


def test_degrees_are_drawn_east_and_north():
    places = Places("geo", [[10, 20], [11, 25]])
    assert layout(places).tolist() == [[20, 10], [25, 11]]
    assert drawn(plot_tour, Tsp("x", places), Tour([0, 1])).get_xlabel() == "longitude"


def test_routes_by_hand():
    solution = Routes(([1], [2, 3]))
    frame = route_frame(ROUTED, solution)
    assert frame.to_numpy().tolist() == [
        [0, 0, 1, 3, 1], [0, 1, 0, 3, 0], [1, 0, 2, 5, 5], [1, 2, 3, 3, 3], [1, 3, 0, 4, 0],
    ]  # fmt: skip
    ax = drawn(plot_routes, ROUTED, solution)
    assert title(ax) == "r: length 18, 2 routes"
    assert lines(ax) == [[[0, 0], [3, 0], [0, 0]], [[0, 0], [3, 4], [0, 4], [0, 0]]]
    assert ax.collections[-1].get_offsets().tolist() == [[0, 0]]
    sizes = ax.collections[0].get_sizes()
    assert sizes[0] < sizes[1] < sizes[2]


def test_a_vehicle_under_way_begins_where_it_is():
    instance = Cvrp("r", SQUARE, [0, 1, 2, 3], 5, 1, 2)
    ax = drawn(plot_routes, instance, Routes(([2], [3])))
    assert lines(ax)[0] == [[3, 0], [3, 4], [0, 0]]
    assert ax.collections[-1].get_offsets().tolist() == [[3, 0]]


def test_a_walk_by_hand():
    ax = drawn(plot_walk, PRIZED, Walk([1]))
    assert title(ax) == "p: prize 1, length 8 of 10"
    assert lines(ax) == [[[0, 0], [3, 0], [0, 4]]]
    assert [c.get_offsets().tolist() for c in ax.collections] == [[[3, 4]], [[3, 0]], [[0, 0]], [[0, 4]]]


@pytest.mark.parametrize(
    ("plot", "instance", "solution"),
    [
        (plot_tour, Tsp("x", SQUARE), Tour([0, 1, 2])),
        (plot_routes, ROUTED, Routes(([1, 2, 3],))),
        (plot_walk, PRIZED, Walk([2, 1])),
        (plot_packing, Knapsack("k", [1, 2], [3, 4], 6), Packing([0, 1])),
    ],
)
def test_an_infeasible_solution_says_so(plot, instance, solution):
    assert title(drawn(plot, instance, solution)).endswith(", INFEASIBLE (1 violation)")


@pytest.mark.parametrize(
    ("plot", "instance", "wrong"),
    [
        (plot_tour, Tsp("x", SQUARE), Tour([0, 9])),
        (plot_routes, ROUTED, Routes(([9],))),
        (plot_walk, PRIZED, Walk([-1])),
        (plot_packing, Knapsack("k", [1], [1], 1), Packing([3])),
    ],
)
def test_what_cannot_be_drawn(plot, instance, wrong):
    for solution in (None, wrong):
        with pytest.raises(InstanceError):
            drawn(plot, instance, solution)


def test_solutions_that_visit_nothing():
    assert title(drawn(plot_walk, PRIZED, Walk([]))) == "p: prize 0, length 4 of 10"
    assert "INFEASIBLE (3 violations)" in title(drawn(plot_routes, ROUTED, Routes(())))
    assert "INFEASIBLE (4 violations)" in title(drawn(plot_tour, Tsp("x", SQUARE), Tour([])))


def test_a_packing_by_hand():
    sack = Knapsack("k", [6, 10, 3, 1], [2, 5, 3, 0], 6)
    frame = packing_frame(sack, Packing([0, 3]))
    assert frame["is_packed"].tolist() == [True, False, False, True]
    assert frame["density"].tolist() == [3, 2, 1, np.inf]
    assert break_density(sack) == 2  # by density: 3, 0, then 1 does not fit
    assert break_density(Knapsack("k", [1], [1], 1)) is None
    ax = drawn(plot_packing, sack, Packing([0, 3]))
    assert title(ax) == "k: value 7, weight 2 of 6"
    assert ax.collections[0].get_offsets().tolist() == [[5, 10], [3, 3]]
    assert ax.collections[1].get_offsets().tolist() == [[2, 6], [0, 1]]
    assert lines(ax) == [[[0, 0], [5, 10]]]
    assert len(ax.get_legend().get_texts()) == 3
    assert drawn(plot_packing, sack, Packing([]), legend=False).get_legend() is None
