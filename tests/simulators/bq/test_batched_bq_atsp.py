"""Batched tails of matrices do what the reference process does, row by row, at both ends."""

import itertools

import numpy as np
import pytest
import torch

from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, check
from counterpoint.simulators.batched.bq_atsp import start
from counterpoint.simulators.batched.bq_tsp import visits
from counterpoint.simulators.bq.protocol import Tail
from counterpoint.simulators.bq.tsp import Quotient


def matrices(batch=5, n=8, seed=0):
    costs = torch.randint(1, 1000, (batch, n, n), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return costs * (1 - torch.eye(n, dtype=torch.float64))


def turned(tail):
    """Return the same tail run backwards: the matrix transposed, the ends swapped."""
    places = Places("explicit", None, tail.instance.places.matrix.T)
    return Tail(Tsp("x", places, tail.instance.ends[::-1]), tail.numbers)


def steps_of(paths, *named):
    """Take steps, given as (place, whether at the end), in all rows."""
    for place, is_back in named:
        at = (paths.left == place).nonzero()[:, 1]
        paths = paths.step(2 * at + is_back)
    return paths


@pytest.mark.parametrize("is_closed", [True, False])
def test_agrees_with_the_reference_on_random_trajectories(is_closed):
    generator = torch.Generator().manual_seed(0)
    costs = matrices()
    ends = None if is_closed else (torch.tensor([0, 1, 2, 3, 7]), torch.tensor([7, 0, 1, 5, 6]))
    paths = start(costs) if ends is None else start(costs, *ends)
    quotient = Quotient()
    given = [None if ends is None else (int(ends[0][b]), int(ends[1][b])) for b in range(5)]
    instances = [Tsp("x", Places("explicit", None, costs[b].numpy()), given[b]) for b in range(5)]
    tails = [quotient.start(instance) for instance in instances]
    returns, steps = np.zeros(5), []
    while paths.size:
        view = paths.observe()
        action = torch.randint(2 * paths.size, (5,), generator=generator)
        for b, tail in enumerate(tails):
            choices = quotient.actions(tail)
            assert [quotient.named(tail, a) for a in choices] == paths.left[b].tolist()
            nodes = [*tail.instance.ends, *choices]
            whole = tail.instance.places.matrix[np.ix_(nodes, nodes)]
            possible = np.concatenate((whole[0, 2:], whole[2:, 1], whole[2:, 2:][~np.eye(len(choices), dtype=bool)]))
            np.testing.assert_allclose(view.edges[b, :, :, 0], whole / possible.mean(), rtol=1e-6)
            is_back = bool(action[b] % 2)
            reward, after = quotient.step(turned(tail) if is_back else tail, choices[action[b] // 2])
            tails[b] = turned(after) if is_back else after
            returns[b] += reward
        assert view.choice.tolist() == [list(range(2 * paths.size))] * 5
        steps.append(paths.named(action))
        paths = paths.step(action)
        np.testing.assert_array_equal(paths.spent(), -returns)
    returns += [quotient.finish(tail) for tail in tails]
    np.testing.assert_array_equal(paths.cost(), -returns)
    for b, between in enumerate(visits(torch.stack(steps, dim=1)).tolist()):
        verdict = check(instances[b], quotient.solution(instances[b], between))
        assert verdict.is_feasible
        assert verdict.objective == float(paths.cost()[b])


def test_matrices_are_never_copied():
    paths = start(matrices(3, 6))
    after = paths.step(torch.tensor([0, 3, 4])).picked(torch.tensor([2, 2, 0, 1]))
    assert after.costs is paths.costs
    assert after.row.tolist() == [2, 2, 0, 1]
    assert after.origin.tolist() == [3, 3, 1, 0]
    assert after.end.tolist() == [0, 0, 0, 2]
    assert after.left.tolist() == [[1, 2, 4, 5], [1, 2, 4, 5], [2, 3, 4, 5], [1, 3, 4, 5]]


def test_two_ways_to_the_same_tail_have_one_key_and_others_another():
    whole = start(matrices(1, 7))
    seen = {}
    for order in itertools.permutations(range(1, 7), 3):
        for back in (0, 1, 2):
            steps = [(place, k == back) for k, place in enumerate(order)]
            ends = [[place for place, is_back in steps if is_back == side][-1] for side in (False, True)]
            seen.setdefault((frozenset(order), *ends), set()).add(int(steps_of(whole, *steps).key()))
    assert all(len(keys) == 1 for keys in seen.values())
    assert len({key for keys in seen.values() for key in keys}) == len(seen) == 120


def test_what_is_seen_through_a_window():
    costs = matrices(1, 9)
    paths = steps_of(start(costs), (3, False), (6, True))
    left = paths.left[0]
    there, back = costs[0, 3, left], costs[0, left, 6]
    seen = paths.observe(4).choice[0, ::2] // 2
    assert len(set(seen.tolist())) == 4
    for near in (there, back):  # the two that are nearest to either end are among them
        assert set(near.argsort()[:2].tolist()) <= set(seen.tolist())
    view = paths.observe(4)
    nodes = torch.cat((torch.tensor([3, 6]), left[seen]))
    part = costs[0][nodes][:, nodes]
    torch.testing.assert_close(view.edges[0, :, :, 0] / view.edges[0, 0, 2, 0], (part / part[0, 2]).float())
    assert view.x.shape == (1, 6, 0)
    for window in (0, 6, 9):  # a window that leaves nothing out changes nothing
        assert torch.equal(paths.observe(window).edges, paths.observe().edges)
        assert torch.equal(paths.observe(window).choice, paths.observe().choice)


def test_scale_is_not_seen():
    costs = matrices()
    torch.testing.assert_close(start(costs).observe().edges, start(costs * 2.0**30).observe().edges, atol=0, rtol=0)
    assert start(0 * costs).observe().edges.abs().max() == 0
