"""From a network's outputs to storages that a stage can reach: the map that makes hard targets feasible, differentiated.

Source: the authors' DecisionRules.jl (MIT; docs/algorithm.md), after Rosemberg, Street, Valladao and Van Hentenryck
2024 (arXiv 2405.14973). A share y in [0, 0.999] of what could be held at the end of the stage:

    available = v + K w + what the reservoirs upstream let go towards here
    target    = y * min(max_volume, available)
    release   = available - target, turbined first: K q = min(K q_max, release), the rest is spilled

Spill is not limited, so 0 can always be reached, and whatever arrives from upstream can be let go.

Deviation: the published map scales by the most that could ever arrive from upstream and clamps afterwards; here the
interval itself is worked out down the cascade, with the same reach, and no clamp stops a gradient. Where turbined and
spilled water go different ways, water is counted as turbined first, which is feasible for all reservoirs at once.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from counterpoint.opt.problems.hydrothermal import Hydrothermal

Map = Literal["reachable", "turbined", "box"]
STRETCH = 0.01  # of the sigmoid, beyond 0 and 1 before it is cut off: good targets often are the bounds themselves
MARGIN = 1e-3  # of the interval that is left at its upper end: a target beyond it by a rounding error has no solution


class Reach:
    """The map for one system; float64 whatever the network computes in.

    Parameters
    ----------
    instance : Hydrothermal
    kind : {"reachable", "box"}
        ``box`` scales by `max_volume` alone: its targets may be out of reach, for soft targets.
    is_differentiated : bool
        False detaches the intervals, which is wrong: it is there to show that a test of gradients notices.
    """

    def __init__(self, instance: Hydrothermal, kind: Map = "reachable", *, is_differentiated: bool = True) -> None:
        reservoirs = instance.reservoirs
        self.kind, self.is_differentiated = kind, is_differentiated
        self.volume_per_flow = instance.volume_per_flow
        self.max_volume = torch.tensor(reservoirs.max_volume)
        self.max_turbined = torch.tensor(instance.volume_per_flow * max_flow(instance))
        self.turbined_to = torch.tensor(reservoirs.turbined_to, dtype=torch.float64)
        self.spilled_to = torch.tensor(reservoirs.spilled_to, dtype=torch.float64)
        self.passes = depth(reservoirs.turbined_to | reservoirs.spilled_to)

    def __call__(self, output: Tensor, storage: Tensor, inflow: Tensor) -> Tensor:
        """Return targets, float64 [B, H].

        Parameters
        ----------
        output : tensor [B, H]
            Of the network, any numbers.
        storage, inflow : float64 tensor [B, H]

        Notes
        -----
        O(B H) for each reservoir that the longest cascade has.
        """
        share = stretched(output.double())
        if self.kind == "box":
            return share * self.max_volume
        if not self.is_differentiated:
            storage = storage.detach()
        natural = available = storage + self.volume_per_flow * inflow
        for left in reversed(range(self.passes)):
            upper = torch.minimum(available.clamp(min=0), self.max_volume)
            lower = torch.zeros_like(upper)
            if self.kind == "turbined":
                lower = torch.minimum((available - self.max_turbined).clamp(min=0), upper)
            if not self.is_differentiated:
                lower, upper = lower.detach(), upper.detach()
            target = lower + share * (upper - lower)
            if left:  # water has further to go
                release = (available - target).clamp(min=0)
                turbined = torch.minimum(release, self.max_turbined)
                available = natural + turbined @ self.turbined_to + (release - turbined) @ self.spilled_to
        return target


def stretched(output: Tensor) -> Tensor:
    """Return shares in [0, 1 - MARGIN]: the sigmoid, stretched so that it gets to both ends."""
    return ((1 + 2 * STRETCH) * torch.sigmoid(output) - STRETCH).clamp(0.0, 1.0) * (1 - MARGIN)


def max_flow(instance: Hydrothermal) -> np.ndarray:
    """What each plant can turbine, also as its generator's power is limited; float64 [H]."""
    reservoirs, power = instance.reservoirs, instance.power_per_flow
    limit = instance.generators.max_power[reservoirs.generator]
    by_power = np.divide(limit, power, out=np.full(len(power), np.inf), where=power > 0)
    return np.minimum(reservoirs.max_turbined, by_power)


def depth(flows_to: np.ndarray) -> int:
    """How many reservoirs the longest cascade has; `flows_to` bool [H, H] without circles."""
    found, reached = 1, flows_to
    while reached.any():
        found, reached = found + 1, (reached.astype(np.int64) @ flows_to) > 0
    return found
