"""Symmetries of the network for matrices, and what it is told of arcs."""

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from counterpoint.models.networks.bq import Form, Options
from counterpoint.models.networks.bq_matrix import BqMatrix
from counterpoint.models.networks.bq_matrix_arcs import DESCRIPTION, described, possible, reduced

SMALL = Options(layers=3, width=32, heads=4, inner=48)


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = BqMatrix(SMALL, Form(0, 2, 2)).eval()
        for layer in made.layers:
            layer.weights.data.normal_()  # at 0 nothing would be tested
    return made


def matrices(batch=4, n=9, seed=1):
    return torch.rand(batch, n, n, generator=torch.Generator().manual_seed(seed)) * (1 - torch.eye(n))


def answers(network, costs, is_node=None):
    logits = network(torch.zeros(*costs.shape[:2], 0), is_node, costs.unsqueeze(3))
    return logits.view(len(costs), -1, 2)


@torch.no_grad()
def test_renumbered_nodes_renumber_the_logits(network):
    costs = matrices()
    order = torch.randperm(7, generator=torch.Generator().manual_seed(2))
    nodes = torch.cat((torch.tensor([0, 1]), 2 + order))
    torch.testing.assert_close(
        answers(network, costs[:, nodes][:, :, nodes]), answers(network, costs)[:, order], atol=2e-5, rtol=1e-4
    )


@torch.no_grad()
def test_the_ends_and_the_direction_matter(network):
    costs = matrices()
    logits = answers(network, costs)
    swapped = [1, 0, *range(2, 9)]
    assert (answers(network, costs[:, swapped][:, :, swapped]) - logits).abs().max() > 1e-3
    assert (answers(network, costs.transpose(1, 2)) - logits).abs().max() > 1e-3
    assert (logits[:, :, 0] - logits[:, :, 1]).abs().max() > 1e-3


@torch.no_grad()
def test_only_arcs_that_can_be_count(network):
    """What it costs to leave the end, to come to the origin, or to go from one to the other changes nothing."""
    costs = matrices()
    other = costs.clone()
    other[:, 1] = other[:, :, 0] = 7.0
    other[:, 0, 1] = 9.0
    torch.testing.assert_close(answers(network, other), answers(network, costs), atol=0, rtol=0)
    other[:, 0, 2] += 1.0
    assert (answers(network, other) - answers(network, costs)).abs().max() > 1e-3


@torch.no_grad()
def test_rows_that_are_filled_up_are_as_if_they_were_not(network):
    costs = matrices()
    is_node = torch.ones(4, 9, dtype=torch.bool)
    is_node[1:, 6:] = False
    found = answers(network, costs, is_node)
    torch.testing.assert_close(found[:1], answers(network, costs[:1]), atol=2e-5, rtol=1e-4)
    torch.testing.assert_close(found[1:, :4], answers(network, costs[1:, :6, :6]), atol=2e-5, rtol=1e-4)
    assert (found[1:, 4:] == -torch.inf).all()


@torch.no_grad()
@pytest.mark.parametrize("n", [3, 4, 12])
def test_matrices_of_any_kind_give_finite_logits(network, n):
    costs = matrices(6, n)
    costs[0] = 0.0  # all the same
    costs[1] = (costs[1] > 0.5).float()  # ties
    costs[2] = costs[2] ** 20 * 1e9  # of all magnitudes
    costs[3, :, 2] = 1e12  # a node that is hardly to be reached
    costs[4] = 1e-30 * costs[4]
    assert answers(network, costs).isfinite().all()
    seen = described(costs, None)
    assert seen.shape == (6, n, n, DESCRIPTION)
    assert seen.abs().max() <= 5


@torch.no_grad()
def test_it_does_not_matter_how_dear_an_arc_is_that_nobody_takes(network):
    costs = matrices(4, 12)
    is_barred = torch.rand(4, 12, 12, generator=torch.Generator().manual_seed(3)) < 0.3
    one, other = (answers(network, costs.masked_fill(is_barred, dear)) for dear in (1e5, 1e8))
    torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
    assert (one - answers(network, costs)).abs().max() > 0.1


def test_costs_are_reduced_in_rows_and_columns():
    costs = matrices(3, 8).double()
    can = possible(8, costs.device, None)
    found = reduced(costs, can)
    assert (found == torch.inf).equal((~can).expand_as(found))
    assert (found >= 0).all()
    for way, without in ((2, 1), (1, 0)):  # nothing leaves the end or comes to the origin
        least = found.amin(way)
        assert [k for k in range(8) if (least[:, k] != 0).any()] == [without]
    shifted = costs + torch.rand(3, 8, 1, dtype=torch.float64)  # the same more out of a node
    torch.testing.assert_close(reduced(shifted, can), found)


def test_shares_are_of_the_cheapest_assignment():
    """Each node is left once and entered once; arcs of the assignment that is by far the cheapest get most of it."""
    random = np.random.default_rng(0)
    for n in (5, 9, 16):
        costs = 1 + random.random((1, n, n))
        successor = np.concatenate(([2 + random.integers(n - 2)], [0], np.zeros(n - 2, np.int64)))
        order = 2 + random.permutation(n - 2)
        successor[[0, *order]] = [*order, 1]  # a path through all
        costs[0, np.arange(n), successor] = 0.5 * random.random(n)
        seen = described(torch.from_numpy(costs), None)[0]
        share = seen[:, :, 2].numpy()
        np.testing.assert_allclose(share.sum(0)[1:], 1, atol=1e-5)  # columns last
        np.testing.assert_allclose(share.sum(1)[[0, *range(2, n)]], 1, atol=0.05)
        assert share[1].max() < 1e-9
        assert share[:, 0].max() < 1e-9
        rows, columns = [0, *range(2, n)], range(1, n)
        barred = np.where(possible(n, torch.device("cpu"), None)[0].numpy(), costs[0], 1e3)
        at, chosen = linear_sum_assignment(barred[np.ix_(rows, columns)])
        assert all(share[rows[i], columns[j]] > 0.5 for i, j in zip(at, chosen, strict=True))
        np.testing.assert_array_equal(seen[:, :, 3:].numpy(), seen[:, :, :3].transpose(0, 1).numpy())
