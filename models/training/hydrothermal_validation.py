"""What a target rule costs on fixed scenarios, in closed loop: every stage begins with the storages that came out."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.algorithms.ts_ddr import Solve, play_realised
from counterpoint.models.networks.target_reach import Reach
from counterpoint.models.networks.target_rule import TargetRule
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios

SEED = 20240523  # of the scenarios; neither that of `counterpoint evaluate` nor that of the published protocol


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Scenarios, over the stages that are reported.

    Parameters
    ----------
    initial : float64 tensor [H]
    inflow : float64 tensor [T, B, H]
    discount : float64 tensor [T]
    """

    initial: Tensor
    inflow: Tensor
    discount: Tensor

    @classmethod
    def draw(cls, instance: Hydrothermal, count: int, seed: int = SEED) -> "Validation":
        """Draw `count` scenarios, always the same for the same system and seed."""
        stages = instance.reported_stages
        drawn = np.stack([scenario.inflow[:stages] for scenario in draw_scenarios(instance, count, seed)], 1)
        discount = instance.discount ** torch.arange(stages, dtype=torch.float64)
        return cls(torch.tensor(instance.reservoirs.initial_volume), torch.tensor(drawn), discount)

    @torch.no_grad()
    def __call__(self, rule: TargetRule, reach: Reach, solve: Solve, penalty: float = 0.0) -> dict[str, float]:
        """Return the mean cost without penalties, what share of all that was paid were penalties, and failures.

        The cost is NaN if a stage was not solved.
        """
        played = play_realised(rule, reach, solve, self.initial, self.inflow)
        beside = (played.target - played.realised).abs().sum(-1)
        paid = played.cost.T @ self.discount
        fines = penalty * (beside.T @ self.discount)
        return {
            "cost": float((paid - fines).mean()),
            "violation_share": float(fines.sum() / paid.sum()),
            "farthest_from_target": float((played.target - played.realised).abs().max()),
            "unsolved": float(played.unsolved),
        }
