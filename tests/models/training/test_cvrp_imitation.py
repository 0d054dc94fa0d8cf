"""Training on routes: labels are what they say, tails of them are good ones, it learns, and it resumes bit for bit."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from counterpoint.models.networks.bq import Options
from counterpoint.models.training.cvrp_imitation import Config, build, judge, lesson, start
from counterpoint.models.training.cvrp_labels import cut, in_order, labelled
from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.places import Places
from counterpoint.simulators.bq.cvrp import Quotient
from counterpoint.simulators.bq.protocol import best_return

TINY = Config(
    iterations=10, size=8, labels=60, fresh=20, effort=30, updates=3, batch=32, validation=12, precision="float32",
    network=Options(layers=2, width=16, heads=2, inner=32),
)  # fmt: skip


@pytest.fixture(scope="module")
def labels():
    return labelled(40, 12, 300, 3)


def test_labels_are_reproducible_and_of_various_sizes(labels):
    again = labelled(40, 12, 300, 3)
    assert all(torch.equal(labels[name], again[name]) for name in labels)
    size = (labels["demand"] > 0).sum(1)
    assert (int(size.min()), int(size.max())) == (5, 12)
    assert (size == 12).sum() >= 20
    assert labels["capacity"].unique().numel() > 10
    assert (labels["demand"][:, 0] == 0).all()
    is_there = labels["demand"] >= 0
    assert (is_there[:, 1:] <= is_there[:, :-1]).all()  # who is not there stands at the end


def steps_of(ordered, labels, row):
    """Steps in the order to be learnt."""
    size = int((labels["demand"][row] > 0).sum())
    customers, route = ordered.customers[row, :size], ordered.route[row, :size]
    through = torch.cat((torch.zeros(1, dtype=torch.bool), route[1:] != route[:-1]))
    return 2 * customers + through


def test_order_is_the_fullest_first_and_costs_what_the_label_costs(labels):
    ordered = in_order(labels, torch.Generator().manual_seed(0))
    steps = torch.full((40, 12), -1)
    for row in range(40):
        own = steps_of(ordered, labels, row)
        steps[row, : len(own)] = own
        spare = ordered.spare[row, : len(own)]
        assert (spare[1:] >= spare[:-1]).all()
        for route in ordered.route[row, : len(own)].unique():
            visits = ordered.customers[row, : len(own)][ordered.route[row, : len(own)] == route]
            left = labels["capacity"][row] - labels["demand"][row, visits].sum()
            assert int(left) == int(spare[ordered.route[row, : len(own)] == route][0]) >= 0
    made, known = judge(labels, steps)
    np.testing.assert_allclose(made, known, rtol=1e-12)


def test_routes_run_either_way_and_equally_full_ones_in_any_order():
    one = {
        "points": torch.rand(1, 5, 2), "demand": torch.tensor([[0, 3, 3, 3, 3]]), "capacity": torch.tensor([6]),
        "route": torch.tensor([[0, 0, 0, 1, 1]]), "stop": torch.tensor([[0, 0, 1, 0, 1]]),
    }  # fmt: skip
    many = {name: rows.expand(4000, *rows.shape[1:]) for name, rows in one.items()}
    customers = in_order(many, torch.Generator().manual_seed(0)).customers
    seen, counts = np.unique(customers.numpy(), axis=0, return_counts=True)
    assert seen.tolist() == [
        [1, 2, 3, 4], [1, 2, 4, 3], [2, 1, 3, 4], [2, 1, 4, 3], [3, 4, 1, 2], [3, 4, 2, 1], [4, 3, 1, 2], [4, 3, 2, 1],
    ]  # fmt: skip
    assert abs(counts - 500).max() < 4 * 500**0.5
    tails, target = cut(many, 4, torch.Generator().manual_seed(1))
    wanted = torch.zeros(4000, 4, 2)
    wanted[:, :, 0] = 0.25  # any end of any of the fullest
    assert torch.equal(target, wanted.flatten(1))
    tails, target = cut(many, 3, torch.Generator().manual_seed(1))
    partner = torch.tensor([0, 2, 1, 4, 3])[tails.origin]
    chosen = torch.zeros(4000, 3, 2)
    chosen[:, :, 0] = (tails.left == partner.unsqueeze(1)).float()
    assert torch.equal(target, chosen.flatten(1))
    assert (tails.load == 3).all()
    tails, target = cut(many, 2, torch.Generator().manual_seed(1))
    assert torch.equal(target.view(4000, 2, 2), torch.tensor([0.0, 0.5]).expand(4000, 2, 2))  # through the depot
    assert (tails.load == 0).all()


def test_tails_of_optimal_routes_are_optimal():
    """What the label does is what dynamic programming over tails finds best."""
    labels = labelled(6, 4, 300, 4)
    generator = torch.Generator().manual_seed(0)
    quotient = Quotient()
    for size in (1, 2, 4):
        turned, target = cut(labels, size, generator)
        assert (target.view(len(target), -1).sum(1) - 1).abs().max() < 1e-6
        allowed = turned.observe().allowed
        assert not (target > 0)[~allowed].any()
        for row in range(len(target)):
            left, origin = turned.left[row].tolist(), int(turned.origin[row])
            keep = sorted({0, origin, *left})
            number = {place: k for k, place in enumerate(keep)}
            points = turned.points[row].double().numpy()[keep]
            demand = turned.demand[row].numpy()[keep]
            case = Cvrp("x", Places("euclidean", points), demand, int(turned.capacity[row]), number[origin],
                        int(turned.load[row]))  # fmt: skip
            state = quotient.start(case)
            known = {}
            best = best_return(quotient, state, known)
            for action in target[row].nonzero().flatten().tolist():
                step = number[left[action // 2]], action % 2 == 1
                own = next(a for a in quotient.actions(state) if quotient.named(state, a) == step)
                reward, after = quotient.step(state, own)
                assert reward + known[after] == pytest.approx(best, rel=1e-9)


def test_pictures_are_turned_all_ways():
    labels = labelled(1, 6, 1, 4)
    many = {name: rows.expand(4000, *rows.shape[1:]) for name, rows in labels.items()}
    tails, _ = cut(many, 2, torch.Generator().manual_seed(0))
    seen, counts = np.unique((tails.points.flatten(1) * 1000).round().numpy(), axis=0, return_counts=True)
    assert len(seen) == 8
    assert abs(counts - 500).max() < 4 * 500**0.5
    away = (tails.points[:, :1] - tails.points).square().sum(2)
    torch.testing.assert_close(away, away[:1].expand_as(away))


def test_lessons_leave_small_instances_out(labels):
    rows = [len(lesson(labels, torch.Generator().manual_seed(seed)).target) for seed in range(30)]
    assert min(rows) < 40
    assert max(rows) == 40


def test_lessons_through_a_window_show_the_nearest_and_the_right_step(labels):
    for seed in range(20):
        whole, part = (lesson(labels, torch.Generator().manual_seed(seed), window) for window in (0, 5))
        if whole.target.shape[1] <= 10:
            assert torch.equal(whole.target, part.target)
            continue
        assert part.target.shape[1] == 10
        assert 0 < len(part.target) <= len(whole.target)
        torch.testing.assert_close(part.target.sum(1), torch.ones(len(part.target)))
        assert not (part.target > 0)[~part.view.allowed].any()


def test_resume_is_bit_for_bit():
    straight = build(TINY, 4)
    straight.step()
    state = copy.deepcopy(straight.state_dict())
    metrics = [straight.step() for _ in range(2)]
    resumed = build(TINY, 99)
    resumed.seed = 4  # a run is resumed with its own
    resumed.load_state_dict(state)
    again = [resumed.step() for _ in range(2)]
    for a, b in zip(metrics, again, strict=True):
        a.pop("cpu_s"), b.pop("cpu_s")
        assert a == b
    for a, b in zip(straight.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_learns():
    trainer = build(dataclasses.replace(TINY, iterations=25, labels=300, fresh=100, updates=8, batch=64), 0)
    before = trainer.evaluate()
    assert before["greedy_gap_percent"] > 30
    for _ in range(25):
        trainer.step()
    after = trainer.evaluate()
    assert after["greedy_gap_percent"] < 0.5 * before["greedy_gap_percent"]
    assert after["beam_16_gap_percent"] < after["greedy_gap_percent"]
    assert after["validation_loss"] < before["validation_loss"]


def test_whole_instances_are_what_validation_begins_with(labels):
    tails = start(labels)
    assert tails.size == 12
    assert tails.is_ragged
    assert ((tails.left > 0).sum(1) == (labels["demand"] > 0).sum(1)).all()
    assert (tails.load == labels["capacity"]).all()
