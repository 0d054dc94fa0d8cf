"""Batched twin = SimPy reference = plain arithmetic, and what is drawn is what was asked for."""

import copy
import pickle

import numpy as np
import pytest
import torch
from gymnasium.utils.env_checker import check_env
from tests.plants import random_plant, scalar_reference

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import PostDecisionEnvironment
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios
from counterpoint.opt.problems.stochastic_lot_sizing_check import check
from counterpoint.simulators.adapters.gymnasium_env import SingleEnvironment
from counterpoint.simulators.batched.stochastic_lot_sizing import StochasticLotSizingEnvironment
from counterpoint.simulators.stochastic_lot_sizing import simulate


class Script:
    def __init__(self, choices: np.ndarray) -> None:
        self.choices = choices

    def start(self, episode: int) -> None: ...

    def act(self, observation) -> np.ndarray:
        return self.choices[observation.period]


def drawn_choices(plant: StochasticLotSizing, rng: np.random.Generator, is_faithful: bool) -> np.ndarray:
    """Choices [T, M] that often go on with the last one."""
    able = np.ones_like(plant.can_choose) if is_faithful else plant.can_choose
    choices = np.array([[rng.choice(np.flatnonzero(row)) for row in able] for _ in range(plant.horizon)])
    for t in range(1, plant.horizon):
        choices[t] = np.where(rng.random(plant.num_machines) < 0.5, choices[t - 1], choices[t])
    return choices


@pytest.mark.parametrize("seed", range(100))
def test_three_simulators_agree(seed: int) -> None:
    """100 random plants, 100 periods, 3 scenarios each: every stock exact, costs to 1e-9."""
    rng = np.random.default_rng(seed)
    plant, is_faithful = random_plant(rng), bool(seed % 2)
    scenarios = draw_scenarios(plant, 3, seed)
    scripts = [drawn_choices(plant, rng, is_faithful) for _ in scenarios]
    environment = StochasticLotSizingEnvironment(
        plant, 3, is_faithful=is_faithful, dtype=torch.float64, is_compiled=seed % 4 < 2
    )
    _, demand = environment.load_scenarios(scenarios)
    stocks, costs = [], torch.zeros(3, dtype=torch.float64)
    for t in range(plant.horizon):
        environment.post(torch.tensor(np.array([script[t] for script in scripts])))
        step = environment.exogenous(demand[t])
        assert step.truncated.all() == (t == plant.horizon - 1)
        costs -= step.reward[:, 0]
        stocks.append((step.final_observation["inventory"].double() * environment._limit).round().long())
    for b, (scenario, script) in enumerate(zip(scenarios, scripts, strict=True)):
        run = simulate(plant, scenario, Script(script), is_faithful=is_faithful)
        expected, cost = scalar_reference(plant, scenario, script)
        assert run.inventory.tolist() == expected
        assert [row[b].tolist() for row in stocks] == expected
        assert run.cost == pytest.approx(cost, abs=1e-9)
        assert float(costs[b]) == pytest.approx(cost, abs=1e-9)
        verdict = check(plant, scenario, run)
        assert verdict.objective == pytest.approx(cost, abs=1e-9)
        assert {v.kind for v in verdict.violations} <= ({"choice"} if is_faithful else set())


def test_the_examples_of_the_definitions() -> None:
    """By hand: a change loses units and costs, a cap cuts after demand, idling forgets the setup."""
    plant = StochasticLotSizing("hand", [[4, 0]], [[7, 9]], [[1, 2]], [0.5, 0.1], [3, 2], [5, 6], [[0, 1], [0, 1]], 4)
    environment = StochasticLotSizingEnvironment(plant, 1, dtype=torch.float64)
    wanted = torch.ones(1, 2, dtype=torch.float64)

    def period(choice: int) -> tuple[list[float], float]:
        environment.post(torch.tensor([[choice]]))
        step = environment.exogenous(wanted)
        return environment.stock[0].tolist(), float(step.reward)

    assert period(1) == ([2, 0], -(7 + 2 + 2 * 0.5))  # 0 + 4 - 1 - 1; the other item loses a sale
    assert period(1) == ([5, 0], -(2 + 5 * 0.5))  # 2 + 4 - 1, no change
    assert period(1) == ([5, 0], -(2 + 5 * 0.5))  # 5 + 4 - 1 is cut to 5, after demand
    environment.period.zero_()
    assert period(0) == ([4, 0], -(2 + 4 * 0.5))
    assert period(1) == ([5, 0], -(7 + 2 + 5 * 0.5))  # set up again; 4 + 3 - 1 is cut to 5


