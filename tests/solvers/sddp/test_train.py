"""Training: reproducible, resumable, interruptible; nothing that is not optimal becomes a cut."""

import logging
import signal

import numpy as np
import pytest
from tests import policy_graphs as graphs
from tests.ctrl_c import wrapped
from tests.hydro_systems import cascade

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.simulators.stage.builder import StageBuilder
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.solvers.sddp import train as train_module
from counterpoint.solvers.sddp.graph import PolicyGraph, linear_graph
from counterpoint.solvers.sddp.policy import Options, Policy
from counterpoint.solvers.sddp.risk import CVaR
from counterpoint.solvers.sddp.stopping import bound_stalls, iterations, policy_stalls, seconds, statistical
from counterpoint.solvers.sddp.tours import tour_of
from counterpoint.solvers.sddp.train import train


def hydro(horizon=6) -> PolicyGraph:
    from counterpoint.solvers.sddp.hydrothermal import graph_of

    return graph_of(cascade(horizon=horizon))[0]


def seen(policy):
    """Everything that a training found, but the clock."""
    pools = [(f.pool.intercept.copy(), f.pool.slope.copy(), f.pool.state.copy()) for f in policy.futures]
    return [(p.bound, p.simulation, p.problems, p.cuts, p.active) for p in policy.progress], pools


