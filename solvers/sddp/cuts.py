"""The cuts of one future: where they come from, and which of them are worth keeping in the solvers.

A future is what follows a node: arcs, discount and risk. Nodes with the same future share its cuts. It holds K
approximations (one, or one for each outcome if there are many cuts) of the form
``theta[k] >= intercept[c, k] + slope[c, k] @ state``.

Selection (level 1; de Matos, Philpott and Finardi 2015, J. Comput. Appl. Math. 290:196-208): a cut is active while it
is the highest at one of the states that cuts were made at. Others stay in the pool and may come back.
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from counterpoint.simulators.stage.model import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]
_TIE = 1e-9  # relative: how much higher a new cut must be to take a state over


@dataclass(slots=True, eq=False)
class CutPool:
    """All cuts of one future, in the order in which they were found.

    Parameters
    ----------
    num_states, num_thetas : int
        S, K.
    selects : bool
        Whether dominated cuts are set aside; if not, all are active.
    """

    num_states: int
    num_thetas: int = 1
    selects: bool = True
    count: int = field(default=0, init=False)
    _intercept: FloatArray = field(init=False, repr=False)
    _slope: FloatArray = field(init=False, repr=False)
    _state: FloatArray = field(init=False, repr=False)  # [C, S], where each was made
    _best: FloatArray = field(init=False, repr=False)  # [C, K], the highest value at each state
    _owner: IntArray = field(init=False, repr=False)  # [C, K], the cut that has it

    def __post_init__(self) -> None:
        k, s = self.num_thetas, self.num_states
        self._intercept, self._slope = np.empty((0, k)), np.empty((0, k, s))
        self._state, self._best, self._owner = np.empty((0, s)), np.empty((0, k)), np.empty((0, k), np.int64)

    @property
    def intercept(self) -> FloatArray:
        """All cuts', float64 [C, K]."""
        return self._intercept[: self.count]

    @property
    def slope(self) -> FloatArray:
        """All cuts', float64 [C, K, S]."""
        return self._slope[: self.count]

    @property
    def state(self) -> FloatArray:
        """Where each cut was made, float64 [C, S]."""
        return self._state[: self.count]

    @property
    def active(self) -> BoolArray:
        """Which cuts are the highest somewhere, bool [C, K]."""
        if not self.selects:
            return np.ones((self.count, self.num_thetas), np.bool_)
        is_active = np.zeros((self.count, self.num_thetas), np.bool_)
        is_active[self._owner[: self.count], np.arange(self.num_thetas)] = True
        return is_active

    def kept(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the cuts worth keeping: state [C, S], intercept [C, K], slope [C, K, S].

        With one theta these are the active ones, each with a state at which it is the highest, so that a pool of them
        has them all active again; with many thetas, all.
        """
        if not self.selects or self.num_thetas > 1:
            return self.state, self.intercept, self.slope
        cut, at = np.unique(self._owner[: self.count, 0], return_index=True)
        return self.state[at], self.intercept[cut], self.slope[cut]

    def add(self, state: FloatArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Add M cuts made at states [M, S]: intercept [M, K], slope [M, K, S]; O(M C K S)."""
        m = len(state)
        self._reserve(self.count + m)
        old, new = slice(0, self.count), slice(self.count, self.count + m)
        self._state[new], self._intercept[new], self._slope[new] = state, intercept, slope
        if self.selects:
            added = self.values(self._state[old], new)  # [C, m, K]
            if self.count:
                self._take(old, added, self.count)
            everything = self.values(state, slice(0, self.count + m))  # [m, C + m, K]
            owner = everything.argmax(1)
            best = np.take_along_axis(everything, owner[:, None], 1)[:, 0]
            if self.num_thetas == 1:
                owner[:, 0] = self._first_tied(everything[..., 0], owner[:, 0], best[:, 0])
            self._best[new], self._owner[new] = best, owner
        self.count += m

    def values(self, state: FloatArray, cuts: slice | None = None) -> FloatArray:
        """Return what cuts (default: all) say at states [V, S], float64 [V, C, K]."""
        at = slice(0, self.count) if cuts is None else cuts
        slope = self._slope[at]
        c, k, s = slope.shape
        return (state @ slope.reshape(c * k, s).T).reshape(len(state), c, k) + self._intercept[at]

    def value(self, state: FloatArray, lower: float) -> FloatArray:
        """Return the approximations at states [V, S], float64 [V, K], at least `lower`."""
        if self.count == 0:
            return np.full((len(state), self.num_thetas), lower)
        highest: FloatArray = np.maximum(self.values(state).max(1), lower)
        return highest

    def _first_tied(self, values: FloatArray, owner: IntArray, best: FloatArray) -> IntArray:
        """Return whose the new states are: of cuts that tie at a kink the new one, unless it has been there before."""
        m = len(values)
        for i in range(m):
            own = self.count + i
            if values[i, own] >= best[i] - _TIE * max(1.0, abs(best[i])):
                size = _TIE * max(1.0, np.abs(self._slope[own, 0]).max(initial=0.0))
                tied = np.flatnonzero(np.abs(values[i] - values[i, own]) <= _TIE * max(1.0, abs(best[i])))
                same = np.abs(self._slope[tied, 0] - self._slope[own, 0]).max(1, initial=0.0) <= size
                owner[i] = tied[same][0]
        return owner

    def _take(self, old: slice, added: FloatArray, first: int) -> None:
        """Give states to those of the added cuts that are higher there."""
        owner = added.argmax(1)
        value = np.take_along_axis(added, owner[:, None], 1)[:, 0]
        best = self._best[old]
        is_higher = value > best + _TIE * np.maximum(1.0, np.abs(best))
        self._best[old] = np.where(is_higher, value, best)
        self._owner[old] = np.where(is_higher, owner + first, self._owner[old])

    def _reserve(self, size: int) -> None:
        """Make room, twice as much each time."""
        if size <= len(self._state):
            return
        room = max(2 * len(self._state), size, 64)
        for key in ("_intercept", "_slope", "_state", "_best", "_owner"):
            held = getattr(self, key)
            grown = np.empty((room, *held.shape[1:]), held.dtype)
            grown[: self.count] = held[: self.count]
            setattr(self, key, grown)
