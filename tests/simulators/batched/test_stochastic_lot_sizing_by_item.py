"""Plants item by item: rewards by hand, and in sum those of the plain environment; episodes end at the horizon."""

from copy import deepcopy
from typing import Any

import pytest
import torch

from counterpoint.datasets.generators.stochastic_lot_sizing import published
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing
from counterpoint.simulators.batched.stochastic_lot_sizing_by_item import PlantsByItem


def drawn(environment: PlantsByItem, generator: torch.Generator) -> Any:
    """Return a legal choice for every machine."""
    able = torch.cat([part._mask for part in environment.parts]).float()
    shape = environment.num_envs, -1
    return torch.multinomial(able.view(-1, environment.num_items + 1), 1, generator=generator).view(shape)


def test_rewards_by_hand() -> None:
    """Two items of which two are wanted in every period; lost sales of the second are the dearest, 2 x 5 a period."""
    plant = StochasticLotSizing(
        "hand", [[4, 0], [3, 3]], [[7.0, 9.0], [8.0, 6.0]], [[1, 1], [1, 1]], [0.5, 0.25], [1.0, 5.0], [9, 9],
        [[0.0, 0.0, 1.0]] * 2, 3,
    )  # fmt: skip
    environment = PlantsByItem([plant], 1)
    environment.parts[0].period.zero_()
    # both machines to the first item: 7 + 8 paid, 3 + 2 made, 2 sold, 3 kept; the second loses 2 x 5
    first = environment.step(torch.tensor([[1, 1]]))
    assert first.reward[0].tolist() == pytest.approx([-(15 + 3 * 0.5) / 10, -1.0])
    assert (first.observation["stock"][0].tolist(), float(first.observation["left"][0])) == ([3.0, 0.0], 2.0)
    # one goes on, 4 more; the other changes to the second item, 2 of 3 made, all sold
    second = environment.step(torch.tensor([[1, 2]]))
    assert second.reward[0].tolist() == pytest.approx([-5 * 0.5 / 10, -6 / 10])
    # to be idle is free, and at the horizon it is over: what is seen is a new beginning
    third = environment.step(torch.tensor([[0, 0]]))
    assert third.reward[0].tolist() == pytest.approx([-3 * 0.5 / 10, -1.0])
    assert [bool(s.terminated) for s in (first, second, third)] == [False, False, True]
    assert (third.observation["stock"][0].tolist(), float(third.observation["left"][0])) == ([0.0, 0.0], 3.0)


def test_rewards_add_up_to_those_of_the_plain_environment() -> None:
    plants = [published(items=5, machines=3, seed=k, horizon=6) for k in (1, 2)]
    environment, generator = PlantsByItem(plants, 4), torch.Generator().manual_seed(0)
    for _ in range(15):
        action, twins = drawn(environment, generator), [deepcopy(part) for part in environment.parts]
        step = environment.step(action)
        for k, (plant, twin) in enumerate(zip(plants, twins, strict=True)):
            rows = slice(4 * k, 4 * k + 4)
            scale = float((plant.lost_sales_cost * plant.mean_demand).max())
            plain = twin.step(action[rows])
            assert torch.allclose(step.reward[rows].sum(1) * scale, plain.reward[:, 0], rtol=1e-4)
            assert torch.equal(step.terminated[rows], plain.truncated)
    assert not step.truncated.any()


def test_goes_on_from_a_saved_state() -> None:
    environment, generator = PlantsByItem([published(items=4, machines=2)], 5), torch.Generator().manual_seed(1)
    actions = [drawn(environment, generator) for _ in range(6)]
    environment.step(actions[0])
    state = environment.state_dict()

    def run() -> list[Any]:
        return [environment.step(a).reward.clone() for a in actions]

    expected = run()
    environment.reset(9)
    environment.load_state_dict(state)
    assert all(torch.equal(x, y) for x, y in zip(run(), expected, strict=True))


def test_plants_of_two_sizes_are_refused() -> None:
    with pytest.raises(OptionError, match="one size"):
        PlantsByItem([published(items=4, machines=2), published(items=5, machines=2)], 1)
