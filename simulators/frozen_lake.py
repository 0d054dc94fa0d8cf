"""A frozen lake whose every step is a move and then perhaps a slip: its data, and its reference simulator.

Source: the second task of Felizardo et al. 2025 (IJCNN, arXiv 2504.05150). A walker on a square of cells starts in one
corner and is drawn to the opposite one. A step is a certain part and a random one:

1. the walker moves to the next cell in the direction chosen (into a wall: stays). The move pays 1 / (1 + distance to
   the goal in moves), less 1 / (2 n) in a hole. What follows is the post-decision state;
2. unless that cell is the goal or a hole, the walker slips with probability 1/2, in a direction whose probabilities
   are the cell's own, and stays otherwise. That pays likewise.

The walk ends at the goal and in a hole, and is cut off after `horizon` steps. So it pays to keep close to the goal
without reaching it, as in the published task.

Deviations: the published code ends a walk one step after the hole, which pays the same step once more; the map is drawn
here, by their rules (a cell is frozen with probability 0.8; the goal can be reached).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.interfaces import Policy

STEPS = ((0, -1), (1, 0), (0, 1), (-1, 0))  # left, down, right, up: row and column
SLIP = 0.5
MAX_SIZE = 100


@dataclass(frozen=True, slots=True, eq=False)
class FrozenLake:
    """The data of one lake of n x n cells, numbered row by row.

    Parameters
    ----------
    rows : tuple of str
        n texts of n characters: ``H`` is a hole; the first cell is the start, the last the goal.
    slip_direction : float64 array [n * n, 4]
        Probability of each direction, once the walker slips there.
    discount : float
    horizon : int
        Steps until a walk is cut off.

    Raises
    ------
    InstanceError
        If the rows make no square, or the goal cannot be reached.
    """

    rows: tuple[str, ...]
    slip_direction: npt.NDArray[np.float64]
    discount: float = 0.9
    horizon: int = 100

    def __post_init__(self) -> None:
        n = len(self.rows)
        if not 2 <= n <= MAX_SIZE or any(len(row) != n for row in self.rows):
            raise InstanceError(f"expected 2 to {MAX_SIZE} rows, each of as many cells")
        chances = np.array(self.slip_direction, np.float64)
        if chances.shape != (n * n, 4) or not (chances >= 0).all() or np.abs(chances.sum(1) - 1).max() > 1e-9:
            raise InstanceError(f"expected probabilities of 4 directions for {n * n} cells")
        if not 0 < self.discount < 1 or self.horizon < 1:
            raise InstanceError("expected 0 < discount < 1 and a horizon of at least 1")
        chances.setflags(write=False)
        object.__setattr__(self, "slip_direction", chances)
        if not _is_connected(self.rows):
            raise InstanceError("the goal cannot be reached")

    @property
    def num_cells(self) -> int:
        """Cells, n * n."""
        return len(self.rows) ** 2

    @property
    def is_hole(self) -> npt.NDArray[np.bool_]:
        """Whether each cell is a hole, [n * n]."""
        return np.array([cell == "H" for row in self.rows for cell in row])

    @property
    def is_end(self) -> npt.NDArray[np.bool_]:
        """Whether a walk ends in the cell: a hole or the goal, [n * n]."""
        return self.is_hole | (np.arange(self.num_cells) == self.num_cells - 1)

    @property
    def neighbour(self) -> npt.NDArray[np.int64]:
        """Cell that a move from each cell in each direction leads to, [n * n, 4]."""
        n = len(self.rows)
        row, column = np.divmod(np.arange(n * n), n)
        to = [np.clip(row + down, 0, n - 1) * n + np.clip(column + right, 0, n - 1) for down, right in STEPS]
        return np.stack(to, 1)

    @property
    def pays(self) -> npt.NDArray[np.float64]:
        """What arriving, or staying, in each cell pays, [n * n]."""
        n = len(self.rows)
        row, column = np.divmod(np.arange(n * n), n)
        return 1 / (1.0 + 2 * (n - 1) - row - column) - self.is_hole / (2 * n)


def random_lake(size: int = 8, *, seed: int = 0, slip_seed: int = 42, frozen: float = 0.8) -> FrozenLake:
    """Draw cells, frozen with probability `frozen`, until the goal can be reached; slips are Dirichlet(1, 1, 1, 1)."""
    if not 2 <= size <= MAX_SIZE or not 0 < frozen <= 1:
        raise InstanceError(f"expected a size in 2..{MAX_SIZE} and frozen in (0, 1]")
    rng = np.random.default_rng(seed)
    for _ in range(10_000):
        is_frozen = rng.random((size, size)) < frozen
        is_frozen[0, 0] = is_frozen[-1, -1] = True
        rows = tuple("".join("F" if cell else "H" for cell in row) for row in is_frozen)
        if _is_connected(rows):
            slips = np.random.default_rng(slip_seed).dirichlet(np.ones(4), size * size)
            return FrozenLake(rows, slips)
    raise InstanceError(f"no lake of {size} x {size} cells with a way to the goal in 10,000 draws at frozen = {frozen}")


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk; an `interfaces.Trajectory`.

    Parameters
    ----------
    cost : float
        Minus the discounted rewards.
    events : tuple of tuple
        ``("move", step, cell)`` and ``("slip", step, cell)``, the latter where the walker did not stay.
    """

    cost: float
    events: tuple[tuple[int | str, ...], ...]


def simulate(lake: FrozenLake, chances: Sequence[Sequence[float]], policy: Policy) -> Walk:
    """Walk by `policy`, which sees the cell and returns a direction 0..3.

    Parameters
    ----------
    chances : sequence of (float, float)
        Two numbers in [0, 1) a step: below 1/2 the walker slips; where to, by the second.

    Raises
    ------
    ValueError
        If the policy returns no direction.
    """
    neighbour, pays, ends = lake.neighbour, lake.pays, lake.is_end
    cell, worth, total = 0, 1.0, 0.0
    events: list[tuple[int | str, ...]] = []
    policy.start(0)
    for step, (whether, where) in enumerate(chances):
        direction = int(policy.act({"cell": cell}))
        if not 0 <= direction < 4:
            raise ValueError(f"moved in direction {direction}, not 0..3")
        cell = int(neighbour[cell, direction])
        events.append(("move", step, cell))
        total += worth * float(pays[cell])
        if ends[cell]:
            break
        if whether < SLIP:
            slipped = int((where >= np.cumsum(lake.slip_direction[cell])[:-1]).sum())
            cell = int(neighbour[cell, slipped])
            events.append(("slip", step, cell))
        total += worth * float(pays[cell])
        if ends[cell]:
            break
        worth *= lake.discount
    return Walk(-total, tuple(events))


def _is_connected(rows: Sequence[str]) -> bool:
    """Whether a way leads from the first cell to the last."""
    n, seen, front = len(rows), {(0, 0)}, [(0, 0)]
    if "H" in (rows[0][0], rows[-1][-1]):
        return False
    while front:
        row, column = front.pop()
        for down, right in STEPS:
            to = (row + down, column + right)
            if to not in seen and 0 <= to[0] < n and 0 <= to[1] < n and rows[to[0]][to[1]] != "H":
                seen.add(to)
                front.append(to)
    return (n - 1, n - 1) in seen
