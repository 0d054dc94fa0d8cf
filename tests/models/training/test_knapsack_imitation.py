"""Training on packings: labels are optimal, so are parts of them, and it learns."""

import copy

import numpy as np
import pytest
import torch

from counterpoint.models.networks.bq import Options
from counterpoint.models.policies.bq_rollout import best, roll_out
from counterpoint.models.training.imitation import VALIDATION_SEED, gaps, loss_of
from counterpoint.models.training.knapsack_imitation import TASK, Config, build, lesson
from counterpoint.models.training.knapsack_labels import cut, judged, labelled
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.bq_knapsack import Knapsacks, start, tails

TINY = Config(
    iterations=25, size=12, labels=300, fresh=100, updates=6, batch=48, validation=40,
    network=Options(layers=2, width=16, heads=2, inner=32),
)  # fmt: skip


@pytest.fixture(scope="module")
def labels() -> dict[str, torch.Tensor]:
    return labelled(60, 12, 1, 3)


def optimum(value: torch.Tensor, weight: torch.Tensor, capacity: int) -> int:
    held = np.zeros(capacity + 1, np.int64)
    for v, w in zip(value.tolist(), weight.tolist(), strict=True):
        if w <= capacity:
            held[w:] = np.maximum(held[w:], held[: capacity + 1 - w] + v)
    return int(held[-1])


def test_labels_are_optimal(labels) -> None:
    assert {name: tuple(rows.shape) for name, rows in labels.items()} == {
        "value": (60, 12), "weight": (60, 12), "packed": (60, 12), "capacity": (60,)
    }  # fmt: skip
    for value, weight, packed, capacity in zip(*labels.values(), strict=True):
        assert int((weight * packed).sum()) <= capacity
        assert int((value * packed).sum()) == optimum(value, weight, int(capacity))
    again = labelled(60, 12, 7, 3)
    assert all(torch.equal(rows, again[name]) for name, rows in labels.items())
    assert not torch.equal(labels["value"], labelled(60, 12, 1, 4)["value"])


def test_what_is_left_of_an_optimal_packing_is_optimal(labels) -> None:
    generator = torch.Generator().manual_seed(0)
    seen = []
    for _ in range(6):
        left, is_good = cut(*(labels[name] for name in ("value", "weight", "packed", "capacity")), generator)
        assert is_good.any(1).all()
        value, weight = left.of(left.value, left.left), left.of(left.weight, left.left)
        for b in range(60):
            there = left.left[b] >= 0
            assert not (is_good[b] & ~there).any()
            room = int(left.capacity[b])
            assert int(weight[b][is_good[b]].sum()) <= room
            assert int(value[b][is_good[b]].sum()) == optimum(value[b][there], weight[b][there], room)
        whole = (labels["value"] * labels["packed"]).sum(1)
        assert torch.equal(left.gained + (value * is_good).sum(1), whole)
        seen.append(float(is_good.sum(1).double().mean()))
    assert max(seen) - min(seen) > 1  # shares differ


