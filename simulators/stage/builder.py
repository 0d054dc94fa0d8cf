"""A stage model put together column by column and row by row, as one writes it down.

For small models and examples; systems of a family are built as arrays.

>>> stage = StageBuilder()
>>> volume = stage.state(0, 200)
>>> hydro, thermal, spill = stage.column(), stage.column(cost=50.0), stage.column()
>>> rain = stage.noise()
>>> _ = stage.row({volume.out: 1, hydro: 1, spill: 1}, equals=0, state={volume: -1}, noise={rain: -1})
>>> _ = stage.row({hydro: 1, thermal: 1}, equals=150)
>>> stage.build().matrix.shape
(2, 4)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import sparse

from counterpoint.simulators.stage.model import StageModel

Column = int
Row = int
Noise = int


@dataclass(frozen=True, slots=True)
class State:
    """A state: its number among those that come in, and the column of what goes on."""

    number: int
    out: Column


@dataclass(slots=True)
class StageBuilder:
    """Collects columns and rows; `build` makes the model."""

    _columns: list[tuple[float, float, float]] = field(default_factory=list)
    _rows: list[tuple[float, float]] = field(default_factory=list)
    _entries: list[tuple[Row, Column, float]] = field(default_factory=list)
    _state_entries: list[tuple[Row, int, float]] = field(default_factory=list)
    _noise_entries: list[tuple[Row, int, float]] = field(default_factory=list)
    _states: list[Column] = field(default_factory=list)
    _num_noises: int = 0

    def column(self, lower: float = 0.0, upper: float = np.inf, *, cost: float = 0.0) -> Column:
        """Add a column."""
        self._columns.append((lower, upper, cost))
        return len(self._columns) - 1

    def state(self, lower: float = 0.0, upper: float = np.inf, *, cost: float = 0.0) -> State:
        """Add a state; bounds and cost are those of what goes on."""
        self._states.append(self.column(lower, upper, cost=cost))
        return State(len(self._states) - 1, self._states[-1])

    def noise(self) -> Noise:
        """Add a number that is random."""
        self._num_noises += 1
        return self._num_noises - 1

    def row(
        self,
        terms: Mapping[Column, float],
        *,
        equals: float | None = None,
        lower: float = -np.inf,
        upper: float = np.inf,
        state: Mapping[State, float] | None = None,
        noise: Mapping[Noise, float] | None = None,
    ) -> Row:
        """Add ``lower <= terms + state that comes in + noise <= upper``."""
        row = len(self._rows)
        self._rows.append((lower, upper) if equals is None else (equals, equals))
        self._entries += [(row, column, value) for column, value in terms.items()]
        self._state_entries += [(row, given.number, value) for given, value in (state or {}).items()]
        self._noise_entries += [(row, number, value) for number, value in (noise or {}).items()]
        return row

    def incoming(self, state: State) -> Column:
        """Add a column that equals the state that comes in, so that costs and bounds can be put on it."""
        copy = self.column(-np.inf)
        self.row({copy: 1.0}, equals=0.0, state={state: -1.0})
        return copy

    def build(self, *, offset: float = 0.0) -> StageModel:
        """Return the model."""
        columns, rows = np.array(self._columns).reshape(-1, 3), np.array(self._rows).reshape(-1, 2)
        m = len(rows)
        return StageModel(
            columns[:, 2], columns[:, 0], columns[:, 1], _matrix(self._entries, m, len(columns)), rows[:, 0],
            rows[:, 1], _matrix(self._state_entries, m, len(self._states)),
            _matrix(self._noise_entries, m, self._num_noises), np.array(self._states, np.int64), offset,
        )  # fmt: skip


def _matrix(entries: list[tuple[int, int, float]], rows: int, columns: int) -> sparse.csr_array:
    if not entries:
        return sparse.csr_array((rows, columns))
    at_row, at_column, values = zip(*entries, strict=True)
    return sparse.csr_array((np.array(values, float), (np.array(at_row), np.array(at_column))), shape=(rows, columns))
