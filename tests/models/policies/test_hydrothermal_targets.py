"""Target rules as policies: operation is what training saw, episodes are forgotten, checkpoints are checked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.hydro_systems import cascade, first_steps, subsystems

from counterpoint.models.checkpoints import save_policy
from counterpoint.models.policies.hydrothermal import Options, TargetPolicy, ts_ddr, ts_ldr
from counterpoint.models.training import hydrothermal
from counterpoint.models.training.hydrothermal_stages import Stages
from counterpoint.models.training.hydrothermal_validation import Validation
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.loading import load_instance
from counterpoint.opt.policies import policy as load_policy
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Observation, draw_scenarios
from counterpoint.opt.registry import method
from counterpoint.simulators.hydrothermal import simulate
from counterpoint.solvers.rules.hydrothermal import myopic


def trainer_of(system: Hydrothermal, kind: Any = "recurrent", name: str = "ts-ddr", steps: int = 2) -> Any:
    config = hydrothermal.Config(iterations=9, width=4, hidden=(6,), scenarios=5, workers=1)
    trainer = hydrothermal.trainer_of(config, system, 0, "cpu", kind, name)
    for _ in range(steps):
        trainer.step()
    return trainer


def saved(path: Path, trainer: Any) -> str:
    tensors, card = trainer.policy()
    save_policy(path, tensors, card)
    return str(path)


@pytest.mark.parametrize("system", [cascade(horizon=6, reported_stages=5), subsystems(horizon=5)])
@pytest.mark.parametrize(("kind", "make"), [("recurrent", ts_ddr), ("linear", ts_ldr)])
def test_the_simulator_says_what_the_validation_says(tmp_path: Path, system: Hydrothermal, kind, make) -> None:
    trainer = trainer_of(system, kind)
    policy = make(system, 0, Options(saved(tmp_path / "rule.safetensors", trainer)))
    costs = []
    for number, scenario in enumerate(draw_scenarios(system, 5, seed=8)):
        policy.start(number)
        costs.append(simulate(system, scenario, policy).cost)
    figures = Validation.draw(system, 5, seed=8)(trainer.rule, trainer.reach, Stages(system, 1))
    assert np.mean(costs) == pytest.approx(figures["cost"], rel=1e-6)


def test_storages_become_the_targets() -> None:
    system = cascade(horizon=6)
    policy = TargetPolicy(system, trainer_of(system).rule)
    (scenario,) = draw_scenarios(system, 1, 3)
    run = simulate(system, scenario, policy)
    policy.start(1)
    before = system.reservoirs.initial_volume
    for stage, after in enumerate(run.storage):
        target = policy.target(Observation(stage, before, scenario.inflow[stage])).numpy()
        assert after == pytest.approx(target, abs=1e-6)
        before = after


def test_an_episode_begins_without_memory() -> None:
    system = cascade(horizon=6)
    policy = TargetPolicy(system, trainer_of(system).rule)
    seen = [
        Observation(0, np.array([20.0, 2.0]), np.array([30.0, 5.0])),
        Observation(1, np.array([9.0, 4.0]), np.ones(2)),
    ]
    first = [policy.target(o) for o in seen]
    later = policy.target(seen[1])
    policy.start(1)
    again = [policy.target(o) for o in seen]
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[1], later)


def test_checkpoints_that_do_not_fit(tmp_path: Path) -> None:
    system = cascade()
    file = saved(tmp_path / "rule.safetensors", trainer_of(system))
    with pytest.raises(OptionError, match="train hydrothermal --algorithm ts-ldr"):
        ts_ldr(system, 0, Options())
    with pytest.raises(CheckpointError, match="linear-target-rule"):
        ts_ldr(system, 0, Options(file))
    with pytest.raises(CheckpointError, match="for 2 reservoirs"):
        ts_ddr(first_steps(), 0, Options(file))
    trainer = trainer_of(system)
    trainer.card["network"]["options"]["width"] = 10**9
    with pytest.raises(CheckpointError, match="options are wrong"):
        ts_ddr(system, 0, Options(saved(tmp_path / "wide.safetensors", trainer)))
    trainer = trainer_of(system, "linear")
    trainer.card["network"]["name"] = "target-rule"
    with pytest.raises(CheckpointError, match="recurrent"):
        ts_ddr(system, 0, Options(saved(tmp_path / "other.safetensors", trainer)))


def test_a_file_finds_its_method(tmp_path: Path) -> None:
    system = cascade()
    for kind, name in (("recurrent", "ts-ddr"), ("linear", "ts-ldr")):
        trainer = trainer_of(system, kind, name)
        policy = load_policy(saved(tmp_path / f"{name}.safetensors", trainer), system)
        assert isinstance(policy, TargetPolicy)
        assert policy.rule.options.kind == kind
        assert method("hydrothermal", name).handles == {"ac"}


@pytest.mark.parametrize(
    ("name", "case", "most"),
    [
        ("ts-ddr", "bolivia-dc", 0.98),
        ("ts-ldr", "bolivia-dc", 0.995),
        pytest.param("ts-ddr", "bolivia-ac", 0.95, marks=pytest.mark.slow),
    ],
)
def test_the_shipped_rules_run_out_of_the_box_and_beat_the_myopic(name: str, case: str, most: float) -> None:
    system = load_instance(case)
    policy = load_policy(name, system)
    rule, costs = myopic(system, 0, None), np.zeros(2)
    for scenario in draw_scenarios(system, 4 if case == "bolivia-dc" else 1, seed=99):
        for which, each in enumerate((policy, rule)):
            each.start(0)
            costs[which] += simulate(system, scenario, each).cost
    assert costs[0] < most * costs[1]


def test_no_rule_is_shipped_for_a_changed_system() -> None:
    system = load_instance("bolivia-dc")
    with pytest.raises(OptionError, match="bolivia-dc"):
        ts_ddr(replace(system, reported_stages=20), 0, Options())
