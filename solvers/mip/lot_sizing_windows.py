"""The small programs of lot-sizing: some setups free, the others decided, and of the shares those of small regret.

What relax-and-fix and fix-and-optimise solve hundreds of times. The full facility-location model of 100 items and 50
periods has 127,000 shares; a core of two to four for each item and period holds every share of the relaxation's optimum
and of good plans (Balas and Zemel 1980, Operations Research 28:1130-1154, name such a core for knapsacks), and solves
in a small part of the time. Capacity may be exceeded at a price, so that every choice of setups has a solution, as
long as no feasible plan is known; what is left of the overtime says how far off it is.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from counterpoint.opt.problems.lot_sizing import ProductionPlan
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip.highs import MipResult, solve_model
from counterpoint.solvers.mip.lot_sizing_facility_location import FacilityLocationModel, shares_of
from counterpoint.solvers.mip.lot_sizing_net import BoolArray, FloatArray, NetData
from counterpoint.solvers.mip.lot_sizing_prices import Prices

TINY = 1e-6  # of the capacity: less overtime is none
FIRST_WIDTH = 2  # shares in the core for each item and period, on average
NEAR = 1e-3  # of the bound: a relaxation of the core further above it lacks shares


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What a small program came to.

    Parameters
    ----------
    result : MipResult
    plan : ProductionPlan or None
        As it stands in the values; with overtime, perhaps.
    setups : float64 array [n, T] or None
    overtime : float
        By how much capacity is exceeded, as a share of it, summed over periods; 0 for noise.
    """

    result: MipResult
    plan: ProductionPlan | None
    setups: FloatArray | None
    overtime: float


