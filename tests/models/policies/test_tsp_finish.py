"""Small tails are finished exactly: against the dynamic programme for one instance, and against all orders."""

import itertools

import numpy as np
import pytest
import torch

from counterpoint.models.policies import atsp_finish
from counterpoint.models.policies.tsp_finish import MOST, completed, finished, shortest
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp
from counterpoint.simulators.batched import bq_atsp, bq_tsp
from counterpoint.solvers.dynamic_programming.tsp import shortest as one_shortest


def split(matrix):
    """Return lengths from the origin 0, between the others, and to the end 1."""
    return matrix[:, 0, 2:], matrix[:, 2:, 2:], matrix[:, 2:, 1]


def lengths(matrix, orders):
    walks = torch.cat((torch.zeros(len(orders), 1, dtype=torch.int64), orders + 2,
                       torch.ones(len(orders), 1, dtype=torch.int64)), dim=1)  # fmt: skip
    return matrix[torch.arange(len(orders)).unsqueeze(1), walks[:, :-1], walks[:, 1:]].sum(1)


@pytest.mark.parametrize("m", range(1, MOST + 1))
def test_as_short_as_the_dynamic_programme_for_one(m):
    points = torch.rand(6, m + 2, 2, generator=torch.Generator().manual_seed(m), dtype=torch.float64)
    matrix = torch.cdist(points, points)
    orders = shortest(*split(matrix))
    assert (orders.sort(1).values == torch.arange(m)).all()
    for points_of, found in zip(points.numpy(), lengths(matrix, orders).tolist(), strict=True):
        case = Tsp("x", Places("euclidean", points_of), (0, 1))
        order = one_shortest(case)
        assert found == pytest.approx(float(case.places.lengths(order[:-1], order[1:]).sum()), rel=1e-12)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_legs_may_differ_to_and_fro(m):
    matrix = torch.rand(8, m + 2, m + 2, generator=torch.Generator().manual_seed(m), dtype=torch.float64)
    found = lengths(matrix, shortest(*split(matrix)))
    every = [lengths(matrix, torch.tensor(order).expand(8, -1)) for order in itertools.permutations(range(m))]
    np.testing.assert_allclose(found, torch.stack(every).amin(0), rtol=1e-12)


def test_more_rows_than_are_worked_on_at_once_and_ties():
    matrix = torch.ones(2500, 5, 5)
    orders = shortest(*split(matrix))
    assert orders.shape == (2500, 3)
    assert (orders == orders[0]).all()
    assert shortest(*split(torch.rand(0, 5, 5))).shape == (0, 3)


def test_too_many_places():
    for m in (0, MOST + 1):
        with pytest.raises(ValueError, match=str(m)):
            shortest(*split(torch.rand(1, m + 2, m + 2)))


@pytest.mark.parametrize("matrix", [False, True])
def test_completed_paths_have_taken_the_steps_of_the_finish(matrix):
    points = torch.rand(5, 8, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    paths, finish = bq_tsp.start(points), finished
    if matrix:
        paths, finish = bq_atsp.start(torch.cdist(points, points)), atsp_finish.finished
    paths = paths.step(torch.tensor([1, 2, 3, 4, 5]))
    steps, after = completed(paths, finish)
    assert after.size == 0
    assert (steps % 2 == 0).all()
    assert torch.equal(bq_tsp.visits(steps), finish(paths))
    tour = torch.cat((paths.origin.unsqueeze(1), steps // 2, paths.end.unsqueeze(1)), dim=1)
    legs = (points.gather(1, tour.unsqueeze(2).expand(-1, -1, 2)).diff(dim=1)).norm(dim=2).sum(1)
    torch.testing.assert_close(after.cost(), paths.walked + legs)
    assert completed(after, finish)[0].shape == (5, 0)
