"""Batched tails of vehicle routing do what the reference process does, row by row."""

import numpy as np
import pytest
import torch

from counterpoint.models.networks.bq import Bq, Form, Options
from counterpoint.opt.problems.cvrp import Cvrp, check
from counterpoint.opt.problems.places import Places
from counterpoint.simulators.batched.bq_cvrp import ANSWERS, FEATURES, SPECIAL, start
from counterpoint.simulators.bq.cvrp import Quotient, routes_of


def random_instances(batch, n, seed, is_under_way=False, max_demand=9):
    rng = np.random.default_rng(seed)
    points, demand = rng.random((batch, n, 2)), rng.integers(0, max_demand + 1, (batch, n))
    capacity = rng.integers(max_demand, 3 * max_demand, batch)
    demand[:, 0] = 0
    origin = rng.integers(1, n, batch) if is_under_way else np.zeros(batch, np.int64)
    load = rng.integers(0, capacity + 1) if is_under_way else capacity
    return points, demand, capacity, origin, load


def instance_of(points, demand, capacity, origin, load):
    is_there = demand >= 0
    places = Places("euclidean", points[is_there])
    return Cvrp("x", places, demand[is_there], int(capacity), int(origin), int(load))


def tensors(arrays):
    return [torch.from_numpy(np.array(a)) for a in arrays]


