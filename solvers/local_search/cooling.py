"""How far an annealing has cooled down: once within its budget, or again and again, each time for longer."""

from dataclasses import dataclass

from counterpoint.opt.budget import Clock


@dataclass(slots=True)
class Cooling:
    """The share of a cooling that is over.

    Parameters
    ----------
    clock : Clock
        If its budget has a limit of time or iterations there is one cooling, over when the nearer of them is.
    steps : int
        Of the first cooling otherwise; each after it has twice as many.

    Examples
    --------
    >>> from counterpoint.opt.budget import Budget
    >>> Cooling(Budget(iterations=10).start(), 7).shares(4, 2)
    (0.4, 0.6)
    """

    clock: Clock
    steps: int
    begun: int = 0

    @property
    def is_endless(self) -> bool:
        """Whether no limit says when it should be over."""
        return self.clock.budget.iterations is None and self.clock.budget.time_limit_s is None

    def is_over(self, done: int) -> bool:
        """Return whether a cooling has just come to its end after so many steps, and begin the next then."""
        if not self.is_endless or done < self.begun + self.steps:
            return False
        self.begun, self.steps = self.begun + self.steps, self.steps * 2
        return True

    def shares(self, done: int, size: int) -> tuple[float, float]:
        """Return which share of the cooling is over now, after `done` steps, and which after `size` more."""
        budget = self.clock.budget
        if self.is_endless:
            return self._cut((done - self.begun) / self.steps), self._cut((done - self.begun + size) / self.steps)
        now = later = 0.0
        if budget.iterations:
            now, later = done / budget.iterations, (done + size) / budget.iterations
        if budget.time_limit_s:
            elapsed = self.clock.elapsed_s()
            pace = elapsed / done if done else 0.0
            now = max(now, elapsed / budget.time_limit_s)
            later = max(later, now, (elapsed + pace * size) / budget.time_limit_s)
        return self._cut(now), self._cut(later)

    @staticmethod
    def _cut(share: float) -> float:
        return min(1.0, share)
