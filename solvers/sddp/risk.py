"""Risk measures: how outcomes are weighed, in the backward pass and at the root.

A coherent measure is the worst expectation over a set of distributions (Artzner, Delbaen, Eber and Heath 1999, Math.
Finance 9:203-228); each function here returns the worst distribution for given costs. Risk is nested: what one stage
makes of the next is again a cost (Shapiro 2011, Oper. Res. Lett. 39:143-147).
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from counterpoint.opt.errors import OptionError
from counterpoint.simulators.stage.model import FloatArray


class RiskMeasure(Protocol):
    """Weighs outcomes."""

    def weights(self, probability: FloatArray, cost: FloatArray) -> FloatArray:
        """Return the distribution, [..., N], that `cost` [..., N] is to be averaged with; `probability` is [N]."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """The mean: risk neutral."""

    def weights(self, probability: FloatArray, cost: FloatArray) -> FloatArray:
        """Return the probabilities as they are."""
        return np.array(np.broadcast_to(probability, cost.shape))


@dataclass(frozen=True, slots=True)
class WorstOutcome:
    """The greatest cost of positive probability."""

    def weights(self, probability: FloatArray, cost: FloatArray) -> FloatArray:
        """Return 1 at the worst outcome, 0 elsewhere."""
        worst = np.where(probability > 0, cost, -np.inf).argmax(-1)
        return np.asarray(np.arange(cost.shape[-1]) == worst[..., None], np.float64)


@dataclass(frozen=True, slots=True)
class CVaR:
    """The mean of the worst share `beta` of outcomes (average value at risk; Rockafellar and Uryasev 2000).

    Parameters
    ----------
    beta : float
        In [0, 1]; 1 is the expectation, 0 the worst case.
    """

    beta: float

    def __post_init__(self) -> None:
        _check_share("beta", self.beta)

    def weights(self, probability: FloatArray, cost: FloatArray) -> FloatArray:
        """Fill the share from the worst outcome down; O(N log N)."""
        if self.beta == 0:
            return WorstOutcome().weights(probability, cost)
        order = np.argsort(-cost, axis=-1, kind="stable")
        ranked = np.broadcast_to(probability, cost.shape)
        ranked = np.take_along_axis(ranked, order, -1) / self.beta
        before = np.cumsum(ranked, -1) - ranked
        filled = np.clip(1.0 - before, 0.0, ranked)
        weights = np.empty_like(cost)
        np.put_along_axis(weights, order, filled, -1)
        scaled: FloatArray = weights / weights.sum(-1, keepdims=True)
        return scaled


@dataclass(frozen=True, slots=True)
class ExpectationCVaR:
    """``lam * mean + (1 - lam) * CVaR(beta)`` (Philpott and de Matos 2012, EJOR 218:470-483).

    Parameters
    ----------
    lam : float
        In [0, 1]; 1 is the expectation.
    beta : float
        In [0, 1].
    """

    lam: float
    beta: float

    def __post_init__(self) -> None:
        _check_share("lam", self.lam)
        _check_share("beta", self.beta)

    def weights(self, probability: FloatArray, cost: FloatArray) -> FloatArray:
        """Mix the probabilities with those of CVaR."""
        mixed: FloatArray = self.lam * probability + (1 - self.lam) * CVaR(self.beta).weights(probability, cost)
        return mixed


@dataclass(frozen=True, slots=True)
class ConvexCombination:
    """A mixture of measures.

    Parameters
    ----------
    parts : tuple of (float, RiskMeasure)
        Shares add up to 1.
    """

    parts: tuple[tuple[float, RiskMeasure], ...]

    def __post_init__(self) -> None:
        if (
            not self.parts
            or not all(share >= 0 for share, _ in self.parts)
            or abs(sum(s for s, _ in self.parts) - 1) > 1e-9
        ):
            raise OptionError("shares of measures must be at least 0 and add up to 1")

    def weights(self, probability: FloatArray, cost: FloatArray) -> FloatArray:
        """Mix the parts' weights."""
        mixed: FloatArray = np.sum([share * part.weights(probability, cost) for share, part in self.parts], axis=0)
        return mixed


@dataclass(frozen=True, slots=True)
class ModifiedChiSquared:
    """The worst distribution within a Euclidean distance of the given one (Philpott, de Matos and Kapelevich 2018).

    Source: Comput. Manag. Sci. 15:431-454.

    Parameters
    ----------
    radius : float
        At least 0, which is the expectation.
    """

    radius: float

    def __post_init__(self) -> None:
        if not 0 <= self.radius < np.inf:
            raise OptionError(f"radius must be at least 0, not {self.radius}")

    def weights(self, probability: FloatArray, cost: FloatArray) -> FloatArray:
        """Move along the costs until the distance is spent, leaving out what would become negative; O(N^2) a row."""
        flat = cost.reshape(-1, cost.shape[-1])
        return np.array([self._row(probability, row) for row in flat]).reshape(cost.shape)

    def _row(self, probability: FloatArray, cost: FloatArray) -> FloatArray:
        free = probability > 0
        while True:
            # within the free outcomes: q = p + mass / n + step * (cost - mean), mass what the others had
            base = np.where(free, probability + probability[~free].sum() / free.sum(), 0.0)
            left = self.radius**2 - ((base - probability) ** 2).sum()
            direction = np.where(free, cost - cost[free].mean(), 0.0)
            length = np.sqrt((direction**2).sum())
            if left <= 0 or length <= 1e-12 * max(1.0, np.abs(cost).max()):
                return base
            moved: FloatArray = base + np.sqrt(left) / length * direction
            if (moved >= 0).all():
                return moved
            free &= moved >= 0


def expectation_cvar(lam: float, beta: float) -> RiskMeasure:
    """Return the measure of two numbers that methods are called with; ``lam`` 1 is the expectation."""
    measure = ExpectationCVaR(lam, beta)
    return Expectation() if lam == 1 else measure


def _check_share(key: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise OptionError(f"{key} must be in 0..1, not {value}")
