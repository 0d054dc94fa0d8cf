"""Training on tours: labels are what they say, it learns, it resumes bit for bit, and its policy builds tours."""

import copy
import dataclasses
import json

import numpy as np
import pytest
import torch

import counterpoint as ct
from counterpoint.models.checkpoints import save_policy
from counterpoint.models.networks.bq import Options
from counterpoint.models.policies.bq import Options as PolicyOptions
from counterpoint.models.policies.bq import load
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.models.policies.tsp import build as build_network
from counterpoint.models.training import atsp_imitation, knapsack_imitation
from counterpoint.models.training.imitation import shown
from counterpoint.models.training.label_folder import joined
from counterpoint.models.training.loop import train
from counterpoint.models.training.tsp_imitation import Config, build, lesson
from counterpoint.models.training.tsp_labels import cut, judged, labelled
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp
from counterpoint.simulators.batched.bq_tsp import Paths, start, visits
from counterpoint.solvers.dynamic_programming.tsp import shortest

TINY = Config(
    iterations=10, size=8, labels=60, fresh=20, effort=10, updates=3, batch=32, learning_rate=3e-3, validation=12,
    network=Options(layers=2, width=16, heads=2, inner=32),
)  # fmt: skip


@pytest.fixture(scope="module")
def taught():
    trainer = build(dataclasses.replace(TINY, iterations=40, labels=600, fresh=300, updates=8, batch=64), 0)
    trainer.task = dataclasses.replace(trainer.task, leave=0, finish=None)  # which alone is exact at this size
    before = trainer.evaluate()
    for _ in range(40):
        trainer.step()
    return trainer, before


@pytest.fixture(scope="module")
def checkpoint(taught, tmp_path_factory):
    path = tmp_path_factory.mktemp("bq") / "policy.safetensors"
    save_policy(path, *taught[0].policy())
    return path


def closed_length(points: torch.Tensor) -> torch.Tensor:
    return (points - points.roll(-1, 1)).double().square().sum(2).sqrt().sum(1)


def path_length(paths: torch.Tensor) -> torch.Tensor:
    in_order = torch.cat((paths[:, :1], paths[:, 2:], paths[:, 1:2]), dim=1)
    return (in_order[:, 1:] - in_order[:, :-1]).double().square().sum(2).sqrt().sum(1)


def test_labels_are_optimal_on_small_instances() -> None:
    tours = labelled(15, 11, 60, 3)["points"]
    for points, found in zip(tours.numpy(), closed_length(tours).tolist(), strict=True):
        case = Tsp("x", Places("euclidean", points))
        best = case.places.points[shortest(case)]
        assert found == pytest.approx(float(closed_length(torch.from_numpy(best)[None])), rel=1e-6)
    assert torch.equal(tours, labelled(15, 11, 60, 3)["points"])
    assert tours.min() >= 0
    assert tours.max() <= 1


def test_paths_cut_from_optimal_tours_are_optimal() -> None:
    tours = labelled(12, 10, 60, 4)["points"]
    generator = torch.Generator().manual_seed(0)
    for between in (2, 5, 8):
        paths = cut(tours, between, generator)
        for points, found in zip(paths.numpy(), path_length(paths).tolist(), strict=True):
            case = Tsp("x", Places("euclidean", points), (0, 1))
            order = shortest(case)
            best = float(case.places.lengths(order[:-1], order[1:]).sum())
            assert found == pytest.approx(best, rel=1e-5)
    whole = cut(tours, 9, generator)
    assert torch.equal(whole[:, 0], whole[:, 1])
    torch.testing.assert_close(path_length(whole), closed_length(tours), atol=1e-5, rtol=0)


def test_paths_begin_anywhere_and_are_turned_all_ways() -> None:
    tours = torch.tensor([[[0.1, 0.2], [0.2, 0.35], [0.7, 0.45], [0.6, 0.95], [0.52, 0.83]]]).expand(4000, -1, -1)
    paths = cut(tours, 2, torch.Generator().manual_seed(0))
    seen, counts = np.unique((paths[:, 0] * 1000).round().numpy(), axis=0, return_counts=True)
    assert len(seen) == 5 * 8
    assert abs(counts - 100).max() < 4 * 10
    pairs = np.unique((paths[:, [0, 2]].flatten(1) * 1000).round().numpy(), axis=0)
    assert len(pairs) == 5 * 8 * 2  # and either way


