"""A run's state comes back bit for bit, whatever a trainer keeps in it, and nothing else is taken for one."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from counterpoint.models.checkpoints import save_policy
from counterpoint.models.training.state import load_state, save_state
from counterpoint.opt.errors import CheckpointError

leaves = st.none() | st.booleans() | st.integers(-(2**62), 2**62) | st.floats() | st.text(max_size=5)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3) | st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)


def same(a, b):
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(tree=trees)
def test_any_tree_comes_back(tree, tmp_path_factory):
    path = tmp_path_factory.mktemp("state") / "s.safetensors"
    save_state(path, tree)
    assert same(load_state(path), tree)


def test_optimiser_and_generator_go_on_bit_for_bit(tmp_path):
    def fresh():
        torch.manual_seed(3)
        layer = torch.nn.Linear(4, 4)
        return layer, torch.optim.Adam(layer.parameters(), lr=0.1), torch.Generator().manual_seed(5)

    def steps(layer, optimiser, generator, count):
        for _ in range(count):
            optimiser.zero_grad()
            layer(torch.rand(8, 4, generator=generator)).square().sum().backward()
            optimiser.step()

    straight = fresh()
    steps(*straight, 10)
    first = fresh()
    steps(*first, 4)
    state = {"layer": first[0].state_dict(), "optimiser": first[1].state_dict(), "generator": first[2].get_state()}
    save_state(tmp_path / "s.safetensors", state)
    held = load_state(tmp_path / "s.safetensors")
    again = fresh()
    again[0].load_state_dict(held["layer"])
    again[1].load_state_dict(held["optimiser"])
    again[2].set_state(held["generator"])
    steps(*again, 6)
    assert torch.equal(again[0].weight, straight[0].weight)


def test_shared_memory_and_views_are_stored(tmp_path):
    base = torch.arange(6.0)
    save_state(tmp_path / "s.safetensors", [base, base[2:4], base.view(2, 3).T])
    held = load_state(tmp_path / "s.safetensors")
    assert [x.tolist() for x in held] == [base.tolist(), [2.0, 3.0], [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]]


def test_what_is_no_state_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="holds a object"):
        save_state(tmp_path / "s.safetensors", {"x": object()})
    deep = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(CheckpointError, match="deeply"):
        save_state(tmp_path / "s.safetensors", deep)
    path = tmp_path / "p.safetensors"
    save_policy(path, {"a": torch.ones(1)}, {"problem": "p", "algorithm": "a", "network": {"name": "n"}})
    with pytest.raises(CheckpointError, match="no state"):
        load_state(path)