class Windows:
    """The core, and programs over it.

    Parameters
    ----------
    net : NetData
    prices : Prices

    Attributes
    ----------
    core : bool array [n, T, T]
        Shares of the relaxation. Programs may use twice as many, and those of the plan that they start from.
    setup_regret : float64 array [n, T]
        What a setup costs its item at least, at the prices.
    """

    def __init__(self, net: NetData, prices: Prices) -> None:
        self.net, self.prices = net, prices
        self.setup_regret = prices.regret.min(axis=2)
        self._widen(FIRST_WIDTH)

    def _widen(self, width: int) -> None:
        self.width = width
        self.core, self._spare = self._cheapest(width), self._cheapest(2 * width)

    def _cheapest(self, width: int) -> BoolArray:
        """Of each item, `width` times T shares of smallest regret."""
        regret = self.prices.regret
        flat = regret.reshape(len(regret), -1)
        last = min(width * regret.shape[1], flat.shape[1]) - 1
        most = np.partition(flat, last, axis=1)[:, last]
        return np.asarray((regret <= most[:, None, None]) & np.isfinite(regret))

    def relaxation(self, overtime_price: float, time_limit_s: float) -> Answer:
        """Solve the relaxation over the core, which is widened until that is near the bound.

        Overtime does not lift what one lot may make: a core may be infeasible for it, and only the widest says so.
        """
        nothing, deadline_s = np.zeros(self.net.demand.shape, bool), time.monotonic() + time_limit_s
        while True:
            shape = FacilityLocationModel(self.net, overtime_price, self.core)
            answer = self._solve(shape, whole=nothing, time_limit_s=max(0.0, deadline_s - time.monotonic()))
            value, bound = answer.result.objective, self.prices.bound
            is_short = answer.result.termination is Termination.INFEASIBLE
            is_enough = not is_short if value is None else value <= bound + NEAR * abs(bound)
            if answer.result.is_interrupted or is_enough or self.width >= self.net.demand.shape[1]:
                return answer
            self._widen(2 * self.width)

    def program(
        self,
        opened: BoolArray,
        free: BoolArray,
        *,
        whole: BoolArray | None = None,
        start: ProductionPlan | None = None,
        overtime_price: float | None,
        time_limit_s: float,
        threads: int,
        seed: int,
        gap: float,
        max_nodes: int,
        on_plan: Callable[[ProductionPlan], object] | None = None,
    ) -> Answer:
        """Solve with the setups of `free` free, whole where `whole` says so (default: everywhere), the rest decided.

        All are [n, T]; of the others those in `opened` are set up. A plan given as `start` must agree with them.
        `on_plan` is called with plans on the way that are without overtime.
        """
        shape = FacilityLocationModel(self.net, overtime_price, self._allowed(opened | free, start), opened & ~free)
        return self._solve(
            shape, whole=free if whole is None else whole & free, start=start, time_limit_s=time_limit_s,
            threads=threads, seed=seed, gap=gap, max_nodes=max_nodes, on_plan=on_plan,
        )  # fmt: skip

    def _allowed(self, usable: BoolArray, plan: ProductionPlan | None) -> BoolArray:
        """Shares of small regret, those of the plan, and for each demand the two setups before it that may be used.

        With backlogging, the one after it too: whatever the regrets, a demand should not be without.
        """
        T = usable.shape[1]
        allowed = self._spare & usable[:, :, None]
        period = np.arange(T)
        last = np.maximum.accumulate(np.where(usable, period, -1), axis=1)
        before = np.where(last > 0, np.take_along_axis(last, np.maximum(last - 1, 0), axis=1), -1)
        nearest = [last, before]
        if self.net.instance.backlog_cost is not None:
            after = np.minimum.accumulate(np.where(usable, period, T)[:, ::-1], axis=1)[:, ::-1]
            nearest.append(np.where(after < T, after, -1))
        for made in nearest:
            i, t = np.nonzero(made >= 0)
            allowed[i, made[i, t], t] = True
        if plan is not None:
            allowed |= shares_of(self.net, plan) > 0
        return allowed

    def _solve(
        self,
        shape: FacilityLocationModel,
        *,
        whole: BoolArray,
        start: ProductionPlan | None = None,
        time_limit_s: float,
        threads: int = 1,
        seed: int = 0,
        gap: float = 0.0,
        max_nodes: int | None = None,
        on_plan: Callable[[ProductionPlan], object] | None = None,
    ) -> Answer:
        def pass_on(values: FloatArray) -> None:
            if on_plan is not None and self._overtime(shape, values) == 0:
                on_plan(shape.plan_of(values))

        integer = shape.model.is_integer.copy()
        integer[shape.setups] = whole
        result = solve_model(
            replace(shape.model, is_integer=integer),
            time_limit_s=time_limit_s,
            threads=threads,
            seed=seed,
            gap=gap,
            max_nodes=max_nodes,
            start=None if start is None else shape.values_of(start),
            on_incumbent=pass_on,
        )
        if result.values is None:
            return Answer(result, None, None, 0.0)
        return Answer(
            result, shape.plan_of(result.values), result.values[shape.setups], self._overtime(shape, result.values)
        )

    def _overtime(self, shape: FacilityLocationModel, values: FloatArray) -> float:
        if not len(shape.overtime):
            return 0.0
        assert self.net.instance.capacity is not None
        share = values[shape.overtime] / np.maximum(1.0, self.net.instance.capacity)
        return float(share[share > TINY].sum())


def overtime_price(net: NetData) -> float:
    """Return a first price per unit of capacity exceeded: what a setup and holding over all periods cost."""
    instance = net.instance
    per_unit = float((instance.holding_cost.sum(axis=1) + instance.unit_cost.max(axis=1)).max())
    return float(instance.setup_cost.max()) + per_unit + 1.0


def full_relaxation(net: NetData, time_limit_s: float) -> MipResult:
    """Solve the whole model's relaxation, without overtime: it is infeasible only if no plan keeps to the capacity."""
    model = FacilityLocationModel(net).model
    result = solve_model(replace(model, is_integer=np.zeros(model.num_cols, bool)), time_limit_s=time_limit_s)
    return replace(result, termination=Termination.INTERRUPTED) if result.is_interrupted else result
