"""The method bq for vehicle routing: feasible everywhere, anytime, and it says what it cannot do."""

import numpy as np
import pytest
import torch

import counterpoint as ct
from counterpoint.datasets.generators.cvrp import uniform
from counterpoint.models.checkpoints import load_policy, save_policy
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.cvrp import Decided, Options, solve
from counterpoint.models.training.cvrp_imitation import Config, build
from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.places import Places
from counterpoint.simulators.batched.bq_cvrp import start as deliveries


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


@pytest.mark.parametrize("extra", ["", ",width=8", ",samples=8", ",window=5", ",window=4,rescale=false,width=3"])
@pytest.mark.parametrize(("is_under_way", "rounds"), [(False, 0), (True, 0), (True, 2)])
def test_routes_are_feasible(checkpoint, extra, is_under_way, rounds):
    for customers in (1, 2, 9, 30):
        for metric in ("euclidean", "euc-2d", "geo", "att"):
            case = random_instance(customers, customers, metric, is_under_way)
            result = ct.solve(case, f"bq:checkpoint={checkpoint},reconstructions={rounds}{extra}")
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
        ct.solve(Cvrp("x", Places("euclidean", p), demand, 10), f"bq:checkpoint={checkpoint},reconstructions=0")
        for p in (points, points * 2e4 - 7)
    )
    assert one.solution == other.solution


def test_reconstruction_is_anytime():
    case = random_instance(1, 40)
    costs = [ct.solve(case, f"bq:reconstructions={rounds}", seed=3).objective for rounds in (0, 1, 3, 6)]
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < costs[0]
    again = ct.solve(case, "bq:reconstructions=6", seed=3)
    assert again.objective == costs[-1]
    few = ct.solve(case, "bq:reconstructions=6", seed=3, iterations=3)
    assert (few.objective, few.termination) == (costs[2], ct.Termination.ITERATIONS)
    timed = ct.solve(case, "bq:reconstructions=1000000", time_limit=0.5)
    assert timed.termination is ct.Termination.TIME


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


def test_shipped_weights_beat_nearest_neighbours():
    """Greedily by least, by re-construction by more, and by beam search by most."""
    cases = [uniform(customers=customers, seed=900 + customers) for customers in (20, 24, 28, 32, 60)]
    means = [
        np.mean([ct.solve(case, method, seed=1).objective for case in cases])
        for method in ("nearest-neighbour", *(f"bq:reconstructions={extra}" for extra in ("0", "2", "0,width=8")))
    ]
    assert means == sorted(means, reverse=True)
    assert means[1] < 0.9 * means[0]


def test_the_card_says_how_it_was_trained():
    card = load_policy(shipped("bq_cvrp")).card
    assert (card["problem"], card["network"]["name"]) == ("cvrp", "bq-cvrp")
    assert card["training"]["size"] == 40
    assert card["training"]["tails"] > 100_000


class Fixed(torch.nn.Module):
    """Answers the same, whatever it sees."""

    def __init__(self, likelihood):
        super().__init__()
        self.likelihood = likelihood

    def forward(self, x, is_node=None, edges=None):
        return torch.tensor([self.likelihood]).log().expand(len(x), -1)


def test_whether_through_the_depot_is_decided_first():
    """By what all steps of a kind have together; what is not allowed counts for nothing."""
    points = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    demand, three = torch.tensor([[0, 1, 2, 3]]), torch.tensor([3])
    under_way = deliveries(points, demand, three, torch.tensor([1]), torch.tensor([2])).observe()
    assert under_way.choice.tolist() == [[0, 1, 2, 3]]  # customers 3 and 2, directly and through the depot
    assert under_way.allowed.tolist() == [[False, True, True, True]]

    def best(view, *likelihood):
        found = Decided(Fixed(likelihood))(view.x).masked_fill(~view.allowed, -torch.inf)
        return int(found.argmax())

    assert best(under_way, 0.0, 0.29, 0.4, 0.31) == 3  # 0.6 through the depot, though the likeliest step is direct
    assert best(under_way, 0.3, 0.24, 0.25, 0.21) == 1  # 0.3 is not allowed
    assert best(under_way, 0.0, 0.2, 0.6, 0.2) == 2
    whole = deliveries(points, demand, three).observe()
    assert best(whole, 0.1, 0.5, 0.2, 0.1, 0.05, 0.05) == 2  # nothing leads through the depot at the depot


def test_decisions_never_bar_what_is_allowed():
    """Not even where shares of a capacity are too fine for the numbers that the network sees."""
    points = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    many = 2**40
    view = deliveries(
        points, torch.tensor([[0, 1, many]]), torch.tensor([2 * many]), torch.tensor([1]), torch.tensor([many - 1])
    ).observe()
    assert view.allowed.tolist() == [[False, True]]
    found = Decided(Fixed((0.9, 0.1)))(view.x).masked_fill(~view.allowed, -torch.inf)
    assert int(found.argmax()) == 1
