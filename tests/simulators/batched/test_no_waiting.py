"""No step of an environment waits for its device, or mixes it with the CPU: all are run where there are no numbers."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.no_waiting import Watched, assert_nothing_waits, on_meta
from tests.plants import random_plant

from counterpoint.simulators.batched import bq_atsp, bq_cvrp, bq_tsp, job_shop, job_shop_flexible
from counterpoint.simulators.batched.frozen_lake import FrozenLakeEnvironment
from counterpoint.simulators.batched.inventory import InventoryEnvironment
from counterpoint.simulators.batched.job_shop_environment import JobShopEnvironment, RandomShops, Rules
from counterpoint.simulators.batched.job_shop_random import random_flexible_shops, random_lengths, random_shops
from counterpoint.simulators.batched.stochastic_lot_sizing import StochasticLotSizingEnvironment
from counterpoint.simulators.frozen_lake import random_lake


def shops(is_flexible: bool, scheme: Any, shows: Any) -> Callable[[str], JobShopEnvironment]:
    rules = Rules(scheme, "sparse" if shows == "graph" else "dense", shows)
    return lambda device: JobShopEnvironment(RandomShops(3, 2, is_flexible), 4, rules=rules, device=device)


def plants(device: str) -> StochasticLotSizingEnvironment:
    return StochasticLotSizingEnvironment(random_plant(np.random.default_rng(0), horizon=3), 4, device=device)


def random_starts(device: str) -> StochasticLotSizingEnvironment:
    plant = random_plant(np.random.default_rng(1), horizon=3)
    object.__setattr__(plant, "is_random_start", True)
    return StochasticLotSizingEnvironment(plant, 4, is_staggered=True, device=device)


ENVIRONMENTS: dict[str, Callable[[str], Any]] = {
    "inventory": lambda device: InventoryEnvironment(num_envs=4, horizon=3, is_excess_legal=False, device=device),
    "inventory, weighed": lambda device: InventoryEnvironment(num_envs=4, weights=(1.0, 2.0), device=device),
    "frozen lake": lambda device: FrozenLakeEnvironment(random_lake(4), 4, device=device),
    "plants": plants,
    "plants, random starts": random_starts,
    **{
        f"shops, {scheme}, {shows}{', flexible' if is_flexible else ''}": shops(is_flexible, scheme, shows)
        for is_flexible in (False, True)
        for scheme, shows in (("nondelay", "candidates"), ("active", "graph"), ("append", "both"))
    },
}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_steps_and_restarts_never_wait(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_meta(monkeypatch) as device:
        environment = ENVIRONMENTS[name](device)
        shape = getattr(environment.action_space, "shape", ()) or ()
        action = torch.zeros(4, *shape, dtype=torch.int64, device=device)
        with Watched() as watched:
            for _ in range(13):  # all shops and horizons end within 12 steps
                step = environment.step(action)
            if hasattr(environment, "post"):
                environment.post(action)
                step = environment.exogenous()
    assert step.reward.device.type == "meta"
    assert_nothing_waits(watched)


@pytest.mark.parametrize("scheme", ["nondelay", "active", "append"])
def test_random_roll_outs_never_wait(scheme: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with on_meta(monkeypatch) as device:
        generator = torch.Generator(device)
        classical = random_shops(4, 3, 2, generator)
        flexible = random_flexible_shops(random_lengths(4, 3, 2, generator), 2, generator)
        with Watched() as watched:
            for twin, batch in ((job_shop, classical), (job_shop_flexible, flexible)):
                partial = twin.empty(batch)
                for _ in range(6):
                    mask = twin.candidates(partial, scheme)
                    twin.advance(batch, partial, job_shop.draw(mask, generator))
    assert_nothing_waits(watched)


def moved(tails: Any, device: str) -> Any:
    """The same tails on a device, as they are."""
    found = {field.name: getattr(tails, field.name) for field in dataclasses.fields(tails)}
    return type(tails)(**{name: x.to(device) if isinstance(x, torch.Tensor) else x for name, x in found.items()})


@pytest.mark.parametrize("window", [0, 3])
@pytest.mark.parametrize("problem", ["tsp", "atsp", "cvrp"])
def test_steps_through_tours_never_wait(problem: str, window: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of knapsacks and orienteering what is left shrinks as numbers say: they must wait."""
    points = torch.rand(4, 7, 2, generator=torch.Generator().manual_seed(0))
    whole = {
        "tsp": lambda: bq_tsp.start(points),
        "atsp": lambda: bq_atsp.start(torch.cdist(points, points)),
        "cvrp": lambda: bq_cvrp.start(points, torch.ones(4, 7, dtype=torch.int64), torch.full((4,), 3)),
    }[problem]()
    with on_meta(monkeypatch) as device:
        tails = moved(whole, device)
        with Watched() as watched:
            for _ in range(4):
                choice = tails.observe(window).choice[:, 0]
                tails.named(choice)
                tails = tails.step(choice).picked(torch.arange(4, device=device))
            assert {x.device.type for x in (tails.key(), tails.cost(), tails.spent())} == {"meta"}
    assert_nothing_waits(watched)


def test_who_waits_or_mixes_devices_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with on_meta(monkeypatch) as device, Watched() as watched:
        x = torch.ones(3, device=device)
        with pytest.raises(RuntimeError, match="meta"):
            x.sum().item()
        with pytest.raises(AssertionError, match="tensors of"):
            x.gather(0, torch.zeros(2, dtype=torch.int64))
        with pytest.raises(AssertionError, match="indexed by a mask"):
            x[x > 0]
        torch.tensor([1.0, 2.0], device=device)
    assert "across" in watched.names
    with pytest.raises(AssertionError):
        assert_nothing_waits(watched)
