"""A hydrothermal system as a reinforcement-learning environment: B copies that choose where storages go."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch import Tensor

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.interfaces import Observation, Step
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.simulators.stage.cascade import cascade_of
from counterpoint.simulators.stage.hydrothermal import stage_models, thermal_generators
from counterpoint.simulators.stage.model import OPTIMAL, StageResults, StageSolver

STATE = ("storage", "inflow", "stage")
NUM_TIMES = 3  # numbers that tell the time


class HydrothermalEnvironment:
    """B systems; a `BatchEnvironment`.

    The observation is what `observe` makes of storages, inflows and stages; an action, in [0, 1]^H (clipped to it), is
    the share of the way from the least storage without deliberate spill to the most that can be reached (`Cascade`);
    the stage is then operated at least cost, and the reward is minus that cost over `scale`; a learner that discounts
    should do so by the instance's `discount`. An episode is the whole horizon and ends by itself: nothing is paid
    afterwards.

    Deviation from `BatchEnvironment`: the stage is a linear (under ``ac`` nonlinear) program solved on the host, so
    that a step on a GPU waits for the device twice. A step depends on state and action alone, not on where a solver
    stood: solvers start afresh every step and go through the copies in order.

    Parameters
    ----------
    instance : Hydrothermal
    num_envs : int
    is_staggered : bool
        Begin the first episodes at different stages with random storages, so that rollouts see every stage.
    scale : float, optional
        Of the reward; default: `dearest_stage`.
    device : str or torch.device
        Where tensors live.

    Attributes
    ----------
    storage, inflow : float64 tensor [B, H]
    stage : int64 tensor [B]
    """

    reward_dim = 1

    def __init__(
        self,
        instance: Hydrothermal,
        num_envs: int = 32,
        *,
        is_staggered: bool = False,
        scale: float | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        if num_envs < 1:
            raise OptionError(f"num_envs must be at least 1, not {num_envs}")
        self.instance, self.num_envs, self.is_staggered = instance, num_envs, is_staggered
        self.device = torch.device(device)
        self.generator = torch.Generator(self.device)
        self.cascade = cascade_of(instance)
        self.is_linear = instance.network_kind != "ac"
        self.models = stage_models(instance) if self.is_linear else ()
        self._solvers: dict[int, StageSolver] = {}
        h = instance.num_reservoirs
        self.cumulative = torch.tensor(np.cumsum(instance.inflows.probability, 1)[:, :-1], device=self.device)
        self.rows = torch.tensor(instance.inflows.rows, device=self.device)
        first = instance.inflows.first
        self.first = None if first is None else torch.tensor(first, device=self.device)
        self.initial, self.max_volume = (
            torch.tensor(x, device=self.device)
            for x in (instance.reservoirs.initial_volume, instance.reservoirs.max_volume)
        )
        self.storage = torch.zeros(num_envs, h, dtype=torch.float64, device=self.device)
        self.inflow = torch.zeros_like(self.storage)
        self.stage = torch.zeros(num_envs, dtype=torch.int64, device=self.device)
        self._never = torch.zeros(num_envs, dtype=torch.bool, device=self.device)
        self._one = torch.ones(num_envs, device=self.device)
        high = np.full(h, np.inf, np.float32)
        self.observation_space = spaces.Dict(
            {
                "storage": spaces.Box(0.0, 1.0, (h,), np.float32),
                "inflow": spaces.Box(-high, high),
                "time": spaces.Box(-1.0, 1.0, (NUM_TIMES,), np.float32),
            }
        )
        self.action_space = spaces.Box(0.0, 1.0, (h,), np.float32)
        self.scale = dearest_stage(instance) if scale is None else scale
        if not self.scale > 0:
            raise OptionError(f"scale must be positive, not {scale}")
        self.reset(0)

    def reset(self, seed: int | None = None) -> Observation:
        """Start every copy again."""
        if seed is not None:
            self.generator.manual_seed(seed)
        self.storage.copy_(self.initial.expand_as(self.storage))
        self.stage.zero_()
        if self.is_staggered:
            chance = {"generator": self.generator, "device": self.device}
            self.stage.copy_(torch.randint(self.instance.horizon, self.stage.shape, **chance))
            self.storage.copy_(torch.rand(self.storage.shape, dtype=torch.float64, **chance) * self.max_volume)
        self.inflow.copy_(self._drawn(self.stage))
        return self.observe()

    def step(self, action: Tensor) -> Step:
        """Operate the stage, then reveal the next inflow."""
        if action.shape != self.storage.shape:
            raise OptionError(f"an action is {list(self.storage.shape)} shares, not {list(action.shape)}")
        share = action.detach().double().clamp(0.0, 1.0)
        storage, inflow, stage = (x.cpu().numpy() for x in (self.storage, self.inflow, self.stage))
        after, cost = self._operate(storage, inflow, share.cpu().numpy(), stage)
        self.storage.copy_(torch.tensor(after))
        self.stage += 1
        terminated = self.stage >= self.instance.horizon
        begins = self.stage.masked_fill(terminated, 0)
        self.inflow.copy_(self._drawn(begins))
        final = self.observe()
        self.storage.copy_(torch.where(terminated.unsqueeze(1), self.initial, self.storage))
        self.stage.copy_(begins)
        return Step(
            observation=self.observe(),
            reward=torch.tensor(-cost / self.scale, dtype=torch.float32, device=self.device).unsqueeze(1),
            terminated=terminated,
            truncated=self._never,
            elapsed=self._one,
            final_observation=final,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return storages, inflows, stages and the state of random numbers."""
        return {**{key: getattr(self, key).clone() for key in STATE}, "generator": self.generator.get_state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        for key in STATE:
            getattr(self, key).copy_(state[key])
        self.generator.set_state(state["generator"])

    def observe(self) -> Observation:
        """Return what is seen now."""
        return observe(self.instance, self.storage, self.inflow, self.stage)

    def _drawn(self, stage: Tensor) -> Tensor:
        """Return inflows [B, H] of stages [B]."""
        at = stage % len(self.rows)
        uniform = torch.rand(self.num_envs, 1, dtype=torch.float64, generator=self.generator, device=self.device)
        drawn = self.rows[at, (uniform >= self.cumulative[at]).sum(1)]
        return drawn if self.first is None else torch.where((stage == 0).unsqueeze(1), self.first, drawn)

    def _operate(
        self, storage: FloatArray, inflow: FloatArray, share: FloatArray, stage: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return storages after the stage [B, H] and what it cost [B]."""
        target = self.cascade.shares(storage, inflow, share)
        cost = np.empty(len(storage))
        demand_row = stage % len(self.instance.network.demand)
        for row in np.unique(demand_row).tolist():
            at = np.flatnonzero(demand_row == row)
            solver = self._solver(row)
            found = solver.solve_many(storage[at], inflow[at], target[at])
            cost[at] = found.stage_cost
            stuck = at[found.status != OPTIMAL]
            if len(stuck):  # the network does not take the power of what must come from upstream
                target[stuck] = self.cascade.targets(
                    storage[stuck], inflow[stuck], _wanted(target[stuck]), counts_turbines=False
                )
                cost[stuck] = self._solved(solver.solve_many(storage[stuck], inflow[stuck], target[stuck]))
        return target, cost

    def _solved(self, results: StageResults) -> FloatArray:
        if (results.status != OPTIMAL).any():
            raise InstanceError("a stage has no operation: thermal minima, demand and limits of deficits disagree")
        return results.stage_cost

    def _solver(self, row: int) -> StageSolver:
        if self.is_linear:
            from counterpoint.simulators.stage.dual_simplex import linear_stage

            return linear_stage(self.models[row])
        if row not in self._solvers:
            from counterpoint.simulators.stage.ac import AcStage

            self._solvers[row] = AcStage(self.instance, row)
        return self._solvers[row]


def observe(instance: Hydrothermal, storage: Tensor, inflow: Tensor, stage: Tensor) -> Observation:
    """Return what a network sees of B systems.

    ``storage`` [B, H] is a share of the maximum (0 where that is 0), ``inflow`` [B, H] is in standard deviations from
    its mean over all rows, ``time`` [B, 3] is sine and cosine of the place in the inflows' cycle and the share of the
    horizon that has passed; all float32.

    Parameters
    ----------
    instance : Hydrothermal
    storage, inflow : float64 tensor [B, H]
    stage : int64 tensor [B]
    """
    like = {"dtype": torch.float64, "device": storage.device}
    most = torch.tensor(instance.reservoirs.max_volume, **like)
    rows = torch.tensor(instance.inflows.rows, **like).flatten(0, 1)
    deviation = rows.std(0, correction=0)
    angle = 2 * torch.pi * (stage % len(instance.inflows.rows)).double() / len(instance.inflows.rows)
    passed = (stage.double() / instance.horizon).clamp(max=1.0)
    return {
        "storage": torch.where(most > 0, storage / most.clamp(min=1e-300), 0.0).clamp(0.0, 1.0).float(),
        "inflow": ((inflow - rows.mean(0)) / torch.where(deviation > 0, deviation, 1.0)).float(),
        "time": torch.stack([angle.sin(), angle.cos(), passed], 1).float(),
    }


def dearest_stage(instance: Hydrothermal) -> float:
    """Return what the largest demand costs if the dearest thermal plant, or else deficits, served it; 1 if nothing."""
    thermal = thermal_generators(instance)
    able = thermal[instance.generators.max_power[thermal] > 0]
    costs = instance.generators.cost[able] if len(able) else instance.network.deficit_cost
    return float(instance.network.demand.sum(1).max() * costs.max()) or 1.0


def _wanted(target: FloatArray) -> Any:
    return lambda reservoir, _lower, _upper: target[:, reservoir]
