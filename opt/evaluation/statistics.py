"""Plain statistics for comparing methods; no randomness but by the seed given.

Sources: Efron and Tibshirani 1993, *An Introduction to the Bootstrap*, ch. 13-14 (percentile, BCa); Davison and
Hinkley 1997, *Bootstrap Methods and their Application*, section 3.8 (clusters); Dolan and More 2002, Math.
Program. 91:201-213 (performance profiles); Berthold 2013, Oper. Res. Lett. 41:611-614 (primal integral).
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
FEW = 6  # clusters below which an interval says little


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with a confidence interval; `n` independent units (instances) stand behind it."""

    estimate: float
    low: float
    high: float
    n: int
    confidence: float = 0.95

    def __str__(self) -> str:
        return f"{self.estimate:g} ({100 * self.confidence:g} % CI {self.low:g} to {self.high:g}, n={self.n})"


def bootstrap_interval(
    values: npt.ArrayLike,
    clusters: Sequence[Any] | npt.ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    method: Literal["bca", "percentile"] = "bca",
    seed: int = 0,
) -> Interval:
    """Return the mean over clusters of the cluster means, with a bootstrap confidence interval.

    Parameters
    ----------
    values : array_like [n]
        Finite numbers, e.g. gaps of runs.
    clusters : sequence [n], optional
        The instance of each run. Whole instances are resampled and their seeds stay together, because
        runs on one instance are not independent (Davison and Hinkley 1997, section 3.8, find this
        closer to the true variance than resampling within as well). With one cluster only its values
        are resampled, and the interval speaks of that instance alone. Default: each value by itself.
    confidence : float
    resamples : int
    method : {"bca", "percentile"}
        Bias-corrected and accelerated, or plain percentiles. BCa falls back to percentiles where it is
        not defined (all values equal).
    seed : int

    Returns
    -------
    Interval
        NaN limits for fewer than two units.

    Notes
    -----
    O(resamples x clusters) time, in blocks of at most 4 million numbers. Warns below 6 units.
    """
    data = np.asarray(values, float)
    if data.ndim != 1 or not np.all(np.isfinite(data)):
        raise ValueError("values must be a vector of finite numbers")
    if not 0 < confidence < 1 or resamples < 1:
        raise ValueError("confidence must lie in (0, 1) and resamples be positive")
    units = data if clusters is None else _cluster_means(data, clusters)
    n = len(units)
    if n == 1:
        units = data
    if n == 0:
        return Interval(math.nan, math.nan, math.nan, 0, confidence)
    estimate = float(units.mean())
    if len(units) == 1:
        return Interval(estimate, math.nan, math.nan, 1, confidence)
    if n < FEW:
        warnings.warn(
            f"a confidence interval from {n} instances says little; compare on at least {FEW}, better 20",
            stacklevel=2,
        )
    low, high = 0.5 * (1 - confidence), 0.5 * (1 + confidence)
    means = _resampled_means(units, resamples, np.random.default_rng(seed))
    if method == "bca":
        low, high = _bca_levels(units, means, estimate, low, high)
    a, b = np.quantile(means, [low, high])
    return Interval(estimate, float(a), float(b), n, confidence)


def shifted_geometric_mean(values: npt.ArrayLike, shift: float = 1.0) -> float:
    """Return ``exp(mean(log(values + shift))) - shift``; NaN if empty.

    The shift keeps tiny times from ruling the mean (Achterberg 2007, PhD thesis TU Berlin, section A.3).

    >>> round(shifted_geometric_mean([0.0, 3.0], shift=1.0), 12)
    1.0
    """
    data = np.asarray(values, float)
    if data.size == 0:
        return math.nan
    if np.any(data + shift <= 0):
        raise ValueError(f"every value must be greater than -{shift:g}")
    return float(np.exp(np.log(data + shift).mean()) - shift)


