"""Imitation on plants: lessons are the teacher's choices in states of both; the teacher's cost is neared."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError

import counterpoint as ct
from counterpoint.models.training import stochastic_lot_sizing_imitation as imitation
from counterpoint.models.training.loop import train
from counterpoint.models.training.stochastic_lot_sizing_imitation import Config, Imitation, build
from counterpoint.models.training.stochastic_lot_sizing_lessons import joined, played, varied
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import draw_scenarios


def small(**changes: Any) -> Config:
    base = {"iterations": 3, "sizes": ((4, 2), (3, 2)), "plants": 1, "scenarios": 4, "epochs": 1, "hidden": 8}
    others = {"batch": 64, "validation": 1, "validation_scenarios": 4, "steps": 5, "tries": 0}
    return Config(**{**base, **others, **changes})  # type: ignore[arg-type]


def test_lessons_hold_the_states_of_whoever_leads_and_the_teachers_choices() -> None:
    plant = varied(4, 2, 0)
    scenarios = draw_scenarios(plant, 3, 0)

    def teacher(period: int, stock: Any, setup: Any) -> Any:
        return np.zeros_like(setup)

    def learner(period: int, stock: Any, setup: Any) -> Any:
        return np.argmax(plant.can_choose[:, 1:], 1) + np.ones_like(setup)

    lesson = joined([played(1, plant, teacher, learner, scenarios, 2)])
    assert not lesson.choice.any()
    assert set(lesson.plant.tolist()) == {1}
    setup = lesson.setup.view(plant.horizon, 3, 2)
    assert not setup[1:, :2].any()  # led by the teacher, who idles
    assert torch.equal(setup[1:, 2], torch.tensor(learner(0, None, setup[1:, 2].numpy())))
    left = lesson.left.view(plant.horizon, 3)
    assert (left[0, 0], left[-1, 0]) == (plant.horizon, 1)


def test_random_plants_are_of_three_kinds() -> None:
    plants = [varied(12, 5, seed) for seed in range(4)]
    assert [p.setup_cost.min() >= 15 for p in plants] == [True, True, False, False]
    assert [int(p.max_inventory[0]) for p in plants] == [100, 100, 100, 10]


def test_runs_learn_on_scenarios_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def draw(plant: Any, count: int, seed: int) -> Any:
        drawn.append(seed)
        return draw_scenarios(plant, count, seed)

    monkeypatch.setattr(imitation, "draw_scenarios", draw)
    plant: Any = replace(ct.benchmark("plant-2x1"), horizon=5)  # type: ignore[type-var]
    for seed in (0, 1):
        trainer = Imitation(small(), [[plant]], [plant], seed)
        for _ in range(2):
            trainer.step()
    assert len(set(drawn)) == 4
    assert min(drawn) > 10**6  # none that anybody would judge on


def test_nears_its_teacher() -> None:
    """One small plant, a fifth of its periods: after a few lessons the network costs hardly more than the teacher."""
    plant: Any = replace(ct.benchmark("plant-4x2"), horizon=20)  # type: ignore[type-var]
    changes = {"scenarios": 32, "epochs": 3, "batch": 128, "learning_rate": 1e-2, "hidden": 16, "steps": 10}
    config = small(iterations=8, validation_scenarios=32, **changes)
    trainer = Imitation(config, [[plant]], [plant], 0)
    before = trainer.evaluate()["cost"]
    for _ in range(trainer.config.iterations):
        trainer.step()
    after = trainer.evaluate()["cost"]
    assert after < min(15.0, 0.2 * before)  # percent above the teacher


def test_resume_is_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imitation, "varied", lambda *size, seed: replace(varied(*size, seed=seed), horizon=8))
    whole = build(small(), 0, "cpu")
    whole.step()
    held = whole.state_dict()
    expected = [{**whole.step(), **whole.evaluate()} for _ in range(2)]
    again = build(small(), 0, "cpu")
    again.network.common.data.fill_(3.0)
    again.load_state_dict(held)
    assert [{**again.step(), **again.evaluate()} for _ in range(2)] == expected


def test_a_run_by_name(tmp_path: Any) -> None:
    settings = {"iterations": 2, "case": "plant-2x1", "scenarios": 2, "validation_scenarios": 2, "steps": 2, "tries": 0}
    run = train("stochastic-lot-sizing", "imitation", settings, out=tmp_path / "run", progress=False)
    assert {"cost", "worst"} <= set(run.evaluation)


def test_refusals() -> None:
    for given in ({"plants": 0}, {"sizes": [[3, 0]]}, {"sizes": []}, {"learning_rate": 2.0}, {"size": 3}):
        with pytest.raises((ValidationError, OptionError)):
            TypeAdapter(Config).validate_python(given)
    with pytest.raises(OptionError, match="for the CPU"):
        build(small(), 0, "cuda")
