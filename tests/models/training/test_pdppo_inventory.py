"""Post-decision PPO on the inventory through the registry and the training loop."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from counterpoint.models.checkpoints import load_policy
from counterpoint.models.training.loop import train
from counterpoint.models.training.pdppo_inventory import Config, build
from counterpoint.opt.errors import OptionError


def test_a_run_by_name_and_on(tmp_path: Path) -> None:
    settings = {
        "iterations": 4, "num_envs": 8, "pdppo": {"mode": "faithful", "ppo": {"steps": 8, "lam": 0.9}},
    }  # fmt: skip
    train("inventory", "pdppo", settings, out=tmp_path / "a", iterations=2, progress=False)
    on = train("inventory", "pdppo", settings, out=tmp_path / "a", resume=True, progress=False)
    whole = train("inventory", "pdppo", settings, out=tmp_path / "b", progress=False)
    assert on.evaluation == whole.evaluation
    held = load_policy(tmp_path / "a" / "last.safetensors")
    assert held.card["algorithm"] == "pdppo"
    assert held.card["config"]["pdppo"]["mode"] == "faithful"
    assert not any("post" in name for name in held.tensors)  # a policy is the actor and critic that any PPO's is


def test_gamma_and_preference_are_the_cases() -> None:
    settings = build(Config(weights=(2.0, 1.0)), 0, "cpu").config
    assert (settings.gamma, settings.preference) == (0.95, (2.0, 1.0))


@pytest.mark.parametrize(
    "given",
    [{"pdppo": {"mode": "neither"}}, {"pdppo": {"shock": 1}}, {"pdppo": {"shock_weight": 2.0}}, {"iterations": 0}],
)
def test_wrong_settings_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, OptionError)):
        TypeAdapter(Config).validate_python(given)
