"""The network in bfloat16 says what it says in float32, forwards and backwards."""

import pytest
import torch

from counterpoint.models import precision
from counterpoint.models.networks.bq import Bq, Form, Options, attend
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.models.precision import autocast, check_precision, is_bfloat16_fast
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.bq_tsp import ANSWERS, FEATURES, SPECIAL, start, visits

CPU = torch.device("cpu")


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Bq(Options(layers=3, width=64, heads=4, inner=128), Form(2))
        for layer in made.layers:
            layer.weights.data.normal_()  # at 0 nothing would be tested
    return made


def nodes(batch=16, n=12):
    return torch.rand(batch, n, 2, generator=torch.Generator().manual_seed(1))


def filled(batch=16, n=12):
    return torch.arange(n) < torch.randint(4, n + 1, (batch, 1), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("mask", [None, filled()[:, None, None, :]])
def test_written_out_attention_is_the_fused_one(mask):
    generator = torch.Generator().manual_seed(3)
    exact = [torch.randn(16, 4, 12, 16, generator=generator, requires_grad=True) for _ in range(3)]
    short = [one.detach().bfloat16().requires_grad_() for one in exact]
    toward = torch.randn(16, 4, 12, 16, generator=generator)
    heard, heard_short = attend(*exact, mask), attend(*short, mask)
    assert heard_short.dtype == torch.bfloat16
    torch.testing.assert_close(heard_short.float(), heard, atol=0.05, rtol=0)
    heard.backward(toward)
    heard_short.backward(toward.bfloat16())
    for one, other in zip(exact, short, strict=True):
        assert (other.grad.float() - one.grad).norm() < 0.02 * one.grad.norm()


@pytest.mark.parametrize("is_node", [None, filled()])
@torch.no_grad()
def test_logits_are_float32_and_nearly_the_same(network, is_node):
    exact = network(nodes(), is_node)
    with autocast("bfloat16", CPU):
        short = network(nodes(), is_node)
    assert short.dtype == torch.float32
    assert torch.equal(short == -torch.inf, exact == -torch.inf)
    seen = exact > -torch.inf
    assert not torch.equal(short[seen], exact[seen])  # or bfloat16 was not on
    assert (short - exact)[seen].norm() < 0.03 * exact[seen].norm()


def test_gradients_point_the_same_way(network):
    found = []
    for name in ("float32", "bfloat16"):
        network.zero_grad()
        with autocast(name, CPU):
            logits = network(nodes(), filled())
        logits.log_softmax(1)[:, 0].mean().backward()
        found.append(torch.cat([one.grad.flatten() for one in network.parameters()]))
    assert not torch.equal(*found)
    assert torch.nn.functional.cosine_similarity(*found, dim=0) > 0.99


@torch.no_grad()
def test_places_close_to_each_other_stay_two(network):
    x = nodes()
    x[:, 3] = x[:, 4] + 1e-4  # less than bfloat16 tells apart
    seen = []
    network.layers[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with autocast("bfloat16", CPU):
        network(x)
    assert (seen[0][:, 3] != seen[0][:, 4]).any(1).all()


def test_auto_is_what_the_processor_is_fast_at(monkeypatch):
    for is_fast in (True, False):
        monkeypatch.setattr(precision, "is_bfloat16_fast", lambda device, answer=is_fast: answer)
        with autocast("auto", CPU):
            assert torch.is_autocast_enabled("cpu") == is_fast
    with autocast("float32", CPU):
        assert not torch.is_autocast_enabled("cpu")


def test_a_processor_that_torch_knows_nothing_of_is_slow(monkeypatch):
    for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert not is_bfloat16_fast(CPU)
    assert not is_bfloat16_fast(torch.device("meta"))


def test_no_other_precision():
    with pytest.raises(OptionError, match="float16"):
        check_precision("float16")


def test_a_roll_out_in_bfloat16_is_whole_and_leaves_nothing_behind():
    states = []

    class Spy(Bq):
        def forward(self, x, is_node=None, edges=None):
            states.append((torch.is_autocast_enabled("cpu"), torch.is_inference_mode_enabled()))
            return super().forward(x, is_node, edges)

    spy = Spy(Options(layers=1, width=16, heads=2, inner=16), Form(FEATURES, SPECIAL, ANSWERS))
    for name in ("float32", "bfloat16"):
        steps, left = roll_out(spy, start(nodes(4, 9)), precision=name)
        assert states == [(name == "bfloat16", True)] * 8
        states.clear()
        assert left.size == 0
        assert torch.equal(visits(steps).sort(dim=1).values, torch.arange(1, 9).expand(4, -1))
        assert not steps.is_inference()
    spy(nodes(4, 9) @ torch.ones(2, FEATURES)).sum().backward()  # weights shortened for acting are not learnt with
    assert spy.layers[0].project.weight.grad is not None
