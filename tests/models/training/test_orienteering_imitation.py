"""Training on walks: labels are what they say, each is an optimal step, it learns, and its policy builds walks."""

import dataclasses

import numpy as np
import pytest
import torch

import counterpoint as ct
from counterpoint.models.checkpoints import save_policy
from counterpoint.models.networks.bq import Options
from counterpoint.models.policies.bq_rollout import best, roll_out
from counterpoint.models.training.orienteering_imitation import TASK, Config, build, lesson, start
from counterpoint.models.training.orienteering_labels import cut, judged, labelled
from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.problems.places import Places
from counterpoint.solvers.dynamic_programming.orienteering import solve as dynamic_program

TINY = Config(
    iterations=20, size=14, labels=300, fresh=150, effort=200, updates=10, batch=128, learning_rate=1e-2, validation=30,
    network=Options(layers=2, width=16, heads=2, inner=32),
)  # fmt: skip


@pytest.fixture(scope="module")
def labels() -> dict[str, torch.Tensor]:
    """24 instances of 4 to 10 places, their walks optimal but for few."""
    return labelled(24, 10, 1500, 3)


@pytest.fixture(scope="module")
def taught():
    trainer = build(TINY, 0)
    before = trainer.evaluate()
    for _ in range(TINY.iterations):
        trainer.step()
    return trainer, before


@pytest.fixture(scope="module")
def checkpoint(taught, tmp_path_factory):
    path = tmp_path_factory.mktemp("bq") / "policy.safetensors"
    save_policy(path, *taught[0].policy())
    return path


def optimum(walks, row: int) -> float:
    """Return the most that can still be collected in a row."""
    left = walks.left[row][walks.left[row] >= 0].tolist()
    kept = [int(walks.origin[row]), int(walks.end[row]), *left]
    at = int(walks.row[row])
    points, prize = walks.points[at, kept].numpy(), walks.prize[at, kept].clamp(min=0).numpy()
    case = Orienteering("t", Places("euclidean", points), prize, float(walks.rest[row]) + 1e-9, (0, 1))
    return dynamic_program(case, Budget(), 0, None, lambda *_, **__: None).objective


def test_labels_are_good_walks(labels) -> None:
    tails = start(labels)
    known = np.array([optimum(tails, row) for row in range(24)])
    walk, prize = labels["walk"], labels["prize"]
    found = torch.where(walk >= 0, prize.gather(1, walk.clamp(min=0)), 0.0).double().sum(1).numpy()
    assert (found <= known + 1e-6).all()
    assert (np.abs(found - known) < 1e-6).mean() > 0.9
    for name, tensor in labelled(24, 10, 1500, 3).items():
        assert torch.equal(tensor, labels[name])
    size = (prize >= 0).sum(1) - 1
    assert 4 <= size.min() < size.max() == 10
    one, other = judged(labels, walk)
    assert one.tolist() == other.tolist() == pytest.approx((-found).tolist())


def test_each_label_is_an_optimal_step(labels) -> None:
    generator = torch.Generator().manual_seed(0)
    lost, seen = [], set()
    for _ in range(4):
        tails, target = cut(labels, generator)
        assert target.sum(1).tolist() == pytest.approx([1.0] * len(target))
        for way in (target.argmax(1), target.shape[1] - 1 - target.flip(1).argmax(1)):
            after = tails.step(way)
            for row in range(len(target)):
                gained = float(after.collected[row]) + optimum(after, row)
                lost.append(optimum(tails, row) - gained)
        is_closed = tails.origin == tails.end
        both = (target == 0.5).sum(1) == 2
        assert not both[~is_closed].any()
        seen |= {(bool(c), bool(h), bool(b)) for c, h, b in zip(is_closed, tails.end == 0, both, strict=True)}
    assert min(lost) > -1e-6
    assert (np.abs(lost) < 1e-6).mean() > 0.95  # the others are of labels that are not optimal
    assert {(True, True, True), (False, True, False), (False, False, False)} <= seen


def test_pictures_are_turned_all_ways() -> None:
    labels = {name: rows[:1].expand(400, *rows.shape[1:]) for name, rows in labelled(1, 10, 200, 5).items()}
    tails, _ = cut(labels, torch.Generator().manual_seed(1))
    away = (tails.plane[:, 1:] - tails.plane[:, :1]).norm(dim=2)
    torch.testing.assert_close(away, (tails.points[:, 1:] - tails.points[:, :1]).norm(dim=2))
    way = tails.plane[:, 1] - tails.plane[:, 0]
    angle = torch.atan2(way[:, 1], way[:, 0])
    counts = torch.histc(angle, bins=8, min=-np.pi, max=np.pi)
    assert counts.min() > 25
    other = tails.plane[:, 2] - tails.plane[:, 0]
    side = (way[:, 0] * other[:, 1] - way[:, 1] * other[:, 0]) > 0
    assert 150 < side.sum() < 250
    stops = [0, *(visit for visit in labels["walk"][0].tolist() if visit >= 0), 0]
    ways = [(stops[i], stops[j]) for i in range(len(stops)) for j in range(i + 2, len(stops))]
    seen = set(zip(tails.origin.tolist(), tails.end.tolist(), strict=True))
    assert seen == {*ways, *((end, origin) for origin, end in ways)}


