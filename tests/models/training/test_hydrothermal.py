"""Training of target rules: it learns, resumes bit for bit, does not care for the number of workers, refuses well."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from tests.hydro_systems import cascade, case3, first_steps, subsystems

from counterpoint.models.algorithms.ts_ddr_config import TsDdrConfig
from counterpoint.models.algorithms.ts_ddr_trainer import Draws, TsDdrTrainer
from counterpoint.models.training import hydrothermal, hydrothermal_linear
from counterpoint.models.training.hydrothermal_stages import Stages, greatest_cost
from counterpoint.models.training.hydrothermal_validation import SEED, Validation
from counterpoint.models.training.loop import train
from counterpoint.opt.codec import write_text
from counterpoint.opt.errors import CheckpointError, InstanceError, OptionError, UnknownNameError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_json import encode
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios
from counterpoint.simulators.stage.hydrothermal import stage_models


def small(**changes: Any) -> hydrothermal.Config:
    fast = TsDdrConfig(samples=6, learning_rate=0.02, warm_up=3)
    config = hydrothermal.Config(iterations=12, width=4, hidden=(8,), scenarios=10, workers=1, ts_ddr=fast)
    return dataclasses.replace(config, **changes)


def trainer_of(
    system: Hydrothermal, seed: int = 0, kind: Any = "recurrent", config: hydrothermal.Config | None = None
) -> TsDdrTrainer:
    return hydrothermal.trainer_of(config or small(), system, seed, "cpu", kind, "ts-ddr")


def worth_saving(horizon: int = 4) -> Hydrothermal:
    """Half of the demand costs 1 a unit and the rest 100; inflow comes in the first of four stages alone."""
    base = first_steps(horizon=horizon)
    rows = np.array([[[120.0], [180.0]], *[[[0.0], [0.0]]] * (horizon - 1)])
    inflows = dataclasses.replace(base.inflows, rows=rows, probability=np.full((horizon, 2), 0.5))
    generators = dataclasses.replace(
        base.generators, names=("hydro", "cheap", "dear"), bus=np.zeros(3, int), cost=[0.0, 1.0, 100.0],
        max_power=[150.0, 75.0, 150.0], **dict.fromkeys(("min_power", "min_reactive", "max_reactive"), [0.0] * 3),
    )  # fmt: skip
    initial = dataclasses.replace(base.reservoirs, initial_volume=np.zeros(1))
    return dataclasses.replace(base, inflows=inflows, generators=generators, reservoirs=initial)


@pytest.mark.parametrize("form", ["strict", "penalty"])
def test_it_learns_to_save_water_for_when_it_is_worth_most(form) -> None:
    """450 cheap units cost 300; of the 300 others water gives 150 on average, best 37.5 in every stage."""
    system = worth_saving()
    best = 4 * 75 * 1.0 + 150 * 100.0
    config = small(iterations=80, scenarios=100)
    config = dataclasses.replace(config, ts_ddr=dataclasses.replace(config.ts_ddr, form=form, learning_rate=0.03))
    trainer = trainer_of(system, config=config)
    before = trainer.evaluate()["cost"]
    for _ in range(config.iterations):
        figures = trainer.step()
    after = trainer.evaluate()
    assert before > best * 1.02
    drawn = np.mean([s.inflow.sum() for s in draw_scenarios(system, 100, SEED)])
    assert after["cost"] == pytest.approx(300 + (300 - drawn) * 100, rel=5e-4)
    assert after["violation_share"] <= 0.05
    assert figures["unsolved"] == after["unsolved"] == 0


@pytest.mark.parametrize("form", ["strict", "penalty"])
@pytest.mark.parametrize("system", [cascade(horizon=6), subsystems(horizon=5)])
def test_resume_is_bit_for_bit(system: Hydrothermal, form) -> None:
    config = small(ts_ddr=dataclasses.replace(small().ts_ddr, form=form))
    whole = trainer_of(system, config=config)
    for _ in range(3):
        whole.step()
    held = whole.state_dict()
    expected = [{**whole.step(), **whole.evaluate()} for _ in range(3)]
    again = trainer_of(system, 4, config=config)
    again.load_state_dict(held)
    assert [{**again.step(), **again.evaluate()} for _ in range(3)] == expected


def test_workers_change_nothing() -> None:
    found = []
    for workers in (1, 2, 5):
        trainer = trainer_of(case3(), config=small(workers=workers))
        found.append([*(trainer.step()["gradient_norm"] for _ in range(3)), trainer.evaluate()["cost"]])
    assert found[0] == found[1] == found[2]


def test_a_run_cut_short_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    write_text(tmp_path / "cascade.json", json.dumps(encode(cascade(horizon=5))))
    settings = {
        "case": str(tmp_path / "cascade.json"), "iterations": 6, "scenarios": 4, "width": 3, "hidden": [4],
        "ts_ddr": {"samples": 3},
    }  # fmt: skip
    options: dict[str, Any] = {"progress": False, "evaluate_every": 2}
    whole = train("hydrothermal", "ts-ddr", settings, out=tmp_path / "whole", **options)
    train("hydrothermal", "ts-ddr", settings, out=tmp_path / "parts", iterations=3, **options)
    parts = train("hydrothermal", "ts-ddr", settings, out=tmp_path / "parts", resume=True, **options)
    assert parts.evaluation == whole.evaluation
    columns = ["iteration", "cost", "training_cost", "gradient_norm"]
    assert parts.frame[columns].equals(whole.frame[columns])
    card = json.loads((tmp_path / "whole" / "policy.json").read_text())
    assert card["network"]["name"] == "target-rule"
    assert card["network"]["options"]["inflow_mean"] == [16.5, 4.5]
    linear = {key: settings[key] for key in ("case", "iterations", "scenarios", "ts_ddr")}
    run = train("hydrothermal", "ts-ldr", linear, out=tmp_path / "linear", progress=False)
    assert json.loads(run.policy.with_suffix(".json").read_text())["network"]["name"] == "linear-target-rule"
    again = train(
        "hydrothermal", "ts-ldr", {**linear, "start_from": str(run.policy)}, out=tmp_path / "on", iterations=1,
        progress=False,
    )  # fmt: skip
    first = again.frame["cost"].iloc[0]
    assert first == pytest.approx(run.frame["cost"].min())


def test_the_validation_is_closed_loop_and_its_penalties_are_apart() -> None:
    system = subsystems(horizon=5)
    system = dataclasses.replace(system, reported_stages=3)
    config = small(map="box", ts_ddr=TsDdrConfig(form="penalty", penalty=700.0, samples=4))
    trainer = trainer_of(system, config=config)
    assert trainer.penalty == 700.0
    with torch.no_grad():
        trainer.rule.head[-1].bias += 3.0  # wants full reservoirs, which cannot be
    figures = trainer.evaluate()
    price = 30 * 700.0
    assert figures["violation_share"] > 0.2
    solve, initial = Stages(system, 1, price), system.reservoirs.initial_volume
    total = 0.0
    scenarios = draw_scenarios(system, config.scenarios, SEED)
    for scenario in scenarios:
        storage, memory = torch.tensor(initial)[None], None
        for stage in range(3):
            inflow = torch.tensor(scenario.inflow[stage])[None]
            told, memory = trainer.rule.read(inflow[None], stage, memory)
            target = trainer.reach(trainer.rule.decide(told[0], storage), storage, inflow).detach()
            found = solve(np.array([stage]), storage.numpy(), inflow.numpy(), target.numpy())
            beside = np.abs(found.state_out - target.numpy()).sum()
            total += 0.9906**stage * (found.stage_cost[0] - price * beside)
            storage = torch.tensor(found.state_out)
    assert figures["cost"] == pytest.approx(total / len(scenarios), rel=1e-6)


def test_stages_without_a_solution_end_the_training() -> None:
    """A line that carries next to nothing, and water that only turbines bring on: the upper plant cannot be run."""
    system = cascade(horizon=6)
    one_way = dataclasses.replace(system.reservoirs, spilled_to=np.zeros((2, 2), bool))
    weak = dict.fromkeys(("rating", "reverse_rating"), np.full(3, 0.01))
    network = dataclasses.replace(system.network, **weak, min_angle=-np.ones(3), max_angle=np.ones(3))
    generators = dataclasses.replace(system.generators, min_power=np.zeros(4))
    system = dataclasses.replace(system, reservoirs=one_way, network=network, generators=generators)
    counting, not_counting = (
        trainer_of(system, config=small(map="reachable", counts_turbines=counts)) for counts in (True, False)
    )
    for trainer in (counting, not_counting):
        with torch.no_grad():
            trainer.rule.head[-1].bias += torch.tensor([-4.0, 4.0])  # all is to go down, and to be held there
    with pytest.raises(InstanceError, match="counts_turbines=false"):
        counting.step()
    assert not_counting.step()["unsolved"] == 0


def test_automatic_penalties_are_the_greatest_cost() -> None:
    assert greatest_cost(stage_models(case3())) == 100_000.0
    trainer = trainer_of(first_steps(), config=small(ts_ddr=TsDdrConfig(form="penalty")))
    assert trainer.penalty == 1000.0
    assert trainer_of(first_steps()).penalty == 0.0


def test_training_and_validation_scenarios_are_others_than_the_published() -> None:
    system = dataclasses.replace(cascade(horizon=40), sampler="pcg64")
    trainer = trainer_of(system)
    validation = trainer.evaluation
    assert isinstance(validation, Validation)
    public = np.stack([s.inflow for s in draw_scenarios(system, 10, 20260706)], 1)
    drawn = trainer.draws.inflow(10, torch.Generator().manual_seed(1), is_stratified=True).numpy()
    for one, other in ((validation.inflow.numpy(), public), (drawn, public), (drawn, validation.inflow.numpy())):
        assert not (one[:, :, None] == other[:, None]).all((0, 3)).any()


@pytest.mark.parametrize("stratified", [True, False])
def test_draws_come_with_their_probabilities(stratified: bool) -> None:
    system = cascade(horizon=4)  # 1/2 and 1/2, then 1/4 and 3/4
    inflow = Draws(system).inflow(4000, torch.Generator().manual_seed(0), is_stratified=stratified)
    high = (inflow[:, :, 0] == torch.tensor([30.0, 16.0, 30.0, 16.0])[:, None]).double()
    error = 3e-4 if stratified else 0.03
    assert high.mean(1).tolist() == pytest.approx([0.5, 0.75, 0.5, 0.75], abs=error)
    together = (high[0] * high[2]).mean()
    assert together == pytest.approx(0.25, abs=0.03)  # stages are independent
    first = Draws(subsystems()).inflow(7, torch.Generator().manual_seed(0), is_stratified=stratified)
    assert (first[0] == torch.tensor([25.0, 10.0])).all()
    assert len(first[1].unique(dim=0)) > 1


def test_the_rate_rises_and_falls() -> None:
    config = TsDdrConfig(learning_rate=1.0, final_rate=0.1, warm_up=4)
    rates = [config.rate(i, 100) for i in range(101)]
    assert rates[0] == pytest.approx(0.2)
    assert max(rates) == rates[4] == pytest.approx(1.0, abs=0.01)
    assert rates[100] == pytest.approx(0.1)
    assert rates[50] == pytest.approx(0.55)
    assert [TsDdrConfig().multiple(i, 48) for i in (3, 4, 7, 8, 15, 16, 47)] == [0.1, 1.0, 1.0, 10.0, 10.0, 30.0, 30.0]


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError):
        hydrothermal.build(small(case="no-such-system"), 0, "cpu")
    write_text(tmp_path / "shop.txt", "1 1\n0 5\n")
    for module in (hydrothermal, hydrothermal_linear):
        with pytest.raises(OptionError, match="job-shop"):
            module.build(module.Config(case=str(tmp_path / "shop.txt")), 0, "cpu")
    with pytest.raises(OptionError, match="CPU"):
        hydrothermal.trainer_of(small(), cascade(), 0, "cuda", "recurrent", "ts-ddr")
    with pytest.raises(OptionError, match="linear networks"):
        trainer_of(cascade(kind="ac"), config=small(ts_ddr=TsDdrConfig(form="penalty")))
    with pytest.raises(CheckpointError):
        trainer_of(cascade(), config=small(start_from=str(tmp_path / "none.safetensors")))
    for given in (
        {"iterations": 0}, {"scenarios": 0}, {"workers": -1}, {"map": "box"}, {"maps": 1}, {"network_kind": "copper"},
        {"ts_ddr": {"samples": 0}}, {"ts_ddr": {"penalty": -1}}, {"ts_ddr": {"learning_rate": 0}},
        {"ts_ddr": {"form": "soft"}}, {"ts_ddr": {"sample": 3}}, {"case": 3},
    ):  # fmt: skip
        with pytest.raises((ValidationError, OptionError)):
            TypeAdapter(hydrothermal.Config).validate_python(given)


def test_the_relaxation_of_ac_trains_rules_for_ac() -> None:
    """Its costs are no more than those of the full equations; the rule is for the system under ``ac``."""
    system = cascade(kind="ac", horizon=3)
    trainer = trainer_of(system, config=small(network_kind="soc", scenarios=2))
    relaxed, full = trainer.evaluate(), trainer.evaluation(trainer.rule, trainer.reach, Stages(system, 1))
    assert 0.9 * full["cost"] < relaxed["cost"] <= full["cost"] * (1 + 1e-6)
    assert trainer.step()["unsolved"] == 0
    assert trainer.policy()[1]["system"] == {
        "name": "cascade", "hash": system.content_hash, "trained_under": "soc",
    }  # fmt: skip
    with pytest.raises(OptionError, match="network_kind soc"):
        trainer_of(cascade(), config=small(network_kind="soc"))
    dc = trainer_of(system, config=small(network_kind="dc"))
    assert dc.policy()[1]["system"]["hash"] == cascade(kind="dc", horizon=3).content_hash
