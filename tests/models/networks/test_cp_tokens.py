"""The CP-guided agent's network: the published sizes, and what its parts may and may not see."""

import pytest
import torch

from counterpoint.models.networks.cp_tokens import CpTokens, Options
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.batched.cp_environment import CpEnvironment
from counterpoint.simulators.cp.job_shop import encode

SHOP = JobShop.from_jobs("four", [[(0, 3), (1, 2)], [(0, 1), (1, 4)], [(1, 2), (0, 2)], [(2, 5)]])


def network(seed=0):
    return CpTokens(Options(), torch.Generator().manual_seed(seed))


def test_the_published_number_of_parameters_part_by_part():
    shapes = {name: tuple(value.shape) for name, value in network().named_parameters()}
    layer = {
        "self_attn.in_proj_weight": (24, 8), "self_attn.in_proj_bias": (24,), "self_attn.out_proj.weight": (8, 8),
        "self_attn.out_proj.bias": (8,), "linear1.weight": (32, 8), "linear1.bias": (32,), "linear2.weight": (8, 32),
        "linear2.bias": (8,), "norm1.weight": (8,), "norm1.bias": (8,), "norm2.weight": (8,), "norm2.bias": (8,),
    }  # fmt: skip
    head = {"0.weight": (32, 8), "0.bias": (32,), "2.weight": (1, 32), "2.bias": (1,)}
    expected = {
        "is_fixed.weight": (2, 1), "is_legal.weight": (2, 1), "edge.weight": (3, 4),
        "lift.weight": (8, 4), "lift.bias": (8,),
    }  # fmt: skip
    for part in ("over_tokens", "over_rows"):
        expected |= {f"{part}.{name}": shape for name, shape in layer.items()}
    for part in ("start_head", "wait_head"):
        expected |= {f"{part}.{name}": shape for name, shape in head.items()}
    assert shapes == expected
    assert sum(value.numel() for value in network().parameters()) == 2442
    for part in ("over_tokens", "over_rows"):
        built = getattr(network(), part)
        assert (built.norm_first, built.self_attn.num_heads, built.dropout.p) == (True, 1, 0.0)


def test_heads_start_orthogonal_and_small():
    for head in (network().start_head, network().wait_head):
        torch.testing.assert_close(head[0].weight.T @ head[0].weight, 2 * torch.eye(8), atol=1e-5, rtol=0)
        assert head[2].weight.norm().item() == pytest.approx(0.01, abs=1e-6)


def test_positions_are_sinusoids():
    position = network().position(torch.tensor([0, 3]))
    assert position[0].tolist() == [0, 1] * 4
    expected = [f(torch.tensor(3.0) * 10_000 ** (-k / 8)) for k in (0, 2, 4, 6) for f in (torch.sin, torch.cos)]
    torch.testing.assert_close(position[1], torch.stack(expected))


def test_illegal_actions_have_no_probability_and_legal_ones_are_nearly_uniform_at_first():
    observation = CpEnvironment([encode(SHOP)], 1).observe()
    logits = network()(observation)
    assert observation["action_mask"][0].tolist() == [True] * 4 + [False]
    probability = logits.softmax(1)[0]
    assert probability[4] == 0
    torch.testing.assert_close(probability[:4], torch.full((4,), 0.25), atol=0.02, rtol=0)


def test_only_rivals_attend_to_each_other():
    """Jobs 0 and 1 want machine 0; whatever job 2 or 3 looks like is nothing to them."""
    observation = CpEnvironment([encode(SHOP)], 1).observe()
    rows = network().rows(observation)
    for changed, affected in ((0, {0, 1}), (3, {3})):
        other = {name: value.clone() for name, value in observation.items()}
        other["interval_rep"][0, changed, 1, 2] += 1.0
        moved = (network().rows(other) - rows).abs().amax(2)[0]
        assert {row for row in range(4) if moved[row] > 1e-6} == affected


def test_padding_and_the_order_of_rows_change_nothing():
    observation = CpEnvironment([encode(SHOP)], 1).observe()
    changed = {name: value.clone() for name, value in observation.items()}
    padding = changed["attention_interval_mask"]
    assert padding.any()
    changed["interval_rep"][..., 1:3][padding] = 9.0
    changed["index_interval"][padding] = 7
    torch.testing.assert_close(network()(changed), network()(observation))
    order = torch.tensor([2, 0, 3, 1])
    shuffled = {name: value[:, order] for name, value in observation.items() if name != "job_resource_mask"}
    shuffled["action_mask"] = torch.cat([observation["action_mask"][:, order], observation["action_mask"][:, 4:]], 1)
    full = torch.cat([order, torch.tensor([4])])
    shuffled["job_resource_mask"] = observation["job_resource_mask"][:, full][:, :, full]
    torch.testing.assert_close(network()(shuffled)[:, :4], network()(observation)[:, order])
    torch.testing.assert_close(network()(shuffled)[:, 4], network()(observation)[:, 4])


def test_gradients_are_finite_where_a_copy_is_done():
    observation = CpEnvironment([encode(SHOP)], 1).observe()
    observation["action_mask"][:] = False
    net = network()
    net(observation)[:, 0].clamp(min=-1).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


@pytest.mark.parametrize("bad", [{"width": 7}, {"width": 0}, {"hidden": 0}])
def test_options_are_checked(bad):
    with pytest.raises(OptionError):
        Options(**bad)


def test_the_seed_decides_the_weights():
    same = all(torch.equal(a, b) for a, b in zip(network(1).parameters(), network(1).parameters(), strict=True))
    differs = any(not torch.equal(a, b) for a, b in zip(network(1).parameters(), network(2).parameters(), strict=True))
    assert same
    assert differs
