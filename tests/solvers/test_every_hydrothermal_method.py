"""Every policy for hydrothermal systems runs on every kind of small system, and the checker finds nothing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.hydro_permutations import permuted, permuted_scenario, random_order
from tests.hydro_systems import cascade, case3, first_steps, subsystems
from tests.random_hydro_systems import random_system

import counterpoint as ct
from counterpoint.models.training.loop import train
from counterpoint.opt.codec import write_text
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_json import encode
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios

METHODS = ct.methods("hydrothermal")
SYSTEMS = {
    "single-bus": first_steps(),
    "transport": subsystems(),
    "dc": cascade(),
    "dc-reported": cascade(horizon=5, reported_stages=3),
    "dc-long": case3(),
    "ac": cascade(kind="ac"),
}
LEARNED: dict[str, tuple[str, dict[str, Any]]] = {  # algorithm, and settings of the briefest training
    "ppo": ("ppo", {"num_envs": 4, "scenarios": 2, "hidden": [4], "ppo": {"steps": 4}}),
    "ts-ddr": ("ts-ddr", {"scenarios": 2, "width": 4, "hidden": [4], "workers": 1, "ts_ddr": {"samples": 2}}),
    "ts-ldr": ("ts-ldr", {"scenarios": 2, "workers": 1, "ts_ddr": {"samples": 2}}),
    "sddp-trained": ("sddp", {"scenarios": 2, "workers": 1}),
}
OPTIONS: dict[str, dict[str, Any]] = {"sddp": {"iterations": 5}}


@pytest.fixture(scope="module")
def options_of(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a method's options on a system; a learned method has been trained for it, for an iteration."""

    def options(name: str, kind: str) -> dict[str, Any]:
        if name not in LEARNED:
            return OPTIONS.get(name, {})
        place: Path = tmp_path_factory.getbasetemp() / f"{name}-{kind}"
        if not place.exists():
            case = place.with_suffix(".json")
            write_text(case, json.dumps(encode(SYSTEMS[kind])))
            algorithm, settings = LEARNED[name]
            train(
                "hydrothermal", algorithm, {"case": str(case), "iterations": 1, **settings}, out=place, progress=False
            )
        return {"checkpoint": str(place / "policy.safetensors")}

    return options


def test_the_table_is_complete() -> None:
    assert {m.name for m in METHODS} >= {"myopic", "hoard", "keep-level", "random", "water-value", "rolling-lp",
                                         "tree-lp", "ppo"}  # fmt: skip
    assert {m.kind for m in METHODS} == {"sequential"}
    assert {m.name for m in METHODS if m.network} == set(LEARNED)


@pytest.mark.parametrize("kind", SYSTEMS)
@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.name)
def test_every_method_obeys_every_system(method: Any, kind: str, options_of: Any) -> None:
    system: Hydrothermal = SYSTEMS[kind]
    if method.unsupported(system):
        pytest.skip(f"{method.name} does not handle {kind}")
    policy = ct.policy(method.name, system, seed=1, options=options_of(method.name, kind))
    episodes = ct.simulate(policy, system, scenarios=3, seed=1)
    for episode in episodes:
        verdict = episode.check()
        assert not verdict.violations
        assert verdict.objective == pytest.approx(episode.cost, rel=1e-9)
        assert episode.trajectory.storage.shape == (system.reported_stages, system.num_reservoirs)
    found = ct.evaluate({"it": policy}, system, scenarios=3, seed=1, progress=False)
    assert not found.frame["message"].any()
    assert found.costs("it") == pytest.approx(np.array([e.cost for e in episodes]), rel=1e-6)  # nothing is kept
    if not method.is_random:
        twin = ct.policy(method.name, system, seed=2, options=options_of(method.name, kind))
        again = ct.evaluate({"it": twin}, system, scenarios=3, seed=1, progress=False)
        assert again.costs("it") == pytest.approx(np.array([e.cost for e in episodes]), rel=1e-6)


@pytest.mark.parametrize("kind", ["single-bus", "transport", "dc", "dc-long"])
def test_no_method_beats_perfect_information(kind: str, options_of: Any) -> None:
    """The bound is on the whole horizon, which these systems report."""
    system = SYSTEMS[kind]
    policies = {m.name: ct.policy(m.name, system, options=options_of(m.name, kind)) for m in METHODS}
    found = ct.evaluate(policies, system, scenarios=4, seed=3, bound=True, progress=False)
    assert not found.frame["message"].any()
    assert (found.frame["cost"] >= found.frame["bound"] * (1 - 1e-6) - 1e-6).all()
    assert found.frame["bound"].notna().all()


def test_with_a_bound_comes_what_no_policy_can_expect_to_beat() -> None:
    """Told for what is reported: 65.2633 is the optimum of the cascade's extensive form over its four stages."""
    found = ct.evaluate("myopic", cascade(horizon=6, reported_stages=4), scenarios=2, bound=True, progress=False)
    assert found.expected_bound == pytest.approx(65.26334903, rel=1e-6)
    assert any("can be better than 65.2633 (proven)" in line for line in found.verdict())


CERTAIN = [m.name for m in METHODS if not m.is_random and not m.network]


@pytest.mark.parametrize("kind", ["single-bus", "transport", "dc"])
@pytest.mark.parametrize("seed", range(4))
def test_random_systems_with_all_that_a_stage_can_have(seed: int, kind: str) -> None:
    system = random_system(seed, kind)
    for name in [*CERTAIN, "random"]:
        for episode in ct.simulate(name, system, scenarios=2, seed=seed):
            assert not episode.check().violations, name


@pytest.mark.parametrize("kind", ["transport", "dc", "dc-long"])
@pytest.mark.parametrize("name", CERTAIN)
def test_the_order_of_reservoirs_plants_buses_and_branches_changes_no_cost(name: str, kind: str) -> None:
    system, rng = SYSTEMS[kind], np.random.default_rng(1)
    scenarios = draw_scenarios(system, 4, 0)
    costs = ct.evaluate(name, system, scenarios=scenarios, progress=False).costs(name)
    for _ in range(2):
        order = random_order(system, rng)
        other = [permuted_scenario(scenario, order) for scenario in scenarios]
        found = ct.evaluate(name, permuted(system, order), scenarios=other, progress=False).costs(name)
        assert found == pytest.approx(costs, rel=1e-6)
