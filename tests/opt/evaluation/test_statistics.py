"""Statistics by hand, against slow twins and scipy, and by properties."""

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.opt.evaluation.statistics import (
    bootstrap_interval,
    performance_profile,
    performance_ratios,
    primal_gap,
    primal_integral,
    shifted_geometric_mean,
    sign_test,
    signed_rank_test,
    time_to_target,
)

FINITE = st.floats(-1e6, 1e6)


class TestBootstrap:
    def test_equal_values_have_no_width(self):
        interval = bootstrap_interval([2.0] * 8)
        assert (interval.estimate, interval.low, interval.high, interval.n) == (2, 2, 2, 8)

    def test_all_resamples_of_three_by_enumeration(self):
        values = np.array([0.0, 1.0, 5.0])
        means = [np.mean(c) for c in itertools.product(values, repeat=3)]
        with pytest.warns(UserWarning, match="says little"):
            interval = bootstrap_interval(values, method="percentile", confidence=0.8, resamples=200_000)
        # P(mean <= 1/3) = 4/27 > 0.1 > 1/27 = P(mean = 0), and the same from above
        assert np.mean(np.array(means) <= 0) < 0.1 < np.mean(np.array(means) <= 1 / 3)
        assert interval.low == pytest.approx(1 / 3)
        assert interval.high == pytest.approx(11 / 3)
        assert interval.estimate == 2

    @pytest.mark.parametrize("method", ["bca", "percentile"])
    def test_scipy_agrees(self, method):
        from scipy.stats import bootstrap

        data = np.random.default_rng(0).exponential(size=25)
        ours = bootstrap_interval(data, method=method, resamples=100_000)
        name = {"bca": "BCa", "percentile": "percentile"}[method]
        theirs = bootstrap((data,), np.mean, method=name, n_resamples=100_000, rng=1).confidence_interval
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=0.01)

    def test_coverage_on_skewed_data(self):
        """95 % intervals of 300 samples of 20 exponentials hold the mean 1 about as often as BCa is known to."""
        rng = np.random.default_rng(1)
        hits = 0
        for _ in range(300):
            interval = bootstrap_interval(rng.exponential(size=20), resamples=1_000)
            hits += interval.low <= 1 <= interval.high
        assert 0.87 <= hits / 300 <= 0.98

    def test_clusters_are_the_units(self):
        """Five equal seeds on each of eight instances say no more than one seed each."""
        one = np.arange(8.0)
        single = bootstrap_interval(one)
        five = bootstrap_interval(np.repeat(one, 5), np.repeat(np.arange(8), 5))
        assert (five.low, five.high, five.n) == (single.low, single.high, 8)
        naive = bootstrap_interval(np.repeat(one, 5))
        assert naive.high - naive.low < 0.6 * (five.high - five.low)

    def test_clusters_weigh_the_same_whatever_their_size(self):
        with pytest.warns(UserWarning, match="2 instances"):
            interval = bootstrap_interval([0.0, 0.0, 0.0, 9.0], ["a", "a", "a", "b"], resamples=10)
        assert interval.estimate == 4.5

    def test_one_cluster_resamples_its_seeds(self):
        with pytest.warns(UserWarning, match="1 instance"):
            interval = bootstrap_interval(np.arange(10.0), ["a"] * 10)
        assert interval.low < 4.5 < interval.high
        assert interval.n == 1

    def test_few_units_warn_and_none_gives_no_number(self):
        with pytest.warns(UserWarning, match="from 3 instances says little"):
            bootstrap_interval([1.0, 2.0, 3.0])
        one, none = bootstrap_interval([1.0]), bootstrap_interval([])
        assert (one.estimate, one.n) == (1.0, 1)
        assert math.isnan(one.low)
        assert math.isnan(none.estimate)

    def test_what_is_printed(self):
        assert str(bootstrap_interval([2.0] * 8, confidence=0.9)) == "2 (90 % CI 2 to 2, n=8)"

    def test_the_seed_decides(self):
        data = np.random.default_rng(2).normal(size=12)
        assert bootstrap_interval(data, seed=3) == bootstrap_interval(data, seed=3)
        assert bootstrap_interval(data, seed=3) != bootstrap_interval(data, seed=4)

    @pytest.mark.parametrize(
        ("values", "options"),
        [
            ([math.nan], {}),
            ([math.inf], {}),
            ([[1.0]], {}),
            ([1.0], {"confidence": 1.0}),
            ([1.0], {"confidence": 0.0}),
            ([1.0], {"resamples": 0}),
            ([1.0, 2.0], {"clusters": [1]}),
        ],
    )
    def test_nonsense_is_refused(self, values, options):
        with pytest.raises(ValueError, match="must"):
            bootstrap_interval(values, **options)

    @settings(max_examples=50, deadline=None)
    @given(st.lists(FINITE, min_size=2, max_size=12), st.floats(-100, 100), st.sampled_from(["bca", "percentile"]))
    def test_shift_and_range(self, values, shift, method):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            a = bootstrap_interval(values, method=method, resamples=200)
            b = bootstrap_interval([v + shift for v in values], method="percentile", resamples=200)
            p = bootstrap_interval(values, method="percentile", resamples=200)
        slack = 1e-9 * (1 + max(map(abs, values)) + abs(shift))
        assert min(values) - slack <= a.low <= a.high <= max(values) + slack
        assert b.low == pytest.approx(p.low + shift, abs=100 * slack)


