"""CP-guided training: the same code for every problem in the encoding, resumable bit for bit."""

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter

from counterpoint.models.training.cp_guided import Config, build
from counterpoint.models.training.state import load_state, save_state
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.cp_environment import PUBLISHED, View

SMALL = {"iterations": 4, "episodes": 4, "shops": 2, "epochs": 2, "minibatches": 2, "effort": 0.02, "jobs": 4,
         "machines": 3, "validation": 2}  # fmt: skip


def test_published_settings_are_an_option():
    faithful = TypeAdapter(Config).validate_python({"faithful": True})
    assert faithful.instances == ("ta31", "ta32", "ta33", "ta34")
    assert (faithful.iterations, faithful.learning_rate, faithful.clip) == (100, 2e-4, 0.3)
    assert (faithful.epochs, faithful.minibatches, faithful.kl_limit) == (20, 20, 0.01)
    assert faithful.effort == 160
    assert faithful.view == PUBLISHED == View(window=5, lookahead=10, normalisation="published")
    assert TypeAdapter(Config).validate_python({"faithful": True, "epochs": 3}).epochs == 3
    assert Config().instances == ()


@pytest.mark.parametrize(
    "bad",
    [
        {"iterations": 0}, {"episodes": 1}, {"learning_rate": 0.0}, {"effort": float("inf")}, {"jobs": 0},
        {"jobs": 1000, "machines": 1000}, {"validation": 0}, {"threads": 0},
        {"faithful": True, "variant": "flexible"},
    ],
)  # fmt: skip
def test_settings_are_checked(bad):
    with pytest.raises(OptionError):
        Config(**bad)


@pytest.mark.parametrize("variant", ["classical", "flexible", "blocking-swap"])
def test_every_problem_in_the_encoding_trains_with_the_same_code(variant):
    trainer = build(Config(**SMALL, variant=variant), 0)
    before = [p.clone() for p in trainer.network.parameters()]
    first = trainer.evaluate()
    figures = [trainer.step() for _ in range(3)]
    assert trainer.iteration == 3
    assert figures[2]["samples"] > figures[0]["samples"] > 4 * 4
    assert all(f["improvement_percent"] >= 0 for f in figures)
    assert all(np.isfinite(value) for f in figures for value in f.values())
    assert any(not torch.equal(a, b) for a, b in zip(before, trainer.network.parameters(), strict=True))
    assert sum(p.numel() for p in trainer.network.parameters()) == 2442
    assert 0 <= first["cost"] <= first["mean_sample_cost"]


def test_resume_is_bit_for_bit(tmp_path):
    whole, part = (build(Config(**SMALL), 7) for _ in range(2))
    for _ in range(2):
        whole.step()
        part.step()
    save_state(tmp_path / "state.safetensors", part.state_dict())
    resumed = build(Config(**SMALL), 7)
    resumed.load_state_dict(load_state(tmp_path / "state.safetensors"))
    assert resumed.evaluate() == whole.evaluate()
    for _ in range(2):
        ours, theirs = whole.step(), resumed.step()
        assert ours | {"solver_cpu_s": 0} == theirs | {"solver_cpu_s": 0}
    for a, b in zip(whole.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_results_do_not_depend_on_threads():
    one, two = build(Config(**SMALL), 1), build(Config(**SMALL, threads=2), 1)
    assert one.step()["loss"] == two.step()["loss"]


def test_named_instances_are_trained_on():
    trainer = build(Config(**{**SMALL, "instances": ("ft06",), "shops": 1}), 0)
    shops, group = trainer._draw(np.random.default_rng(0))
    assert [shop.name for shop in shops] == ["ft06"]
    assert group == [0, 0, 0, 0]
    trainer.step()


def test_the_policy_learns_not_to_wait_in_vain():
    """On tiny shops a few updates must make the samples better than those of the first weights."""
    settings = {**SMALL, "iterations": 30, "episodes": 8, "epochs": 4, "learning_rate": 2e-2, "jobs": 6}
    trainer = build(Config(**settings), 0)
    before = trainer.evaluate()["mean_sample_cost"]
    for _ in range(8):
        trainer.step()
    assert trainer.evaluate()["mean_sample_cost"] < 0.8 * before