def test_resume_is_bit_for_bit() -> None:
    straight = build(TINY, 4)
    for _ in range(2):
        straight.step()
    state = {k: v.clone() if isinstance(v, torch.Tensor) else v for k, v in straight.state_dict().items()}
    kept = {"network": straight.network.state_dict(), "optimiser": straight.optimiser.state_dict()}
    state |= copy.deepcopy(kept)
    metrics = [straight.step() for _ in range(3)]
    resumed = build(TINY, 99)
    resumed.seed = 4  # a run is resumed with its own
    resumed.load_state_dict(state)
    again = [resumed.step() for _ in range(3)]
    for a, b in zip(metrics, again, strict=True):
        a.pop("cpu_s"), b.pop("cpu_s")
        assert a == b
    assert torch.equal(straight.labels["points"], resumed.labels["points"])
    assert len(straight.labels["points"]) == 60  # no more than asked for
    for a, b in zip(straight.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(a, b)
    assert straight.evaluate() == resumed.evaluate()


@pytest.mark.parametrize("of", [build, atsp_imitation.build])
def test_evaluation_has_the_exact_finish_of_the_method(of) -> None:
    """A network that knows nothing solves what the finish alone can, and less of what it cannot."""
    figures = {}
    for size in (8, 14):
        trainer = of(dataclasses.replace(TINY, size=size, effort=200), 0)
        figures[size] = trainer.evaluate()
        trainer.task = dataclasses.replace(trainer.task, leave=0, finish=None)
        assert figures[size]["greedy_gap_percent"] < trainer.evaluate()["greedy_gap_percent"]
    assert figures[8]["greedy_gap_percent"] == pytest.approx(0, abs=1e-5)
    assert figures[8]["beam_16_gap_percent"] == pytest.approx(0, abs=1e-5)
    assert figures[14]["greedy_gap_percent"] > figures[14]["beam_16_gap_percent"] > 0


def test_same_seed_same_run_and_evaluation_changes_nothing() -> None:
    runs = []
    for seed in (1, 1, 2):
        trainer = build(TINY, seed)
        if not runs:
            assert trainer.evaluate() == trainer.evaluate()
        runs.append([trainer.step()["loss"] for _ in range(2)])
    assert runs[0] == runs[1] != runs[2]


def test_learns(taught) -> None:
    trainer, before = taught
    after = trainer.evaluate()
    assert after["greedy_gap_percent"] < 0.4 * before["greedy_gap_percent"]
    assert -1e-9 <= after["beam_16_gap_percent"] < after["greedy_gap_percent"]
    assert all(after[name] < before[name] for name in after if "loss" in name)


@torch.no_grad()
def test_wide_beams_are_exact(taught) -> None:
    """When no state is ever dropped, the best of all is the optimum."""
    tours = labelled(6, 7, 60, 8)["points"]
    shuffled = tours[:, torch.tensor([3, 1, 5, 0, 4, 2, 6])]
    steps, left = roll_out(taught[0].network, start(shuffled), width=400)
    assert steps.shape == (6 * 21, 6)  # pairs of last ends, place 0 or not; all else is merged
    torch.testing.assert_close(left.cost().view(6, 21).amin(1), closed_length(tours), atol=1e-5, rtol=0)
    inner = visits(steps)
    assert (inner.sort(1).values == torch.arange(1, 7)).all()
    orders = torch.cat((torch.zeros_like(inner[:, :1]), inner), dim=1)
    walked = closed_length(shuffled.repeat_interleave(21, 0).gather(1, orders.unsqueeze(2).expand(-1, -1, 2)))
    torch.testing.assert_close(walked, left.cost(), atol=1e-5, rtol=0)


@torch.no_grad()
def test_steps_are_drawn_by_their_probabilities(taught) -> None:
    network = taught[0].network
    points = torch.rand(1, 4, 2, generator=torch.Generator().manual_seed(5))
    paths = start(points).picked(torch.zeros(6000, dtype=torch.int64))
    steps, left = roll_out(network, paths, generator=torch.Generator().manual_seed(6))
    assert left.size == 0
    assert (visits(steps).sort(1).values == torch.tensor([1, 2, 3])).all()
    share = torch.bincount(steps[:, 0] - 2, minlength=6) / 6000
    wanted = network(start(points).observe().x).softmax(1)[0]
    assert (share - wanted).abs().max() < 4 * 0.5 / 6000**0.5


def test_lessons_name_both_neighbours(taught) -> None:
    tours = taught[0].labels
    generator = torch.Generator().manual_seed(0)
    sizes = set()
    for _ in range(60):
        taken = lesson(tours, generator)
        rows, answers = taken.target.shape
        sizes.add(answers // 2)
        assert taken.view.x.shape[:2] == (rows, answers // 2 + 2)
        torch.testing.assert_close(taken.target.sum(1), torch.ones(rows))
        right = [0, answers - 1] if answers < 14 else [0, 1, answers - 2, answers - 1]
        wanted = dict.fromkeys(right, 1 / len(right))
        assert {k: v for k, v in enumerate(taken.target[0].tolist()) if v} == wanted
        is_closed = (taken.view.x[:, 0] == taken.view.x[:, 1]).all()
        assert is_closed == (answers == 14)
    assert sizes == {2, 3, 4, 5, 6, 7}


def test_large_instances_come_with_smaller_ones() -> None:
    sizes = {n: {name: tuple(rows.shape) for name, rows in labelled(2, n, 1, 0).items()} for n in (39, 40, 100)}
    assert sizes[39] == {"points": (2, 39, 2)}
    assert sizes[40] == {"points": (2, 40, 2), "fewer": (2, 16, 2)}
    assert sizes[100] == {"points": (2, 100, 2), "fewer": (2, 50, 2), "fewest": (2, 20, 2)}
    tours = {name: torch.rand(3, n, 2) for name, n in (("fewer", 50), ("fewest", 20), ("points", 100))}
    generator = torch.Generator().manual_seed(0)
    seen = {lesson(tours, generator, 60).view.x.shape[1] - 2 for _ in range(200)}
    assert max(seen) == 60
    assert min(seen) == 5


def test_a_window_shows_the_places_nearest_to_the_origin_and_teaches_the_next() -> None:
    tours = torch.rand(200, 30, 2, generator=torch.Generator().manual_seed(1))  # in no order: often it is far
    x = cut(tours, 25, torch.Generator().manual_seed(2))
    row, left = torch.arange(200), torch.arange(2, 27).expand(200, -1)
    paths = Paths(x, row, torch.zeros_like(row), torch.ones_like(row), left, torch.zeros(200))
    target = torch.zeros(200, 25, 2)
    target[:, 0, 0] = target[:, -1, 1] = 0.5
    taught = shown(paths, target.flatten(1), 7)
    is_seen = (x[:, 2:] - x[:, :1]).square().sum(2).argsort(1)[:, :7].eq(0).any(1)
    assert len(taught.target) == int(is_seen.sum()) < 200
    assert (taught.view.choice[taught.target > 0] == 0).all()
    assert taught.target.unique().tolist() == [0.0, 1.0]
    torch.testing.assert_close(taught.view.x, paths.observe(7).x[is_seen])
    whole = shown(paths, target.flatten(1), 25)
    assert torch.equal(whole.target, target.flatten(1))


def test_begins_with_given_weights_and_says_through_which_window_it_learnt(taught, checkpoint, tmp_path) -> None:
    trainer = build(dataclasses.replace(TINY, weights=str(checkpoint), window=6), 1)
    for given, mine in zip(taught[0].network.parameters(), trainer.network.parameters(), strict=True):
        assert torch.equal(given, mine)
        assert mine.requires_grad
    assert trainer.policy()[1]["training"]["window"] == 6
    assert "window" not in taught[0].policy()[1]["training"]
    save_policy(tmp_path / "windowed.safetensors", *trainer.policy())
    for file, window in ((checkpoint, 8), (tmp_path / "windowed.safetensors", 6)):
        assert load(PolicyOptions(checkpoint=str(file)), "bq-tsp", build_network)[1] == window
    other = Options(layers=1, width=16, heads=2, inner=32)
    with pytest.raises(OptionError, match="'layers': 2"):
        build(dataclasses.replace(TINY, weights=str(checkpoint), network=other), 1)
    for module in (atsp_imitation, knapsack_imitation):
        with pytest.raises(OptionError, match="no window"):
            module.build(dataclasses.replace(TINY, window=6), 1)


def test_a_run_older_than_some_settings_is_resumed_with_what_it_did(tmp_path) -> None:
    settings = dataclasses.asdict(dataclasses.replace(TINY, iterations=2))
    train("tsp", "imitation", settings, out=tmp_path, device="cpu", iterations=1, progress=False)
    file = tmp_path / "run.json"
    described = json.loads(file.read_text())
    del described["config"]["weights"], described["config"]["window"]
    file.write_text(json.dumps(described))
    with pytest.raises(OptionError, match="has window 0, not 5"):
        train("tsp", "imitation", settings | {"window": 5}, out=tmp_path, device="cpu", resume=True, progress=False)
    assert train("tsp", "imitation", settings, out=tmp_path, device="cpu", resume=True, progress=False).iterations == 2
    del described["config"]["batch"]  # which no run was ever without
    file.write_text(json.dumps(described))
    with pytest.raises(OptionError, match="has no batch"):
        train("tsp", "imitation", settings, out=tmp_path, device="cpu", resume=True, progress=False)


def test_labels_of_another_form_are_not_mixed() -> None:
    older = {"points": torch.rand(3, 100, 2), "fewer": torch.rand(3, 40, 2)}
    assert joined([older, older])["points"].shape == (6, 100, 2)
    for newer in (older | {"fewer": torch.rand(3, 50, 2)}, older | {"fewest": torch.rand(3, 20, 2)}):
        with pytest.raises(OptionError, match="another version"):
            joined([older, newer])


def test_tours_are_judged_by_the_checker() -> None:
    square = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])
    assert judged(square, torch.tensor([[2, 1, 0, 3]])) == (pytest.approx(4), pytest.approx(4))
    assert judged(square, torch.tensor([[0, 2, 1, 3]]))[0] == pytest.approx(2 + 2 * 2**0.5, rel=1e-6)
    with pytest.raises(AssertionError):
        judged(square, torch.tensor([[0, 0, 1, 3]]))


@pytest.mark.parametrize("extra", ["", ",width=8", ",window=5", ",window=4,rescale=false,width=3"])
def test_the_method_builds_tours_and_paths(checkpoint, extra) -> None:
    rng = np.random.default_rng(0)
    for n in (1, 2, 3, 9, 30):
        for metric in ("euclidean", "euc-2d", "geo"):
            places = Places(metric, rng.random((n, 2)) * 80)
            for ends in (None, (n - 1, 0))[: 1 + (n > 1)]:
                result = ct.solve(Tsp("x", places, ends), f"bq:checkpoint={checkpoint},reconstructions=0{extra}")
                assert result.solution_status is ct.SolutionStatus.FEASIBLE, result.message
                assert result.termination is ct.Termination.COMPLETED


def test_the_method_does_not_mind_where_and_how_large(checkpoint) -> None:
    points = np.random.default_rng(2).random((15, 2))
    method = f"bq:checkpoint={checkpoint},reconstructions=0"
    one, other = (ct.solve(Tsp("x", Places("euclidean", p)), method) for p in (points, points * 2e4 - 7))
    assert one.solution == other.solution


def test_the_method_without_time_or_coordinates_or_checkpoint(checkpoint) -> None:
    case = Tsp("x", Places("euclidean", np.random.default_rng(1).random((40, 2))))
    late = ct.solve(case, f"bq:checkpoint={checkpoint}", time_limit=0)
    assert late.termination is ct.Termination.TIME
    assert late.objective == pytest.approx(ct.solve(case, "nearest-neighbour").objective, rel=0.5)
    flat = Tsp("x", Places("explicit", None, np.ones((5, 5), np.int64)))
    for instance, method, said in (
        (case, "bq:checkpoint=nowhere.safetensors", "cannot be read"),
        (flat, f"bq:checkpoint={checkpoint}", "bq-atsp"),
    ):
        result = ct.solve(instance, method)
        assert result.termination is ct.Termination.ERROR
        assert said in result.message
    for wrong in ("width=0", "window=-2", "reconstructions=-2"):
        with pytest.raises(OptionError, match=wrong.partition("=")[0]):
            ct.solve(case, f"bq:checkpoint={checkpoint},{wrong}")


@pytest.mark.parametrize(
    "change",
    [{"size": 4}, {"labels": 0}, {"learning_rate": 0.0}, {"weight_decay": -1.0}, {"effort": -1}, {"window": -1}],
)
def test_settings_out_of_range(change: dict) -> None:
    with pytest.raises(OptionError, match=next(iter(change))):
        dataclasses.replace(TINY, **change)
