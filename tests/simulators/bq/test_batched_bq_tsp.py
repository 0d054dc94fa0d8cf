"""Batched tails do what the reference process does, row by row."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from counterpoint.models.networks.bq import Bq, Form, Options
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, check
from counterpoint.simulators.batched.bq import unit_square
from counterpoint.simulators.batched.bq_tsp import ANSWERS, FEATURES, SPECIAL, start, visits
from counterpoint.simulators.bq.protocol import Tail
from counterpoint.simulators.bq.tsp import Quotient


def turned_round(tail):
    """The same path from its end to its origin."""
    path = tail.instance
    return Tail(Tsp(path.name, path.places, path.ends[::-1]), tail.numbers)


@pytest.mark.parametrize("is_closed", [True, False])
def test_agrees_with_the_reference_on_random_trajectories(is_closed):
    """A step at the end is one at the origin of the path turned round."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(5, 8, 2, generator=generator, dtype=torch.float64)
    ends = None if is_closed else (torch.tensor([0, 1, 2, 3, 7]), torch.tensor([7, 0, 1, 5, 6]))
    paths = start(points) if ends is None else start(points, *ends)
    quotient = Quotient()
    given = [None if ends is None else (int(ends[0][b]), int(ends[1][b])) for b in range(5)]
    instances = [Tsp("x", Places("euclidean", points[b].numpy()), given[b]) for b in range(5)]
    tails = [quotient.start(instance) for instance in instances]
    returns = np.zeros(5)
    steps = []
    while paths.size:
        choice = torch.randint(2 * paths.size, (5,), generator=generator)
        for b, tail in enumerate(tails):
            is_back = choice[b] % 2 == 1
            facing = turned_round(tail) if is_back else tail
            choices = quotient.actions(facing)
            assert [quotient.named(facing, a) for a in choices] == paths.left[b].tolist()
            action = choices[choice[b] // 2]
            assert 2 * quotient.named(facing, action) + is_back == paths.named(choice)[b]
            reward, after = quotient.step(facing, action)
            tails[b] = turned_round(after) if is_back else after
            returns[b] += reward
        steps.append(paths.named(choice))
        paths = paths.step(choice)
        np.testing.assert_allclose(paths.walked, -returns, atol=1e-12)
        for b, tail in enumerate(tails):
            assert [tail.numbers[end] % 8 for end in tail.instance.ends] == [paths.origin[b], paths.end[b]]
    returns += [quotient.finish(tail) for tail in tails]
    found = paths.cost()
    np.testing.assert_allclose(found, -returns, atol=1e-12)
    for b, inner in enumerate(visits(torch.stack(steps, dim=1)).tolist()):
        verdict = check(instances[b], quotient.solution(instances[b], inner))
        assert verdict.is_feasible
        assert verdict.objective == pytest.approx(float(found[b]), abs=1e-12)


def test_visits_run_from_the_origin_to_the_end():
    steps = torch.tensor([[2 * 5, 2 * 7 + 1, 2 * 2 + 1, 2 * 3], [2 * 1 + 1, 2 * 2 + 1, 2 * 3 + 1, 2 * 4 + 1]])
    assert visits(steps).tolist() == [[5, 3, 2, 7], [4, 3, 2, 1]]
    assert visits(steps, torch.tensor([[8, 9], [9, 8]])).tolist() == [[5, 3, 8, 9, 2, 7], [9, 8, 4, 3, 2, 1]]
    assert visits(steps[:, :0], torch.tensor([[4], [6]])).tolist() == [[4], [6]]


def test_coordinates_are_never_copied():
    paths = start(torch.rand(3, 6, 2))
    after = paths.step(torch.tensor([0, 2, 5])).picked(torch.tensor([2, 2, 0, 1]))
    assert after.points is paths.points
    assert after.row.tolist() == [2, 2, 0, 1]
    assert after.origin.tolist() == [0, 0, 1, 2]
    assert after.end.tolist() == [3, 3, 0, 0]
    assert after.left.tolist() == [[1, 2, 4, 5], [1, 2, 4, 5], [2, 3, 4, 5], [1, 3, 4, 5]]


def walk(paths, steps):
    """Take named steps in the one row there is."""
    for step in steps:
        paths = paths.step(2 * (paths.left[0] == step // 2).nonzero().flatten() + step % 2)
    return paths


@torch.no_grad()
@pytest.mark.parametrize("window", [0, 3])
def test_equal_tails_give_equal_logits_to_the_last_bit(window):
    """However they were reached."""
    network = Bq(Options(layers=2, width=16, heads=2, inner=32), Form(FEATURES, SPECIAL, ANSWERS))
    for layer in network.layers:
        layer.weights.data.fill_(1.0)
    paths = start(torch.rand(1, 9, 2, generator=torch.Generator().manual_seed(3)))
    orders = ([4, 10, 14, 9], [10, 9, 4, 14], [9, 4, 10, 14])  # by 2, 5 to 7; and to 4 at the end
    seen = [network(walk(paths, order).observe(window).x) for order in orders]
    assert seen[0].abs().sum() > 0
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


def test_what_is_seen():
    points = torch.tensor([[[0.0, 0.0], [8.0, 0.0], [1.0, 0.0], [0.0, 2.0], [4.0, 4.0]]])
    paths = start(points)
    view = paths.observe(rescale=False)
    assert view.x[0, :, :2].tolist() == points[0, [0, 0, 1, 2, 3, 4]].tolist()
    assert view.choice.tolist() == [[0, 1, 2, 3, 4, 5, 6, 7]]
    assert view.allowed is None
    assert torch.equal(paths.observe().x, view.x / 8)
    paths = walk(paths, [2 * 1 + 1])  # to (8, 0) at the end
    x = paths.observe(rescale=False).x
    assert x[0, :, 2].tolist() == [0, 8, 1, 2, pytest.approx(32**0.5)]  # away from the origin
    assert x[0, :, 3].tolist() == [8, 0, 7, pytest.approx(68**0.5), pytest.approx(32**0.5)]  # and from the end


def test_what_a_window_shows():
    points = torch.tensor([[[0.0, 0.0], [8.0, 1.0], [1.0, 0.0], [0.0, 2.0], [4.0, 4.0]]])
    paths = walk(start(points), [2 * 1 + 1])
    view = paths.observe(2, rescale=False)
    assert view.x[0, :, :2].tolist() == [[0.0, 0.0], [8.0, 1.0], [1.0, 0.0], [0.0, 2.0]]
    assert view.choice.tolist() == [[0, 1, 2, 3]]
    assert view.allowed.tolist() == [[True, False, True, False]]
    stretched = paths.observe(2).x  # (8, 1) at the rim
    assert stretched[0, :, :2].tolist() == [[0.0, 0.0], [1.0, 0.5], [0.5, 0.0], [0.0, 1.0]]
    for window in (3, 9):  # nothing left out
        assert torch.equal(paths.observe(window).x, paths.observe().x)
        assert paths.observe(window).allowed is None


@pytest.mark.parametrize("window", [0, 3])
def test_neither_size_nor_place_shows(window):
    points = torch.rand(4, 9, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    near, far = start(points), start(points * 3000 - 7)
    torch.testing.assert_close(near.observe(window).x, far.observe(window).x)


def test_a_path_turned_round_is_the_same_path_with_its_answers_swapped():
    points = torch.rand(1, 9, 2, generator=torch.Generator().manual_seed(1))
    paths = walk(start(points), [2 * 4, 2 * 6 + 1])
    turned = replace(paths, origin=paths.end, end=paths.origin)
    x, other = paths.observe().x, turned.observe().x
    assert torch.equal(other, x[:, [1, 0, *range(2, x.shape[1])]][:, :, [0, 1, 3, 2]])
    assert torch.equal(paths.key(), turned.key())
    choice = torch.tensor([5])
    after, other = paths.step(choice), turned.step(choice - 1)
    assert torch.equal(after.cost(), other.cost())
    assert torch.equal(after.key(), other.key())


def test_two_ways_to_the_same_tail_have_one_key_and_others_another():
    paths = start(torch.rand(1, 6, 2, generator=torch.Generator().manual_seed(0)))
    seen = {}
    for order in itertools.permutations(range(1, 6), 3):
        for sides in itertools.product((0, 1), repeat=3):
            after = walk(paths, [2 * place + side for place, side in zip(order, sides, strict=True)])
            state = frozenset((int(after.origin), int(after.end))), frozenset(after.left[0].tolist())
            seen.setdefault(state, set()).add(int(after.key()))
    assert all(len(keys) == 1 for keys in seen.values())
    assert len({key for keys in seen.values() for key in keys}) == len(seen) == 10 * 6


def test_the_unit_square_keeps_the_shape_and_bears_one_point():
    x = torch.tensor([[[1.0, 3.0], [5.0, 5.0]], [[2.0, 2.0], [2.0, 2.0]]])
    assert unit_square(x).tolist() == [[[0.0, 0.0], [1.0, 0.5]], [[0.0, 0.0], [0.0, 0.0]]]
