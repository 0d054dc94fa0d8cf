"""Many walks at once: the twin of the scalar process, feasible whatever is chosen, and seen alike from everywhere."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from counterpoint.opt.problems.orienteering import Orienteering, Walk, check
from counterpoint.opt.problems.places import METRICS, Places
from counterpoint.simulators.batched.bq_orienteering import start
from counterpoint.simulators.batched.distances import distance, in_the_plane
from counterpoint.simulators.bq.orienteering import Quotient

BY_POINTS = [metric for metric in METRICS if metric != "explicit"]
KEEPS_TRIANGLES = ["euclidean", "ceil-2d", "att", "geo"]
SPREAD = {"euclidean": 1.0, "geo": 60.0}


def drawn(metric, seed, count, n):
    """Instances of n places: closed walks and others, from hardly any length to enough for all."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(count):
        places = Places(metric, rng.random((n, 2)) * SPREAD.get(metric, 100.0))
        ends = (0, 0) if k % 2 else tuple(rng.permutation(n)[:2].tolist())
        home = float(places.lengths(*ends)) if ends[0] != ends[1] else 0.0
        longest = home + float(rng.random() ** 2 * n / 2 * places.lengths(0, np.arange(1, n)).mean())
        found.append(Orienteering(f"o{k}", places, rng.integers(0, 5, n) / 4, longest, ends))
    return found


def begun(cases):
    """Return the instances as a batch."""
    points = torch.tensor(np.array([case.places.points for case in cases]))
    prize = torch.tensor(np.array([case.prize for case in cases]))
    rest = torch.tensor([case.max_length for case in cases], dtype=torch.float64)
    origin, end = torch.tensor([case.ends for case in cases]).T
    return start(points, prize, rest, origin, end, metric=cases[0].places.metric)


def at_random(walks, generator):
    """Return a random step of each row, -1 of those that are over."""
    view = walks.observe()
    draw = torch.rand(view.allowed.shape, generator=generator).masked_fill(~view.allowed, -1.0)
    chosen = view.choice.gather(1, draw.argmax(1, keepdim=True)).squeeze(1)
    return torch.where(view.allowed.any(1), chosen, -1)


@pytest.mark.parametrize("metric", BY_POINTS)
def test_distances_are_those_of_places(metric):
    rng = np.random.default_rng(0)
    places = Places(metric, rng.random((60, 2)) * SPREAD.get(metric, 100.0))
    points = torch.tensor(places.points)
    a, b = np.triu_indices(60, 1)
    found = distance(metric, points[a], points[b]).numpy()
    assert np.abs(found - places.lengths(a, b)).max() <= (1e-15 if metric == "euclidean" else 0)
    flat = in_the_plane(metric, points.unsqueeze(0))[0]
    straight = (flat[a] - flat[b]).norm(dim=1).numpy()
    if metric not in ("man-2d", "max-2d"):
        assert np.abs(straight / places.lengths(a, b) - 1).mean() < 0.25  # it is a flat map of a large part of a globe


@pytest.mark.parametrize("metric", KEEPS_TRIANGLES)
def test_twin_of_the_scalar_process(metric):
    generator = torch.Generator().manual_seed(1)
    for seed in range(4):
        cases = drawn(metric, seed, 12, 9)
        quotient, walks = Quotient(), begun(cases)
        tails = [quotient.start(case) for case in cases]
        rewards = np.zeros(len(cases))
        while True:
            for row, tail in enumerate(tails):
                offered = sorted(quotient.named(tail, a) for a in quotient.actions(tail))
                assert walks.left[row][walks.left[row] >= 0].tolist() == offered
                assert float(walks.rest[row]) == pytest.approx(tail.instance.max_length, rel=1e-12)
            if not walks.size:
                break
            choice = at_random(walks, generator)
            named = walks.named(choice).tolist()
            for row, place in enumerate(named):
                if place >= 0:
                    action = tails[row].numbers.tolist().index(place)
                    reward, tails[row] = quotient.step(tails[row], action)
                    rewards[row] += reward
            before, walks = walks.size, walks.step(choice)
            assert walks.size < before
        assert (-walks.cost()).tolist() == pytest.approx(rewards.tolist())


