"""Cuts come back as they were, and nothing else passes."""

import json

import numpy as np
import pytest
from tests import policy_graphs as graphs

from counterpoint.opt.errors import CheckpointError, InstanceError
from counterpoint.solvers.sddp.cuts_json import read_cuts, write_cuts
from counterpoint.solvers.sddp.policy import Options, Policy
from counterpoint.solvers.sddp.stopping import iterations
from counterpoint.solvers.sddp.train import train


@pytest.mark.parametrize("cuts", ["single", "multi"])
@pytest.mark.parametrize("graph", [graphs.stock, graphs.hydro_valley, graphs.infinite_hydro_thermal])
def test_round_trip(graph, cuts, tmp_path):
    options = Options(cuts=cuts)
    policy = train(graph(), iterations(15), options=options)
    write_cuts(policy, tmp_path / "cuts.json")
    fresh = Policy(graph(), options)
    assert fresh.bound() < policy.bound()
    read_cuts(fresh, tmp_path / "cuts.json")
    assert fresh.bound() == pytest.approx(policy.bound(), rel=1e-9 if cuts == "single" else 1e-4)
    state = np.tile(fresh.graph.initial_state, (5, 1)) * np.linspace(0.5, 1, 5)[:, None]
    for one, other in zip(policy.futures, fresh.futures, strict=True):
        if cuts == "single":
            active = np.where(one.pool.active, one.pool.values(state), -np.inf).max(1)
            held = np.where(other.pool.active, other.pool.values(state), -np.inf).max(1)
            np.testing.assert_allclose(held, active, rtol=1e-12)
        else:
            np.testing.assert_allclose(other.pool.value(state, -1e9), one.pool.value(state, -1e9), rtol=1e-12)
    write_cuts(fresh, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text()) == json.loads((tmp_path / "cuts.json").read_text())


def test_training_goes_on_from_loaded_cuts(tmp_path):
    write_cuts(train(graphs.stock(), iterations(30)), tmp_path / "cuts.json")
    fresh = Policy(graphs.stock())
    read_cuts(fresh, tmp_path / "cuts.json")
    policy = train(fresh.graph, iterations(1), start=fresh)
    assert policy.progress[-1].bound > train(graphs.stock(), iterations(5)).progress[-1].bound


def spoilt(**changes):
    data = {
        "type": "sddp-cuts", "version": 1, "graph": "g", "num_states": 1, "cuts": "single",
        "futures": [{"nodes": ["0"], "state": [[1.0]], "intercept": [[-9.0]], "slope": [[[0.5]]]}],
    }  # fmt: skip
    future = {key[7:]: value for key, value in changes.items() if key.startswith("future_")}
    data |= {key: value for key, value in changes.items() if not key.startswith("future_")}
    if future:
        data["futures"] = [data["futures"][0] | future]
    return data


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ("nonsense", InstanceError, "not JSON"),
        ("[1, 2]", InstanceError, "object"),
        (spoilt(type="result"), InstanceError, "sddp-cuts"),
        (spoilt(version=2), InstanceError, "version 1"),
        (spoilt(more=1), InstanceError, "unknown fields: more"),
        (spoilt(num_states=3), CheckpointError, "over 3 states, not 1"),
        (spoilt(cuts="multi"), CheckpointError, "'multi' cuts"),
        (spoilt(futures={}), InstanceError, "list"),
        (spoilt(futures=[{"nodes": ["0"]}]), InstanceError, "fields"),
        (spoilt(future_nodes=["9"]), CheckpointError, "no future of the nodes 9"),
        (spoilt(future_nodes=[]), CheckpointError, "no future"),
        (spoilt(future_nodes=["0", "1"]), CheckpointError, "no future"),
        (spoilt(future_nodes=["4"]), CheckpointError, "no future"),  # the last stage has none
        (spoilt(future_nodes=[{}]), CheckpointError, "no future"),
        (spoilt(futures=spoilt()["futures"] * 2), CheckpointError, "twice"),
        (spoilt(future_intercept=[[1.0], [2.0]]), InstanceError, "shape 1 x 1"),
        (spoilt(future_intercept=[["1"]]), InstanceError, "finite numbers"),
        (spoilt(future_intercept=[[True]]), InstanceError, "finite numbers"),
        (spoilt(future_intercept=[[None]]), InstanceError, "finite numbers"),
        (spoilt(future_state=[[1.0], [1.0, 2.0]]), InstanceError, "finite numbers"),
        (spoilt(future_slope=[[0.5]]), InstanceError, "shape 1 x 1 x 1"),
        (spoilt(future_slope="0.5"), InstanceError, "list"),
        ('{"a": NaN}', InstanceError, "not a number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_loaded(data, error, words, tmp_path):
    path = tmp_path / "cuts.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    policy = Policy(graphs.stock())
    with pytest.raises(error, match=words) as caught:
        read_cuts(policy, path)
    assert "cuts.json" in str(caught.value)
    assert all(future.pool.count == 0 for future in policy.futures)


def test_a_good_one_passes(tmp_path):
    path = tmp_path / "cuts.json"
    path.write_text(json.dumps(spoilt()))
    policy = Policy(graphs.stock())
    read_cuts(policy, path)
    assert policy.futures[policy.future_of[0]].pool.count == 1
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_cuts(policy, tmp_path / "none.json")
