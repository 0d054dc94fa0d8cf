"""Two-stage deep decision rules: what targets cost, and how the cost changes with them, by the stages' prices.

Source: Rosemberg, Street, Valladao and Van Hentenryck 2024 (arXiv 2405.14973) and DecisionRules.jl. A rule sets target
storages; each stage is then operated as cheaply as possible towards its target. The envelope theorem gives the cost's
derivative by a stage's target (``dual_target``) and by the storage it begins with (``dual_state``); both are multiplied
into the rule and the recursion of storages by automatic differentiation of

    sum over t of  discount^t (<dual_target_t, target_t> + <dual_state_t, storage_t>)

Strict form: targets are met, so storages are targets, no stage waits for another, and all stages of all scenarios are
one batch. Penalty form: targets are wished for, at a price; storages are what comes out, stage after stage.

Deviation: in the penalty form a storage that met its target moves with the target, and one that did not with the
storage before; the published code differentiates the stage's solution instead.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.networks.target_reach import Reach
from counterpoint.models.networks.target_rule import TargetRule
from counterpoint.simulators.stage.model import OPTIMAL, FloatArray, IntArray, StageResults

MET = 1e-6  # of (1 + target): what counts as a target that was met

Solve = Callable[[IntArray, FloatArray, FloatArray, FloatArray], StageResults]
"""``solve(stage [N], state [N, H], noise [N, H], target [N, H])``; stages from 0."""


@dataclass(frozen=True, slots=True, eq=False)
class Episodes:
    """B scenarios as a rule and the stages behind it played them; T stages, H reservoirs.

    Parameters
    ----------
    target, storage : float64 tensor [T, B, H]
        What was aimed at, and what a stage began with; both know how they depend on the rule's weights.
    realised : float64 tensor [T, B, H]
        Storages that came out.
    cost : float64 tensor [T, B]
        Undiscounted, penalties included; NaN where a stage was not solved.
    price : float64 tensor [T, B, H], twice
        The cost's derivatives by `target` and by `storage`; 0 where a stage was not solved.
    unsolved : int
        Stages.
    """

    target: Tensor
    storage: Tensor
    realised: Tensor
    cost: Tensor
    price: tuple[Tensor, Tensor]
    unsolved: int

    def loss(self, discount: Tensor) -> Tensor:
        """Return what has the mean discounted cost's gradient (its value means nothing); `discount` [T]."""
        by_target, by_storage = self.price
        change = (by_target * self.target + by_storage * self.storage).sum((1, 2))
        return (discount * change).sum() / self.cost.shape[1]

    def scenario_cost(self, discount: Tensor, stages: int | None = None) -> Tensor:
        """Return each scenario's discounted cost over the first stages, float64 [B]."""
        return discount[:stages] @ self.cost[:stages]


def targets(rule: TargetRule, reach: Reach, initial: Tensor, inflow: Tensor) -> Tensor:
    """Return the targets of a rule whose targets are always met, float64 [T, B, H].

    Parameters
    ----------
    rule : TargetRule
    reach : Reach
    initial : float64 tensor [H]
    inflow : float64 tensor [T, B, H]
    """
    told, _ = rule.read(inflow)
    storage, found = initial.expand(inflow.shape[1:]), []
    for now, coming in zip(told, inflow, strict=True):
        storage = reach(rule.decide(now, storage), storage, coming)
        found.append(storage)
    return torch.stack(found)


def play_strict(rule: TargetRule, reach: Reach, solve: Solve, initial: Tensor, inflow: Tensor) -> Episodes:
    """Play the scenarios with targets as constraints: one batch of T x B stages, the scenarios of a stage in a row."""
    target = targets(rule, reach, initial, inflow)
    storage = torch.cat([initial.expand(1, *target.shape[1:]), target[:-1]])
    stages, scenarios, reservoirs = target.shape
    flat = (tensor.detach().reshape(-1, reservoirs).numpy() for tensor in (storage, inflow, target))
    return _episodes(target, storage, solve(np.arange(stages).repeat(scenarios), *flat))


def play_realised(rule: TargetRule, reach: Reach, solve: Solve, initial: Tensor, inflow: Tensor) -> Episodes:
    """Play the scenarios stage after stage from the storages that come out, as in operation."""
    told, _ = rule.read(inflow)
    storage, played = initial.expand(inflow.shape[1:]), []
    for stage, (now, coming) in enumerate(zip(told, inflow, strict=True)):
        target = reach(rule.decide(now, storage), storage, coming)
        flat = (tensor.detach().numpy() for tensor in (storage, coming, target))
        part = _episodes(target[None], storage[None], solve(np.full(len(coming), stage), *flat))
        played.append(part)
        out = torch.where(part.realised[0].isnan(), target.detach(), part.realised[0])
        is_met = (out - target.detach()).abs() <= MET * (1 + target.detach().abs())
        follows = torch.where(is_met, target, storage)
        storage = follows + (out - follows.detach())
    return joined(played)


def joined(parts: list[Episodes]) -> Episodes:
    """Return consecutive stages as one."""
    target, storage, realised, cost = (
        torch.cat([getattr(part, key) for part in parts]) for key in ("target", "storage", "realised", "cost")
    )
    price = torch.cat([part.price[0] for part in parts]), torch.cat([part.price[1] for part in parts])
    return Episodes(target, storage, realised, cost, price, sum(part.unsolved for part in parts))


def _episodes(target: Tensor, storage: Tensor, found: StageResults) -> Episodes:
    is_solved = torch.from_numpy(found.status == OPTIMAL)
    by_target, by_storage = (
        torch.where(is_solved[:, None], torch.from_numpy(prices), 0.0).view(target.shape)
        for prices in (found.dual_target, found.dual_state)
    )
    return Episodes(
        target,
        storage,
        torch.from_numpy(found.state_out).view(target.shape),
        torch.from_numpy(found.stage_cost).view(target.shape[:2]),
        (by_target, by_storage),
        int((~is_solved).sum()),
    )
