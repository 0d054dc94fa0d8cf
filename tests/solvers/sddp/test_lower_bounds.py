"""What no path costs less than, worked out."""

import numpy as np
import pytest
from tests import policy_graphs as graphs

from counterpoint.opt.errors import InstanceError
from counterpoint.simulators.stage.builder import StageBuilder
from counterpoint.solvers.sddp.graph import Node, PolicyGraph, cyclic_graph, linear_graph
from counterpoint.solvers.sddp.lower_bounds import lower_bounds


def stage(cost, upper=10.0, offset=0.0):
    """Sell what is stored, at `cost`; without a limit of its own on what is sold, so that bounds alone say nothing."""
    s = StageBuilder()
    v, sold = s.state(0, upper), s.column(cost=cost)
    s.row({v.out: 1, sold: 1}, equals=0, state={v: -1})
    return s.build(offset=offset)


def nothing(count):
    return [np.zeros((1, 0))] * count


def test_by_hand():
    graph = linear_graph([stage(-1.0), stage(-2.0), stage(-3.0)], nothing(3), initial_state=[5.0], discount=0.5)
    # after the first: sell all 10 at 2, and later all 10 at 3 at half the weight; nothing after the last
    np.testing.assert_allclose(lower_bounds(graph), [-20 + 0.5 * -30, -30, 0])


def test_cheaper_of_two_ways_and_the_end():
    nodes = (
        Node("a", stage(1.0), nothing(1)[0], [1.0], ((1, 0.5), (2, 0.25))),
        Node("b", stage(1.0, offset=7.0), nothing(1)[0], [1.0]),
        Node("c", stage(1.0, offset=4.0), nothing(1)[0], [1.0]),
    )
    assert lower_bounds(PolicyGraph(nodes, ((0, 1.0),), [1.0])).tolist() == [0, 0, 0]  # it may end, for nothing
    surely = (Node("a", stage(1.0), nothing(1)[0], [1.0], ((1, 0.5), (2, 0.5))), *nodes[1:])
    assert lower_bounds(PolicyGraph(surely, ((0, 1.0),), [1.0])).tolist() == [4, 0, 0]


def test_around_a_circle():
    graph = cyclic_graph([stage(1.0, offset=2.0)], nothing(1), initial_state=[1.0], continues=0.9)
    assert lower_bounds(graph).tolist() == [0.0]
    gains = cyclic_graph([stage(-1.0)], nothing(1), initial_state=[1.0], continues=0.9)
    with pytest.raises(InstanceError, match="without end"):
        lower_bounds(gains)  # a path may go around as often as it likes
    given = cyclic_graph([stage(-1.0)], nothing(1), initial_state=[1.0], continues=0.9, theta_lower=-500.0)
    assert lower_bounds(given).tolist() == [-500.0]


def test_what_has_no_least_cost():
    graph = linear_graph([stage(-1.0, np.inf)] * 2, nothing(2), initial_state=[5.0])
    with pytest.raises(InstanceError, match="no least cost"):
        lower_bounds(graph)


@pytest.mark.parametrize("graph", [graphs.first_steps, graphs.hydro_valley, graphs.stock, graphs.multistock])
def test_no_path_costs_less(graph):
    from counterpoint.solvers.sddp.simulate import simulate
    from counterpoint.solvers.sddp.stopping import iterations
    from counterpoint.solvers.sddp.train import train

    built = graph()
    lower = lower_bounds(built)
    frame = simulate(train(built, iterations(10)), 50).frame()
    names = [n.name for n in built.nodes]
    for _, path in frame.groupby("path"):
        after = path["stage_cost"][::-1].cumsum()[::-1] - path["stage_cost"]
        assert (after.to_numpy() >= lower[[names.index(n) for n in path["node"]]] - 1e-6).all()
