"""Rules of the plant: by hand on small ones, and the published instance's figures."""

import os
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.plants import random_plant

import counterpoint as ct
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import Observation, StochasticLotSizing, draw_scenarios
from counterpoint.simulators.batched.stochastic_lot_sizing import StochasticLotSizingEnvironment
from counterpoint.solvers.rules.stochastic_lot_sizing import (
    AssignmentOptions,
    KeepSetup,
    Priority,
    PriorityOptions,
    assignment,
    exact_values,
    static_assignment,
    values,
)

ROOT = Path(__file__).parents[3]
PUBLISHED = (
    Path(os.environ.get("COUNTERPOINT_DATA", ROOT.parent / "shared" / "data"))
    / "lot_sizing"
    / "plant"
    / "plant_20items_10machines_t100.json"
)


def costs_of(plant: StochasticLotSizing, choice: np.ndarray | None, count: int, seed: int = 0) -> np.ndarray:
    """Costs of a fixed choice, or of keeping the setups, in `count` scenarios at once."""
    environment = StochasticLotSizingEnvironment(plant, count, dtype=torch.float64)
    _, demand = environment.load_scenarios(draw_scenarios(plant, count, seed))
    action = environment.setup.clone() if choice is None else torch.tensor(choice).expand(count, -1)
    total = torch.zeros(count, dtype=torch.float64)
    for wanted in demand:
        environment.post(action)
        total -= environment.exogenous(wanted).reward[:, 0]
    return total.numpy()


@pytest.mark.skipif(not PUBLISHED.exists(), reason=f"needs {PUBLISHED} (set COUNTERPOINT_DATA)")
def test_the_published_instances_figures() -> None:
    """512 scenarios: idle 7,539 +- 15, keeping 5,441 +- 110, the stated static assignment 1,794 +- 5."""
    plant = ct.read(PUBLISHED)
    assert costs_of(plant, np.zeros(10, np.int64), 512).mean() == pytest.approx(7539, abs=15)
    assert costs_of(plant, None, 512).mean() == pytest.approx(5441, abs=110)
    stated = static_assignment(plant, 0, AssignmentOptions()).choice
    thumb = costs_of(plant, stated, 512)
    assert thumb.mean() == pytest.approx(1794, abs=5)
    exact = costs_of(plant, static_assignment(plant, 0, AssignmentOptions("exact")).choice, 512)
    gain = thumb - exact
    assert gain.mean() > 4 * gain.std() / 512**0.5  # clearly better


@pytest.mark.parametrize("seed", range(4))
def test_exact_values_are_what_the_simulator_finds(seed: int) -> None:
    """The value of the exact assignment = expected cost idle - with it, within four standard errors."""
    rng = np.random.default_rng(seed)
    plant = random_plant(rng, horizon=12, most=3)
    while not plant.production.any():
        plant = random_plant(rng, horizon=12, most=3)
    object.__setattr__(plant, "initial_setup", np.zeros(plant.num_machines, np.int64))
    object.__setattr__(plant, "setup_loss", np.zeros_like(plant.setup_loss))  # not part of the value
    object.__setattr__(plant, "is_random_start", False)
    worth = exact_values(plant)
    m, i = np.unravel_index(np.where(plant.production > 0, worth, -np.inf).argmax(), worth.shape)
    choice = np.zeros(plant.num_machines, np.int64)
    choice[m] = i + 1
    gain = costs_of(plant, np.zeros_like(choice), 4000) - costs_of(plant, choice, 4000)
    assert gain.mean() == pytest.approx(worth[m, i], abs=4 * gain.std() / 4000**0.5 + 1e-9)


def test_rule_of_thumb_by_hand() -> None:
    plant = StochasticLotSizing(
        "hand", [[10, 3], [0, 8]], [[1, 1]] * 2, [[1, 1]] * 2, [0.01, 0.02], [1.1, 0.5], [100, 50],
        [[0.5, 0, 0.5, 0, 0]] * 2, 5,
    )  # fmt: skip
    assert values(plant).ravel() == pytest.approx([1.1 * 1 - 0.95, 0.5 * 1 - 0.95, 0, 0.5 - 0.95])


@pytest.mark.parametrize("seed", range(20))
def test_assignment_is_the_best_of_all(seed: int) -> None:
    worth = np.random.default_rng(seed).normal(size=(3, 4))
    choice = assignment(worth)
    used = choice[choice > 0]
    assert len(set(used)) == len(used)
    found = sum(worth[m, c - 1] for m, c in enumerate(choice) if c)
    padded = np.hstack([np.maximum(worth, 0), np.zeros((3, 3))])
    assert found == pytest.approx(max(sum(padded[m, p[m]] for m in range(3)) for p in permutations(range(7), 3)))


def test_keeping_and_priority_by_hand() -> None:
    plant = StochasticLotSizing(
        "hand", [[9, 5, 0], [0, 9, 9]], [[1] * 3] * 2, [[0] * 3] * 2, [0.01] * 3, [5, 9, 0.001], [40] * 3,
        [[0, 0, 0, 0, 1]] * 3, 9,
    )  # fmt: skip
    seen = Observation(0, np.array([30, 2, 0]), np.array([3, 2]))  # machine 0 cannot make item 2
    assert KeepSetup(plant).act(seen).tolist() == [0, 2]
    rule = Priority(plant, PriorityOptions(low=1, high=5))
    assert rule.act(Observation(0, np.array([30, 2, 0]), np.array([0, 0]))).tolist() == [2, 0]  # an even rate: first
    assert rule.act(Observation(0, np.array([3, 2, 0]), np.array([0, 0]))).tolist() == [2, 0]  # the dearer item first
    assert rule.act(Observation(0, np.array([3, 21, 0]), np.array([2, 0]))).tolist() == [1, 0]  # 21 >= 20: gives way
    assert rule.act(Observation(0, np.array([3, 19, 0]), np.array([2, 0]))).tolist() == [2, 0]  # not yet
    assert rule.act(Observation(0, np.array([9, 9, 0]), np.array([0, 0]))).tolist() == [0, 0]  # nobody asks


@pytest.mark.parametrize(("low", "high"), [(-1, 2), (3, 2), (float("nan"), 2)])
def test_wrong_options_are_refused(low: float, high: float) -> None:
    with pytest.raises(OptionError, match="expected 0 <= low <= high"):
        PriorityOptions(low, high)


def test_every_rule_is_legal_on_random_plants() -> None:
    names = ["idle", "keep-setup", "random", "priority", "static-assignment", "static-assignment:values=exact"]
    for seed in range(10):
        plant = random_plant(np.random.default_rng(seed), horizon=8)
        table = ct.evaluate(names, plant, scenarios=3, progress=False).summary()
        assert table["failed"].sum() == 0