def performance_ratios(costs: npt.ArrayLike) -> FloatArray:
    """Return each cost over the best cost of its row (Dolan and More 2002, section 2).

    Parameters
    ----------
    costs : array_like [problems, methods]
        Times or objectives, smaller is better, >= 0; infinite or NaN for a failure.

    Returns
    -------
    float64 array [problems, methods]
        At least 1; infinite for failures. Where the best cost is 0, equal costs have ratio 1 and others infinity.
    """
    table = np.array(costs, float)
    if table.ndim != 2:
        raise ValueError("costs must be a matrix [problems, methods]")
    table[np.isnan(table)] = np.inf
    if np.any(table < 0):
        raise ValueError("performance ratios need costs >= 0")
    best = table.min(axis=1, keepdims=True, initial=np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios: FloatArray = np.where(table == best, 1.0, table / best)
    ratios[np.isinf(table)] = np.inf
    return ratios


def performance_profile(costs: npt.ArrayLike, tau: npt.ArrayLike) -> FloatArray:
    """Return the share of problems that each method solves within a factor `tau` of the best method.

    Parameters
    ----------
    costs : array_like [problems, methods]
        See `performance_ratios`.
    tau : array_like [T]

    Returns
    -------
    float64 array [T, methods]
        rho_s(tau) of Dolan and More 2002, equation (2.1). O(T x problems x methods).
    """
    ratios = performance_ratios(costs)
    grid = np.atleast_1d(np.asarray(tau, float))
    share: FloatArray = (ratios[None] <= grid[:, None, None]).mean(axis=1)
    return share


def primal_gap(objective: float, reference: float, sense: str = "min") -> float:
    """Return Berthold's primal gap in [0, 1]: 0 at the reference (or better), 1 if the signs differ."""
    better = objective <= reference if sense == "min" else objective >= reference
    if better:
        return 0.0
    if objective * reference < 0:
        return 1.0
    return abs(objective - reference) / max(abs(objective), abs(reference))


def primal_integral(
    trace: Sequence[tuple[float, float]], reference: float, horizon_s: float, *, sense: str = "min"
) -> float:
    """Return the integral of the primal gap from 0 to `horizon_s`, in seconds (Berthold 2013, eq. 2-3).

    Parameters
    ----------
    trace : sequence of (wall_s, objective)
        Improvements in order of time; before the first one the gap counts as 1.
    reference : float
        Optimal or best known value; objectives beyond it count as gap 0.
    horizon_s : float
        Points after it do not count.

    Examples
    --------
    >>> primal_integral([(1.0, 200.0), (3.0, 100.0)], reference=100.0, horizon_s=10.0)
    2.0
    """
    total, since, gap = 0.0, 0.0, 1.0
    for wall_s, objective in trace:
        at = min(max(wall_s, since), horizon_s)
        total += gap * (at - since)
        since, gap = at, primal_gap(objective, reference, sense)
    return total + gap * max(0.0, horizon_s - since)


def time_to_target(trace: Sequence[tuple[float, float]], target: float, *, sense: str = "min") -> float:
    """Return the first wall second at which an objective at least as good as `target` was held; infinity if never."""
    hits = (t for t, objective in trace if (objective <= target if sense == "min" else objective >= target))
    return min(hits, default=math.inf)


def sign_test(wins: int, losses: int) -> float:
    """Return the exact two-sided p-value that wins and losses are equally likely; ties left out. NaN if none.

    >>> sign_test(5, 0)
    0.0625
    """
    n = wins + losses
    if n == 0:
        return math.nan
    tail = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    return float(min(1.0, tail / 2 ** (n - 1)))


def signed_rank_test(differences: npt.ArrayLike) -> float:
    """Return Wilcoxon's two-sided signed-rank p-value, zeros by Pratt's method; NaN if all are zero."""
    data = np.asarray(differences, float)
    if not np.any(data):
        return math.nan
    from scipy.stats import wilcoxon  # 0.4 s of import, only needed here

    # ties and zeros make the exact null distribution wrong, so scipy's rule picks the approximation then
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # small samples: our own table states n
        p_value: float = wilcoxon(data, zero_method="pratt").pvalue
    return p_value


def _cluster_means(data: FloatArray, clusters: Any) -> FloatArray:
    labels = list(clusters)
    if len(labels) != len(data):
        raise ValueError("clusters must have one label per value")
    index: dict[Any, int] = {}
    of = np.array([index.setdefault(label, len(index)) for label in labels], int)
    count = np.bincount(of, minlength=len(index))
    means: FloatArray = np.bincount(of, weights=data, minlength=len(index)) / np.maximum(count, 1)
    return means


def _resampled_means(units: FloatArray, resamples: int, rng: np.random.Generator) -> FloatArray:
    block = max(1, 4_000_000 // len(units))
    parts = [
        units[rng.integers(0, len(units), size=(min(block, resamples - done), len(units)))].mean(axis=1)
        for done in range(0, resamples, block)
    ]
    return np.concatenate(parts)


def _bca_levels(units: FloatArray, means: FloatArray, estimate: float, low: float, high: float) -> tuple[float, float]:
    """Corrected quantile levels (Efron and Tibshirani 1993, eq. 14.9-14.15); the given ones if undefined."""
    from statistics import NormalDist

    normal = NormalDist()
    below = float(((means < estimate).mean() + (means <= estimate).mean()) / 2)  # ties count half
    jack = (units.sum() - units) / (len(units) - 1)
    spread = jack.mean() - jack
    scale = float((spread**2).sum()) ** 1.5
    if not 0 < below < 1 or scale < 1e-300:
        return low, high
    bias, acceleration = normal.inv_cdf(below), float((spread**3).sum()) / (6 * scale)

    def level(alpha: float) -> float:
        z = bias + normal.inv_cdf(alpha)
        slope = 1 - acceleration * z
        return float(normal.cdf(bias + z / slope) if slope > 0 else z > 0)

    return level(low), level(high)
