"""Beam search: narrow it is greedy, wide it sees every active schedule and so the optimum."""

import pytest
import torch

from counterpoint.models.networks.job_shop_pointer import JobShopPointer, Options
from counterpoint.models.policies.job_shop_beam import beam
from counterpoint.models.policies.job_shop_rollout import roll_out
from counterpoint.opt.budget import Budget
from counterpoint.simulators.batched.job_shop import Shops


@pytest.fixture(scope="module")
def network() -> JobShopPointer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return JobShopPointer(Options(width=16, embedding=8, layers=1))


def test_narrow_is_greedy_and_wide_is_exhaustive(network: JobShopPointer, small_shops) -> None:
    from counterpoint.solvers.exhaustive.job_shop import solve as exhaustive

    tried = 0
    for shop in small_shops(240, 5):
        if shop.features or shop.num_operations > 8:
            continue
        shops = Shops.of([shop])
        embedding = network.encode(shops).detach()
        greedy = roll_out(network, shops, embedding, temperature=torch.zeros(1))
        assert beam(network, shops, embedding, width=1).makespan.tolist() == greedy.makespan.tolist()
        optimum = exhaustive(shop, Budget(), 0, None, lambda *_, **__: None).objective
        wide = beam(network, shops, embedding, width=5000)
        assert len(wide.makespan) < 5000
        if (shops.duration > 0).sum() == shop.num_operations:  # the theorem is about positive durations
            assert int(wide.makespan.min()) == optimum
            tried += 1
    assert tried >= 3


def test_the_likeliest_come_first_and_none_twice(network: JobShopPointer) -> None:
    generator = torch.Generator().manual_seed(2)
    machine = torch.rand(1, 4, 3, generator=generator).argsort(2)
    shops = Shops(machine, torch.randint(1, 20, (1, 4, 3), generator=generator), torch.full((1, 4), 3), 3)
    built = beam(network, shops, network.encode(shops).detach(), width=16)
    assert len({tuple(x.flatten().tolist()) for x in built.start}) == len(built.start) == 16
    assert beam(network, shops, network.encode(shops).detach(), width=4, stop=lambda: True) is None
