"""From a network's outputs to storages that a stage can reach, differentiated: what makes hard targets feasible.

Source: Rosemberg, Street, Valladao and Van Hentenryck 2024 (arXiv 2405.14973) and DecisionRules.jl (docs/algorithm.md).
A target is a share y in [0, 0.999] of the way from the least to the most that the stage can leave:

    available = v + K w + what the reservoirs upstream let go towards here
    target    = lower + y (upper - lower),  upper = min(max_volume, available)
    release   = available - target, turbined first: min(K q_max, release), the rest is spilled

Spill is not limited, so everything below `upper` can be reached, and whatever comes from upstream can be let go.

Deviation: the published map scales by the most that could ever come from upstream and clamps afterwards; here the
interval itself follows the targets upstream, with the same reach, and no clamp stops a gradient.
Deviation: the published `lower` is 0 (``reachable``); with ``turbined`` it is what turbining all leaves. Where a
stage's flow is small beside the store, nearly all of [0, upper] would be water thrown away.
Deviation: where turbined and spilled water go different ways, water is counted as turbined first, which all reservoirs
can do at once. `min_turbined` has a price here and limits nothing.
"""

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.simulators.stage.hydrothermal import max_turbined

Map = Literal["turbined", "reachable", "box"]
STRETCH = 0.01  # of the sigmoid, beyond 0 and 1 before it is cut off: good targets often are the bounds themselves
MARGIN = 1e-3  # of the interval that is left at its upper end: a target beyond it by a rounding error has no solution


class Reach:
    """The map for one system; float64 whatever the network computes in.

    Parameters
    ----------
    instance : Hydrothermal
    kind : {"turbined", "reachable", "box"}
        ``box`` scales by `max_volume` alone: its targets may be out of reach, for soft targets.
    counts_turbines : bool
        Count on what only turbines bring from upstream. The network may not take that much power; without it every
        target can be reached whatever the network is, if the system can do without its plants.
    is_differentiated : bool
        False detaches the intervals, which is wrong: it is there to show that a test of gradients notices.
    """

    def __init__(
        self,
        instance: Hydrothermal,
        kind: Map = "turbined",
        *,
        counts_turbines: bool = True,
        is_differentiated: bool = True,
    ) -> None:
        reservoirs = instance.reservoirs
        self.kind, self.is_differentiated = kind, is_differentiated
        self.volume_per_flow = instance.volume_per_flow
        self.max_volume = torch.tensor(reservoirs.max_volume)
        self.max_turbined = torch.tensor(instance.volume_per_flow * max_turbined(instance))
        self.spilled_to = torch.tensor(reservoirs.spilled_to, dtype=torch.float64)
        self.turbined_to = (
            torch.tensor(reservoirs.turbined_to, dtype=torch.float64) if counts_turbines else self.spilled_to
        )
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
            lower, upper = self._ends(available)
            target = lower + share * (upper - lower)
            if left:  # water has further to go
                release = (available - target).clamp(min=0)
                turbined = torch.minimum(release, self.max_turbined)
                available = natural + turbined @ self.turbined_to + (release - turbined) @ self.spilled_to
        return target

    def _ends(self, available: Tensor) -> tuple[Tensor, Tensor]:
        if not self.is_differentiated:
            available = available.detach()
        upper = torch.minimum(available.clamp(min=0), self.max_volume)
        if self.kind == "reachable":
            return torch.zeros_like(upper), upper
        return torch.minimum((available - self.max_turbined).clamp(min=0), upper), upper


def stretched(output: Tensor) -> Tensor:
    """Return shares in [0, 1 - MARGIN]: the sigmoid, stretched so that it gets to both ends."""
    return ((1 + 2 * STRETCH) * torch.sigmoid(output) - STRETCH).clamp(0.0, 1.0) * (1 - MARGIN)


def depth(flows_to: np.ndarray) -> int:
    """How many reservoirs the longest cascade has; `flows_to` bool [H, H] without circles."""
    found, reached = 1, flows_to
    while reached.any():
        found, reached = found + 1, (reached.astype(np.int64) @ flows_to) > 0
    return found
