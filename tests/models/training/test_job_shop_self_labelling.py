"""Training: it learns, it resumes bit for bit, its labels are what they say."""

import dataclasses

import pytest
import torch

from counterpoint.models.networks.job_shop_pointer import Options
from counterpoint.models.training.job_shop_labels import instances_of, random_shops
from counterpoint.models.training.job_shop_self_labelling import Config, build
from counterpoint.opt.errors import OptionError

TINY = Config(
    iterations=12, sizes=((4, 3), (5, 4)), operations=80, samples=6, updates=3, memory=6, validation=3,
    network=Options(width=16, embedding=8, layers=1),
)  # fmt: skip


def tensors_of(state) -> list[torch.Tensor]:
    if isinstance(state, torch.Tensor):
        return [state]
    items = state.values() if isinstance(state, dict) else state if isinstance(state, list | tuple) else ()
    return [tensor for item in items for tensor in tensors_of(item)]


def copied(state):
    if isinstance(state, torch.Tensor):
        return state.clone()
    if isinstance(state, dict):
        return {key: copied(value) for key, value in state.items()}
    return [copied(x) for x in state] if isinstance(state, list | tuple) else state


def test_resume_is_bit_for_bit() -> None:
    straight = build(TINY, 4)
    for _ in range(3):
        straight.step()
    state = copied(straight.state_dict())
    metrics = [straight.step() for _ in range(3)]
    resumed = build(TINY, 99)
    resumed.load_state_dict(state)
    again = [resumed.step() for _ in range(3)]
    for a, b in zip(metrics, again, strict=True):
        a.pop("cpu_s"), b.pop("cpu_s")
        assert a == b
    left, right = tensors_of(straight.state_dict()), tensors_of(resumed.state_dict())
    assert len(left) == len(right) > 20
    assert all(torch.equal(x, y) for x, y in zip(left, right, strict=True))
    assert straight.evaluate() == resumed.evaluate()


def test_same_seed_same_run() -> None:
    runs = []
    for seed in (1, 1, 2):
        trainer = build(TINY, seed)
        runs.append([trainer.step()["loss"] for _ in range(2)])
    assert runs[0] == runs[1] != runs[2]


def test_evaluation_changes_nothing() -> None:
    trainer, other = build(TINY, 0), build(TINY, 0)
    assert trainer.evaluate() == trainer.evaluate()
    assert trainer.step()["loss"] == other.step()["loss"]


def test_learns() -> None:
    """A second of training brings the samples closer to the best of them, and the greedy schedule down."""
    config = dataclasses.replace(
        TINY, iterations=25, sizes=((6, 4),), operations=240, samples=16, warm_up=0.0, updates=6, validation=40
    )
    trainer = build(config, 0)
    before = trainer.evaluate()["greedy_gap_percent"]
    spread = [trainer.step()["mean_to_label_percent"] for _ in range(25)]
    assert sum(spread[-5:]) < 0.7 * sum(spread[:5])
    assert trainer.evaluate()["greedy_gap_percent"] < before - 2


def test_labels_are_never_longer_than_the_samples_mean() -> None:
    trainer = build(TINY, 0)
    for _ in range(4):
        metrics = trainer.step()
        assert metrics["label_gain_percent"] >= 0
        assert metrics["mean_to_label_percent"] >= 0
        assert metrics["samples"] == trainer.samples
    label = trainer.recent.labels[-1]
    assert int((label.replay.start + label.shops.duration).max(2).values.max()) == int(label.replay.makespan.max())


def test_tabu_labels_are_optimal_on_small_shops() -> None:
    from counterpoint.opt.budget import Budget
    from counterpoint.solvers.exhaustive.job_shop import solve as exhaustive

    config = dataclasses.replace(TINY, labels="tabu", sizes=((3, 3),), operations=27, tabu_moves=300)
    trainer = build(config, 0)
    trainer.step()
    label = trainer.recent.labels[-1]
    for b, shop in enumerate(instances_of(label.shops)):
        optimum = exhaustive(shop, Budget(), 0, None, lambda *_, **__: None).objective
        assert int(label.replay.makespan[b]) == optimum
    assert trainer.policy()[1]["algorithm"] == "imitation"


def test_random_shops_are_taillards_distribution() -> None:
    shops = random_shops(400, 6, 5, torch.Generator().manual_seed(0))
    assert (shops.machine.sort(2).values == torch.arange(5)).all()
    assert (shops.duration.min(), shops.duration.max()) == (1, 99)
    assert shops.duration.double().mean().item() == pytest.approx(50, abs=1)  # 3 sigma: 0.8
    first = torch.bincount(shops.machine[:, :, 0].flatten(), minlength=5)
    assert (first - 480).abs().max() < 4 * (480 * 0.8) ** 0.5


def test_starts_from_a_checkpoint(tmp_path) -> None:
    from counterpoint.models.checkpoints import save_policy

    trainer = build(TINY, 3)
    trainer.step()
    save_policy(tmp_path / "x.safetensors", *trainer.policy())
    other = build(dataclasses.replace(TINY, start_from=str(tmp_path / "x.safetensors")), 0)
    for a, b in zip(trainer.network.parameters(), other.network.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize(
    "change",
    [{"samples": 0}, {"sizes": ()}, {"sizes": ((0, 3),)}, {"nondelay": 1.5}, {"learning_rate": 0.0}, {"memory": 1}],
)
def test_settings_out_of_range(change: dict) -> None:
    with pytest.raises(OptionError, match=next(iter(change))):
        dataclasses.replace(TINY, **change)


def test_settings_from_toml() -> None:
    from pydantic import TypeAdapter

    config = TypeAdapter(Config).validate_python({"sizes": [[6, 6], [10, 5]], "network": {"width": 32}})
    assert config.sizes == ((6, 6), (10, 5))
    assert config.network == Options(width=32)
