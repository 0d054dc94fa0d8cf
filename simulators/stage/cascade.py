"""Which storages can be reached by the end of a stage, along the cascade, for many systems at once.

Source: Rosemberg et al. 2022 (the reachable policies of target trajectory optimisation), as used in strict TS-DDR. A
reservoir can hold back all that comes, up to its maximum, and let go as much as its plant turbines without spilling on
purpose; spill is unlimited, so that everything in between, and everything below, can be reached too. What comes from
upstream is what the target there implies.

Deviation: the lower end is what turbining all leaves, not 0. Water that is thrown away is of use to nobody, and where a
stage's flow is small beside the store nearly the whole of [0, upper] would be spilling.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.simulators.stage.hydrothermal import max_turbined

Choose = Callable[[int, FloatArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Cascade:
    """What decides how far storages can move in a stage.

    Parameters
    ----------
    order : tuple of int
        Reservoirs, those upstream first.
    max_volume, turbined_volume : float64 array [H]
        The latter is what a plant can turbine in a stage, as a volume.
    volume_per_flow : float
    turbined_from, spilled_from, all_from : tuple of tuple of int
        By reservoir, from where water comes by turbines alone, by spillways alone, and by both.
    """

    order: tuple[int, ...]
    max_volume: FloatArray
    turbined_volume: FloatArray
    volume_per_flow: float
    turbined_from: tuple[tuple[int, ...], ...]
    spilled_from: tuple[tuple[int, ...], ...]
    all_from: tuple[tuple[int, ...], ...]

    def targets(
        self, storage: FloatArray, inflow: FloatArray, choose: Choose, *, counts_turbines: bool = True
    ) -> FloatArray:
        """Return reachable storages at the end of a stage, float64 [N, H].

        Parameters
        ----------
        storage, inflow : float64 array [N, H]
            Inflow in units of flow.
        choose : callable
            ``choose(reservoir, lower, upper)`` returns the targets of a reservoir, float64 [N], given the ends of its
            interval; what lies outside of [0, upper] is moved there. Called for reservoirs upstream first.
        counts_turbines : bool
            Count on turbines upstream, which let go first what they can. The network may not take that much power;
            counting on spillways alone, every target can be reached if the system can do without its plants.
        """
        available = storage + self.volume_per_flow * inflow
        target, released, turbined = (np.zeros_like(available) for _ in range(3))
        for r in self.order:
            mine = available[:, r].copy()
            for u in self.all_from[r]:
                mine += released[:, u]
            for u in self.turbined_from[r]:
                mine += turbined[:, u]
            for u in self.spilled_from[r]:
                mine += released[:, u] - turbined[:, u]
            upper = np.minimum(np.maximum(mine, 0.0), self.max_volume[r])
            lower = np.clip(mine - self.turbined_volume[r], 0.0, upper)
            target[:, r] = np.clip(choose(r, lower, upper), 0.0, upper)
            released[:, r] = np.maximum(mine - target[:, r], 0.0)
            if counts_turbines:
                turbined[:, r] = np.minimum(released[:, r], self.turbined_volume[r])
        return target

    def shares(
        self, storage: FloatArray, inflow: FloatArray, share: FloatArray, *, counts_turbines: bool = True
    ) -> FloatArray:
        """Return the targets at a share, float64 [N, H] in [0, 1], of the way from the lower to the upper end."""
        return self.targets(
            storage,
            inflow,
            lambda r, lower, upper: lower + share[:, r] * (upper - lower),
            counts_turbines=counts_turbines,
        )


def cascade_of(instance: Hydrothermal) -> Cascade:
    """Return the cascade of a system."""
    res = instance.reservoirs
    down = res.turbined_to | res.spilled_to
    above = np.linalg.matrix_power(np.eye(len(res.names)) + down, len(res.names)) > 0
    order = tuple(int(r) for r in np.argsort(above.sum(0), kind="stable"))  # by how many are upstream
    turbined_volume = instance.volume_per_flow * max_turbined(instance)
    ways = res.turbined_to & ~res.spilled_to, res.spilled_to & ~res.turbined_to, res.turbined_to & res.spilled_to
    return Cascade(
        order,
        res.max_volume,
        turbined_volume,
        instance.volume_per_flow,
        *(tuple(tuple(np.flatnonzero(column).tolist()) for column in way.T) for way in ways),
    )


def energy_per_volume(instance: Hydrothermal) -> FloatArray:
    """Return the power that a unit of stored water gives over a stage on its whole way down, float64 [H]."""
    res = instance.reservoirs
    energy = instance.power_per_flow / instance.volume_per_flow
    for r in reversed(cascade_of(instance).order):
        energy[r] += energy[res.turbined_to[r]].sum()
    return energy
