"""Re-construction of routes: parts are instances of their own, what is put back fits, and nothing gets longer."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from counterpoint.models.policies.cvrp import _deliveries, _line, _routes
from counterpoint.models.policies.cvrp_reconstruction import (
    Line,
    cut,
    length,
    lined_up,
    rebuilt,
    reconstructed,
    shorter,
)  # fmt: skip
from counterpoint.opt.problems.cvrp import Cvrp, Routes, check
from counterpoint.opt.problems.places import Places


class Nearest(torch.nn.Module):
    """Answers as if it had learnt to go to who is near, and through the depot only if that is hardly farther."""

    def forward(self, x, is_node=None, edges=None):
        away, from_depot = x[:, 2:, 2], x[:, 2:, 3]
        return -10 * torch.stack((away, x[:, :1, 3] + from_depot), dim=2).flatten(1)


@pytest.fixture(scope="module")
def network():
    return Nearest()


def random_instance(seed: int, customers: int = 30, metric="euclidean") -> Cvrp:
    rng = np.random.default_rng(seed)
    points, demand = rng.random((customers + 1, 2)) * 100, np.r_[0, rng.integers(0, 10, customers)]
    origin = int(rng.integers(1, customers + 1)) if seed % 2 else 0
    return Cvrp("x", Places(metric, points), demand, 25, origin, int(rng.integers(0, 26)) if origin else 25)


def random_line(instance: Cvrp, seed: int) -> Line:
    """Some routes that fit, most of them badly."""
    rng = np.random.default_rng(seed)
    steps, room, here = [], instance.load, instance.origin
    for customer in rng.permutation(instance.customers).tolist():
        is_through = here > 0 and bool(instance.demand[customer] > room or rng.random() < 0.2)
        room = (instance.capacity if is_through else room) - int(instance.demand[customer])
        steps.append(2 * customer + is_through)
        here = customer
    return _line(np.array(steps, np.int64))


cases = [(random_instance(seed, customers), seed) for seed, customers in enumerate([30, 30, 31, 31, 9, 9, 2, 3] * 3)]


@pytest.mark.parametrize(("instance", "seed"), cases)
def test_lined_up_are_the_same_routes(instance, seed):
    line = random_line(instance, seed)
    assert check(instance, _routes(line)).is_feasible
    assert length(instance, line) == pytest.approx(check(instance, _routes(line)).objective, rel=1e-12)
    moved = lined_up(instance, line, np.array(instance.places.points), np.random.default_rng(seed))

    def routes(of, is_first):
        found = [route.tolist() for route in _routes(of).routes]
        fixed = tuple(found.pop(0)) if is_first else ()
        return fixed, sorted(min(route, route[::-1]) for route in found)

    assert routes(line, instance.origin > 0) == routes(moved, instance.origin > 0)
    assert length(instance, moved) == pytest.approx(length(instance, line), rel=1e-12)


@pytest.mark.parametrize(("instance", "seed"), cases)
def test_parts_are_instances_like_any_other(instance, seed):
    """What a line does in a part is feasible there, and the rest of the line costs what it did."""
    random = np.random.default_rng(seed)
    line = random_line(instance, seed)
    for _ in range(5):
        parts = cut(instance, line, random)
        assert len(set(parts.at.ravel().tolist())) == parts.at.size
        for at, origin, load in zip(parts.at, parts.origin.tolist(), parts.load.tolist(), strict=True):
            keep = np.r_[[0], *([[origin]] if origin else []), line.customers[at]].astype(np.int64)
            places = Places("euclidean", instance.places.points[keep])
            case = Cvrp("part", places, instance.demand[keep], instance.capacity, int(origin > 0), load)
            assert at[-1] + 1 == len(line.customers) or line.through[at[-1] + 1]
            through = line.through[at].copy()
            through[0] &= origin > 0
            first = 2 if origin else 1
            own = Line(np.arange(first, first + len(at)), through)
            assert check(case, _routes(own)).is_feasible


@pytest.mark.parametrize(("instance", "seed"), cases)
def test_rounds_never_make_routes_longer(instance, seed, network):
    line = random_line(instance, seed)
    points = _deliveries(instance).points[0]
    costs = [length(instance, line)]
    found = reconstructed(instance, line, points, network, window=12, seed=seed)
    for _ in range(4):
        verdict = check(instance, _routes(next(found)))
        assert verdict.is_feasible, str(verdict)
        costs.append(verdict.objective)
    assert all(after <= before * (1 + 1e-9) for before, after in pairwise(costs))
    if len(instance.customers) >= 30:
        assert costs[-1] < 0.95 * costs[0]


def test_what_is_rebuilt_is_judged_by_lengths_and_the_best_is_put_in(network):
    """Against the checker: whatever the network says, what changes is what its best turns save."""
    for seed in range(6):
        instance = random_instance(seed, 40, "euc-2d")
        line = random_line(instance, seed)
        points = _deliveries(instance).points[0]
        parts = cut(instance, line, np.random.default_rng(seed))
        steps = rebuilt(instance, line, parts, points, network, 0, np.arange(8), None)
        assert steps.shape == (len(parts.at), 8, parts.at.shape[1])
        one_by_one = length(instance, line)
        for p in range(len(parts.at)):
            ends = []
            for t in range(8):
                customers, through = line.customers.copy(), line.through.copy()
                customers[parts.at[p]] = steps[p, t] // 2
                through[parts.at[p]] = steps[p, t] % 2 == 1
                if parts.origin[p] == 0 and parts.at[p, 0] > 0:
                    through[parts.at[p, 0]] = True
                verdict = check(instance, _routes(Line(customers, through)))
                assert verdict.is_feasible
                ends.append(verdict.objective)
            one_by_one -= max(0.0, length(instance, line) - min(ends))
        assert length(instance, shorter(instance, line, parts, steps)) == pytest.approx(one_by_one, rel=1e-12)


def test_a_round_that_is_cut_off_counts_for_nothing(network):
    instance = random_instance(0)
    asked = iter([False] * 4 + [True] * 9)
    found = reconstructed(
        instance, random_line(instance, 0), _deliveries(instance).points[0], network, stop=lambda: next(asked)
    )
    assert list(found) == []


def test_a_line_and_routes_are_the_same():
    assert _routes(_line(np.array([2, 4, 7, 9]))) == Routes((np.array([1, 2]), np.array([3]), np.array([4])))
    assert [r.tolist() for r in _routes(_line(np.array([3, 4]))).routes] == [[], [1, 2]]


@pytest.mark.parametrize("rescale", [True, False])
def test_parts_are_shown_at_their_scale_if_wished(rescale):
    case = random_instance(0, 60)
    extents = []

    class Spy(Nearest):
        def forward(self, x, is_node=None, edges=None):
            extents.append((x[:, :, :2].amax(1) - x[:, :, :2].amin(1)).amax(1))
            return super().forward(x, is_node, edges)

    points = _deliveries(case).points[0] / 10
    line = Line(np.arange(1, 61), np.arange(60) % 3 == 0)
    next(reconstructed(case, line, points, Spy(), rescale=rescale))
    first = extents[0]
    assert (first - 1).abs().max() < 1e-6 if rescale else first.max() < 0.2
