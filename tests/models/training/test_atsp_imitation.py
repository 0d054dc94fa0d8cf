"""Training on matrices: labels are what they say, paths are cut either way round, it learns, it resumes bit for bit."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from counterpoint.models.networks.bq import Options
from counterpoint.models.policies.bq_rollout import best, roll_out
from counterpoint.models.training.atsp_imitation import TASK, Config, build, judge, lesson, start
from counterpoint.models.training.atsp_labels import LARGEST, cut, judged, labelled
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp, length
from counterpoint.opt.training import algorithm
from counterpoint.solvers.dynamic_programming.tsp import shortest

TINY = Config(
    iterations=10, size=8, labels=60, fresh=20, effort=10, updates=3, batch=32, learning_rate=3e-3, validation=12,
    network=Options(layers=2, width=16, heads=2, inner=32),
)  # fmt: skip


def in_order(tours: torch.Tensor) -> list[float]:
    """Return what the closed tours 0, 1, 2, .. cost."""
    at = torch.arange(tours.shape[1])
    return tours[:, at, at.roll(-1)].double().sum(1).tolist()


def test_labels_are_optimal_on_small_matrices() -> None:
    found = labelled(12, 11, 60, 3)
    costs = found["costs"]
    for matrix, cost in zip(costs.numpy(), in_order(costs), strict=True):
        case = Tsp("x", Places("explicit", None, matrix.astype(np.int64)))
        assert cost == float(length(case, shortest(case)))
        assert (matrix[:, None] <= matrix[:, :, None] + matrix[None]).all()  # the triangle inequality
    assert torch.equal(costs, labelled(12, 11, 60, 3)["costs"])
    assert not torch.equal(costs, labelled(12, 11, 60, 4)["costs"])
    assert 0 <= costs.min() <= costs.max() < LARGEST
    assert (costs != costs.transpose(1, 2)).any()


def test_paths_cut_from_optimal_tours_are_optimal() -> None:
    tours = labelled(10, 10, 60, 4)["costs"]
    generator = torch.Generator().manual_seed(0)
    for between in (2, 5, 8):
        for matrix in cut(tours, between, generator).numpy():
            case = Tsp("x", Places("explicit", None, matrix.astype(np.int64)), (0, 1))
            visits = np.array([0, *range(2, between + 2), 1])
            assert float(length(case, visits)) == float(length(case, shortest(case)))
    whole = cut(tours, 9, generator)  # the origin and the end are one place
    assert torch.equal(whole[:, 0], whole[:, 1])
    around = torch.tensor([0, *range(2, 11)])
    assert in_order(whole[:, around][:, :, around]) == in_order(tours)


def test_paths_begin_anywhere_and_run_either_way() -> None:
    tours = torch.arange(25.0).view(1, 5, 5).expand(4000, -1, -1)
    paths = cut(tours, 2, torch.Generator().manual_seed(0))
    seen, counts = np.unique(paths.flatten(1).numpy(), axis=0, return_counts=True)
    assert len(seen) == 5 * 2
    assert abs(counts - 400).max() < 4 * 20
    nodes = torch.tensor([3, 1, 4, 0])  # origin 3, then 4 and 0, and the end 1; the other way round it begins at 1
    forwards, backwards = tours[0][nodes][:, nodes], tours[0].T[nodes[[1, 0, 3, 2]]][:, nodes[[1, 0, 3, 2]]]
    for path in (forwards, backwards):
        assert (seen == path.flatten().numpy()).all(1).any()


def test_a_lesson_names_both_neighbours_of_the_gap() -> None:
    labels = labelled(6, 9, 30, 1)
    for seed in range(5):
        taught = lesson(labels, torch.Generator().manual_seed(seed))
        between = taught.view.edges.shape[1] - 2
        target = taught.target.view(6, between, 2)
        assert target.sum() == 6
        assert (target[:, 0, 0] == 0.5).all()
        assert (target[:, -1, 1] == 0.5).all()
        assert taught.view.choice.shape == (6, 2 * between)


def test_resume_is_bit_for_bit() -> None:
    straight = build(TINY, 4)
    for _ in range(2):
        straight.step()
    state = copy.deepcopy(straight.state_dict())
    metrics = [straight.step() for _ in range(3)]
    resumed = build(TINY, 99)
    resumed.seed = 4  # a run is resumed with its own
    resumed.load_state_dict(state)
    again = [resumed.step() for _ in range(3)]
    for a, b in zip(metrics, again, strict=True):
        a.pop("cpu_s"), b.pop("cpu_s")
        assert a == b
    assert resumed.num_labels == 60  # no more than asked for
    for a, b in zip(straight.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_learns() -> None:
    trainer = build(dataclasses.replace(TINY, iterations=25, labels=400, fresh=200, updates=8, batch=64), 0)
    trainer.task = dataclasses.replace(trainer.task, leave=0, finish=None)  # which alone is exact at this size
    before = trainer.evaluate()
    assert before["greedy_gap_percent"] > 40  # no better than chance
    for _ in range(25):
        trainer.step()
    after = trainer.evaluate()
    assert after["greedy_gap_percent"] < 0.4 * before["greedy_gap_percent"]
    assert 0 <= after["beam_16_gap_percent"] < after["greedy_gap_percent"]
    assert after["validation_loss"] < before["validation_loss"]
    card = trainer.policy()[1]
    assert (card["problem"], card["algorithm"]) == ("tsp", "imitation-asymmetric")
    assert card["network"]["name"] == "bq-atsp"


@torch.no_grad()
def test_wide_beams_are_exhaustive() -> None:
    """When no partial tour is dropped but for a cheaper one to the same tail, the best of all is the optimum."""
    labels = labelled(6, 6, 60, 8)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = TASK.build(TINY.network)
    steps, left = roll_out(network, start(labels), width=2000)
    found, known = judge(labels, steps[best(left, 6)])
    np.testing.assert_array_equal(found, known)
    assert known.tolist() == in_order(labels["costs"])


def test_costs_are_judged_by_the_checker() -> None:
    ring = torch.full((1, 4, 4), 5.0) * (1 - torch.eye(4))
    ring[0, torch.arange(4), torch.tensor([1, 2, 3, 0])] = 1.0
    for order, wanted in (([2, 3, 0, 1], 4.0), ([3, 2, 1, 0], 20.0)):
        assert [float(cost[0]) for cost in judged(ring, torch.tensor([order]))] == [wanted, 4.0]
    with pytest.raises(AssertionError):
        judged(ring, torch.tensor([[0, 0, 1, 3]]))


def test_it_is_an_algorithm_of_the_command_line() -> None:
    found = algorithm("tsp", "imitation-asymmetric")
    trainer = found.build(found.config({"size": 6, "validation": 2}), 0, "cpu")
    assert trainer.task is TASK
    assert algorithm("tsp").name == "imitation"  # that of places with coordinates stays the first