def named(view, left):
    """What a view allows, as the reference names it, for each row."""
    return [
        sorted((int(rest[c // 2]), c % 2 == 1) for c in choice[may].tolist())
        for choice, may, rest in zip(view.choice, view.allowed, left, strict=True)
    ]


def random_choice(view, generator):
    drawn = torch.rand(view.choice.shape, generator=generator).masked_fill(~view.allowed, -1.0).argmax(1, keepdim=True)
    return view.choice.gather(1, drawn).squeeze(1).masked_fill(~view.allowed.any(1), -1)


@pytest.mark.parametrize("is_under_way", [False, True])
@pytest.mark.parametrize("is_ragged", [False, True])
def test_agrees_with_the_reference_on_random_trajectories(is_under_way, is_ragged):
    generator = torch.Generator().manual_seed(0)
    arrays = random_instances(20, 10, 3, is_under_way)
    if is_ragged:
        missing = np.arange(10) >= np.random.default_rng(0).integers(5, 11, 20)[:, None]
        arrays[3][:] = np.minimum(arrays[3], 4)
        arrays[1][missing] = -1
    tails = start(*tensors(arrays))
    assert tails.is_ragged == is_ragged
    instances = [instance_of(*(a[b] for a in arrays)) for b in range(20)]
    quotient = Quotient()
    references = [quotient.start(instance) for instance in instances]
    steps, returns = [[] for _ in range(20)], np.zeros(20)
    while tails.size:
        view = tails.observe()
        offered = named(view, tails.left)
        assert [[quotient.named(t, a) for a in sorted(quotient.actions(t))] for t in references] == offered
        choice = random_choice(view, generator)
        numbers = tails.named(choice)
        before = tails.walked
        tails = tails.step(choice)
        for b, number in enumerate(numbers.tolist()):
            if number < 0:
                assert not offered[b]
                assert before[b] == tails.walked[b]
                continue
            tail, wanted = references[b], (number // 2, number % 2 == 1)
            action = next(a for a in quotient.actions(tail) if quotient.named(tail, a) == wanted)
            reward, references[b] = quotient.step(tail, action)
            assert float(tails.walked[b] - before[b]) == pytest.approx(-reward, abs=1e-12)
            assert int(tails.load[b]) == references[b].instance.load
            steps[b].append(wanted)
            returns[b] += reward
    returns += [quotient.finish(tail) for tail in references]
    np.testing.assert_allclose(tails.cost(), -returns, atol=1e-12)
    for b, instance in enumerate(instances):
        verdict = check(instance, routes_of(steps[b]))
        assert verdict.is_feasible
        assert verdict.objective == pytest.approx(float(tails.cost()[b]), abs=1e-12)


@pytest.mark.parametrize("is_under_way", [False, True])
def test_five_hundred_random_roll_outs_are_feasible(is_under_way):
    generator = torch.Generator().manual_seed(1)
    arrays = random_instances(500, 25, 4, is_under_way)
    tails, steps = start(*tensors(arrays)), []
    while tails.size:
        view = tails.observe(window=7)
        choice = random_choice(view, generator)
        steps.append(tails.named(choice))
        tails = tails.step(choice)
    for b, row in enumerate(torch.stack(steps, 1).tolist()):
        instance = instance_of(*(a[b] for a in arrays))
        verdict = check(instance, routes_of([(step // 2, step % 2 == 1) for step in row]))
        assert verdict.is_feasible
        assert verdict.objective == pytest.approx(float(tails.cost()[b]), abs=1e-9)


def after(tails, *steps):
    for customer, is_through in steps:
        position = (tails.left == customer).nonzero()[:, 1]
        tails = tails.step(2 * position + is_through)
    return tails


@torch.no_grad()
def test_equal_tails_give_equal_logits_and_keys():
    """However they were reached, and whatever they are like but for order, to the last bits."""
    network = Bq(Options(layers=2, width=16, heads=2, inner=32), Form(FEATURES, SPECIAL, ANSWERS))
    for layer in network.layers:
        layer.weights.data.fill_(1.0)
    points = torch.rand(1, 9, 2, generator=torch.Generator().manual_seed(3))
    whole = start(points, torch.tensor([[0, 2, 3, 2, 4, 2, 1, 1, 3]]), torch.tensor([11]))
    one = after(whole, (2, False), (5, False), (7, False), (4, False))
    other = after(whole, (7, False), (5, False), (2, False), (4, False))
    through = after(whole, (2, False), (5, False), (7, True), (4, False))  # has taken less since the depot
    views = [tails.observe(3) for tails in (one, other, through)]
    assert torch.equal(views[0].x, views[1].x)
    assert torch.equal(network(views[0].x), network(views[1].x))
    assert not torch.equal(network(views[0].x), network(views[2].x))
    assert torch.equal(one.key(), other.key())
    assert len({int(tails.key()) for tails in (one, through, whole, after(whole, (2, False)))}) == 4
    assert float(one.spent()) != float(other.spent())


def test_coordinates_are_never_copied():
    tails = start(*tensors(random_instances(3, 6, 0)))
    later = tails.step(torch.tensor([0, 2, 4])).picked(torch.tensor([2, 2, 0, 1]))
    assert later.points is tails.points
    assert later.row.tolist() == [2, 2, 0, 1]
    assert sorted([*later.left[0].tolist(), int(later.origin[0])]) == [1, 2, 3, 4, 5]


def test_what_is_seen():
    points = torch.tensor([[[0.0, 0.0], [8.0, 0.0], [1.0, 0.0], [0.0, 2.0], [5.0, 5.0]]])
    tails = after(start(points, torch.tensor([[0, 4, 2, 3, 6]]), torch.tensor([8])), (2, False))
    view = tails.observe(2, rescale=False)
    assert tails.left[0, view.choice[0] // 2].tolist() == [3, 3, 4, 4]  # those near to where the vehicle is
    assert (view.choice[0] % 2).tolist() == [0, 1, 0, 1]
    assert view.allowed.tolist() == [[True, True, True, True]]
    assert view.x[0, :, :2].tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 2.0], [5.0, 5.0]]
    torch.testing.assert_close(view.x[0, :, 2], torch.tensor([0.0, 1.0, 5.0, 41.0]).sqrt())  # from the vehicle
    torch.testing.assert_close(view.x[0, :, 3], torch.tensor([1.0, 0.0, 4.0, 50.0]).sqrt())  # from the depot
    assert view.x[0, :, 4].tolist() == [0.0, 0.0, 3 / 8, 6 / 8]
    assert view.x[0, :, 5].tolist() == [6 / 8] * 4
    scaled = tails.observe(2).x
    torch.testing.assert_close(scaled[0, :, :4], view.x[0, :, :4] / 5)
    assert torch.equal(scaled[0, :, 4:], view.x[0, :, 4:])
    assert torch.equal(tails.observe(3).x, tails.observe().x)  # a window that leaves nothing out changes nothing
    full = after(tails, (4, False)).observe()
    assert full.allowed.tolist() == [[False, True, False, True]]  # nothing left to take anybody in directly
    assert start(points, torch.ones(1, 5, dtype=torch.int64), torch.tensor([8])).observe().allowed.tolist() == [
        [True, False] * 4
    ]
