"""Simulations as tidy frames."""

import numpy as np
import pytest
from tests import policy_graphs as graphs
from tests.hydro_systems import cascade

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.solvers.sddp.forward import Paths, chosen, walk
from counterpoint.solvers.sddp.hydrothermal import graph_of
from counterpoint.solvers.sddp.policy import Options, Policy
from counterpoint.solvers.sddp.simulate import simulate, simulate_noises
from counterpoint.solvers.sddp.stopping import iterations
from counterpoint.solvers.sddp.train import train


def test_a_row_a_path_and_step():
    policy = train(graphs.hydro_valley(), iterations(20))
    found = simulate(policy, 40, seed=2)
    frame = found.frame()
    assert list(frame.columns) == ["path", "step", "node", "noise", "stage_cost", "discount", "state[0]", "state[1]"]
    assert len(frame) == 120
    assert frame["path"].tolist() == np.repeat(np.arange(40), 3).tolist()
    assert set(frame["node"]) == {"0:0", "1:0", "1:1", "2:0", "2:1"}
    np.testing.assert_allclose(frame.groupby("path")["stage_cost"].sum(), found.cost)
    assert "40 paths" in repr(found)
    # the reservoirs' balance cannot give more than 70 of each a stage
    assert (frame.groupby("path")["state[0]"].last() >= -1e-9).all()


def test_path_i_depends_on_the_seed_and_i_alone():
    graph = graphs.stock()
    policy = train(graph, iterations(30))
    some, more = simulate(policy, 5, seed=3), simulate(policy, 12, seed=3)
    one, other = some.frame(), more.frame()
    assert one["noise"].tolist() == other["noise"].tolist()[:25]
    assert simulate(policy, 5, seed=4).frame()["noise"].tolist() != one["noise"].tolist()
    with pytest.raises(OptionError):
        simulate(policy, 0)


def test_noises_come_as_often_as_they_should():
    policy = Policy(graphs.capacity_expansion(2))
    frame = simulate(policy, 2000).frame()
    assert frame.query("step == 1")["noise"].mean() == pytest.approx(0.1, abs=0.02)
    assert chosen(np.array([0.0, 0.5, 0.5, 0.0]), np.array([0.0, 0.49, 0.5, 0.999999])).tolist() == [1, 1, 2, 2]


def test_endless_paths_are_cut_off_and_end_by_chance():
    policy = Policy(graphs.infinite_trivial(), Options(depth=30))
    frame = simulate(policy, 400).frame()
    steps = frame.groupby("path")["step"].max() + 1
    assert steps.max() <= 30
    assert steps.mean() == pytest.approx((1 - 0.9**30) / 0.1, rel=0.1)


def test_discounts_along_the_path():
    system = cascade(horizon=3)
    graph, _ = graph_of(system)
    from counterpoint.solvers.sddp.graph import linear_graph

    discounted = linear_graph([n.model for n in graph.nodes], [n.noise for n in graph.nodes],
                              initial_state=graph.initial_state, discount=0.5)  # fmt: skip
    found = simulate(Policy(discounted), 3)
    frame = found.frame()
    assert frame["discount"].tolist() == [1.0, 0.5, 0.25] * 3
    np.testing.assert_allclose((frame["discount"] * frame["stage_cost"]).groupby(frame["path"]).sum(), found.cost)


def test_columns_of_the_stage_by_name():
    system = cascade(horizon=3)
    policy = train(graph_of(system)[0], iterations(5))
    frame = simulate(policy, 4).frame(["thermal", "turbined"])
    assert {"thermal[0]", "thermal[1]", "turbined[0]", "turbined[1]"} <= set(frame.columns)
    assert (frame["turbined[0]"] <= 30 + 1e-9).all()
    with pytest.raises(OptionError, match="no columns 'steam'"):
        simulate(policy, 2).frame(["steam"])


def test_given_noises():
    system = cascade(horizon=3)
    graph, _ = graph_of(system)
    policy = train(graph, iterations(10))
    noise = np.array([[graph.nodes[t].noise[k] for t in range(3)] for k in (0, 1)])
    found = simulate_noises(policy, noise)
    single = [simulate_noises(policy, row[None]).cost[0] for row in noise]
    np.testing.assert_allclose(found.cost, single, rtol=1e-7)
    assert found.frame()["noise"].unique().tolist() == [-1]
    assert len(simulate_noises(policy, noise[:, :2]).frame()) == 4
    with pytest.raises(InstanceError, match="ends after 3 steps"):
        simulate_noises(policy, np.repeat(noise, 2, axis=1))
    with pytest.raises(InstanceError, match="chain"):
        simulate_noises(Policy(graphs.hydro_valley()), np.zeros((1, 3, 2)))


def test_walking_changes_no_policy():
    policy = train(graphs.stock(), iterations(5))
    before = [future.pool.count for future in policy.futures]
    bound = policy.bound()
    walk(policy.graph, policy.solvers, Paths.drawn(20, 5, (1,)))
    assert [future.pool.count for future in policy.futures] == before
    assert policy.bound() == pytest.approx(bound, rel=1e-12)
