"""B interrupted job shops as a `BatchEnvironment`: fresh random shops and traces for every episode."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import gymnasium as gym
import numpy as np
import torch
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation, Step
from counterpoint.simulators.batched.interrupted_job_shop import Batch, State, Traces, act, empty, to_decision
from counterpoint.simulators.batched.interrupted_job_shop_graph import (
    EDGE_FEATURES,
    JOB_FEATURES,
    MACHINE_FEATURES,
    Statics,
    View,
    observe,
)
from counterpoint.simulators.batched.job_shop import Shops

Reward = Literal["terminal", "elapsed"]


@dataclass(frozen=True, slots=True)
class Draw:
    """What random episodes are drawn from: durations U{duration_min..duration_max}, each job's machines shuffled.

    Parameters
    ----------
    jobs_min, jobs_max, machines_min, machines_max : int
        Sizes, drawn uniformly for each episode.
    duration_min, duration_max : int
    probabilities : tuple of float
        Shutdown probabilities, one drawn for each episode.
    repair_mean : int
        Mean of the geometric repair times.
    fail_when : {"always", "busy"}
    on_interrupt : {"resume", "restart"}
    periods : int
        Failures of a machine after which it fails no more.
    """

    jobs_min: int = 6
    jobs_max: int = 10
    machines_min: int = 6
    machines_max: int = 10
    duration_min: int = 1
    duration_max: int = 99
    probabilities: tuple[float, ...] = (0.0, 0.01, 0.05, 0.1)
    repair_mean: int = 10
    fail_when: Literal["always", "busy"] = "always"
    on_interrupt: Literal["resume", "restart"] = "resume"
    periods: int = 256

    def __post_init__(self) -> None:
        for low, high in ((self.jobs_min, self.jobs_max), (self.machines_min, self.machines_max)):
            if not 1 <= low <= high:
                raise OptionError(f"sizes must satisfy 1 <= min <= max, not {low} and {high}")
        if not 0 <= self.duration_min <= self.duration_max:
            raise OptionError(f"durations must satisfy 0 <= min <= max, not {self.duration_min}, {self.duration_max}")
        if not self.probabilities or not all(0 <= q <= 1 for q in self.probabilities):
            raise OptionError(f"probabilities must lie in [0, 1], at least one, not {self.probabilities}")
        if self.repair_mean < 1 or self.periods < 1:
            raise OptionError("repair_mean and periods must be at least 1")


def draw_batch(draw: Draw, rows: int, generator: torch.Generator) -> tuple[Batch, Statics]:
    """Draw `rows` episodes on the generator's device."""
    device = generator.device
    n, m = draw.jobs_max, draw.machines_max

    def integers(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high + 1, (rows, *shape), generator=generator, device=device)

    jobs, machines = integers(draw.jobs_min, n), integers(draw.machines_min, m)
    keys = torch.rand(rows, n, m, generator=generator, device=device)
    keys = keys.masked_fill(torch.arange(m, device=device) >= machines.view(-1, 1, 1), 2.0)
    length = torch.where(torch.arange(n, device=device) < jobs.unsqueeze(1), machines.unsqueeze(1), 0)
    duration = integers(draw.duration_min, draw.duration_max, n, m)
    is_real = torch.arange(m, device=device) < length.unsqueeze(2)
    shops = Shops(keys.argsort(2).masked_fill(~is_real, 0), duration.masked_fill(~is_real, 0), length, m)
    chosen = torch.randint(len(draw.probabilities), (rows,), generator=generator, device=device)
    q = torch.tensor(draw.probabilities, dtype=torch.float64, device=device)[chosen]

    def geometric(p: Tensor) -> Tensor:
        u = torch.rand(rows, m, draw.periods, generator=generator, device=device, dtype=torch.float64)
        return (torch.log1p(-u) / torch.log1p(-p)).ceil().clamp(1, 2**40).nan_to_num(2**40).long()

    up = geometric(q.view(-1, 1, 1)).clamp(max=2**30)
    mean = torch.full((), float(draw.repair_mean), dtype=torch.float64, device=device)
    traces = Traces.from_periods(up, geometric(1 / mean))
    batch = Batch(shops, traces, draw.fail_when == "always", draw.on_interrupt == "resume")
    return batch, Statics.of(shops, q, mean)


