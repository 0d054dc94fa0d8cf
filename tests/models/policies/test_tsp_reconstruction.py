"""Stretches of tours are rebuilt: they are disjoint, what comes of them is a tour, and it never gets longer."""

from itertools import islice, pairwise

import numpy as np
import pytest
import torch

from counterpoint.models.networks.bq import Options as NetworkOptions
from counterpoint.models.policies.tsp import build
from counterpoint.models.policies.tsp_reconstruction import LONGEST, reconstructed, stretches
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


@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize("n", [12, 40, 350])
def test_stretches_share_nothing_but_ends(n, is_closed):
    random = np.random.default_rng(0)
    spans = set()
    for _ in range(200):
        at = stretches(n, is_closed, random)
        spans.add(at.shape[1] - 1)
        between = at[:, 1:-1].ravel()
        assert len(np.unique(between)) == len(between)
        assert not np.isin(at[:, [0, -1]], between).any()
        assert (np.diff(at, axis=1) % n == 1).all()
        assert at.size == 0 or (at.min() >= 0 and at.max() < n)
        assert is_closed or (np.diff(at, axis=1) == 1).all()
        legs = n if is_closed else n - 1
        assert len(at) == legs // (at.shape[1] - 1) >= 1  # as many as there is room for
    assert max(spans) <= min(LONGEST, n)
    assert len(spans) > 1 or n == 12


@pytest.mark.parametrize("metric", ["euclidean", "euc-2d"])
@pytest.mark.parametrize("ends", [None, (3, 0)])
@pytest.mark.parametrize("window", [0, 12])
def test_never_longer_and_always_a_tour(network, metric, ends, window):
    """Even by a network that knows nothing: what it makes longer is not kept."""
    points = np.random.default_rng(1).random((60, 2)) * (1 if metric == "euclidean" else 900)
    case = Tsp("x", Places(metric, points), ends)
    order = np.array([p for p in range(60) if ends is None or p not in ends])
    order = order if ends is None else np.array([ends[0], *order, ends[1]])
    given = order.copy()
    seen = torch.from_numpy(points / points.max())
    costs = [float(length(case, order))]
    for after in islice(reconstructed(case, order, seen, network, window=window, seed=2), 12):
        verdict = check(case, Tour(after))
        assert verdict.is_feasible, str(verdict)
        costs.append(verdict.objective)
    assert all(b <= a * (1 + 1e-12) for a, b in pairwise(costs))
    assert costs[-1] < 0.8 * costs[0]
    assert (order == given).all()


def test_the_same_seed_the_same_tours(network):
    case = Tsp("x", Places("euclidean", np.random.default_rng(1).random((30, 2))))
    points = torch.from_numpy(case.places.points.copy())
    runs = [
        [after.tolist() for after in islice(reconstructed(case, np.arange(30), points, network, seed=seed), 6)]
        for seed in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("rescale", [True, False])
def test_what_is_rebuilt_is_shown_at_its_scale_if_wished(network, rescale):
    case = Tsp("x", Places("euclidean", np.random.default_rng(1).random((200, 2))))
    extents = []

    class Spy(torch.nn.Module):
        def forward(self, x, is_node=None, edges=None):
            extents.append((x[:, :, :2].amax(1) - x[:, :, :2].amin(1)).amax(1))
            return network(x, is_node, edges)

    points = torch.from_numpy(case.places.points.copy())
    order = np.lexsort((points[:, 1].numpy(), np.floor(10 * points[:, 0].numpy())))
    for _ in islice(reconstructed(case, order, points, Spy(), rescale=rescale), 4):
        pass
    seen = torch.cat(extents)
    assert ((seen - 1).abs() < 1e-6).all() if rescale else (seen < 0.999).all()


def test_a_round_that_is_cut_off_counts_for_nothing(network):
    case = Tsp("x", Places("euclidean", np.random.default_rng(1).random((60, 2))))
    points = torch.from_numpy(case.places.points.copy())
    asked = []

    def stop():
        asked.append(1)
        return len(asked) > 1

    assert list(reconstructed(case, np.arange(60), points, network, stop=stop)) == []
    assert len(asked) == 2
