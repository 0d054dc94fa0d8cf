"""The reachable map: by hand, against its NumPy twin, differentiated, and every target can be met, saturated or not."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.hydro_systems import cascade, first_steps, reservoirs, subsystems

from counterpoint.models.networks.target_reach import MARGIN, Map, Reach, depth, stretched
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.simulators.stage.cascade import cascade_of
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.model import OPTIMAL

FULL = 1 - MARGIN


def chain(*, spills: bool = True, volumes: tuple[float, ...] = (40.0, 0.0, 0.04)) -> Hydrothermal:
    """Three reservoirs in a row, one of which holds nothing and one nearly nothing."""
    base = subsystems()
    links = [(0, 1), (1, 2)]
    held = reservoirs(
        max_volume=list(volumes), initial_volume=[0.0] * 3, max_turbined=[5.0, 4.0, 6.0], generator=[0, 1, 2],
        turbined_to=links, spilled_to=links if spills else [],
    )  # fmt: skip
    inflows = replace(base.inflows, rows=np.full((1, 1, 3), 2.0), probability=np.ones((1, 1)), first=None)
    plain = replace(base.generators, min_power=np.zeros(5))
    return replace(base, reservoirs=held, inflows=inflows, network_kind="single-bus", generators=plain)


def tensor(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def test_one_reservoir_by_hand() -> None:
    system = first_steps()  # 200 at most, 150 turbined at most, K = 1
    storage, inflow = tensor([100.0], [100.0], [180.0]), tensor([50.0], [0.0], [100.0])
    full, half = torch.full((3, 1), 99.0), torch.zeros(3, 1)

    def target(output: torch.Tensor, kind: Map) -> list[float]:
        return Reach(system, kind)(output, storage, inflow)[:, 0].tolist()

    assert target(full, "turbined") == pytest.approx([150 * FULL, 100 * FULL, 130 + 70 * FULL])
    assert target(-full, "turbined") == pytest.approx([0.0, 0.0, 130.0])
    assert target(-full, "reachable") == [0.0] * 3
    assert target(half, "reachable") == pytest.approx([75 * FULL, 50 * FULL, 100 * FULL])
    assert target(half, "box") == pytest.approx([100 * FULL] * 3)


def test_a_cascade_by_hand() -> None:
    system = cascade()  # what the upper reservoir lets go reaches the lower, spilled or turbined
    k = system.volume_per_flow
    inflow = tensor([10.0, 1.0])
    upper, lower = 20 + 10 * k, 2 + k
    kept = Reach(system)(tensor([99.0, 99.0]), tensor([20.0, 2.0]), inflow)[0]
    assert kept[0] == pytest.approx(upper - MARGIN * min(upper, 30 * k))  # to turbine all would leave `upper - 30 k`
    gone = Reach(system)(tensor([-99.0, 99.0]), tensor([20.0, 2.0]), inflow)[0]
    assert gone[0] == pytest.approx(upper - 30 * k)
    assert gone[1] == pytest.approx(10 * FULL + max(0.0, lower + 30 * k - 40 * k) * MARGIN)
    one_way = replace(system, reservoirs=replace(system.reservoirs, spilled_to=np.zeros((2, 2), bool)))
    dumped = Reach(one_way, "reachable")(tensor([-99.0, 99.0]), tensor([0.5, 0.0]), tensor([50.0, 0.0]))[0]
    assert dumped[0] == 0
    assert dumped[1] == pytest.approx(min(10.0, 30 * k) * FULL)  # the rest of 0.5 + 50 k was spilled elsewhere
    no_turbines = Reach(one_way, "reachable", counts_turbines=False)
    assert no_turbines(tensor([-99.0, 99.0]), tensor([0.5, 0.0]), tensor([50.0, 0.0]))[0].tolist() == [0.0, 0.0]


@pytest.mark.parametrize("spills", [True, False])
@pytest.mark.parametrize("counts", [True, False])
def test_the_same_targets_as_numpy_has_shares(spills: bool, counts: bool) -> None:
    rng = np.random.default_rng(0)
    system = chain(spills=spills)
    twin, reach = cascade_of(system), Reach(system, counts_turbines=counts)
    assert reach.passes == depth(system.reservoirs.turbined_to) == 3
    storage = rng.random((200, 3)) * system.reservoirs.max_volume
    inflow, output = rng.random((200, 3)) * 9, rng.normal(size=(200, 3)) * 3
    share = stretched(torch.tensor(output)).numpy()
    expected = twin.shares(storage, inflow, share, counts_turbines=counts)
    found = reach(*(torch.tensor(x) for x in (output, storage, inflow))).numpy()
    assert np.abs(found - expected).max() < 1e-12
    assert (found[:, 1] == 0).all()


def test_shares_get_to_both_ends_and_no_further() -> None:
    share = stretched(torch.tensor([-1e9, -20.0, -5.0, 0.0, 5.0, 20.0, 1e9], dtype=torch.float64))
    assert share[[0, 1, 2]].tolist() == [0.0, 0.0, 0.0]
    assert share[3] == pytest.approx(FULL / 2)
    assert share[[4, 5, 6]].tolist() == [FULL] * 3


@pytest.mark.parametrize("kind", ["turbined", "reachable", "box"])
@pytest.mark.parametrize("make", [cascade, chain, subsystems])
def test_gradients_are_those_of_differences(kind, make) -> None:
    system = make()
    h, generator = system.num_reservoirs, torch.Generator().manual_seed(3)
    reach = Reach(system, kind)
    scale = torch.tensor(system.reservoirs.max_volume)
    storage = torch.rand(5, h, generator=generator, dtype=torch.float64) * scale
    inflow = torch.rand(5, h, generator=generator, dtype=torch.float64) * 7 + 0.3
    output = torch.randn(5, h, generator=generator, dtype=torch.float64)
    inputs = tuple(x.requires_grad_() for x in (output, storage, inflow))
    assert torch.autograd.gradcheck(reach, inputs, eps=1e-7, atol=1e-6)


def test_detached_bounds_change_gradients_and_nothing_else() -> None:
    system = cascade()
    output, inflow = tensor([0.3, -0.2]), tensor([3.0, 2.0])
    storage = tensor([20.0, 2.0]).requires_grad_()
    right, wrong = Reach(system), Reach(system, is_differentiated=False)
    assert torch.equal(right(output, storage, inflow), wrong(output, storage, inflow))
    right(output, storage, inflow).sum().backward()
    assert storage.grad.abs().max() > 0.1
    assert not wrong(output, storage, inflow).requires_grad


@pytest.mark.parametrize("kind", ["turbined", "reachable"])
@pytest.mark.parametrize("make", [first_steps, cascade, chain, lambda: chain(spills=False)])
def test_hand_made_systems_meet_every_target(kind, make) -> None:
    assert_met(make(), kind, 400)


@pytest.mark.parametrize("kind", ["turbined", "reachable"])
def test_ten_thousand_bolivian_stages_meet_their_targets(kind) -> None:
    """The strict-feasibility gate: random outputs, a third of them saturated, from random storages."""
    assert_met(load_instance("bolivia-dc"), kind, 5_000)


def assert_met(system: Hydrothermal, kind, count: int) -> None:
    rng = np.random.default_rng(1)
    h = system.num_reservoirs
    output = rng.normal(size=(count, h)) * 3
    output[rng.random((count, h)) < 1 / 3] *= 1e6  # saturated: shares of exactly 0 and 1
    storage = rng.random((count, h)) * system.reservoirs.max_volume
    storage[rng.random((count, h)) < 0.2] = 0.0
    rows = system.inflows.rows.reshape(-1, h)
    inflow = rows[rng.integers(len(rows), size=count)]
    target = Reach(system, kind)(*(torch.tensor(x) for x in (output, storage, inflow))).numpy()
    found = HighsStage(stage_models(system)[0]).solve_many(storage, inflow, target)
    assert (found.status == OPTIMAL).all()
    assert np.abs(found.state_out - target).max() < 1e-6
    assert target.min() >= 0
    assert (target <= system.reservoirs.max_volume).all()
