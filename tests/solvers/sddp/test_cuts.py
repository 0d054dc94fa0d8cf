"""The pool of cuts against a plain search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.solvers.sddp.cuts import CutPool


def filled(seed, *, batches=(1, 3, 1, 2, 5), thetas=2, states=3, selects=True):
    rng = np.random.default_rng(seed)
    pool = CutPool(states, thetas, selects)
    for m in batches:
        pool.add(rng.normal(size=(m, states)), rng.normal(size=(m, thetas)), rng.normal(size=(m, thetas, states)))
    return pool


def test_two_lines():
    pool = CutPool(1)
    pool.add(np.array([[0.0]]), np.array([[0.0]]), np.array([[[1.0]]]))  # x
    pool.add(np.array([[2.0]]), np.array([[-3.0]]), np.array([[[2.0]]]))  # 2x - 3: lower at 0 and at 2
    assert pool.active[:, 0].tolist() == [True, False]
    pool.add(np.array([[4.0]]), np.array([[-2.5]]), np.array([[[2.0]]]))  # lower at 0 and 2, higher at 4
    assert pool.active[:, 0].tolist() == [True, False, True]
    pool.add(np.array([[4.0]]), np.array([[6.0]]), np.array([[[0.0]]]))  # higher everywhere
    assert pool.active[:, 0].tolist() == [False, False, False, True]
    np.testing.assert_allclose(pool.value(np.array([[1.0], [6.0]]), -9.0)[:, 0], [6.0, 9.5])


def test_two_that_tie_at_a_kink_are_both_of_use_but_not_one_cut_twice():
    pool = CutPool(1)
    for slope in (1.0, -1.0, 1.0, -1.0):
        pool.add(np.array([[0.0]]), np.array([[0.0]]), np.array([[[slope]]]))
    assert pool.active[:, 0].tolist() == [True, True, False, False]
    assert pool.value(np.array([[-2.0], [3.0]]), -9.0)[:, 0].tolist() == [2.0, 3.0]


def test_a_cut_made_where_an_older_one_is_higher_leaves_that_active():
    pool = CutPool(1)
    pool.add(np.array([[0.0]]), np.array([[4.0]]), np.array([[[0.0]]]))
    pool.add(np.array([[1.0]]), np.array([[3.0]]), np.array([[[0.0]]]))
    assert pool.active[:, 0].tolist() == [True, False]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_active_are_those_that_are_highest_where_cuts_were_made(seed):
    pool = filled(seed)
    values = pool.state @ pool.slope.transpose(1, 2, 0) + pool.intercept.T[:, None]  # [K, V, C]
    expected = np.zeros((pool.count, 2), bool)
    for k in range(2):
        expected[values[k].argmax(1), k] = True
    np.testing.assert_array_equal(pool.active, expected)
    active = np.where(pool.active.T[:, None], values, -np.inf)
    np.testing.assert_allclose(active.max(2), values.max(2))  # nothing is lost at these states


def test_what_is_kept_is_all_that_counts_there():
    pool = filled(5, batches=(1,) * 30, thetas=1)
    state, intercept, slope = pool.kept()
    again = CutPool(3)
    again.add(state, intercept, slope)
    assert again.active.all()
    assert again.count == pool.active.sum() < pool.count
    np.testing.assert_allclose(again.value(pool.state, -np.inf), pool.value(pool.state, -np.inf))
    for held in (filled(5), filled(5, selects=False)):
        assert len(held.kept()[0]) == held.count


def test_without_selection_all_stay():
    assert filled(0, selects=False).active.all()


def test_values_and_growth():
    pool = filled(3, batches=(40, 40, 40, 1))
    assert pool.count == 121
    state = np.random.default_rng(0).normal(size=(7, 3))
    expected = np.array(
        [[[pool.intercept[c, k] + pool.slope[c, k] @ x for k in range(2)] for c in range(121)] for x in state]
    )
    np.testing.assert_allclose(pool.values(state), expected)
    np.testing.assert_allclose(pool.value(state, -1e9), expected.max(1))
    np.testing.assert_allclose(pool.value(state, 1e9), 1e9)
    assert CutPool(3, 2).value(state, -4.0) == pytest.approx(-4.0)