def test_a_lesson_is_the_same_on_every_run_and_shares_out_evenly(labels) -> None:
    one, other = (lesson(labels, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(one.view.x, other.view.x)
    assert torch.equal(one.target, other.target)
    torch.testing.assert_close(one.target.sum(1), torch.ones(60))
    for row in one.target:
        assert len(set(row[row > 0].tolist())) == 1
    assert not (one.target[~one.view.allowed] > 0).any()


def test_a_core_into_which_nothing_fits_teaches_nothing(labels) -> None:
    spoilt = {name: rows.clone() for name, rows in labels.items()}
    spoilt["packed"][7], spoilt["capacity"][7] = 0, 0
    found = lesson(spoilt, torch.Generator().manual_seed(5))
    assert found.target.shape[0] == len(found.view.x) == 59
    torch.testing.assert_close(found.target.sum(1), torch.ones(59))


def test_judged_by_the_checker(labels) -> None:
    packed = [torch.where(row)[0].tolist() for row in labels["packed"]]
    steps = torch.tensor([[*row, *[-1] * (12 - len(row))] for row in packed])
    found, known = judged(labels, steps)
    assert np.array_equal(found, known)
    assert (known < 0).all()
    steps[:, 0] = -1
    assert (judged(labels, steps)[0] > known).all()
    with pytest.raises(AssertionError):
        judged(labels, torch.arange(12).expand(60, -1))


def test_learns() -> None:
    trainer = build(TINY, 0)
    before = trainer.evaluate()
    for _ in range(25):
        trainer.step()
    after = trainer.evaluate()
    assert after["validation_loss"] < before["validation_loss"] - 0.2
    assert after["greedy_gap_percent"] < 0.4 * before["greedy_gap_percent"]
    assert 0 <= after["beam_16_gap_percent"] < after["greedy_gap_percent"]


def test_resume_is_bit_for_bit() -> None:
    straight = build(TINY, 4)
    straight.step()
    state = copy.deepcopy(straight.state_dict())
    metrics = [straight.step()["loss"] for _ in range(2)]
    resumed = build(TINY, 4)
    resumed.load_state_dict(state)
    assert [resumed.step()["loss"] for _ in range(2)] == metrics
    assert straight.evaluate() == resumed.evaluate()


@torch.no_grad()
def test_wide_beams_are_exhaustive() -> None:
    """When no partial packing but a worse way to the same is ever dropped, the best of all is the optimum."""
    network = build(TINY, 1).network
    fresh = labelled(8, 7, 1, 9)
    steps, left = roll_out(network, TASK.start(fresh), width=1000)
    found, known = judged(fresh, steps[best(left, 8)])
    assert np.array_equal(found, known)


@torch.no_grad()
def test_rows_that_are_over_change_nothing_for_others() -> None:
    network = build(TINY, 1).network
    labels = labelled(5, 12, 1, 2)
    value, weight = labels["value"], labels["weight"]
    capacity = labels["capacity"] // torch.arange(1, 6)  # so that some are over long before others
    alone = [roll_out(network, start(value[b : b + 1], weight[b : b + 1], capacity[b : b + 1])) for b in range(5)]
    steps, left = roll_out(network, start(value, weight, capacity))
    for b, (found, after) in enumerate(alone):
        assert left.gained[b] == after.gained[0]
        assert steps[b][steps[b] >= 0].tolist() == found[0].tolist()
    nothing = tails(
        value, weight, torch.arange(5), torch.zeros_like(value, dtype=torch.bool), capacity, torch.zeros(5).long()
    )
    assert isinstance(nothing, Knapsacks)
    assert roll_out(network, nothing)[0].shape == (5, 0)
    assert torch.isfinite(loss_of(network, lesson(labels, torch.Generator().manual_seed(0))))


def test_cores_into_which_nothing_fits_are_no_trouble() -> None:
    config = Config(size=5, labels=60, fresh=60, updates=1, batch=1, validation=60, network=Options(1, 8, 1, 8))
    trainer = build(config, 0)
    labels = labelled(60, 5, 1, VALIDATION_SEED)
    is_empty = labels["packed"].sum(1) == 0
    assert is_empty.any()
    assert np.isfinite([*trainer.evaluate().values()]).all()  # on these
    nothing = {name: rows[is_empty] for name, rows in labels.items()}
    loss = loss_of(trainer.network, lesson(nothing, torch.Generator().manual_seed(0)))
    assert loss.item() == 0
    loss.backward()
    assert all(p.grad is None or (p.grad == 0).all() for p in trainer.network.parameters())


def test_gaps_where_nothing_is_known() -> None:
    found, known = np.array([-9.0, 0.0, -3.0, 0.0, 12.0]), np.array([-10.0, 0.0, 0.0, -2.0, 10.0])
    assert gaps(found, known).tolist() == pytest.approx([0.1, 0.0, -1.0, 1.0, 0.2])


@pytest.mark.parametrize("name", ["iterations", "labels", "fresh", "updates", "batch", "validation"])
@pytest.mark.parametrize("number", [0, 10**20])
def test_numbers_of_the_configuration_have_limits(name: str, number: int) -> None:
    with pytest.raises(OptionError, match=f"{name} must lie in"):
        Config(**{name: number})