def same(a, b):
    assert a[0] == b[0]
    for one, other in zip(a[1], b[1], strict=True):
        for x, y in zip(one, other, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("graph", [hydro, graphs.hydro_valley, graphs.multistock, graphs.unicyclic_hydro_thermal])
def test_the_number_of_workers_changes_nothing(graph):
    trained = [
        train(graph(), iterations(4), 3, Options(lanes=3, workers=workers, forward_passes=2)) for workers in (1, 2, 3)
    ]
    same(seen(trained[0]), seen(trained[1]))
    same(seen(trained[0]), seen(trained[2]))


def test_the_seed_decides_and_training_goes_on_where_it_stopped():
    graph = graphs.multistock()
    whole = train(graph, iterations(9), 5)
    same(seen(whole), seen(train(graph, iterations(9), 5)))
    assert seen(whole)[0] != seen(train(graph, iterations(9), 6))[0]
    half = train(graph, iterations(4), 5)
    same(seen(whole), seen(train(graph, iterations(5), 5, start=half)))
    assert [p.iteration for p in half.progress] == list(range(1, 10))
    with pytest.raises(OptionError, match="same graph"):
        train(graphs.multistock(), iterations(1), start=half)
    with pytest.raises(OptionError, match="options"):
        train(graph, iterations(1), options=Options(lanes=4), start=half)


@pytest.mark.parametrize("graph", [hydro, graphs.hydro_valley, graphs.stock, graphs.unicyclic_hydro_thermal])
def test_bounds_never_fall_and_never_pass_what_is_simulated(graph):
    from counterpoint.solvers.sddp.simulate import simulate

    policy = train(graph(), iterations(40))
    bounds = policy.trace["bound"]
    assert bounds.is_monotonic_increasing
    found = simulate(policy, 300, seed=1)
    assert bounds.iloc[-1] <= found.mean + 3 * found.standard_error


def test_options_that_change_the_way_do_not_change_the_end():
    ends = [
        train(graphs.hydro_valley(), iterations(40), 0, options).progress[-1].bound
        for options in (
            Options(), Options(cuts="multi"), Options(selects_cuts=False), Options(forward_passes=5),
            Options(refresh=1), Options(lanes=5), Options(cuts="multi", selects_cuts=False, refresh=3),
        )
    ]  # fmt: skip
    np.testing.assert_allclose(ends, -855.0, rtol=1e-9)


def test_selection_keeps_fewer_cuts_in_the_solvers():
    chosen, kept = (train(graphs.hydro_valley(), iterations(50), 0, Options(selects_cuts=s)) for s in (True, False))
    assert chosen.progress[-1].active < 0.6 * chosen.progress[-1].cuts
    assert kept.progress[-1].active == kept.progress[-1].cuts
    assert chosen.solvers[0].solvers[0].num_cuts == chosen.futures[0].pool.active.sum()
    assert kept.solvers[0].solvers[0].num_cuts == kept.futures[0].pool.count == 50


def test_nodes_of_one_future_share_their_cuts():
    policy = Policy(graphs.asset_management_stagewise())
    assert sorted(len(future.members) for future in policy.futures) == [1, 4, 4]
    assert len(Policy(graphs.hydro_valley()).futures) == 3  # the two of stage 1 go on with other chances


def test_ctrl_c_keeps_what_is_there():
    graph = graphs.multistock()

    def press(progress):
        if progress.iteration == 4:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    policy = train(graph, iterations(50), 2, on_iteration=press)
    assert policy.termination == "interrupted"
    assert len(policy.progress) == 4
    assert signal.getsignal(signal.SIGINT) is before
    train(graph, iterations(3), 2, start=policy)
    assert policy.progress[-1].bound == pytest.approx(train(graph, iterations(7), 2).progress[-1].bound, rel=1e-6)


def test_progress_is_seen_logged_and_can_stop(caplog):
    rows = []
    with caplog.at_level(logging.INFO, "counterpoint.solvers.sddp"):
        policy = train(graphs.stock(), iterations(50), on_iteration=lambda p: rows.append(p) or p.iteration == 3)
    assert policy.termination == "asked to"
    assert [p.iteration for p in rows] == [1, 2, 3]
    assert sum("bound" in r.message and "LPs" in r.message for r in caplog.records) == 3
    assert rows[-1].problems == policy.num_solved == 3 * (5 + 5 * 10)  # forward, backward and the first stage's 10
    assert list(policy.trace.columns) == ["iteration", "bound", "simulation", "problems", "cuts", "active", "seconds"]
    assert "after 3 iterations" in repr(policy)
    assert "not trained" in repr(Policy(graphs.stock()))


def test_stopping_rules():
    assert train(graphs.first_steps(), iterations(3)).termination == "3 iterations"
    assert train(graphs.stock(), [iterations(10**6), seconds(0.2)]).termination == "0.2 s"
    still = train(graphs.first_steps(), [iterations(200), bound_stalls(5)])
    assert "moved" in still.termination
    assert len(still.progress) < 40
    inside = train(graphs.first_steps(), [iterations(200), statistical(paths=100, every=4)])
    assert "within" in inside.termination
    assert len(inside.progress) % 4 == 0
    paired = train(graphs.first_steps(), [iterations(200), policy_stalls(paths=50, every=5)])
    assert "saves" in paired.termination
    assert len(paired.progress) >= 10
    for rule in (lambda: iterations(0), lambda: seconds(0), lambda: bound_stalls(-1), lambda: statistical(paths=1)):
        with pytest.raises(OptionError):
            rule()


def test_the_statistical_rule_needs_the_bound_near():
    """A policy without any cut is far from the bound of none: the rule must go on."""
    graph = graphs.multistock()
    policy = train(graph, [iterations(20), statistical(paths=100, every=2)])
    assert 2 < len(policy.progress) <= 20


def test_what_is_infeasible_is_said_and_becomes_no_cut():
    s = StageBuilder()
    v, out, rain = s.state(0, 10), s.column(0, 1), s.noise()
    s.row({v.out: 1, out: 1}, equals=0, state={v: -1}, noise={rain: -1})  # no spill: 12 do not fit
    graph = linear_graph([s.build()] * 2, [[[0.0]], [[0.0], [12.0]]], initial_state=[5.0])
    with pytest.raises(InstanceError, match="infeasible for state") as caught:
        train(graph, iterations(3))
    assert caught.value.place == ("nodes", "1")
    assert "relatively complete recourse" in str(caught.value)


def test_a_lower_bound_that_is_none_is_found_out():
    graph = graphs.first_steps()
    wrong = linear_graph([n.model for n in graph.nodes], [n.noise for n in graph.nodes], initial_state=[200.0],
                         theta_lower=9000.0)  # fmt: skip
    with pytest.raises(InstanceError, match="theta_lower is 9000"):
        train(wrong, iterations(20))
    loose = linear_graph([n.model for n in graph.nodes], [n.noise for n in graph.nodes], initial_state=[200.0],
                         theta_lower=-1e5)  # fmt: skip
    assert train(loose, iterations(20)).progress[-1].bound == pytest.approx(8333.3333333)


def test_options_that_cannot_be():
    for given in ({"cuts": "some"}, {"lanes": 0}, {"forward_passes": 0}, {"cuts": "multi", "risk": CVaR(0.5)}):
        with pytest.raises(OptionError):
            Options(**given)
    with pytest.raises(OptionError, match="risk neutral"):
        Policy(graphs.asset_management_stagewise(), Options(cuts="multi"))


def test_solvers_are_made_as_asked():
    made = []

    def make(model, **given):
        made.append(given)
        return HighsStage(model, **given)

    policy = train(graphs.fast_production(), iterations(10), options=Options(lanes=1), make_solver=make)
    assert policy.progress[-1].bound == pytest.approx(-23.96)
    assert [len(given["weights"]) for given in made] == [1, 1, 0]


def test_cuts_of_a_node_are_below_its_future():
    graph = graphs.multistock()
    single, multi = (train(graph, iterations(30), 0, Options(cuts=cuts)) for cuts in ("single", "multi"))
    state = np.random.default_rng(0).random((50, 3))
    for policy in (single, multi):
        intercept, slope, lower = policy.cuts(0)
        value = np.maximum((state @ slope.T + intercept).max(1), lower)
        other = multi if policy is single else single
        exact = other.cuts(0)
        upper = np.maximum((state @ exact[1].T + exact[0]).max(1), exact[2])
        assert np.abs(value - upper).max() < 0.6  # both approximate one function, on their own states
    assert single.cuts(4)[0].shape == (0,)


def test_a_tour_is_a_permutation_of_neighbours():
    noise = np.random.default_rng(0).random((40, 2))
    tour = tour_of(noise)
    assert sorted(tour.tolist()) == list(range(40))
    length = np.linalg.norm(np.diff(noise[tour], axis=0), axis=1).sum()
    assert length < 0.5 * np.linalg.norm(np.diff(noise, axis=0), axis=1).sum()
    assert tour_of(np.zeros((3, 0))).tolist() in ([0, 1, 2],)


def test_ctrl_c_in_compiled_code_keeps_what_is_there(monkeypatch):
    """The second Ctrl-C interrupts at once, and may strike while a kernel hands back its result."""
    iterate = train_module._iterate

    def struck(policy, seed, interrupt):
        if len(policy.progress) == 2:
            raise wrapped()
        return iterate(policy, seed, interrupt)

    monkeypatch.setattr(train_module, "_iterate", struck)
    policy = train(graphs.multistock(), iterations(50), 2)
    assert policy.termination == "interrupted"
    assert len(policy.progress) == 2