class TestMeans:
    def test_by_hand(self):
        assert shifted_geometric_mean([1.0, 7.0], shift=1.0) == pytest.approx(3.0)  # sqrt(2 * 8) - 1
        assert shifted_geometric_mean([0.0, 0.0]) == pytest.approx(0.0)
        assert shifted_geometric_mean([2.0, 8.0], shift=0.0) == pytest.approx(4.0)
        assert math.isnan(shifted_geometric_mean([]))
        with pytest.raises(ValueError, match="greater than"):
            shifted_geometric_mean([-2.0])

    @given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20), st.floats(0.01, 100))
    def test_between_least_and_arithmetic_mean(self, values, shift):
        mean = shifted_geometric_mean(values, shift)
        slack = 1e-9 * (1 + max(values) + shift)
        assert min(values) - slack <= mean <= np.mean(values) + slack


class TestProfiles:
    COSTS = ((1.0, 2.0, math.inf), (4.0, 2.0, 8.0), (3.0, 3.0, 3.0), (math.nan, 5.0, math.inf))

    def test_ratios_by_hand(self):
        inf = math.inf
        expected = [[1, 2, inf], [2, 1, 4], [1, 1, 1], [inf, 1, inf]]
        assert performance_ratios(self.COSTS).tolist() == expected

    def test_profile_by_hand(self):
        shares = performance_profile(self.COSTS, [1.0, 2.0, 4.0, 1e9])
        assert shares.tolist() == [[0.5, 0.75, 0.25], [0.75, 1.0, 0.25], [0.75, 1.0, 0.5], [0.75, 1.0, 0.5]]

    def test_best_cost_zero(self):
        assert performance_ratios([[0.0, 0.0, 1.0]]).tolist() == [[1, 1, math.inf]]

    def test_all_fail(self):
        assert performance_ratios([[math.inf, math.nan]]).tolist() == [[math.inf, math.inf]]

    def test_negative_costs_are_refused_and_arguments_kept(self):
        with pytest.raises(ValueError, match=">= 0"):
            performance_ratios([[-1.0, 2.0]])
        costs = np.array(self.COSTS)
        performance_profile(costs, [1.0])
        assert np.array_equal(costs, self.COSTS, equal_nan=True)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 2**32 - 1))
    def test_slow_twin_and_scale(self, problems, methods, seed):
        rng = np.random.default_rng(seed)
        costs = rng.integers(1, 5, (problems, methods)).astype(float)
        costs[rng.random(costs.shape) < 0.2] = np.inf
        taus = [1.0, 1.5, 2.0, 4.0]
        got = performance_profile(costs, taus)
        for t, tau in enumerate(taus):
            for m in range(methods):
                count = sum(1 for row in costs if math.isfinite(row[m]) and row[m] <= tau * min(row))
                assert got[t, m] == count / problems
        assert np.array_equal(got, performance_profile(costs * 8, taus))
        assert np.all(np.diff(got, axis=0) >= 0)


class TestTraces:
    def test_primal_gap_by_hand(self):
        assert primal_gap(200, 100) == 0.5
        assert primal_gap(100, 100) == 0
        assert primal_gap(90, 100) == 0  # better than the reference
        assert primal_gap(1, -1) == 1
        assert primal_gap(1, 0) == 1
        assert primal_gap(50, 100, "max") == 0.5
        assert primal_gap(110, 100, "max") == 0

    @pytest.mark.parametrize(
        ("trace", "expected"),
        [
            ([], 10.0),
            ([(0.0, 100.0)], 0.0),
            ([(2.0, 100.0)], 2.0),
            ([(1.0, 200.0), (3.0, 100.0)], 1 + 2 * 0.5),
            ([(1.0, 200.0)], 1 + 9 * 0.5),
            ([(11.0, 100.0)], 10.0),  # past the horizon
            ([(1.0, 400.0), (1.0, 200.0)], 1 + 9 * 0.5),
        ],
    )
    def test_primal_integral_by_hand(self, trace, expected):
        assert primal_integral(trace, 100.0, 10.0) == pytest.approx(expected)

    @given(
        st.lists(st.tuples(st.integers(0, 20), st.integers(1, 50)), max_size=6),
        st.integers(1, 50),
        st.integers(1, 15),
    )
    def test_integral_against_a_sum_over_seconds(self, points, reference, horizon):
        trace = sorted(points, key=lambda p: p[0])
        total = 0.0
        for second in range(horizon):
            held = [objective for at, objective in trace if at <= second]
            total += 1.0 if not held else primal_gap(held[-1], reference)
        assert primal_integral(trace, reference, horizon) == pytest.approx(total)

    def test_time_to_target(self):
        trace = [(1.0, 20.0), (4.0, 10.0), (9.0, 5.0)]
        assert time_to_target(trace, 10.0) == 4.0
        assert time_to_target(trace, 9.0) == 9.0
        assert time_to_target(trace, 4.0) == math.inf
        assert time_to_target([(2.0, 5.0), (3.0, 8.0)], 7.0, sense="max") == 3.0


class TestTests:
    @pytest.mark.parametrize(("wins", "losses"), [(5, 0), (8, 2), (3, 3), (1, 0), (40, 60), (0, 7), (900, 1100)])
    def test_sign_test_is_the_binomial(self, wins, losses):
        from scipy.stats import binomtest

        assert sign_test(wins, losses) == pytest.approx(binomtest(wins, wins + losses).pvalue)

    def test_nothing_to_test(self):
        assert math.isnan(sign_test(0, 0))
        assert math.isnan(signed_rank_test([0.0, 0.0]))
        assert math.isnan(signed_rank_test([]))

    def test_signed_ranks_by_enumeration(self):
        data = np.array([1.0, 2.0, -3.0, 4.0, 5.0, 6.0])
        ranks = np.arange(1, 7)
        sums = [np.sum(ranks[np.array(s)]) for s in itertools.product([False, True], repeat=6)]
        observed = 3  # rank of the one negative difference
        expected = 2 * np.mean(np.array(sums) <= observed)
        assert signed_rank_test(data) == pytest.approx(expected)
