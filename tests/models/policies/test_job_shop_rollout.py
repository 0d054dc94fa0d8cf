"""Roll-outs judged by the checker, and drawn as often as the network says."""

import pytest
import torch

from counterpoint.models.networks.job_shop_pointer import JobShopPointer, Options
from counterpoint.models.policies.job_shop_replay import replay
from counterpoint.models.policies.job_shop_rollout import focused, roll_out
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched.job_shop import Shops, advance, candidates, empty


@pytest.fixture(scope="module")
def network() -> JobShopPointer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return JobShopPointer(Options(width=16, embedding=8, layers=1))


@pytest.fixture
def instances(small_shops) -> list[JobShop]:
    """Small shops: jobs of different length, machines visited again, durations of zero."""
    return [shop for shop in small_shops(240, 11) if not shop.features]


def built_by(network: JobShopPointer, shops: Shops, samples: int, temperature: float, **rest):
    heat = torch.full((samples,), temperature)
    embedding = network.encode(shops).detach()
    return roll_out(network, shops, embedding, temperature=heat, generator=torch.Generator().manual_seed(1), **rest)


@pytest.mark.parametrize("nondelay", [0, 2, 3])
def test_schedules_are_feasible(network: JobShopPointer, instances: list[JobShop], nondelay: int) -> None:
    assert len(instances) >= 10
    shops = Shops.of(instances)
    built = built_by(network, shops, 3, 1.0, nondelay=nondelay)
    is_real = torch.arange(shops.machine.shape[2]) < shops.length.unsqueeze(2)
    for b, shop in enumerate(instances):
        for k in range(3):
            row = 3 * b + k
            verdict = check(shop, Schedule.from_starts(shop, built.start[row][is_real[b]].numpy()))
            assert verdict.is_feasible, f"{shop.name}: {verdict}"
            assert verdict.objective == built.makespan[row]


def test_a_batch_is_as_each_alone(network: JobShopPointer, instances: list[JobShop]) -> None:
    together = built_by(network, Shops.of(instances), 1, 0.0)
    alone = [int(built_by(network, Shops.of([shop]), 1, 0.0).makespan) for shop in instances]
    assert together.makespan.tolist() == alone


def test_active_schedules_come_back_from_their_replay(network: JobShopPointer) -> None:
    generator = torch.Generator().manual_seed(2)
    machine = torch.rand(20, 6, 5, generator=generator).argsort(2)
    shops = Shops(machine, torch.randint(1, 100, (20, 6, 5), generator=generator), torch.full((20, 6), 5), 5)
    built = built_by(network, shops, 1, 1.0)
    assert torch.equal(replay(shops, built.start).start, built.start)
    assert built.decisions > 0


def test_focused_keeps_one_machine_and_loses_no_nondelay_choice() -> None:
    generator = torch.Generator().manual_seed(3)
    machine = torch.rand(30, 8, 4, generator=generator).argsort(2)
    shops = Shops(machine, torch.randint(1, 20, (30, 8, 4), generator=generator), torch.full((30, 8), 4), 4)
    partial = empty(shops)
    for _ in range(32):
        mask, full = focused(partial, "nondelay"), candidates(partial, "nondelay")
        assert not (mask & ~full).any()
        target = torch.where(mask, partial.machine, -1).amax(1, keepdim=True)
        assert torch.equal(mask, full & (partial.machine == target))
        advance(shops, partial, mask.to(torch.uint8).argmax(1))


@pytest.mark.parametrize("heat", [1.0, 0.5])
def test_samples_follow_the_logits(heat: float) -> None:
    """Two jobs on one machine: a single choice, whose frequencies must be the softmax of the logits over heat."""

    class Fixed:
        def __call__(self, embedding: torch.Tensor, choices) -> torch.Tensor:
            return torch.tensor([0.0, 1.0]).repeat(len(choices.count))

    shops = Shops.of([JobShop.from_jobs("two", [[(0, 2)], [(0, 3)]])])
    built = roll_out(
        Fixed(), shops, torch.zeros(2, 1), temperature=torch.full((20_000,), heat),
        generator=torch.Generator().manual_seed(0),
    )  # fmt: skip
    second_first = (built.start[:, 1, 0] == 0).double().mean().item()
    assert second_first == pytest.approx(1 / (1 + torch.tensor(-1 / heat).exp().item()), abs=0.01)  # 3 sigma
    greedy = roll_out(Fixed(), shops, torch.zeros(2, 1), temperature=torch.zeros(5))
    assert (greedy.start[:, 1, 0] == 0).all()


def test_stops_when_told(network: JobShopPointer, instances: list[JobShop]) -> None:
    asked = []
    shops = Shops.of(instances)
    assert built_by(network, shops, 1, 0.0, stop=lambda: asked.append(1) or len(asked) > 2) is None
    assert len(asked) == 3