@pytest.mark.parametrize("metric", BY_POINTS)
def test_whatever_is_chosen_is_feasible(metric):
    generator = torch.Generator().manual_seed(2)
    cases = [case for seed in range(6) for case in drawn(metric, seed, 12, 14)]
    walks = begun(cases).picked(torch.arange(len(cases)).repeat(2 if metric == "euclidean" else 1))
    steps, lost = [], torch.zeros(len(walks.row), 15, dtype=torch.bool)
    while walks.size:
        choice = at_random(walks, generator)
        steps.append(walks.named(choice))
        walks = walks.step(choice)
        there = torch.zeros_like(lost).scatter_(1, torch.where(walks.left < 0, 14, walks.left), True)
        assert not (there & lost)[:, :14].any()  # what is dropped stays so
        lost |= ~there
    for row, visits in enumerate(torch.stack(steps, dim=1).numpy()):
        case = cases[int(walks.row[row])]
        verdict = check(case, Walk(visits[visits >= 0]))
        assert verdict.is_feasible, (case, str(verdict))
        assert verdict.objective == pytest.approx(-float(walks.cost()[row]))
        home = 0.0
        if walks.origin[row] != walks.end[row]:
            home = float(case.places.lengths(int(walks.origin[row]), int(walks.end[row])))
        assert verdict.metrics["length"] == pytest.approx(float(walks.walked[row]) + home)


def test_a_walk_moved_turned_or_stretched_looks_the_same():
    walks = begun(drawn("euclidean", 3, 10, 12)[::2])  # with two ends: they say how it lies
    angle = torch.tensor(0.7, dtype=torch.float64)
    turn = torch.stack((torch.stack((angle.cos(), angle.sin())), torch.stack((-angle.sin(), angle.cos()))))
    points = 30 * walks.points @ turn - 7
    moved = start(points, 9 * walks.prize, 30 * walks.rest, walks.origin, walks.end)
    assert torch.equal(moved.left, walks.left)
    torch.testing.assert_close(moved.observe().x, walks.observe().x, atol=1e-5, rtol=0)


def test_what_is_seen():
    points = torch.tensor([[[0.0, 0.0], [4.0, 0.0], [2.0, 1.0], [1.0, -1.0], [90.0, 0.0]]], dtype=torch.float64)
    prize = torch.tensor([[7.0, 7.0, 2.0, 4.0, 9.0]], dtype=torch.float64)
    walks = start(points, prize, torch.tensor([8.0], dtype=torch.float64), torch.tensor([0]), torch.tensor([1]))
    assert walks.left.tolist() == [[2, 3]]
    view = walks.observe()
    ways = [[0, 4], [4, 0], [5**0.5, 5**0.5], [2**0.5, 10**0.5]]
    seen = [[-2, 0, 0], [2, 0, 0], [0, 1, 4], [-1, -1, 8]]  # prizes in eighths too
    wanted = torch.tensor([[*at, *way] for at, way in zip(seen, ways, strict=True)]) / 8
    torch.testing.assert_close(view.x[0], wanted)
    assert view.is_node.all()
    padded = replace(walks, left=torch.tensor([[2, -1]])).observe()
    assert padded.is_node.tolist() == [[True, True, True, False]]
    assert padded.allowed.tolist() == [[True, False]]
    assert not padded.x[0, 3].any()


def test_a_window_shows_what_is_near_and_what_pays():
    rng = np.random.default_rng(5)
    points = np.concatenate((np.zeros((1, 2)), rng.random((40, 2))))
    prize = np.concatenate(([0.0], rng.random(40)))
    far = 1 + int(np.argmax(np.hypot(*points[1:].T)))
    prize[far] = 1000.0
    walks = begun([Orienteering("o", Places("euclidean", points), prize, 9.0)])
    view = walks.observe(10)
    shown = walks.left[0, view.choice[0]].tolist()
    assert len(set(shown)) == 10
    assert far in shown
    assert set((1 + np.argsort(np.hypot(*points[1:].T))[:5]).tolist()) <= set(shown)
    whole = walks.observe(40)
    assert torch.equal(whole.x, walks.observe().x)


def test_orders_of_the_same_visits_have_one_key():
    case = Orienteering("o", Places("euclidean", np.random.default_rng(6).random((8, 2))), np.ones(8), 50.0)
    orders = torch.tensor([[2, 3, 4], [3, 2, 4], [2, 4, 3], [2, 5, 4], [3, 2, 4]])
    walks = begun([case]).picked(torch.zeros(5, dtype=torch.int64))
    for place in orders.T:
        walks = walks.step((walks.left == place.unsqueeze(1)).nonzero()[:, 1])
    key = walks.key().tolist()
    assert key[0] == key[1] == key[4]
    assert len({key[0], key[2], key[3]}) == 3
    assert walks.spent()[1] == walks.spent()[4] != walks.spent()[0]
