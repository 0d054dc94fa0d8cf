"""The network for plants of all sizes: numbering, units, currency do not matter; all of it learns."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from counterpoint.datasets.generators.stochastic_lot_sizing import published
from counterpoint.models.networks.stochastic_lot_sizing import ItemCritic, Options, PairNetwork
from counterpoint.models.networks.stochastic_lot_sizing_features import Tables, View
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios


def network(**options: Any) -> PairNetwork:
    found = PairNetwork(Options(hidden=16, **options), torch.Generator().manual_seed(3))
    with torch.no_grad():  # scores that matter, which those of a new network do not yet
        found.item_scores.weight.mul_(10)
        found.machine_scores.weight.mul_(10)
    return found


def view(plant: StochasticLotSizing, stock: Any, setup: Any, left: float = 40.0) -> View:
    return View(Tables.of([plant]), torch.tensor(stock).float(), torch.tensor(setup), torch.full((len(stock),), left))


def states(plant: StochasticLotSizing, count: int = 6) -> tuple[Any, Any]:
    scenarios = draw_scenarios(plant, count, 1)
    return np.array([s.inventory for s in scenarios]), np.array([s.setup for s in scenarios])


def test_the_order_of_items_and_machines_does_not_matter() -> None:
    plant = published(items=7, machines=4, seed=2)
    stock, setup = states(plant)
    item, machine = np.random.default_rng(0).permutation(7), np.random.default_rng(1).permutation(4)
    other = replace(
        plant,
        **{key: getattr(plant, key)[machine][:, item] for key in ("production", "setup_cost", "setup_loss")},
        **{key: getattr(plant, key)[item] for key in ("holding_cost", "lost_sales_cost", "max_inventory")},
        initial_inventory=plant.initial_inventory[item],
        initial_setup=np.zeros(4, int),
    )
    place = np.r_[0, np.argsort(item) + 1]  # where a choice is found in the other plant
    decide, judge = network(), ItemCritic(8, torch.Generator().manual_seed(0))
    seen, shuffled = view(plant, stock, setup), view(other, stock[:, item], place[setup][:, machine])
    plain, moved = decide(seen).parts.probs, decide(shuffled).parts.probs
    assert torch.allclose(plain[:, machine], moved[..., place], atol=1e-5)
    assert torch.allclose(judge(seen)[:, item], judge(shuffled), atol=1e-4)


def test_units_and_currency_do_not_matter() -> None:
    plant = published(items=6, machines=3, seed=4)
    stock, setup = states(plant)
    demand = np.zeros((6, 2 * plant.max_demand + 1))
    demand[:, ::2] = plant.demand_probability
    halves = {key: 2 * getattr(plant, key) for key in ("production", "setup_loss", "max_inventory")}
    prices = {key: 1.5 * getattr(plant, key) for key in ("holding_cost", "lost_sales_cost")}  # 3 of the new, per half
    other = replace(plant, **halves, **prices, setup_cost=3 * plant.setup_cost, demand_probability=demand)
    decide = network()
    assert torch.allclose(
        decide(view(plant, stock, setup)).parts.probs, decide(view(other, 2 * stock, setup)).parts.probs, atol=1e-5
    )


def test_several_plants_at_once_are_each_as_alone() -> None:
    plants = [published(items=5, machines=3, seed=k) for k in range(3)]
    decide, tables = network(), Tables.of(plants)
    stock, setup = (np.stack(x) for x in zip(*(states(p, 1) for p in plants), strict=True))
    many = View(tables, torch.tensor(stock[:, 0]).float(), torch.tensor(setup[:, 0]), torch.full((3,), 40.0))
    together = decide(many).parts.probs
    for k, plant in enumerate(plants):
        assert torch.allclose(together[k], decide(view(plant, stock[k], setup[k])).parts.probs[0], atol=1e-5)


def test_nothing_illegal_and_everything_learns() -> None:
    plant = published(items=6, machines=3, seed=5)
    stock, setup = states(plant, 32)
    decide, judge = network(), ItemCritic(8, torch.Generator().manual_seed(0))
    seen = view(plant, stock, setup, 9.0)
    distribution = decide(seen)
    assert bool((distribution.parts.probs[:, ~torch.tensor(plant.can_choose)] == 0).all())
    (distribution.log_prob(distribution.sample(torch.Generator().manual_seed(0))).sum() + judge(seen).sum()).backward()
    for name, parameter in [*decide.named_parameters(), *judge.named_parameters()]:
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name


def test_a_new_network_keeps_setups() -> None:
    plant = published(items=6, machines=3, seed=6)
    stock, setup = states(plant, 32)
    new = PairNetwork(Options(), torch.Generator().manual_seed(0))
    assert torch.equal(new(view(plant, stock, setup)).mode(), torch.tensor(setup))


def test_machines_that_decide_jointly_know_the_choices_before_them_alone() -> None:
    plant = published(items=6, machines=3, seed=5)
    stock, setup = states(plant, 32)
    seen, decide = view(plant, stock, setup), network(is_joint=True)
    generator = torch.Generator().manual_seed(0)
    for choice in (decide.decide(seen), decide.decide(seen, generator)):
        assert bool(torch.tensor(plant.can_choose)[torch.arange(3), choice].all())
    likeliest = decide.decide(seen)
    assert torch.equal(decide(seen, likeliest).parts.mode(), likeliest)
    plain = decide(seen, likeliest).parts.probs
    for m in range(3):
        other = likeliest.clone()
        other[:, m] = (other[:, m] + 1) % 7
        changed = (decide(seen, other).parts.probs - plain).abs().amax((0, 2)) > 1e-6
        assert changed.tolist() == [k > m for k in range(3)]
    drawn = torch.stack([decide.decide(seen, generator)[:1] for _ in range(1000)])[:, 0]
    first = plain[0, 0]  # of the first machine: nobody is before it
    assert torch.allclose(torch.bincount(drawn[:, 0], minlength=7) / 1000, first, atol=0.07)
    decide(seen, likeliest).log_prob(likeliest).sum().backward()
    assert all(x.grad is not None and float(x.grad.abs().sum()) > 0 for x in decide.parameters())
    with pytest.raises(ValueError, match="choices of those before"):
        decide(seen)


@pytest.mark.parametrize("wrong", [{"hidden": 0}, {"hidden": 5000}, {"keep_bias": float("nan")}])
def test_refusals(wrong: Any) -> None:
    with pytest.raises(OptionError):
        Options(**wrong)