def test_a_lesson_is_of_about_one_size() -> None:
    many = labelled(200, 20, 50, 6)
    generator = torch.Generator().manual_seed(2)
    sizes = set()
    for _ in range(12):
        found = lesson(many, generator)
        count = found.view.allowed.sum(1)
        assert count.max() == found.view.allowed.shape[1] == found.target.shape[1]
        assert count.min() > count.max() // 2
        assert (found.target[~found.view.allowed] == 0).all()
        sizes.add(int(count.max()))
    assert len(sizes) > 5


def test_learns(taught) -> None:
    trainer, before = taught
    after = trainer.evaluate()
    assert before["greedy_gap_percent"] > 12
    assert after["greedy_gap_percent"] < 0.7 * before["greedy_gap_percent"]
    assert after["beam_16_gap_percent"] < after["greedy_gap_percent"]


@torch.no_grad()
def test_wide_beams_are_exhaustive(taught) -> None:
    """When nothing is dropped but what leaves no more than another, the best of all is the optimum."""
    many = labelled(8, 6, 300, 8)
    steps, left = roll_out(taught[0].network, start(many), width=600)
    row = best(left, 8)
    assert (-left.cost()[row]).tolist() == pytest.approx([optimum(start(many), k) for k in range(8)], abs=1e-6)
    made, known = judged(many, steps[row])
    assert (made <= known + 1e-9).all()


@pytest.mark.parametrize("extra", ["0", "0,width=8", "0,window=4", "0,window=3,width=3", "3"])
def test_the_method_builds_walks(checkpoint, extra) -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 9, 30):
        for metric, spread in (("euclidean", 1.0), ("euc-2d", 100.0), ("geo", 60.0)):
            places = Places(metric, rng.random((n, 2)) * spread)
            for ends in ((0, 0), (n - 1, 0))[: 1 + (n > 1)]:
                home = float(places.lengths(*ends)) if n > 1 else 0.0
                case = Orienteering("x", places, rng.random(n) * (n != 9), home + float(rng.random()) * spread, ends)
                result = ct.solve(case, f"bq:checkpoint={checkpoint},reconstructions={extra}")
                assert result.solution_status is ct.SolutionStatus.FEASIBLE, (case, result.message)
                assert result.termination is ct.Termination.COMPLETED, (case, result.message)


def test_reconstruction_never_makes_it_worse_and_often_better(checkpoint) -> None:
    rng = np.random.default_rng(1)
    better = 0
    for k in range(6):
        places = Places("euclidean", rng.random((20, 2)))
        case = Orienteering("x", places, rng.random(20), 1.5, (0, k % 2))
        method = f"bq:checkpoint={checkpoint},reconstructions="
        found = [ct.solve(case, f"{method}{rounds}", seed=k) for rounds in (0, 1, 4)]
        assert all(result.termination is ct.Termination.COMPLETED for result in found), found
        prizes = [result.objective for result in found]
        assert prizes == sorted(prizes)
        better += prizes[2] > prizes[0]
    assert better >= 3


def test_the_method_does_not_mind_how_large(checkpoint) -> None:
    points = np.random.default_rng(2).random((15, 2))
    prize = np.random.default_rng(3).random(15)
    one, other = (
        ct.solve(
            Orienteering("x", Places("euclidean", s * points), s * prize, s * 2.0, (0, 1)),
            f"bq:checkpoint={checkpoint},reconstructions=0",
        )
        for s in (1.0, 1e4)
    )
    assert one.solution == other.solution


def test_the_method_without_time_or_coordinates(checkpoint) -> None:
    case = Orienteering("x", Places("euclidean", np.random.default_rng(1).random((40, 2))), np.ones(40), 3.0)
    late = ct.solve(case, f"bq:checkpoint={checkpoint},reconstructions=5", time_limit=0)
    assert late.termination is ct.Termination.TIME
    assert late.objective == 0
    first = ct.solve(case, f"bq:checkpoint={checkpoint},reconstructions=9", target=1.0)
    assert first.termination is ct.Termination.TARGET
    assert first.iterations == 0
    flat = Orienteering("x", Places("explicit", case.places.points[:5], np.ones((5, 5), np.int64)), np.ones(5), 3)
    with pytest.raises(ct.UnsupportedError, match=r"bq needs distances by coordinates.*greedy-insertion"):
        ct.solve(flat, f"bq:checkpoint={checkpoint}")


def test_the_card_says_what_it_was_taught(taught) -> None:
    card = taught[0].policy()[1]
    assert card["problem"] == TASK.problem == "orienteering"
    assert card["training"]["size"] == TINY.size
    settings = dataclasses.asdict(TINY.network)
    assert card["network"] == {"name": "bq-orienteering", "options": settings}
