"""Batched knapsacks do what the reference process does, row by row, and are seen without units."""

import numpy as np
import pytest
import torch

from counterpoint.models.networks.bq import Bq, Form, Options
from counterpoint.opt.problems.knapsack import Knapsack, check
from counterpoint.simulators.batched.bq_knapsack import Knapsacks, core, start, tails
from counterpoint.simulators.batched.bq_knapsack_features import FEATURES, features, fill
from counterpoint.simulators.bq.knapsack import Quotient


def drawn(rows: int, items: int, seed: int = 0, least: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    value = torch.randint(least, 30, (rows, items), generator=generator)
    weight = torch.randint(least, 20, (rows, items), generator=generator)
    return value, weight, torch.randint(0, 8 * items, (rows,), generator=generator)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_reference_on_random_trajectories(seed: int) -> None:
    rows, items = 6, 9
    value, weight, capacity = drawn(rows, items, seed)
    capacity[0] = 0
    left = start(value, weight, capacity)
    quotient = Quotient()
    instances = [Knapsack("x", value[b].numpy(), weight[b].numpy(), int(capacity[b])) for b in range(rows)]
    states = [quotient.start(instance) for instance in instances]
    packed: list[list[int]] = [[] for _ in range(rows)]
    returns = np.zeros(rows)
    generator = torch.Generator().manual_seed(seed)
    while left.size:
        view = left.observe()
        choice = torch.full((rows,), -1)
        for b, state in enumerate(states):
            actions = quotient.actions(state)
            there = left.left[b][left.left[b] >= 0].tolist()
            assert sorted(quotient.named(state, a) for a in actions) == sorted(there)
            assert view.allowed[b].sum() == len(actions)
            if actions:
                choice[b] = torch.multinomial(view.allowed[b].double(), 1, generator=generator)
        named = left.named(choice).tolist()
        for b, state in enumerate(states):
            assert (named[b] == -1) == (choice[b] == -1)
            if named[b] >= 0:
                packed[b].append(named[b])
                reward, states[b] = quotient.step(state, state.numbers.tolist().index(named[b]))
                returns[b] += reward
        before = left.size
        left = left.step(choice)
        assert left.size < before
        assert left.cost().tolist() == left.spent().tolist() == (-returns).tolist()
    assert not any(quotient.actions(state) for state in states)
    for b, instance in enumerate(instances):
        verdict = check(instance, quotient.solution(instance, packed[b]))
        assert verdict.is_feasible
        assert verdict.objective == returns[b]


def test_items_are_never_copied_and_come_by_density() -> None:
    value, weight = torch.tensor([[4, 9, 1, 8, 0]]), torch.tensor([[4, 3, 0, 2, 0]])
    left = start(value, weight, torch.tensor([7]))
    assert left.left.tolist() == [[2, 4, 3, 1, 0]]  # what weighs nothing comes first
    after = left.step(torch.tensor([3])).picked(torch.tensor([0, 0]))
    assert after.value is value
    assert after.weight is weight
    assert after.left.tolist() == [[2, 4, 3, 0]] * 2
    assert after.capacity.tolist() == [4, 4]
    after = after.step(torch.tensor([2, -1]))
    assert after.left.tolist() == [[2, 4, -1, -1], [2, 4, 3, 0]]
    assert after.row.tolist() == [0, 0]
    assert after.gained.tolist() == [17, 9]


def test_what_has_gone_before_is_no_part_of_a_state() -> None:
    """Two packings that leave the same have one key, and only they have."""
    value, weight = torch.tensor([[5, 6, 3, 2, 9]]), torch.tensor([[2, 2, 1, 1, 7]])
    left = start(value, weight, torch.tensor([8])).picked(torch.zeros(4, dtype=torch.int64))
    at = {item: k for k, item in enumerate(left.left[0].tolist())}
    first = left.step(torch.tensor([at[0], at[1], at[0], at[2]]))
    assert len(set(first.key().tolist())) == 3
    second = first.step(
        torch.tensor([first.left[b].tolist().index(item) for b, item in enumerate((1, 0, 2, 0))])
    )  # after which 4 no longer fits anywhere
    keys = second.key().tolist()
    assert keys[0] == keys[1]
    assert keys[2] == keys[3] != keys[0]
    assert torch.equal(second.observe().x[0], second.observe().x[1])
    assert second.spent().tolist() == [-11, -11, -8, -8]
    over = start(torch.tensor([[3, 4]]), torch.tensor([[3, 2]]), torch.tensor([4]))
    over = over.picked(torch.tensor([0, 0])).step(torch.tensor([0, 1]))
    assert over.size == 0
    assert over.key().tolist() == [0, 0]  # other capacity is left, but nothing fits: the same
    assert over.cost().tolist() == [-4, -3]


@torch.no_grad()
def test_equal_tails_give_equal_logits_and_units_do_not_matter() -> None:
    network = Bq(Options(layers=2, width=16, heads=2, inner=32), Form(FEATURES, special=0))
    for layer in network.layers:
        layer.weights.data.fill_(1.0)
    value, weight, capacity = drawn(4, 12, 3, least=1)
    left = start(value, weight, capacity + 40)
    there = left.observe()
    logits = network(there.x, there.is_node)
    scaled = start(value * 64, weight * 1024, (capacity + 40) * 1024).observe()
    torch.testing.assert_close(network(scaled.x, scaled.is_node), logits, atol=1e-5, rtol=0)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    moved = start(value[:, order], weight[:, order], capacity + 40)
    seen = moved.observe()
    found = network(seen.x, seen.is_node)
    for b in range(4):
        ours = {(int(value[b, i]), int(weight[b, i])): float(x) for i, x in zip(left.left[b], logits[b], strict=True)}
        for i, x in zip(order[moved.left[b]], found[b], strict=True):
            assert ours[int(value[b, i]), int(weight[b, i])] == pytest.approx(float(x), abs=1e-5)


def test_features_by_hand() -> None:
    value, weight = torch.tensor([[8, 9, 2]]), torch.tensor([[2, 3, 4]])  # densities 4, 3, 1/2
    there = torch.ones(1, 3, dtype=torch.bool)
    before, broken = fill(weight, there, torch.tensor([[4]]))
    assert before.tolist() == [[0, 2, 5]]
    assert broken.tolist() == [[1]]
    x = features(value, weight, there, torch.tensor([[4]]))[0].T
    expected = [
        [8 / 9, 1, 2 / 9],
        [0.5, 0.75, 1.0],
        [0, 2 / 6, 5 / 9],
        [np.log(4 / 3), 0, np.log(1 / 6)],
        [np.arcsinh(20 * 2 / 9) / 3, 0, np.arcsinh(20 * -10 / 9) / 3],
        [np.arcsinh(2 / 6) / 3, 0, np.arcsinh(-10 / 6) / 3],
        [0.5] * 3,
        [2 / 4, 2 / 5, 2 / 6],
        [4 / 7] * 3,
    ]
    np.testing.assert_allclose(x, expected, rtol=1e-6, atol=1e-7)
    there[0, 1] = False
    x = features(value, weight, there, torch.tensor([[4]]))
    assert (x[0, 1] == 0).all()
    assert torch.equal(x[:, ::2], features(value[:, ::2], weight[:, ::2], there[:, ::2], torch.tensor([[4]])))
    assert fill(weight, ~there & False, torch.tensor([[4]]))[1].tolist() == [[0]]


def test_features_are_finite_whatever_comes() -> None:
    for value, weight, capacity in (
        ([0, 0, 0], [0, 0, 0], 0), ([2**50] * 3, [2**50, 1, 0], 2**52), ([1, 0, 5], [1, 2**50, 0], 2**50),
    ):  # fmt: skip
        left = start(torch.tensor([value]), torch.tensor([weight]), torch.tensor([capacity]))
        x = left.observe().x
        assert torch.isfinite(x).all()
        assert x.abs().max() < 50


def optimum(value: torch.Tensor, weight: torch.Tensor, capacity: int) -> int:
    best = np.zeros(capacity + 1, np.int64)
    for v, w in zip(value.tolist(), weight.tolist(), strict=True):
        if w <= capacity:
            best[w:] = np.maximum(best[w:], best[: capacity + 1 - w] + v)
    return int(best[-1])


def test_the_core_is_what_the_linear_relaxation_leaves_open() -> None:
    rng = np.random.default_rng(0)
    value, weight = torch.tensor(rng.integers(1, 998, (30, 100))), torch.tensor(rng.integers(1, 998, (30, 100)))
    left, packed = core(start(value, weight, torch.full((30,), 25_000)), 24)
    assert left.size <= 24
    same = 0
    for b in range(30):
        sure = packed[b][packed[b] >= 0]
        assert int(left.capacity[b]) == 25_000 - int(weight[b, sure].sum())
        assert int(left.gained[b]) == int(value[b, sure].sum())
        items = left.left[b][left.left[b] >= 0]
        assert not set(items.tolist()) & set(sure.tolist())
        assert (weight[b, items] <= left.capacity[b]).all()
        found = int(left.gained[b]) + optimum(value[b, items], weight[b, items], int(left.capacity[b]))
        same += found == optimum(value[b], weight[b], 25_000)
    assert same >= 29  # as the docstring says: in all but a few of 1,000
    again, nothing = core(left, 24)
    assert again is left
    assert nothing.shape == (30, 0)


def test_all_is_packed_where_all_fits() -> None:
    value, weight, _ = drawn(3, 10, 4)
    left, packed = core(start(value, weight, weight.sum(1)), 4)
    while left.size:
        left = left.step(torch.where((left.left >= 0).any(1), 0, -1))
    assert left.gained.tolist() == value.sum(1).tolist()
    assert packed.shape[1] >= 6


def test_rows_of_other_lengths_and_nothing_left() -> None:
    value, weight = torch.tensor([[3, 2, 1], [1, 1, 1]]), torch.tensor([[9, 1, 1], [1, 1, 1]])
    row = torch.tensor([0, 1, 0])
    open_ = torch.tensor([[True, True, False], [True, True, True], [False, False, False]])
    left = tails(value, weight, row, open_, torch.tensor([5, 3, 9]), torch.tensor([0, 7, 1]))
    assert isinstance(left, Knapsacks)
    assert left.left.tolist() == [[1, -1, -1], [0, 1, 2], [-1, -1, -1]]
    view = left.observe()
    assert view.allowed.tolist() == [[True, False, False], [True, True, True], [False, False, False]]
    assert view.is_node.tolist() == [[True, False, False], [True, True, True], [True, False, False]]
    narrow = left.observe(2)
    assert narrow.x.shape == (3, 2, FEATURES)
    assert torch.equal(narrow.x, view.x[:, :2])
