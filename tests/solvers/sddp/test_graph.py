"""What graphs accept, and what follows what."""

import numpy as np
import pytest
from tests import policy_graphs as graphs

from counterpoint.opt.errors import InstanceError
from counterpoint.simulators.stage.builder import StageBuilder
from counterpoint.solvers.sddp.graph import Node, PolicyGraph, cyclic_graph, linear_graph, markov_graph


def stage():
    s = StageBuilder()
    v, w = s.state(0, 10), s.noise()
    s.row({v.out: 1}, equals=0, state={v: -1}, noise={w: -1})
    return s.build()


def node(name="a", **given):
    return Node(**({"name": name, "model": stage(), "noise": [[0.0], [1.0]], "probability": [0.5, 0.5]} | given))


def test_stages_in_a_row():
    graph = linear_graph([stage()] * 3, [[[1.0]]] * 3, initial_state=[1.0], discount=0.9)
    assert [n.arcs for n in graph.nodes] == [((1, 1.0),), ((2, 1.0),), ()]
    assert [n.discount for n in graph.nodes] == [0.9] * 3
    assert graph.topological == (0, 1, 2)
    assert graph.is_acyclic
    assert "3 nodes, 1 states, acyclic" in repr(graph)


def test_stages_in_a_circle():
    graph = cyclic_graph([stage()] * 3, [[[1.0]]] * 3, initial_state=[1.0], continues=0.8)
    assert [n.arcs for n in graph.nodes] == [((1, 0.8),), ((2, 0.8),), ((0, 0.8),)]
    assert not graph.is_acyclic
    assert "cyclic" in repr(graph)
    with pytest.raises(InstanceError, match="left at some time"):
        cyclic_graph([stage()], [[[1.0]]], initial_state=[1.0], continues=1.0)


def test_a_chain_of_states_leaves_out_what_is_never_reached():
    graph = graphs.hydro_valley()
    assert [n.name for n in graph.nodes] == ["0:0", "1:0", "1:1", "2:0", "2:1"]  # the third state of stage 2 is not
    assert [n.arcs for n in graph.nodes] == [
        ((1, 0.6), (2, 0.4)), ((3, 0.6), (4, 0.4)), ((3, 0.3), (4, 0.7)), (), (),
    ]  # fmt: skip
    assert graph.root == ((0, 1.0),)
    # in a chain that starts in one of two states
    started = markov_graph([[[0.3, 0.7]]], lambda t, i: (stage(), [[0.0]], [1.0]), initial_state=[0.0])
    assert started.root == ((0, 0.3), (1, 0.7))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"noise": [0.0, 1.0]}, "noise of shape"),
        ({"noise": [[0.0, 1.0]]}, "noise of shape"),
        ({"noise": np.zeros((0, 1))}, "noise of shape"),
        ({"noise": [[np.nan], [1.0]]}, "not finite"),
        ({"probability": [1.0]}, "as many probabilities"),
        ({"probability": [0.6, 0.6]}, "as many probabilities"),
        ({"probability": [-0.5, 1.5]}, "as many probabilities"),
        ({"arcs": ((0, 0.0),)}, "positive"),
        ({"arcs": ((0, 0.6), (1, 0.6))}, "at most 1"),
        ({"discount": 0.0}, "discount"),
        ({"discount": 1.1}, "discount"),
        ({"theta_lower": -np.inf}, "finite"),
    ],
)
def test_a_node_that_cannot_be(given, words):
    with pytest.raises(InstanceError, match=words) as caught:
        node(**given)
    assert caught.value.place == ("nodes", "a")


def test_a_graph_that_cannot_be():
    a, b = node("a", arcs=((1, 1.0),)), node("b")
    root = ((0, 1.0),)
    PolicyGraph((a, b), root, [1.0])
    for nodes, first, state, words in (
        ((a, node("a")), root, [1.0], "one name"),
        ((a, b), ((0, 0.5),), [1.0], "add up to 1"),
        ((a, b), (), [1.0], "add up to 1"),
        ((a, b), ((0, np.nan),), [1.0], "add up to 1"),
        ((a, b), ((5, 1.0),), [1.0], "an arc to node 5"),
        ((a, b), root, [1.0, 2.0], "1 states, where the initial state has 2"),
        ((a, b), root, [np.inf], "finite"),
        ((a, b, node("c")), root, [1.0], "never reached"),
        ((node("a", arcs=((1, 0.5), (1, 0.5))), b), root, [1.0], "two arcs"),
        ((node("a", arcs=((7, 0.5),)),), root, [1.0], "an arc to node 7"),
    ):
        with pytest.raises(InstanceError, match=words):
            PolicyGraph(nodes, first, state)
