"""The batched inventory does what the SimPy reference does, event for event."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import PostDecisionEnvironment
from counterpoint.simulators.batched.inventory import InventoryEnvironment
from counterpoint.simulators.inventory import Inventory, simulate


class Script:
    """A policy that orders from a list, and remembers the stock it saw."""

    def __init__(self, orders: list[int]) -> None:
        self.orders = orders

    def start(self, episode: int) -> None:
        self.seen: list[int] = []

    def act(self, observation: dict[str, int]) -> int:
        self.seen.append(observation["stock"])
        return self.orders[len(self.seen) - 1]


@given(st.integers(0, 2**32), st.integers(1, 25), st.integers(1, 12), st.floats(0.5, 8))
@settings(max_examples=30, deadline=None)
def test_equal_to_simpy(seed: int, capacity: int, max_order: int, mean: float) -> None:
    """40 scenarios of 12 periods per example: the same stocks, events and costs."""
    data = Inventory(capacity, max_order, start=capacity // 2, demand_mean=mean, max_demand=20)
    scenarios, periods = 40, 12
    environment = InventoryEnvironment(data, scenarios, horizon=10**6)
    environment.period.zero_()
    rng = np.random.default_rng(seed)
    demand = rng.choice(21, size=(periods, scenarios), p=data.demand_probability)
    order = rng.integers(0, max_order + 1, size=(periods, scenarios))
    stocks, rewards, posts = [environment.stock.tolist()], [], []
    for t in range(periods):
        posts.append(environment.post(torch.tensor(order[t]))["stock"].tolist())
        step = environment.exogenous(torch.tensor(demand[t]))
        stocks.append(step.observation["stock"].tolist())
        rewards.append(step.reward.double().numpy())
    worth = data.discount ** np.arange(periods)
    total = np.einsum("t,tbk->bk", worth, np.array(rewards))
    for b in range(scenarios):
        script = Script(order[:, b].tolist())
        run = simulate(data, demand[:, b].tolist(), script)
        assert script.seen == [row[b] for row in stocks[:-1]]
        assert total[b] == pytest.approx([-run.cost, -run.lost], abs=1e-4)
        assert list(run.events) == log(data, order[:, b], demand[:, b], stocks, posts, b)


def log(data: Inventory, order: np.ndarray, demand: np.ndarray, stocks: list, posts: list, b: int) -> list:
    """The events that the batched stocks imply."""
    found = []
    for t in range(len(order)):
        before, filled, left = stocks[t][b], posts[t][b], stocks[t + 1][b]
        for what, units in (
            ("order", order[t]), ("reject", before + order[t] - filled), ("sell", filled - left),
            ("lose", demand[t] - (filled - left)), ("hold", left),
        ):  # fmt: skip
            if units:
                found.append((what, t, int(units)))
    return found


def test_by_hand() -> None:
    """Stock 5, order 3: 8 meet 10: all sold, 2 lost. Order 10 of room 20: 10 meet 4. Order 0: 6 meet 0."""
    run = simulate(Inventory(), [10, 4, 0], Script([3, 10, 0]))
    assert run.events == (
        ("order", 0, 3), ("sell", 0, 8), ("lose", 0, 2),
        ("order", 1, 10), ("sell", 1, 4), ("hold", 1, 6), ("hold", 2, 6),
    )  # fmt: skip
    assert run.cost == pytest.approx(1.15 + 0.95 * (1.5 + 0.6) + 0.95**2 * 0.6)
    assert run.lost == pytest.approx(2)


def test_demand_has_the_stated_probabilities() -> None:
    environment = InventoryEnvironment(Inventory(capacity=20, start=20), 200_000, horizon=10**6)
    environment.period.zero_()
    environment.reset(7)
    step = environment.step(torch.zeros(200_000, dtype=torch.int64))
    demand = 20 - step.observation["stock"]
    share = torch.bincount(demand, minlength=16).double() / 200_000
    assert share.tolist() == pytest.approx(Inventory().demand_probability.tolist(), abs=0.004)


def test_cut_off_within_the_same_step_with_the_last_observation_kept() -> None:
    environment = InventoryEnvironment(num_envs=1, horizon=2)
    order = torch.tensor([0])
    environment.post(order)
    first = environment.exogenous(torch.tensor([2]))
    assert not bool(first.truncated)
    environment.post(order)
    second = environment.exogenous(torch.tensor([1]))
    assert bool(second.truncated)
    assert not bool(second.terminated)
    assert second.final_observation is not None
    assert second.final_observation["stock"].tolist() == [2]
    assert second.observation["stock"].tolist() == [5]


def test_copies_are_cut_off_at_different_times() -> None:
    environment = InventoryEnvironment(num_envs=300, horizon=10)
    order = torch.zeros(300, dtype=torch.int64)
    cut = torch.stack([environment.step(order).truncated for _ in range(10)])
    assert cut.sum(0).tolist() == [1] * 300
    assert int(cut.sum(1).min()) > 10


def test_what_does_not_fit_may_be_forbidden() -> None:
    environment = InventoryEnvironment(Inventory(capacity=6, max_order=4, start=3), 1, is_excess_legal=False)
    assert environment.reset()["action_mask"].tolist() == [[True, True, True, True, False]]
    assert environment.post(torch.tensor([3]))["action_mask"].tolist() == [[True, False, False, False, False]]


def test_weights_make_one_reward_and_the_state_decides_the_future() -> None:
    both, one = InventoryEnvironment(num_envs=16), InventoryEnvironment(num_envs=16, weights=(1.0, 2.0))
    assert isinstance(both, PostDecisionEnvironment)
    for environment in (both, one):
        environment.reset(3)
    order = torch.arange(16) % 11
    first, second = both.step(order), one.step(order)
    assert torch.allclose(second.reward, (first.reward @ torch.tensor([1.0, 2.0])).unsqueeze(1))
    held = both.state_dict()
    future = [both.step(order).reward for _ in range(3)]
    both.reset(9)
    both.load_state_dict(held)
    assert all(torch.equal(both.step(order).reward, expected) for expected in future)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="ordered 11"):
        simulate(Inventory(), [1], Script([11]))
    with pytest.raises(OptionError):
        InventoryEnvironment(num_envs=0)