def test_an_item_that_cannot_be_made_takes_from_the_stock_only_when_faithful() -> None:
    plant = StochasticLotSizing("no", [[0]], [[1]], [[2]], [0], [1], [9], [[1]], 2, initial_inventory=[5])
    scenario = draw_scenarios(plant, 1, 0)[0]
    script = Script(np.array([[1], [1]]))
    assert simulate(plant, scenario, script, is_faithful=True).inventory.tolist() == [[3], [3]]
    with pytest.raises(OptionError, match="machine 0 cannot make item 0"):
        simulate(plant, scenario, script)
    legal = StochasticLotSizingEnvironment(plant, 1).reset()["action_mask"]
    assert legal.tolist() == [[True, False]]


@pytest.mark.parametrize("choice", [[0], [0, 3], [0, -1], [0.0, 1.0], None])
def test_wrong_decisions_are_refused(choice) -> None:
    plant = StochasticLotSizing("two", [[1, 1]] * 2, [[0, 0]] * 2, [[0, 0]] * 2, [0, 0], [1, 1], [5, 5], [[1]] * 2, 1)

    class Wrong:
        def start(self, episode: int) -> None: ...

        def act(self, observation) -> object:
            return choice

    with pytest.raises(OptionError, match=r"decision is 2 whole numbers|expected 0"):
        simulate(plant, draw_scenarios(plant, 1, 0)[0], Wrong())


@pytest.mark.parametrize("is_compiled", [True, False])
def test_demand_and_starts_follow_their_distributions(is_compiled: bool) -> None:
    """40,000 copies: every frequency within five standard errors, item by item."""
    rng = np.random.default_rng(5)
    plant = random_plant(rng, most=4)
    object.__setattr__(plant, "is_random_start", True)
    copies = 40_000
    environment = StochasticLotSizingEnvironment(plant, copies, is_compiled=is_compiled)
    environment.reset(1)
    for i, limit in enumerate(plant.max_inventory.tolist()):
        close(environment.stock[:, i].long().bincount(minlength=limit), np.full(limit, 1 / limit))
    for m, row in enumerate(plant.production > 0):
        share = np.r_[0.0 if row.any() else 1.0, row / max(row.sum(), 1)]
        close(environment.setup[:, m].bincount(minlength=len(share)), share)
    environment.stock.fill_(100.0)
    environment._limit.fill_(1000.0)
    environment.step(torch.zeros(copies, plant.num_machines, dtype=torch.int64))
    for i, share in enumerate(plant.demand_probability):
        close((100 - environment.stock[:, i]).long().bincount(minlength=len(share)), share)


def close(counts: torch.Tensor, share: np.ndarray) -> None:
    total = int(counts.sum())
    assert len(counts) == len(share)
    error = np.sqrt(np.maximum(share * (1 - share), 1e-12) / total)
    assert (np.abs(counts.numpy() / total - share) <= 5 * error).all()


def test_scenarios_depend_on_seed_and_number_alone() -> None:
    plant = random_plant(np.random.default_rng(3))
    few, many = draw_scenarios(plant, 2, 7), draw_scenarios(plant, 5, 7)
    assert few == many[:2]
    assert len(set(many)) == 5
    assert few != draw_scenarios(plant, 2, 8)


@pytest.mark.parametrize("is_compiled", [True, False])
def test_a_resumed_environment_goes_on_as_before(is_compiled: bool) -> None:
    plant = random_plant(np.random.default_rng(4), horizon=5)
    first, second = (
        StochasticLotSizingEnvironment(plant, 8, is_staggered=True, is_compiled=is_compiled) for _ in range(2)
    )
    first.reset(11)
    idle = torch.zeros(8, plant.num_machines, dtype=torch.int64)
    first.step(idle)
    second.load_state_dict(first.state_dict())
    for _ in range(12):
        one, two = first.step(idle), second.step(idle)
        assert torch.equal(one.reward, two.reward)
        assert torch.equal(one.observation["inventory"], two.observation["inventory"])
        assert torch.equal(one.truncated, two.truncated)


