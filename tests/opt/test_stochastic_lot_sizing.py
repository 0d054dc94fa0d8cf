"""Plants: what is refused, what JSON keeps, and a judge that notices every defect."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.plants import random_plant

import counterpoint as ct
from counterpoint.datasets.json_file import read_json, write_json
from counterpoint.datasets.stochastic_lot_sizing.settings import demand_probability
from counterpoint.opt.errors import CounterpointError, InstanceError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios
from counterpoint.opt.problems.stochastic_lot_sizing_check import check
from counterpoint.opt.problems.stochastic_lot_sizing_json import decode, encode
from counterpoint.simulators.stochastic_lot_sizing import simulate
from counterpoint.solvers.rules.stochastic_lot_sizing import Random

GOOD = {
    "name": "good", "production": [[3, 0], [1, 2]], "setup_cost": [[1, 2], [3, 4]], "setup_loss": [[0, 1], [1, 0]],
    "holding_cost": [0.1, 0.2], "lost_sales_cost": [2, 3], "max_inventory": [5, 6],
    "demand_probability": [[0.5, 0.5], [1, 0]], "horizon": 4, "initial_inventory": [0, 6], "initial_setup": [2, 0],
}  # fmt: skip

SETTING = {
    "time_horizon": 3, "n_items": 2, "n_machines": 1, "initial_setup": [0], "machine_production": [[3, 3]],
    "max_inventory_level": [5, 5], "initial_inventory": [0, 0], "holding_costs": [0.1, 0.1],
    "lost_sales_costs": [2, 2], "setup_costs": [[1, 1]], "setup_loss": [[1, 1]],
    "demand_distribution": {"name": "probability_mass_function", "vals": [0, 1], "probs": [0.5, 0.5]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"production": [[3, -1], [1, 2]]}, r"production: expected whole numbers in 0\.\."),
        ({"production": [[3, 0.5], [1, 2]]}, "production: expected whole numbers"),
        ({"production": [[3, 0], [1]]}, "production: expected whole numbers in 2 dimensions"),
        ({"production": [3, 0]}, "production: expected whole numbers in 2 dimensions"),
        ({"setup_cost": [[1, 2]]}, r"setup_cost: expected shape \(2, 2\), not \(1, 2\)"),
        ({"setup_cost": [[1, float("nan")], [3, 4]]}, "setup_cost: expected numbers in 0"),
        ({"holding_cost": [0.1, -0.1]}, "holding_cost: expected numbers in 0"),
        ({"max_inventory": [5, 0]}, "max_inventory: expected limits of at least 1"),
        ({"initial_inventory": [6, 0]}, "initial_inventory: a stock is above its limit"),
        ({"initial_setup": [3, 0]}, r"initial_setup: expected 0 \(idle\) or an item 1\.\.2"),
        ({"demand_probability": [[0.5, 0.4], [1, 0]]}, "demand_probability: expected probabilities that add up to 1"),
        ({"demand_probability": [[], []]}, "demand_probability"),
        ({"horizon": 0}, "horizon: expected a whole number"),
        ({"horizon": True}, "horizon: expected a whole number"),
    ],
)
def test_what_is_no_plant_is_refused(change: dict, message: str) -> None:
    with pytest.raises(InstanceError, match=message):
        StochasticLotSizing(**{**GOOD, **change})


def test_the_hash_is_of_the_data_alone() -> None:
    plant = StochasticLotSizing(**GOOD)
    assert plant.content_hash == dataclasses.replace(plant, name="other").content_hash
    assert plant.content_hash != dataclasses.replace(plant, horizon=5).content_hash
    assert plant.content_hash != dataclasses.replace(plant, is_random_start=True).content_hash
    assert plant != dataclasses.replace(plant, name="other")


@pytest.mark.parametrize("seed", range(5))
def test_json_keeps_everything(seed: int) -> None:
    plant = random_plant(np.random.default_rng(seed), horizon=6)
    scenario = draw_scenarios(plant, 1, seed)[0]
    run = simulate(plant, scenario, Random(plant, seed))
    for value in (plant, scenario, run):
        assert decode(json.loads(json.dumps(encode(value)))) == value
    assert read_json(write_json(plant).encode()) == plant


def test_settings_of_the_published_code_are_read(tmp_path) -> None:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(SETTING, indent=1))
    plant = ct.read(path)
    assert (plant.name, plant.horizon, plant.is_random_start) == ("tiny", 3, True)
    assert plant.demand_probability.tolist() == [[0.5, 0.5]] * 2
    path.write_text(json.dumps({**SETTING, "holding_costs": [0.1, "x"]}, indent=1))
    with pytest.raises(InstanceError, match=r"tiny\.json:\d+: holding_costs"):
        ct.read(path)
    path.write_text(json.dumps({**SETTING, "n_items": 3}))
    with pytest.raises(InstanceError, match="machine_production: expected 1 rows"):
        ct.read(path)


def test_demand_distributions() -> None:
    twice = {"name": "probability_mass_function", "vals": [0, 0, 2], "probs": [0.25, 0.25, 0.5]}
    assert demand_probability(twice).tolist() == [0.5, 0.0, 0.5]
    assert demand_probability({"name": "binomial", "n": 3, "p": 0.5}) == pytest.approx(np.array([1, 3, 3, 1]) / 8)
    assert demand_probability({"name": "binomial", "n": 2, "p": 1}).tolist() == [0, 0, 1]
    for wrong in ({"name": "poisson"}, {"name": "binomial", "n": -1, "p": 0.5}, {"name": "binomial", "n": 1, "p": 2},
                  {"name": "probability_mass_function", "vals": [0], "probs": [0.5]}):  # fmt: skip
        with pytest.raises(InstanceError, match="demand_distribution"):
            demand_probability(wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(SETTING)), JSON)
@settings(max_examples=150, deadline=None)
def test_a_damaged_setting_is_a_plant_or_an_instance_error(key: str, value: object) -> None:
    try:
        found = read_json(json.dumps({**SETTING, key: value}, allow_nan=True).encode())
    except InstanceError:
        return
    assert isinstance(found, StochasticLotSizing)


@given(st.sampled_from(sorted(encode(StochasticLotSizing(**GOOD)))), JSON)
@settings(max_examples=150, deadline=None)
def test_damaged_json_is_a_plant_or_an_instance_error(key: str, value: object) -> None:
    try:
        read_json(json.dumps({**encode(StochasticLotSizing(**GOOD)), key: value}).encode())
    except InstanceError:
        return


@pytest.mark.parametrize("seed", range(8))
def test_the_judge_notices_every_defect(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plant = random_plant(rng, horizon=9)
    scenario = draw_scenarios(plant, 1, seed)[0]
    run = simulate(plant, scenario, Random(plant, seed))
    assert check(plant, scenario, run).violations == ()
    t, i = int(rng.integers(plant.horizon)), int(rng.integers(plant.num_items))
    for kind in ("inventory", "lost", "scrapped"):
        units = getattr(run, kind).copy()
        units[t, i] += 1
        found = check(plant, scenario, dataclasses.replace(run, **{kind: units}))
        assert [(v.kind, v.place, v.amount) for v in found.violations] == [(kind, f"period {t}, item {i}", 1.0)]
    found = check(plant, scenario, dataclasses.replace(run, cost=run.cost + 0.01))
    assert [v.kind for v in found.violations] == ["cost"]
    assert [v.kind for v in check(plant, scenario, dataclasses.replace(run, cost=float("nan"))).violations] == ["cost"]
    assert [v.kind for v in check(plant, scenario, dataclasses.replace(run, choice=run.choice[1:])).violations] == [
        "shape"
    ]


def test_generated_plants_follow_the_rules() -> None:
    plant = ct.generate("stochastic-lot-sizing", items=30, machines=20, seed=3)
    assert plant == ct.generate("stochastic-lot-sizing", items=30, machines=20, seed=3)
    assert plant != ct.generate("stochastic-lot-sizing", items=30, machines=20, seed=4)
    assert 0.34 < (plant.production == 0).mean() < 0.46
    assert set(np.unique(plant.lost_sales_cost)) == {0.1, 1.1}
    assert (plant.setup_cost.min(), plant.setup_cost.max()) == (15, 30)
    assert 0.64 < (plant.setup_loss == 1).mean() < 0.76
    assert plant.mean_demand == pytest.approx(np.full(30, 8.0))
    with pytest.raises(CounterpointError, match="at least one item"):
        ct.generate("stochastic-lot-sizing", items=0)


def test_public_plants_are_shipped() -> None:
    names = ct.benchmarks("plant-*")
    assert len(names) == 8
    for name in names:
        plant = ct.benchmark(name)
        items, machines = map(int, name.split("-")[1].split("x"))
        assert (plant.name, plant.num_items, plant.num_machines, plant.horizon) == (name, items, machines, 100)
        assert plant.is_random_start
    assert ct.benchmark("plant-2x1-binomial-1").demand_probability[0].tolist() == [0.341, 0.58, 0.079]
