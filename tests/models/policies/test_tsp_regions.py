"""Regions of tours are rebuilt: what is kept outside stays, links are used, and what comes of it is a shorter tour."""

from itertools import pairwise, permutations

import numpy as np
import pytest
import torch

from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.tsp import build
from counterpoint.models.policies.tsp_reconstruction import rebuilt_regions
from counterpoint.models.policies.tsp_regions import Region, finished, linked, put_in, region_around, regions
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tour, Tsp, check, length


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = build(NetworkOptions(layers=1, width=16, heads=2, inner=16))
        for layer in made.layers:
            layer.weights.data.fill_(0.5)
    return made


def points_of(n, seed=0):
    return np.random.default_rng(seed).random((n, 2))


@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize("n", [14, 60, 200])
def test_a_region_and_what_is_kept_make_the_tour(n, is_closed):
    random = np.random.default_rng(n)
    points, found = points_of(n), 0
    for _ in range(60):
        order, size = random.permutation(n), int(random.integers(5, min(40, n - 3)))
        if random.random() < 0.5:  # a tour that hangs together: few strands
            order = np.lexsort((points[:, 1], np.floor(8 * points[:, 0])))
        centre = int(random.integers(n))
        region = region_around(order, points, centre, size, is_closed=is_closed)
        if region is None:
            continue
        found += 1
        ring = {frozenset(leg) for leg in pairwise([*order.tolist(), int(order[0])])}
        real = [frozenset(leg) for leg in pairwise(region.walk.tolist())]
        assert len(region.walk) == size + 2 == len(set(region.walk.tolist()))
        inside = set(region.inside.tolist())
        at = {place: k for k, place in enumerate(order.tolist())}
        for leg, is_link in zip(real, region.is_link, strict=True):
            if not is_link:
                assert leg in ring
                assert leg & inside
            else:
                a, b = (at[place] for place in leg)
                assert not leg & inside
                spans = (set(order[min(a, b) : max(a, b) + 1].tolist()), {*order[max(a, b) :], *order[: min(a, b) + 1]})
                assert any(not span & inside for span in spans)  # one side of it lies all outside
        changed = {leg for leg in ring if leg & inside}
        assert changed == {leg for leg, is_link in zip(real, region.is_link, strict=True) if not is_link}
        if not is_closed:
            assert not inside & {int(order[0]), int(order[-1])}
        else:
            away = np.square(points - points[centre]).sum(1)
            assert away[region.inside].max() <= np.delete(away, region.inside).min()
    assert found > 10


def test_regions_touch_nothing_that_others_change():
    points, random = points_of(300), np.random.default_rng(1)
    order = np.lexsort((points[:, 1], np.floor(15 * points[:, 0])))
    counts = []
    for _ in range(20):
        found = regions(order, points, 20, random)
        counts.append(len(found))
        for a in found:
            for b in found:
                assert a is b or not set(a.inside.tolist()) & set(b.walk.tolist())
    assert np.mean(counts) > 4


@pytest.mark.parametrize("is_due", [False, True])
def test_the_finish_is_the_shortest_that_uses_all_links(is_due):
    """Against all orders of six places, two pairs of them linked; where one is due, it comes first."""
    random = np.random.default_rng(3)
    for _ in range(10):
        points = random.random((8, 2))
        walk = np.arange(8)
        is_link = np.zeros(7, dtype=bool)
        is_link[[1, 4]] = True
        if is_due:
            is_link[0] = True  # the origin is the end of a link whose other one is left
            is_link[1] = False
        tails = linked([Region(walk, is_link, walk)], torch.from_numpy(points))
        made = finished(tails)[0].tolist()
        must = [frozenset((k, k + 1)) for k in np.flatnonzero(is_link).tolist()]
        costs = {}
        for inner in permutations(range(1, 7)):
            legs = [frozenset(leg) for leg in pairwise((0, *inner, 7))]
            if all(link in legs for link in must):
                ways = [np.subtract(*points[sorted(leg)]) for leg in legs if leg not in must]
                costs[inner] = float(np.hypot(*np.array(ways).T).sum())
        assert costs[tuple(made)] == pytest.approx(min(costs.values()))


@pytest.mark.parametrize("ends", [None, (3, 0)])
@pytest.mark.parametrize("metric", ["euclidean", "euc-2d"])
def test_links_are_used_and_tours_never_get_longer(network, metric, ends):
    """Even by a network that knows nothing."""
    points = points_of(120, 4) * (1 if metric == "euclidean" else 900)
    case = Tsp("x", Places(metric, points), ends)
    order = np.array([p for p in range(120) if ends is None or p not in ends])
    order = order if ends is None else np.array([ends[0], *order, ends[1]])
    seen, random = torch.from_numpy(points / points.max()), np.random.default_rng(5)
    costs = [float(length(case, order))]
    for _ in range(12):
        found = regions(order, points, 14, random, is_closed=ends is None)
        if not found:
            continue
        walks = rebuilt_regions(found, seen, network, None)
        for region, walk in zip(found, walks, strict=True):
            assert (np.sort(walk) == np.sort(region.walk)).all()
            assert (walk[[0, -1]] == region.walk[[0, -1]]).all()
            made = {frozenset(leg) for leg in pairwise(walk.tolist())}
            old = list(pairwise(region.walk.tolist()))
            assert all(frozenset(old[k]) in made for k in np.flatnonzero(region.is_link))
        order = put_in(case, order, found, walks)
        verdict = check(case, Tour(order))
        assert verdict.is_feasible, str(verdict)
        costs.append(verdict.objective)
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(costs))
    assert costs[-1] < 0.8 * costs[0]


def test_what_would_make_two_tours_is_not_taken():
    """A region whose links another one has changed since: 2 goes on to 4 and no longer to 6."""
    points = np.array([[0, 0], [1, 1], [9, 0], [9, 2], [9, 1], [8, 1], [0, 2], [0, 1]], float)
    case = Tsp("x", Places("euclidean", points))
    order = np.arange(8)
    stale = Region(np.array([0, 1, 2, 6, 5, 4]), np.array([False, False, True, False, False]), np.array([1, 5]))
    apart = np.array([0, 1, 6, 2, 5, 4])  # 0, 1, 6, 7 and 2, 3, 4, 5: shorter, and two tours
    old, new = (sum(map(case.places.lengths, walk[:-1], walk[1:])) for walk in (stale.walk, apart))
    assert new < old
    assert put_in(case, order, [stale], apart[None]).tolist() == order.tolist()


def test_strands_far_apart_along_the_tour_are_mended(network):
    """Two places on either side of a narrow ring have each other's turn: no short stretch of the tour has both."""
    count = 20
    points = np.concatenate([np.column_stack((np.arange(count), np.full(count, side))) for side in (0.0, 1.0)])
    case = Tsp("x", Places("euclidean", points))
    best = np.r_[np.arange(count), np.arange(2 * count - 1, count - 1, -1)]
    order = best.copy()
    order[[10, 29]] = order[[29, 10]]
    assert points[order[10], 0] == points[order[29], 0]
    region = region_around(order, points, 10, 8)
    after = put_in(case, order, [region], rebuilt_regions([region], torch.from_numpy(points), network, None))
    assert length(case, order) > length(case, after) == length(case, best)
