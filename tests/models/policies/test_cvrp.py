"""The method bq for vehicle routing: feasible everywhere, anytime, and it says what it cannot do."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

import counterpoint as ct
from counterpoint.models.checkpoints import save_policy
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.cvrp import Options, solve
from counterpoint.models.training.cvrp_imitation import Config, build
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.places import Places


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread: on tensors this small more of them only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A network that has learnt nothing."""
    path = tmp_path_factory.mktemp("bq") / "policy.safetensors"
    save_policy(path, *build(Config(network=NetworkOptions(layers=1, width=16, heads=2, inner=32)), 0).policy())
    return path


def random_instance(seed, customers, metric="euclidean", is_under_way=False):
    rng = np.random.default_rng(seed)
    points, demand = rng.random((customers + 1, 2)) * 80, np.r_[0, rng.integers(0, 10, customers)]
    at, load = (int(rng.integers(1, customers + 1)), int(rng.integers(0, 13))) if is_under_way else (0, 12)
    return Cvrp("x", Places(metric, points), demand, 12, at, load)


@pytest.mark.parametrize("extra", ["", ",width=8", ",window=5", ",window=4,rescale=false,width=3,reconstructions=2"])
@pytest.mark.parametrize("is_under_way", [False, True])
def test_routes_are_feasible(checkpoint, extra, is_under_way):
    for customers in (1, 2, 9, 30):
        for metric in ("euclidean", "euc-2d", "geo", "att"):
            case = random_instance(customers, customers, metric, is_under_way)
            result = ct.solve(case, f"bq:checkpoint={checkpoint}{extra}")
            assert result.solution_status is ct.SolutionStatus.FEASIBLE, result.message
            assert result.termination is ct.Termination.COMPLETED


def test_nobody_to_serve(checkpoint):
    alone = Cvrp("x", Places("euclidean", [[0.0, 0.0]]), np.array([0]), 5)
    away = Cvrp("x", Places("euclidean", [[0.0, 0.0], [3.0, 4.0]]), np.array([0, 2]), 5, 1, 3)
    for case, cost in ((alone, 0.0), (away, 5.0)):
        assert ct.solve(case, f"bq:checkpoint={checkpoint},reconstructions=3").objective == cost


def test_where_and_how_large_makes_no_difference(checkpoint):
    points, demand = np.random.default_rng(2).random((16, 2)), np.r_[0, np.full(15, 3)]
    one, other = (
        ct.solve(Cvrp("x", Places("euclidean", p), demand, 10), f"bq:checkpoint={checkpoint}")
        for p in (points, points * 2e4 - 7)
    )
    assert one.solution == other.solution


def test_reconstruction_is_anytime(checkpoint):
    case = random_instance(1, 40)
    costs = [
        ct.solve(case, f"bq:checkpoint={checkpoint},reconstructions={rounds}", seed=3).objective
        for rounds in (0, 1, 4, 16)
    ]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]
    again = ct.solve(case, f"bq:checkpoint={checkpoint},reconstructions=16", seed=3)
    assert again.objective == costs[-1]
    few = ct.solve(case, f"bq:checkpoint={checkpoint},reconstructions=16", seed=3, iterations=4)
    assert (few.objective, few.termination) == (costs[2], ct.Termination.ITERATIONS)
    timed = ct.solve(case, f"bq:checkpoint={checkpoint},reconstructions=1000000", time_limit=0.5)
    assert timed.termination is ct.Termination.TIME
    assert timed.objective <= costs[0]


@pytest.mark.parametrize("is_under_way", [False, True])
def test_without_time_the_nearest_are_served_next(checkpoint, is_under_way):
    case = random_instance(5, 40, is_under_way=is_under_way)
    late = ct.solve(case, f"bq:checkpoint={checkpoint}", time_limit=0)
    assert late.termination is ct.Termination.TIME
    assert late.objective == pytest.approx(ct.solve(case, "nearest-neighbour").objective, rel=1e-9)


def test_what_it_cannot_do(checkpoint):
    flat = Cvrp("x", Places("explicit", None, np.ones((5, 5), np.int64)), np.array([0, 1, 1, 1, 1]), 3)
    case = random_instance(0, 5)
    missing = ct.solve(case, "bq:checkpoint=nowhere.safetensors")
    assert missing.termination is ct.Termination.ERROR
    assert "cannot be read" in missing.message
    with pytest.raises(UnsupportedError, match=r"points.*these do: local-search"):
        ct.solve(flat, f"bq:checkpoint={checkpoint}")
    with pytest.raises(UnsupportedError, match=r"points.*local-search does without"):
        solve(flat, ct.Budget(), 0, Options(), lambda solution=None, *, bound=None: None)
    with pytest.raises(OptionError, match="width"):
        ct.solve(case, f"bq:checkpoint={checkpoint},width=0")
