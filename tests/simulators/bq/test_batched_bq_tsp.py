"""Batched tails do what the reference process does, row by row."""

import itertools

import numpy as np
import pytest
import torch

from counterpoint.models.networks.bq import Bq, Form, Options
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, check
from counterpoint.simulators.batched.bq import unit_square
from counterpoint.simulators.batched.bq_tsp import start
from counterpoint.simulators.bq.tsp import Quotient


@pytest.mark.parametrize("is_closed", [True, False])
def test_agrees_with_the_reference_on_random_trajectories(is_closed):
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(5, 8, 2, generator=generator, dtype=torch.float64)
    ends = None if is_closed else (torch.tensor([0, 1, 2, 3, 7]), torch.tensor([7, 0, 1, 5, 6]))
    paths = start(points) if ends is None else start(points, *ends)
    quotient = Quotient()
    given = [None if ends is None else (int(ends[0][b]), int(ends[1][b])) for b in range(5)]
    instances = [Tsp("x", Places("euclidean", points[b].numpy()), given[b]) for b in range(5)]
    tails = [quotient.start(instance) for instance in instances]
    visited = [[] for _ in range(5)]
    returns = np.zeros(5)
    while paths.size:
        action = torch.randint(paths.size, (5,), generator=generator)
        for b, tail in enumerate(tails):
            choices = quotient.actions(tail)
            assert [quotient.named(tail, a) for a in choices] == paths.left[b].tolist()
            visited[b].append(quotient.named(tail, choices[action[b]]))
            reward, tails[b] = quotient.step(tail, choices[action[b]])
            returns[b] += reward
        paths = paths.step(action)
        np.testing.assert_allclose(paths.walked, -returns, atol=1e-12)
    returns += [quotient.finish(tail) for tail in tails]
    found = paths.cost()
    np.testing.assert_allclose(found, -returns, atol=1e-12)
    for b, instance in enumerate(instances):
        verdict = check(instance, quotient.solution(instance, visited[b]))
        assert verdict.is_feasible
        assert verdict.objective == pytest.approx(float(found[b]), abs=1e-12)


def test_coordinates_are_never_copied():
    paths = start(torch.rand(3, 6, 2))
    after = paths.step(torch.tensor([0, 1, 2])).picked(torch.tensor([2, 2, 0, 1]))
    assert after.points is paths.points
    assert after.row.tolist() == [2, 2, 0, 1]
    assert after.origin.tolist() == [3, 3, 1, 2]
    assert after.left.tolist() == [[1, 2, 4, 5], [1, 2, 4, 5], [2, 3, 4, 5], [1, 3, 4, 5]]


@torch.no_grad()
def test_equal_tails_give_equal_logits_to_the_last_bit():
    """However they were reached."""
    network = Bq(Options(layers=2, width=16, heads=2, inner=32), Form(2))
    for layer in network.layers:
        layer.weights.data.fill_(1.0)
    points = torch.rand(1, 9, 2, generator=torch.Generator().manual_seed(3))
    seen = []
    for order in ([2, 5, 7, 4], [7, 2, 5, 4], [5, 7, 2, 4]):
        paths = start(points)
        for place in order:
            paths = paths.step((paths.left[0] == place).nonzero().flatten())
        seen.append(network(paths.observe(3).x))
    assert seen[0].abs().sum() > 0
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


def test_what_is_seen():
    points = torch.tensor([[[0.0, 0.0], [8.0, 0.0], [1.0, 0.0], [0.0, 2.0], [5.0, 5.0]]])
    paths = start(points)
    view = paths.observe()
    x, position = view.x, view.choice
    assert x[0].tolist() == points[0, [0, 0, 1, 2, 3, 4]].tolist()
    assert position.tolist() == [[0, 1, 2, 3]]
    view = paths.observe(2, rescale=False)
    seen, position = view.x, view.choice
    assert position.tolist() == [[1, 2]]
    assert seen[0].tolist() == [[0.0, 0.0], [0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]
    scaled = paths.observe(2).x
    assert scaled[0].tolist() == [[0.0, 0.0], [0.0, 0.0], [0.5, 0.0], [0.0, 1.0]]
    assert torch.equal(paths.observe(4).x, x)  # a window that leaves nothing out changes nothing
    assert torch.equal(paths.observe(9).x, x)


def test_two_ways_to_the_same_tail_have_one_key_and_others_another():
    points = torch.rand(1, 7, 2, generator=torch.Generator().manual_seed(0))
    seen = {}
    for order in itertools.permutations(range(1, 7), 3):
        paths = start(points)
        for place in order:
            paths = paths.step((paths.left[0] == place).nonzero().flatten())
        seen.setdefault((frozenset(order), order[-1]), set()).add(int(paths.key()))
    assert all(len(keys) == 1 for keys in seen.values())
    assert len({key for keys in seen.values() for key in keys}) == len(seen) == 60


def test_the_unit_square_keeps_the_shape_and_bears_one_point():
    x = torch.tensor([[[1.0, 3.0], [5.0, 5.0]], [[2.0, 2.0], [2.0, 2.0]]])
    assert unit_square(x).tolist() == [[[0.0, 0.0], [1.0, 0.5]], [[0.0, 0.0], [0.0, 0.0]]]
