"""The exact answers: the published coverage set, limits, and the two methods against each other."""

import numpy as np
import pytest

from counterpoint.opt.errors import InstanceError
from counterpoint.simulators.inventory import Inventory
from counterpoint.solvers.dynamic_programming.inventory import (
    Model,
    coverage_set,
    deterministic,
    least_cost,
    model,
    optimal_orders,
    worth,
)

# the convex coverage set of the project's reference, section 1.5: minus cost, minus lost sales
REFERENCE = np.array([
    (-54.315, -0.000), (-33.45, -0.012), (-33.299, -0.013), (-31.397, -0.037), (-31.248, -0.040), (-29.376, -0.105),
    (-29.201, -0.115), (-27.325, -0.277), (-27.151, -0.304), (-25.273, -0.674), (-25.099, -0.738), (-22.359, -1.859),
    (-20.612, -3.205), (-20.426, -3.352), (-18.737, -5.591), (-18.563, -5.852), (-17.000, -9.119), (-16.673, -10.014),
    (-15.169, -14.558), (-0.157, -75.077),
])  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Model:
    return model(Inventory())


def test_tables_are_probabilities_and_expected_rewards_by_hand(tables: Model) -> None:
    assert tables.transition.sum(2) == pytest.approx(np.ones((21, 11)))
    p = Inventory().demand_probability
    # Poisson(4) by hand: p_1 = 4 p_0, p_2 = 8 p_0
    assert p[1:3] / p[0] == pytest.approx([4, 8])
    # in stock 1, order 1: left over 2 - d; lost d - 2
    left = p[0] * 2 + p[1] * 1
    lost = sum(p[d] * (d - 2) for d in range(3, 16))
    assert tables.reward[1, 1] == pytest.approx([-(0.1 * left + 1 + 0.05), -lost])
    assert tables.transition[1, 1, :3] == pytest.approx([p[2:].sum(), p[1], p[0]])
    assert tables.reward[20, 3] - tables.reward[20, 0] == pytest.approx([-1.15, 0])  # paid for, and rejected


def test_the_coverage_set_is_the_references(tables: Model) -> None:
    points = coverage_set(tables)
    assert points == pytest.approx(REFERENCE, abs=6e-4)
    corner, volume = np.array([-60.0, -90.0]), 0.0
    floor = corner[1]
    for cost, lost in points[::-1]:
        volume += (cost - corner[0]) * (lost - floor)
        floor = lost
    assert volume == pytest.approx(4195.0907, abs=1e-4)
    weights = np.linspace(0, 1, 101)[:, None] * [1, -1] + [0, 1]
    assert (weights @ points.T).max(1).mean() == pytest.approx(-8.889964, abs=1e-6)


@pytest.mark.parametrize(("limit", "cost"), [(2, 22.176244), (5, 19.182544), (10, 16.677773)])
def test_the_least_cost_under_a_limit(tables: Model, limit: float, cost: float) -> None:
    found, policy = least_cost(tables, limit)
    assert found == pytest.approx(cost, abs=1e-6)
    # what the programme says is what its policy does, and it randomises at one stock
    assert worth(tables, policy) == pytest.approx([-cost, -limit], abs=1e-5)
    assert policy.sum(1) == pytest.approx(np.ones(21))
    assert int(((policy > 1e-6).sum(1) > 1).sum()) == 1


def test_no_policy_loses_nothing(tables: Model) -> None:
    with pytest.raises(ValueError, match="no policy loses at most 0"):
        least_cost(tables, 0.0)


def test_value_iteration_equals_trying_every_policy() -> None:
    small = model(Inventory(capacity=2, max_order=2, start=1, demand_mean=1.0, max_demand=3))
    every = np.stack(np.meshgrid(*[range(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    for weights in ((1.0, 1.0), (1.0, 5.0), (0.3, 0.7)):
        best = max(float(worth(small, deterministic(small, orders)) @ weights) for orders in every)
        found = worth(small, deterministic(small, optimal_orders(small, weights)))
        assert float(found @ weights) == pytest.approx(best, abs=1e-9)


def test_worth_is_what_simulated_scenarios_cost() -> None:
    """The simulator is independent code; the mean of 400 scenarios of 200 periods, within 4 standard errors."""
    from counterpoint.simulators.inventory import simulate

    inventory = Inventory()
    tables = model(inventory)
    orders = optimal_orders(tables, (1.0, 1.0))

    class Fixed:
        def start(self, episode: int) -> None:
            pass

        def act(self, observation: dict[str, int]) -> int:
            return int(orders[observation["stock"]])

    rng = np.random.default_rng(0)
    demands = rng.choice(16, size=(400, 200), p=inventory.demand_probability)
    runs = [simulate(inventory, row.tolist(), Fixed()) for row in demands]
    found = -np.array([(run.cost, run.lost) for run in runs])
    error = found.std(0) / np.sqrt(len(found))
    assert (np.abs(found.mean(0) - worth(tables, deterministic(tables, orders))) < 4 * error).all()


@pytest.mark.parametrize("wrong", [{"start": 21}, {"max_order": 0}, {"discount": 1.0}, {"holding": -0.1}])
def test_bad_data_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InstanceError):
        Inventory(**wrong)