class InterruptedShops:
    """B interrupted blocking job shops that are decided while they run.

    An action is a job of ``action_mask``, or n to wait. ``elapsed`` is the time to the next decision in units of the
    shop's scale: its longest job or largest load, divided by the availability; so is the makespan in the reward.

    Parameters
    ----------
    num_envs : int
    draw : Draw
    reward : {"elapsed", "terminal"}
        Minus the time of each step, or minus the makespan at the end: the same sum over an episode.
    waiting : bool
        Whether waiting is an action; if not, nothing is asked where one job alone may enter.
    rounds : int, optional
        A step goes through at most so many instants and forced moves; a shop that has not reached its next decision
        by then has one legal action, to wait. So no shop waits for the slowest, and a step on an accelerator never
        waits for the device. None: every step ends at a decision, and the batch waits for its slowest shop.
    seed : int
    device : torch.device or str
    """

    reward_dim = 1

    def __init__(
        self,
        num_envs: int,
        draw: Draw | None = None,
        *,
        reward: Reward = "elapsed",
        waiting: bool = True,
        rounds: int | None = 8,
        seed: int = 0,
        device: torch.device | str = "cpu",
    ) -> None:
        self.num_envs, self.draw, self.reward, self.waiting = num_envs, draw or Draw(), reward, waiting
        self.rounds = rounds
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device).manual_seed(seed)
        n, m = self.draw.jobs_max, self.draw.machines_max

        def box(*shape: int) -> gym.spaces.Box:
            return gym.spaces.Box(-np.inf, np.inf, shape, np.float32)

        self.observation_space = gym.spaces.Dict(
            {
                "jobs": box(n, JOB_FEATURES),
                "machines": box(m, MACHINE_FEATURES),
                "edges": box(n, m, EDGE_FEATURES),
                "job_mask": gym.spaces.MultiBinary(n),
                "machine": gym.spaces.Discrete(m),
                "action_mask": gym.spaces.MultiBinary(n + 1),
            }
        )
        self.action_space = gym.spaces.Discrete(n + 1)

    def reset(self, seed: int | None = None) -> Observation:
        """Draw every episode afresh."""
        if seed is not None:
            self.generator.manual_seed(seed)
        self.batch, self.statics = draw_batch(self.draw, self.num_envs, self.generator)
        self.state = empty(self.batch)
        return self._observe()

    def step(self, action: Tensor) -> Step:
        """Decide in every shop and go on to the next decision; finished shops start anew."""
        before = self.state.time.clone()  # the compiled moves write in place
        act(self.batch, self.state, self.now, action)
        to_decision(self.batch, self.state, waiting=self.waiting, rounds=self.rounds)
        scale = self.scale()
        elapsed = (self.state.time - before) / scale
        done = self.state.is_done | self.state.is_stuck
        reward = -elapsed if self.reward == "elapsed" else torch.where(done, -self.state.time / scale, 0.0)
        self.makespan = self.state.time.clone()  # of the shops that are done
        self._restart(done)
        observation = self._observe()
        return Step(observation, reward.unsqueeze(1), done, torch.zeros_like(done), elapsed)

    def scale(self) -> Tensor:
        """Return the unit of time of each shop, float [B]."""
        shops = self.batch.shops
        load = torch.zeros(len(shops.machine), shops.num_machines, device=self.device)
        load = load.scatter_add_(1, shops.machine.flatten(1), shops.duration.flatten(1).float())
        longest = shops.duration.sum(2).amax(1).float()
        return torch.maximum(load.amax(1), longest).clamp(min=1) * (1 + self.statics.risk[:, 1])

    def state_dict(self) -> dict[str, Any]:
        """Return the generator's state and every tensor."""
        return {
            "generator": self.generator.get_state(),
            "shops": {k: getattr(self.batch.shops, k) for k in ("machine", "duration", "length")},
            "traces": _tensors(self.batch.traces),
            "state": _tensors(self.state),
            "statics": {k: getattr(self.statics, k) for k in ("tail", "mean", "risk")},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.generator.set_state(state["generator"].cpu())
        here = {k: {f: t.to(self.device).clone() for f, t in v.items()} for k, v in state.items() if k != "generator"}
        shops = Shops(**here["shops"], num_machines=self.draw.machines_max)
        always, resumed = self.draw.fail_when == "always", self.draw.on_interrupt == "resume"
        self.batch = Batch(shops, Traces(**here["traces"]), always, resumed)
        self.state, self.statics = State(**here["state"]), Statics(shops, **here["statics"])
        self.now = to_decision(self.batch, self.state, waiting=self.waiting, rounds=0 if self.rounds else None)

    def _observe(self) -> Observation:
        self.now = to_decision(self.batch, self.state, waiting=self.waiting, rounds=0 if self.rounds else None)
        return observe(self.statics, View.of(self.batch, self.state, self.now))

    def _restart(self, done: Tensor) -> None:
        """Replace finished shops; on the CPU only those are drawn, elsewhere all, so that nobody has to look."""
        if self.device.type == "cpu":
            rows = done.nonzero().squeeze(1)
            if len(rows) == 0:
                return
            batch, statics = draw_batch(self.draw, len(rows), self.generator)
        else:
            rows = done
            batch, statics = draw_batch(self.draw, self.num_envs, self.generator)
        shops = Shops(
            *(_put(rows, getattr(self.batch.shops, k), getattr(batch.shops, k)) for k in SHOP_FIELDS),
            num_machines=self.draw.machines_max,
        )
        traces = Traces(**_merged(rows, self.batch.traces, batch.traces))
        self.state = State(**_merged(rows, self.state, empty(batch)))
        self.batch = Batch(shops, traces, batch.is_always, batch.is_resumed)
        statics_ = (_put(rows, getattr(self.statics, k), getattr(statics, k)) for k in ("tail", "mean", "risk"))
        self.statics = Statics(shops, *statics_)


SHOP_FIELDS = ("machine", "duration", "length")


def _tensors(data: Any) -> dict[str, Tensor]:
    return {f.name: getattr(data, f.name).clone() for f in fields(data)}


def _merged(rows: Tensor, old: Any, new: Any) -> dict[str, Tensor]:
    return {f.name: _put(rows, getattr(old, f.name), getattr(new, f.name)) for f in fields(old)}


def _put(rows: Tensor, old: Tensor, new: Tensor) -> Tensor:
    """Return `old` with some rows replaced: `rows` are indices [r] of `new`'s rows, or a mask [B] over both."""
    if rows.dtype == torch.bool:
        return torch.where(rows.view(-1, *[1] * (old.dim() - 1)), new, old)
    return old.index_copy_(0, rows, new)
