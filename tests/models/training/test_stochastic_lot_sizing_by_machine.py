"""PPO that judges every machine by its own items: credit by hand, resume, and better than whatever never changes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

from counterpoint.models.checkpoints import save_policy
from counterpoint.models.training import stochastic_lot_sizing_by_machine as by_machine
from counterpoint.models.training.loop import train
from counterpoint.models.training.stochastic_lot_sizing import Generated
from counterpoint.models.training.stochastic_lot_sizing_by_machine import ByMachine, Config, build, concerned
from counterpoint.models.training.stochastic_lot_sizing_lessons import varied
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_runs import total_costs


def small(**changes: Any) -> Config:
    base = {"iterations": 4, "generated": Generated(4, 2, 1), "num_envs": 8, "steps": 6, "hidden": 8, "scenarios": 4}
    return Config(**{**base, "minibatches": 2, "epochs": 2, **changes})  # type: ignore[arg-type]


def test_a_machine_is_concerned_with_what_it_makes_and_what_it_leaves() -> None:
    advantage = torch.tensor([[1.0, 10.0, 100.0]])
    setup, action = torch.tensor([[1, 1, 0, 3]]), torch.tensor([[1, 2, 3, 0]])
    assert concerned(advantage, setup, action).tolist() == [[1.0, 11.0, 100.0, 100.0]]


def test_better_than_any_fixed_assignment() -> None:
    """One machine, two items that both need it: to stay with one costs 1 a period, to change about 0.35."""
    plant = StochasticLotSizing(
        "two", [[3, 3]], [[1.0, 1.0]], [[0, 0]], [0.05, 0.05], [2.0, 2.0], [8, 8], [[0.5, 0.5]] * 2, 30
    )
    config = small(iterations=20, num_envs=32, steps=20, epochs=3, hidden=16, scenarios=32, learning_rate=3e-3)
    trainer = ByMachine(config, [plant], 0)
    scenarios = draw_scenarios(plant, 32, 1)
    fixed = min(total_costs(plant, scenarios, lambda t, x, z, c=c: np.full_like(z, c)).mean() for c in range(3))
    for _ in range(trainer.config.iterations):
        trainer.step()
    assert min(trainer.evaluate().values()) < 0.75 * fixed


@pytest.mark.parametrize("plants", [1, 2])
def test_resume_is_bit_for_bit(plants: int, monkeypatch: pytest.MonkeyPatch) -> None:
    short = [replace(varied(4, 2, seed), horizon=8) for seed in (1, 2)]
    monkeypatch.setattr(by_machine.plain, "plant_of", lambda config: short[0])
    monkeypatch.setattr(by_machine, "varied", lambda items, machines, seed: short[seed - 1])
    whole = build(small(plants=plants), 0, "cpu")
    whole.step()
    held = whole.state_dict()
    expected = [{**whole.step(), **whole.evaluate()} for _ in range(2)]
    again = build(small(plants=plants), 4, "cpu")
    again.load_state_dict(held)
    assert [{**again.step(), **again.evaluate()} for _ in range(2)] == expected


def test_begins_with_weights_and_the_critic_alone(tmp_path: Any) -> None:
    first = build(small(), 0, "cpu")
    first.step()
    path = str(tmp_path / "begun.safetensors")
    save_policy(path, *first.policy())
    trainer = build(small(weights=path, critic_first=1, generated=Generated(6, 3, 2)), 1, "cpu")  # of another size
    before = {key: x.clone() for key, x in trainer.actor.state_dict().items()}
    assert all(torch.equal(x, first.actor.state_dict()[key]) for key, x in before.items())
    judged = trainer.critic.last.weight.clone()
    trainer.step()
    assert all(torch.equal(x, trainer.actor.state_dict()[key]) for key, x in before.items())
    assert not torch.equal(judged, trainer.critic.last.weight)
    trainer.step()
    assert any(not torch.equal(x, trainer.actor.state_dict()[key]) for key, x in before.items())


def test_a_run_by_name(tmp_path: Any) -> None:
    settings = {"iterations": 2, "case": "plant-2x1", "num_envs": 4, "steps": 4, "minibatches": 2, "scenarios": 4}
    run = train("stochastic-lot-sizing", "ppo-by-machine", settings, out=tmp_path / "run", progress=False)
    assert {"cost", "drawn_cost"} <= set(run.evaluation)


def test_refusals(tmp_path: Any) -> None:
    for given in (
        {"plants": 0}, {"gamma": 1.5}, {"learning_rate": 0.0}, {"minibatches": 7}, {"critic_first": -1},
        {"case": "plant-2x1", "plants": 2}, {"keep": 3.0},
    ):  # fmt: skip
        with pytest.raises((ValidationError, OptionError)):
            TypeAdapter(Config).validate_python(given)
    with pytest.raises(CheckpointError):
        build(small(weights=str(tmp_path / "none.safetensors")), 0, "cpu")
