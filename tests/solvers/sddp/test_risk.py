"""Risk measures against the linear and quadratic programs that define them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from counterpoint.opt.errors import OptionError
from counterpoint.solvers.sddp.risk import (
    ConvexCombination,
    CVaR,
    Expectation,
    ExpectationCVaR,
    ModifiedChiSquared,
    WorstOutcome,
    expectation_cvar,
)

P = np.array([0.1, 0.2, 0.3, 0.4])
COST = np.array([5.0, -1.0, 3.0, 2.0])
MEASURES = [
    Expectation(), WorstOutcome(), CVaR(0.3), CVaR(1.0), CVaR(0.0), ExpectationCVaR(0.4, 0.2), ModifiedChiSquared(0.2),
    ModifiedChiSquared(5.0), ConvexCombination(((0.5, WorstOutcome()), (0.5, Expectation()))),
]  # fmt: skip


def value(measure, probability, cost):
    return float((measure.weights(probability, cost) * cost).sum())


def test_by_hand():
    assert value(Expectation(), P, COST) == pytest.approx(0.5 - 0.2 + 0.9 + 0.8)
    assert value(WorstOutcome(), P, COST) == 5.0
    assert value(CVaR(0.1), P, COST) == pytest.approx(5.0)
    assert value(CVaR(0.2), P, COST) == pytest.approx((0.1 * 5 + 0.1 * 3) / 0.2)
    assert value(CVaR(1.0), P, COST) == pytest.approx(2.0)
    assert value(ExpectationCVaR(0.5, 0.2), P, COST) == pytest.approx(0.5 * 2 + 0.5 * 4)
    uniform, cost = np.full(3, 1 / 3), np.array([1.0, 2.0, 3.0])
    # along (-1, 0, 1) / sqrt(2), as far as the radius reaches
    assert value(ModifiedChiSquared(0.1), uniform, cost) == pytest.approx(2 + 0.1 * np.sqrt(2))
    assert value(ModifiedChiSquared(np.sqrt(2 / 3)), uniform, cost) == pytest.approx(3.0)


def test_an_outcome_that_cannot_be_is_not_the_worst():
    assert WorstOutcome().weights(np.array([0.0, 1.0]), np.array([9.0, 1.0])).tolist() == [0, 1]
    assert CVaR(0.0).weights(np.array([0.0, 1.0]), np.array([9.0, 1.0])).tolist() == [0, 1]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.05, 1.0))
def test_cvar_is_its_linear_program(seed, beta):
    rng = np.random.default_rng(seed)
    probability, cost = rng.dirichlet(np.ones(5)), rng.normal(size=5)
    best = linprog(-cost, A_eq=np.ones((1, 5)), b_eq=[1.0], bounds=[(0, p / beta) for p in probability])
    assert value(CVaR(beta), probability, cost) == pytest.approx(-best.fun, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.01, 1.2))
def test_no_distribution_within_the_radius_is_worse(seed, radius):
    rng = np.random.default_rng(seed)
    n = 4
    probability, cost = rng.dirichlet(np.ones(n)), rng.normal(size=n)
    weights = ModifiedChiSquared(radius).weights(probability, cost)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    assert np.linalg.norm(weights - probability) <= radius + 1e-9
    others = rng.dirichlet(np.full(n, 0.4), 3000)
    far = np.linalg.norm(others - probability, axis=1)
    # pull those outside of the ball onto it
    others = probability + (others - probability) * np.minimum(1, radius / np.maximum(far, 1e-12))[:, None]
    assert (others @ cost).max() <= weights @ cost + 1e-9


@pytest.mark.parametrize("measure", MEASURES, ids=repr)
def test_coherent(measure):
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.normal(size=(2, 4))
        assert value(measure, P, a + 3.0) == pytest.approx(value(measure, P, a) + 3.0)
        assert value(measure, P, 2.5 * a) == pytest.approx(2.5 * value(measure, P, a))
        assert value(measure, P, np.maximum(a, b)) >= max(value(measure, P, a), value(measure, P, b)) - 1e-9
        assert value(measure, P, a + b) <= value(measure, P, a) + value(measure, P, b) + 1e-9
        assert value(measure, P, a) >= P @ a - 1e-9


@pytest.mark.parametrize("measure", MEASURES, ids=repr)
def test_many_rows_at_once_are_as_one_by_one(measure):
    cost = np.random.default_rng(1).normal(size=(6, 4))
    before = cost.copy()
    together = measure.weights(P, cost)
    np.testing.assert_allclose(together, [measure.weights(P, row) for row in cost])
    np.testing.assert_allclose(together.sum(1), 1)
    np.testing.assert_array_equal(cost, before)


def test_names_of_two_numbers():
    assert expectation_cvar(1.0, 0.3) == Expectation()
    assert expectation_cvar(0.2, 0.3) == ExpectationCVaR(0.2, 0.3)


@pytest.mark.parametrize(
    "make",
    [
        lambda: CVaR(1.5),
        lambda: ExpectationCVaR(-0.1, 0.5),
        lambda: ExpectationCVaR(0.5, 2.0),
        lambda: ModifiedChiSquared(-1.0),
        lambda: ConvexCombination(((0.7, WorstOutcome()),)),
        lambda: ConvexCombination(()),
        lambda: ConvexCombination(((float("nan"), WorstOutcome()),)),
        lambda: expectation_cvar(1.0, 5.0),
        lambda: expectation_cvar(float("nan"), 0.5),
    ],
)
def test_shares_out_of_range(make):
    with pytest.raises(OptionError):
        make()
