"""Good prices for a relaxation: ascent of a concave function that is costly to evaluate and has kinks.

First one price for all, by bisection on the sign of its slope; then one per machine, then one per machine and period,
by steps along an averaged supergradient, every coordinate scaled by its own recent size (Kingma and Ba 2015, Adam), and
shrinking. Every evaluation is a valid bound; the best is kept.
"""

from collections.abc import Callable

import numpy as np

from counterpoint.solvers.bounds.stochastic_lot_sizing_item import Array
from counterpoint.solvers.bounds.stochastic_lot_sizing_relaxation import Relaxed

BISECTIONS = 7
AVERAGE, SCALE = 0.8, 0.95  # how much of the past the slope's average and its square's keep
LAST = 0.02  # last step, a share of the first


class Ascent:
    """The best bound so far, and its prices.

    Parameters
    ----------
    solve : callable
        From prices [T, M] to `Relaxed`.
    shape : (int, int)
        T, M.
    is_over : callable
        Asked before every evaluation but the first.
    """

    def __init__(
        self, solve: Callable[[Array], Relaxed], shape: tuple[int, int], is_over: Callable[[], bool] = lambda: False
    ) -> None:
        self.solve, self.is_over = solve, is_over
        self.prices = np.zeros(shape)
        self.bound, self.slope = solve(self.prices)

    def run(self, scale: float, steps: int) -> None:
        """Bisect in 0..`scale`, too high a price; then take `steps` steps, a fifth of them one price a machine."""
        common = max(self.bisect(scale), scale / 64)
        self.climb(common / 2, steps // 5, is_constant=True)
        self.climb(common / 4, steps - steps // 5)

    def look(self, prices: Array) -> Array | None:
        """Evaluate, keep the best; return the slope, or None if it is over."""
        if self.is_over():
            return None
        bound, slope = self.solve(prices)
        if bound > self.bound:
            self.bound, self.slope, self.prices = bound, slope, prices
        return slope

    def bisect(self, scale: float) -> float:
        """Look for one price for all; return about where it is, more than 0."""
        low, high = 0.0, scale
        for _ in range(BISECTIONS):
            middle = (low + high) / 2 if low > 0 else high / 4
            slope = self.look(np.full_like(self.prices, middle))
            if slope is None:
                break
            low, high = (middle, high) if slope.sum() > 0 else (low, middle)
        return high

    def climb(self, step: float, steps: int, *, is_constant: bool = False) -> None:
        """Take steps from the best prices; `is_constant`: machine by machine, the same in all periods."""
        prices, slope = self.prices, self.slope
        mean, square = np.zeros_like(prices), np.zeros_like(prices)
        for n in range(1, steps + 1):
            if is_constant:
                slope = np.broadcast_to(slope.mean(0), slope.shape)
            mean = AVERAGE * mean + (1 - AVERAGE) * slope
            square = SCALE * square + (1 - SCALE) * slope**2
            direction = mean / (1 - AVERAGE**n) / (np.sqrt(square / (1 - SCALE**n)) + 1e-3)
            prices = np.maximum(prices + step * LAST ** (n / steps) * direction, 0.0)
            seen = self.look(prices)
            if seen is None:
                return
            slope = seen
