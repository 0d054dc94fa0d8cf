"""The lake's exact values: by hand, by simulation, and split at the post-decision state."""

import numpy as np
import pytest
import torch

from counterpoint.simulators.batched.frozen_lake import FrozenLakeEnvironment
from counterpoint.simulators.frozen_lake import FrozenLake, random_lake
from counterpoint.solvers.dynamic_programming.frozen_lake import model, optimal_values, policy_values


def test_by_hand() -> None:
    """Cells 0 1 / 2 3, no holes, every slip goes up, discount 0.9. The goal pays 1, once.

    In 1 to the right, into the wall: 1/2, and 1/2 again whether it slips, into the wall, or stays: 1 + 0.9 V1, so 10.
    In 0 to the right: 1/2 + 1/2 + 0.9 * 10, so 10 as well. In 2 to the left, into the wall: 1/2, then 1/2 in 2 or 1/3
    in 0: V2 = 11/12 + 0.45 V2 + 0.45 * 10; or up to 0: 1/3, then 1/3 wherever it slips: 2/3 + 0.9 * 10.
    """
    lake = FrozenLake(("FF", "FF"), np.tile([0.0, 0.0, 0.0, 1.0], (4, 1)))
    value = optimal_values(model(lake))
    assert value.tolist() == pytest.approx([10.0, 10.0, max(2 / 3 + 9, (11 / 12 + 4.5) / 0.55), 0.0])


@pytest.mark.parametrize("seed", range(3))
def test_the_optimal_policy_is_worth_its_value_and_no_other_more(seed: int) -> None:
    tables = model(random_lake(6, seed=seed))
    value = optimal_values(tables)
    best = np.eye(4)[tables.action_value(value).argmax(1)]
    assert np.allclose(policy_values(tables, best), value, atol=1e-9)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        other = policy_values(tables, rng.dirichlet(np.ones(4), len(value)))
        assert (other <= value + 1e-9).all()
        assert np.allclose(other[tables.is_end], 0)


@pytest.mark.parametrize("seed", range(2))
def test_values_are_what_simulated_walks_earn(seed: int) -> None:
    """4,000 walks by a random policy, within 4 standard errors."""
    lake = random_lake(5, seed=seed)
    tables, rng = model(lake), np.random.default_rng(seed)
    policy = rng.dirichlet(np.ones(4), lake.num_cells)
    environment = FrozenLakeEnvironment(FrozenLake(lake.rows, lake.slip_direction, horizon=10**6), 4000)
    generator = torch.Generator().manual_seed(seed)
    cell = environment.reset(seed)["cell"]
    total, ended = torch.zeros(4000, dtype=torch.float64), torch.zeros(4000, dtype=torch.bool)
    for t in range(200):
        action = torch.multinomial(torch.tensor(policy)[cell], 1, generator=generator)[:, 0]
        step = environment.step(action)
        total += torch.where(ended, 0.0, 0.9**t * step.reward[:, 0].double())
        ended |= step.terminated
        cell = step.observation["cell"]
    error = float(total.std()) / 4000**0.5
    assert abs(float(total.mean()) - policy_values(tables, policy)[0]) < 4 * error
