"""Target rules: they remember within an episode, forget after it, and rows of a batch do not see each other."""

from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pytest
import torch
from tests.hydro_systems import cascade, subsystems

from counterpoint.models.networks.target_rule import HARMONICS, Options, TargetRule
from counterpoint.opt.errors import OptionError


def rule_of(seed: int = 0, **changes: Any) -> TargetRule:
    return TargetRule(Options.of(cascade(), width=8, hidden=(6, 5), **changes), torch.Generator().manual_seed(seed))


def inflows(stages: int, batch: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(stages, batch, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 20


def test_inputs_are_scaled_by_the_system() -> None:
    system = subsystems()
    options = Options.of(system)
    each = system.inflows.rows.reshape(-1, 2)  # six rows, all equally likely
    assert options.inflow_mean == pytest.approx(each.mean(0))
    assert options.inflow_scale == pytest.approx(each.std(0))
    assert options.storage_scale == (100.0, 60.0)
    assert (options.reservoirs, options.horizon, options.cycle) == (2, 4, 2)
    dry = replace(system.inflows, rows=np.full((1, 1, 2), 3.0), probability=np.ones((1, 1)))
    assert Options.of(replace(system, inflows=dry)).inflow_scale == (1.0, 1.0)


def test_the_same_inflow_twice_gives_different_outputs_until_it_is_reset() -> None:
    rule = rule_of(knows_stage=False)
    inflow = inflows(1, 1)
    first, memory = rule.read(inflow)
    second, _ = rule.read(inflow, 1, memory)
    again, _ = rule.read(inflow)
    assert torch.equal(first, again)
    assert (first - second).abs().max() > 1e-3


def test_the_order_of_past_inflows_matters() -> None:
    rule = rule_of(knows_stage=False)
    inflow = inflows(6, 1)
    shuffled = torch.cat([inflow[[2, 0, 3, 1, 4]], inflow[5:]])
    assert (rule.read(inflow)[0][-1] - rule.read(shuffled)[0][-1]).abs().max() > 1e-5


def test_one_by_one_is_as_all_at_once() -> None:
    rule = rule_of()
    inflow = inflows(7, 3)
    whole, _ = rule.read(inflow)
    memory = None
    for stage in range(7):
        told, memory = rule.read(inflow[stage : stage + 1], stage, memory)
        assert torch.allclose(told[0], whole[stage], atol=1e-6)


@pytest.mark.parametrize("kind", ["recurrent", "linear"])
def test_a_row_is_the_same_alone_and_among_sixteen(kind) -> None:
    rule = rule_of(kind=kind)
    inflow, storage = inflows(9, 16), inflows(1, 16, 2)[0]
    told, _ = rule.read(inflow)
    many = rule.decide(told[-1], storage)
    for row in range(16):
        alone, _ = rule.read(inflow[:, row : row + 1])
        assert (rule.decide(alone[-1], storage[row : row + 1])[0] - many[row]).abs().max() < 1e-5


def test_the_linear_rule_is_linear_and_forgets() -> None:
    rule = rule_of(kind="linear")
    a, b = inflows(4, 1), inflows(4, 1, 5)
    ours, storages = (a + b) / 2, (a[0] + b[0]) / 2

    def output(inflow: torch.Tensor, storage: torch.Tensor) -> torch.Tensor:
        return rule.decide(rule.read(inflow)[0][-1], storage)

    assert torch.allclose(output(ours, storages), (output(a, a[0]) + output(b, b[0])) / 2, atol=1e-5)
    assert torch.equal(output(a, a[0]), output(torch.cat([b[:3], a[3:]]), a[0]))
    assert sum(p.numel() for p in rule.parameters()) == 2 * (2 * 2 + 2)


def test_the_stage_is_told_as_time_and_season() -> None:
    rule = rule_of()  # 4 stages, inflows repeat after 2
    told = rule._stages(1, 2).numpy()
    assert told.shape == (2, 1 + 2 * HARMONICS)
    assert told[:, 0].tolist() == [-0.5, 0.0]
    assert np.allclose(told[:, 1 : 1 + HARMONICS], 0, atol=1e-12)  # sines of half turns
    assert np.allclose(told[0, 1 + HARMONICS :], [-1, 1, -1])
    inflow = inflows(1, 1)
    assert not torch.equal(rule.read(inflow, 0)[0], rule.read(inflow, 1)[0])
    blind = rule_of(knows_stage=False)
    assert torch.equal(blind.read(inflow, 0)[0], blind.read(inflow, 1)[0])


def test_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = rule_of(3).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    second = rule_of(3).state_dict()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert any(not torch.equal(first[key], value) for key, value in rule_of(4).state_dict().items())
    assert first["lstm.bias_ih_l0"].tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 16


@pytest.mark.parametrize(
    "changes",
    [
        {"width": 0}, {"layers": 0}, {"hidden": ()}, {"hidden": (4, 0)}, {"inflow_mean": (1.0,)},
        {"inflow_scale": (0.0, 1.0)}, {"storage_scale": (float("nan"), 1.0)}, {"reservoirs": 3},
    ],
)  # fmt: skip
def test_options_that_no_rule_can_have(changes: dict[str, Any]) -> None:
    good = asdict(Options.of(cascade()))
    with pytest.raises(OptionError, match=next(iter(changes)) if "reservoirs" not in changes else "inflow_mean"):
        Options(**{**good, **changes})
