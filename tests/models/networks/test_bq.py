"""Symmetries of the network, its attention written out, and rows that do not know of each other."""

import dataclasses
import math

import pytest
import torch

from counterpoint.models.networks import bq
from counterpoint.models.networks.bq import Bq, Form, Options
from counterpoint.opt.errors import OptionError

SMALL = Options(layers=3, width=32, heads=4, inner=48)


@pytest.fixture
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Bq(SMALL, Form(2)).eval()
        for layer in made.layers:
            layer.weights.data.normal_()  # at 0 nothing would be tested
    return made


def nodes(batch=4, n=9):
    return torch.rand(batch, n, 2, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_the_order_of_nodes_does_not_matter(network):
    x = nodes()
    order = torch.randperm(7, generator=torch.Generator().manual_seed(2))
    shuffled = torch.cat((x[:, :2], x[:, 2:][:, order]), dim=1)
    torch.testing.assert_close(network(shuffled), network(x)[:, order], atol=1e-5, rtol=0)


@torch.no_grad()
def test_the_ends_matter(network):
    x = nodes()
    assert (network(x[:, [1, 0, *range(2, 9)]]) - network(x)).abs().max() > 1e-3


@torch.no_grad()
def test_attention_is_what_it_says(network, monkeypatch):
    def written_out(query, key, value, attn_mask=None):
        scores = torch.einsum("bhqd,bhkd->bhqk", query, key) / math.sqrt(query.shape[-1])
        scores = scores if attn_mask is None else scores.masked_fill(~attn_mask, -torch.inf)
        return torch.einsum("bhqk,bhkd->bhqd", scores.softmax(3), value)

    x = nodes()
    is_node = torch.ones(4, 9, dtype=torch.bool)
    is_node[1, 5:] = False
    before = network(x), network(x, is_node)
    monkeypatch.setattr(bq, "scaled_dot_product_attention", written_out)
    for one, other in zip(before, (network(x), network(x, is_node)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)


@torch.no_grad()
def test_a_batch_is_its_rows_one_by_one_even_of_different_lengths(network):
    x, lengths = nodes(), (9, 4, 6, 3)
    is_node = torch.arange(9) < torch.tensor(lengths).unsqueeze(1)
    together = network(x, is_node)
    for b, n in enumerate(lengths):
        torch.testing.assert_close(together[b, : n - 2], network(x[b : b + 1, :n])[0], atol=1e-4, rtol=0)
        assert (together[b, n - 2 :] == -torch.inf).all()
    torch.testing.assert_close(network(x)[2:3], network(x[2:3]), atol=1e-5, rtol=0)


@torch.no_grad()
def test_all_layers_are_passed_by_at_first():
    x, made = nodes(), Bq(SMALL, Form(2))
    torch.testing.assert_close(made(x), made.point(made.lift(x[:, 2:])).squeeze(2))


def test_every_weight_learns(network):
    network(nodes()).log_softmax(1)[:, 0].sum().backward()
    assert all(
        p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters() if p is not network.point.bias
    )


def test_the_published_size():
    count = sum(p.numel() for p in Bq(Options(), Form(2)).parameters())
    assert count == pytest.approx(3_107_539, rel=2e-3)  # ours has a bias or two more in each layer


@pytest.mark.parametrize(
    "change",
    [{"layers": 0}, {"heads": 5}, {"width": 0}, {"inner": 0}, {"layers": 64, "width": 4096, "inner": 16_384}],
)
def test_options_out_of_range(change):
    with pytest.raises(OptionError):
        dataclasses.replace(SMALL, **change)
