"""B copies of a problem in the CP encoding that step together: the published environment, batched.

Source: Tassel, Gebser and Schekotihin 2023 (ICAPS 33:614-622). Propagation is compiled and runs on the CPU; what is
observed goes to the device asked for. Any problem stated as an `Encoding` will do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from gymnasium import spaces
from numba import njit
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation, Step
from counterpoint.simulators.cp.decisions import decide, decide_ranked, is_legal, rank_towards
from counterpoint.simulators.cp.encoding import BoolArray, Encoding, IntArray
from counterpoint.simulators.cp.observing import END, Views, blank_views, observe
from counterpoint.simulators.cp.propagation import restart
from counterpoint.simulators.cp.state import NEVER, Problem, Shape, blank, place, row_of


@dataclass(frozen=True, slots=True)
class View:
    """What is seen of a problem.

    Parameters
    ----------
    window : int
        Tokens per row, the last fixed interval among them; published: 5.
    lookahead : int, optional
        Intervals of each chain that exist at first (lazy model), at least `window`; published: twice the window. None
        creates all. It changes nothing that is seen but the bound behind the reward.
    normalisation : {"start", "published"}
        Of start.lb, see `counterpoint.simulators.cp.observing`.
    """

    window: int = 5
    lookahead: int | None = None
    normalisation: Literal["start", "published"] = "start"

    def __post_init__(self) -> None:
        if self.window < 2:
            raise OptionError(f"window must be >= 2, not {self.window}")
        if self.lookahead is not None and self.lookahead < self.window:
            raise OptionError(f"lookahead must be >= window ({self.window}), not {self.lookahead}")
        if self.normalisation not in ("start", "published"):
            raise OptionError(f"normalisation must be start or published, not {self.normalisation!r}")


PUBLISHED = View(5, 10, "published")


class CpEnvironment:
    """A `BatchEnvironment` over a pool of encodings.

    Actions: row j * width + a starts option a of chain j's next interval now; the last action is No-Op. Observations,
    with R = chains * width rows and W = window:

    - ``interval_rep`` float32 [B, R, W, 4]: is_fixed, start.lb, duration (both normalised), legal;
    - ``index_interval`` int64 [B, R, W]: the interval's place in its chain, less the least of all;
    - ``attention_interval_mask`` bool [B, R, W]: True at what lies beyond the first END;
    - ``start_end_tokens`` int64 [B, R, W]: 1 START, 2 END, 0 an interval;
    - ``action_mask`` bool [B, R + 1];
    - ``job_resource_mask`` bool [B, R + 1, R + 1]: the identity, and legal rows that want the same resource now;
    - ``row_exists`` bool [B, R]: False where a smaller problem or an interval of fewer options is padded.

    The reward is minus the growth of the makespan's lower bound as propagated, over the instance's mean duration: an
    episode's sum is minus the makespan so scaled, up to the bound at its beginning.

    Parameters
    ----------
    encodings : sequence of Encoding
        Each episode is of one of them, drawn at random by ``reset`` and ``step``.
    num_envs : int
    view : View
    seed : int
    device : str or torch.device

    Notes
    -----
    ``step`` restarts a copy in the step that ends its episode; ``step_ranked`` and ``assign`` serve roll-outs, which
    keep what is done. Neither loops in Python over copies or intervals.
    """

    def __init__(
        self,
        encodings: Sequence[Encoding],
        num_envs: int,
        *,
        view: View = View(),
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        if not encodings or num_envs < 1:
            raise OptionError("an environment needs an encoding and a copy")
        self.encodings, self.num_envs, self.view = tuple(encodings), num_envs, view
        self.device, self.reward_dim = torch.device(device), 1
        self.shape = Shape.of(encodings)
        self.rows = self.shape.chains * self.shape.width
        self.problems = blank(num_envs, self.shape)
        self.rng = np.random.default_rng(seed)
        self.action_space = spaces.Discrete(self.rows + 1)
        self.observation_space = _space(self.rows, view.window)
        self.assign([0] * num_envs)

    def reset(self, seed: int | None = None) -> Observation:
        """Begin new episodes on encodings drawn at random."""
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        return self.assign(self.rng.integers(len(self.encodings), size=self.num_envs).tolist())

    def assign(self, origins: Sequence[int]) -> Observation:
        """Begin new episodes on the encodings of these numbers, one per copy."""
        for row, origin in enumerate(origins):
            place(self.problems, row, self.encodings[origin], origin)
        return self.restart()

    def restart(self) -> Observation:
        """Begin every copy's episode again, on the encoding it has."""
        _restart_all(self.problems, np.ones(self.num_envs, bool), self._lookahead)
        return self.observe()

    def observe(self) -> Observation:
        """Return what is seen now; rows of a copy that is done allow no action."""
        views = blank_views(self.num_envs, self.rows, self.view.window)
        _observe_all(self.problems, self.shape.width, self.view.normalisation == "published", views)
        return {name: torch.from_numpy(array).to(self.device) for name, array in views._asdict().items()}

    def step(self, action: Tensor) -> Step:
        """Make one decision per copy, int64 [B]; an illegal one raises ValueError."""
        before, then = self.makespan, self._facts["time"].copy()
        if not _decide_all(self.problems, self.shape.width, action.cpu().numpy(), self.rows):
            raise ValueError("an action is illegal; choose among action_mask")
        is_done, after = self._facts["time"] == NEVER, self.makespan
        elapsed = np.where(is_done, after, self._facts["time"]) - then
        reward = (before - after) / np.maximum(self._facts["mean"], 1e-8)
        for row in np.flatnonzero(is_done):  # once an episode
            origin = int(self.rng.integers(len(self.encodings)))
            place(self.problems, row, self.encodings[origin], origin)
        _restart_all(self.problems, is_done, self._lookahead)
        terminated = torch.from_numpy(is_done).to(self.device)
        return Step(
            observation=self.observe(),
            reward=torch.from_numpy(reward.astype(np.float32)).unsqueeze(1).to(self.device),
            terminated=terminated,
            truncated=torch.zeros_like(terminated),
            elapsed=torch.from_numpy(elapsed.astype(np.float32)).to(self.device),
        )

    def step_ranked(self, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Make ranked decisions [B, k] in order while they are legal and time has not moved.

        The published ``step``. A list ends at its first illegal action; copies that are done stay so.

        Returns
        -------
        taken : int64 tensor [B, k]
            The decisions made, first ones first; -1 behind them.
        count : int64 tensor [B]
        """
        ranked = np.ascontiguousarray(actions.cpu().numpy())
        taken = np.full_like(ranked, -1)
        count = np.zeros(self.num_envs, np.int64)
        _decide_all_ranked(self.problems, self.shape.width, ranked, self.rows, taken, count)
        return torch.from_numpy(taken).to(self.device), torch.from_numpy(count).to(self.device)

    def rank_towards(self, start: IntArray, option: IntArray) -> Tensor:
        """Return ranked decisions [B, R + 1] towards given semi-active schedules, for `step_ranked`; -1 fills up.

        Parameters
        ----------
        start, option : int64 array [B, N]
            Start times and options present, as `solution` gives them, padded.
        """
        ranked = np.empty((self.num_envs, self.rows + 1), np.int64)
        _rank_all_towards(self.problems, self.shape.width, start, option, self.rows, ranked)
        return torch.from_numpy(ranked).to(self.device)

    @property
    def is_done(self) -> Tensor:
        """Whether each copy has fixed everything, bool [B]."""
        return torch.from_numpy(self._facts["time"] == NEVER).to(self.device)

    @property
    def makespan(self) -> IntArray:
        """Makespan of each copy that is done (else a lower bound), int64 [B]."""
        return self._facts["bound"].copy()

    def solution(self, row: int) -> tuple[IntArray, IntArray]:
        """Return start times and options present [N] of one copy; -1 where nothing is fixed yet."""
        intervals = self.problems.intervals[row, : self._facts["intervals"][row]]
        return intervals["start"].copy(), intervals["option"].copy()

    def earliest(self, row: int) -> IntArray:
        """Return start.lb of each interval [N] of one copy (0 where it is not created yet)."""
        intervals = self.problems.intervals[row, : self._facts["intervals"][row]]
        lower = self.problems.options["lower"][row, : self._facts["options"][row]]
        least = np.minimum.reduceat(lower, intervals["first"]).clip(min=0)
        return np.where(intervals["start"] >= 0, intervals["start"], least)

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides the future."""
        bits: Any = self.rng.bit_generator.state
        return {
            "problems": {
                name: torch.from_numpy(array.view(np.int64).copy()) for name, array in self.problems._asdict().items()
            },
            # its numbers have 128 bits
            "generator": {**bits, "state": {key: str(number) for key, number in bits["state"].items()}},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state, of an environment with the same encodings."""
        for name, array in self.problems._asdict().items():
            array.view(np.int64)[...] = state["problems"][name].numpy()
        held = state["generator"]
        self.rng.bit_generator.state = {**held, "state": {key: int(text) for key, text in held["state"].items()}}

    @property
    def _facts(self) -> Any:
        return self.problems.facts[:, 0]

    @property
    def _lookahead(self) -> int:
        return NEVER if self.view.lookahead is None else self.view.lookahead


def _space(rows: int, window: int) -> spaces.Dict:
    return spaces.Dict({
        "interval_rep": spaces.Box(-np.inf, np.inf, (rows, window, 4), np.float32),
        "index_interval": spaces.Box(0, 2**32, (rows, window), np.int64),
        "attention_interval_mask": spaces.MultiBinary((rows, window)),
        "start_end_tokens": spaces.Box(0, END, (rows, window), np.int64),
        "action_mask": spaces.MultiBinary(rows + 1),
        "job_resource_mask": spaces.MultiBinary((rows + 1, rows + 1)),
        "row_exists": spaces.MultiBinary(rows),
    })  # fmt: skip


@njit(cache=True)
def _restart_all(problems: Problem, which: BoolArray, lookahead: int) -> None:
    for b in range(len(which)):
        if which[b]:
            restart(row_of(problems, b), lookahead)


@njit(cache=True)
def _observe_all(problems: Problem, width: int, is_quirky: bool, views: Views) -> None:
    for b in range(len(problems.facts)):
        view = Views(views[0][b], views[1][b], views[2][b], views[3][b], views[4][b], views[5][b], views[6][b])
        observe(row_of(problems, b), width, is_quirky, view)


@njit(cache=True)
def _decide_all(problems: Problem, width: int, actions: IntArray, rows: int) -> bool:
    for b in range(len(actions)):
        if not is_legal(row_of(problems, b), width, actions[b], rows):
            return False
    for b in range(len(actions)):
        decide(row_of(problems, b), width, actions[b], rows)
    return True


@njit(cache=True)
def _decide_all_ranked(
    problems: Problem, width: int, ranked: IntArray, rows: int, taken: IntArray, count: IntArray
) -> None:
    for b in range(len(ranked)):
        count[b] = decide_ranked(row_of(problems, b), width, ranked[b], rows, taken[b])


@njit(cache=True)
def _rank_all_towards(
    problems: Problem, width: int, start: IntArray, option: IntArray, rows: int, ranked: IntArray
) -> None:
    for b in range(len(ranked)):
        rank_towards(row_of(problems, b), width, start[b], option[b], rows, ranked[b])