def test_fits_the_protocol_and_gymnasium() -> None:
    plant = random_plant(np.random.default_rng(6), horizon=7)
    environment = StochasticLotSizingEnvironment(plant, 1)
    assert isinstance(environment, PostDecisionEnvironment)
    check_env(SingleEnvironment(environment), skip_render_check=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_compiled_and_torch_steps_are_the_same(dtype: torch.dtype) -> None:
    """Given the same demand, every tensor of 30 steps, episodes' ends left out as starts are drawn."""
    plant = random_plant(np.random.default_rng(9), horizon=31)
    one, two = (
        StochasticLotSizingEnvironment(plant, 64, is_compiled=flag, is_faithful=True, dtype=dtype)
        for flag in (True, False)
    )
    rng = np.random.default_rng(0)
    for environment in (one, two):
        environment.load_scenarios(draw_scenarios(plant, 64, 3))
    for _ in range(30):
        action = torch.tensor(rng.integers(0, plant.num_items + 1, (64, plant.num_machines)))
        demand = torch.tensor(rng.integers(0, 9, (64, plant.num_items)), dtype=dtype)
        posts = [{key: x.clone() for key, x in environment.post(action).items()} for environment in (one, two)]
        steps = one.exogenous(demand), two.exogenous(demand)
        for key in ("inventory", "setup", "action_mask"):
            assert torch.equal(posts[0][key], posts[1][key])
            assert torch.equal(steps[0].observation[key], steps[1].observation[key])
        assert steps[0].reward.numpy() == pytest.approx(steps[1].reward.numpy(), rel=1e-5)
        assert torch.equal(one.lost, two.lost)


@pytest.mark.parametrize("is_compiled", [True, False])
def test_observations_show_the_state_after_restarts_and_resumption(is_compiled: bool) -> None:
    """What compiled steps keep up to date on the way is what stocks and setups are, in every period."""
    plant = random_plant(np.random.default_rng(7), horizon=5)
    environment, other = (StochasticLotSizingEnvironment(plant, 6, is_compiled=is_compiled) for _ in range(2))
    rng, width = np.random.default_rng(1), plant.num_items + 1

    def assert_shown(seen: dict[str, torch.Tensor], of: StochasticLotSizingEnvironment) -> None:
        one_hot = torch.nn.functional.one_hot(of.setup, width).flatten(1)
        assert torch.equal(seen["setup"], one_hot.float())
        assert torch.equal(seen["inventory"], of.stock / of._limit)

    for t in range(12):
        action = torch.tensor([[rng.choice(np.flatnonzero(row)) for row in plant.can_choose] for _ in range(6)])
        if t % 2:
            step = environment.step(action)
        else:
            assert_shown(environment.post(action), environment)
            step = environment.exogenous()
        assert_shown(step.observation, environment)
        ended = bool(step.truncated.any())
        assert ended == (t % 5 == 4)
        if ended:  # a copy: the first of the next episode is written where the last was
            last = step.final_observation["setup"].view(6, -1, width).argmax(2)
            assert torch.equal(last, action)
        other.load_state_dict(environment.state_dict())
        assert_shown(other.exogenous().observation, other)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])  # noqa: S301
def test_a_copy_is_an_environment_of_its_own(copied) -> None:
    """The compiled steps write to arrays beside the tensors; a copy's must be the copy's."""
    one = [[1.0, 1.0]]
    plant = StochasticLotSizing("two", [[3, 3]], one, [[1, 1]], one[0], one[0], [5, 5], [[0.5, 0.5]] * 2, 10)
    first = StochasticLotSizingEnvironment(plant, 4)
    action = torch.ones(4, 1, dtype=torch.int64)
    second = copied(first)
    start = first.stock.clone()
    seen = second.step(action)
    assert torch.equal(first.stock, start)
    assert (first.setup != second.setup).any()
    again = first.step(action)
    assert torch.equal(again.reward, seen.reward)
    assert torch.equal(first.stock, second.stock)
    for name in first.state_dict():
        assert torch.equal(first.state_dict()[name], second.state_dict()[name])


@pytest.mark.parametrize("action", [[[1]] * 3, [[1, 1]] * 4, [1] * 4, [[3]] * 4, [[-1]] * 4, [[1.0]] * 4])
def test_compiled_steps_refuse_what_would_be_written_past_their_arrays(action) -> None:
    one = [[1.0, 1.0]]
    plant = StochasticLotSizing("two", [[3, 3]], one, [[1, 1]], one[0], one[0], [5, 5], [[0.5, 0.5]] * 2, 10)
    environment = StochasticLotSizingEnvironment(plant, 4)
    with pytest.raises(OptionError, match="an action is"):
        environment.step(torch.tensor(action))
    assert (environment.stock == 0).all()
    assert (environment.setup == 0).all()
    with pytest.raises(OptionError, match="demands are"):
        environment.exogenous(torch.zeros(3, 2))
