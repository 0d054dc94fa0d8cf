"""Part of the setups free, the others fixed: the small mixed-integer programs of relax-and-fix and fix-and-optimise.

They use the facility-location model, whose relaxation is close. While no feasible plan is known, capacity may be
exceeded at a price, so that every choice of setups has a solution; what is left of the overtime says how far off it is.
"""

from dataclasses import replace

import numpy as np

from counterpoint.opt.problems.lot_sizing import ProductionPlan
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip.highs import MipResult, solve_model
from counterpoint.solvers.mip.lot_sizing_facility_location import FacilityLocationModel
from counterpoint.solvers.mip.lot_sizing_net import BoolArray, FloatArray, NetData

TINY = 1e-6  # of the capacity: less overtime is none
FIXED_LIMIT = 1e-6


class Windows:
    """One model, solved again and again with other setups free.

    Parameters
    ----------
    net : NetData
    overtime_price : float, optional
        See `FacilityLocationModel`.

    Attributes
    ----------
    shape : FacilityLocationModel
    """

    def __init__(self, net: NetData, overtime_price: float | None = None) -> None:
        self.net = net
        self.shape = FacilityLocationModel(net, overtime_price)

    def relaxation(self, time_limit_s: float) -> MipResult:
        """Solve the relaxation: every setup free and fractional."""
        model = self.shape.model
        relaxed = replace(model, is_integer=np.zeros(model.num_cols, bool))
        result = solve_model(relaxed, time_limit_s=time_limit_s)
        return replace(result, termination=Termination.INTERRUPTED) if result.is_interrupted else result

    def solve(
        self,
        whole: BoolArray,
        setups: FloatArray,
        free: BoolArray,
        *,
        start: ProductionPlan | None = None,
        time_limit_s: float,
        threads: int,
        seed: int,
        gap: float,
        max_nodes: int,
    ) -> MipResult:
        """Solve with the setups outside `free` fixed to `setups`, and those in `whole` integer; all [n, T].

        A plan given as `start` must have the fixed setups.
        """
        model = self.shape.model
        columns = self.shape.setups
        lower, upper, integer = model.col_lower.copy(), model.col_upper.copy(), model.is_integer.copy()
        integer[columns] = whole
        fixed = columns[~free]
        value = np.minimum(setups[~free], upper[fixed])
        lower[fixed] = upper[fixed] = value
        is_off = np.zeros(columns.shape, bool)
        is_off[~free] = value <= 0
        upper[self.shape.shares[is_off[self.shape.item, self.shape.made]]] = 0.0
        return solve_model(
            replace(model, col_lower=lower, col_upper=upper, is_integer=integer),
            time_limit_s=time_limit_s,
            threads=threads,
            seed=seed,
            gap=gap,
            max_nodes=max_nodes,
            start=None if start is None else self.shape.values_of(start),
        )

    def setups_in(self, result: MipResult) -> FloatArray:
        """Return the values of the setups, [n, T]."""
        assert result.values is not None
        return np.asarray(result.values[self.shape.setups])

    def overtime_in(self, result: MipResult) -> float:
        """Return by how much capacity is exceeded, as a share of it, summed over periods; 0 for noise."""
        if not len(self.shape.overtime):
            return 0.0
        assert result.values is not None
        assert self.net.instance.capacity is not None
        share = result.values[self.shape.overtime] / np.maximum(1.0, self.net.instance.capacity)
        return float(share[share > TINY].sum())


def overtime_price(net: NetData) -> float:
    """Return a first price per unit of capacity exceeded: what a setup and holding over all periods cost."""
    instance = net.instance
    per_unit = float((instance.holding_cost.sum(axis=1) + instance.unit_cost.max(axis=1)).max())
    return float(instance.setup_cost.max()) + per_unit + 1.0
