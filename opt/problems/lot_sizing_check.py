"""The judge of production plans: pure NumPy, written from the definitions in `lot_sizing` alone.

O(n T). It knows no solver: stock, backlog and capacity use follow from the lots and setups, so a plan cannot claim a
balance that is not so.
"""

from collections.abc import Iterator

import numpy as np

from counterpoint.opt.problems.lot_sizing import (
    FloatArray,
    LotSizing,
    ProductionPlan,
    capacity_use,
    net_stock,
)
from counterpoint.opt.result import Check, Violation

TOLERANCE = 1e-6  # of an item's smallest demand, or of a period's capacity
ROUNDING = 1e-12  # of all that an item has and makes: what sums in double precision may be wrong by


def check(instance: LotSizing, solution: ProductionPlan) -> Check:
    """Recompute the cost of a plan and name every violation.

    Violation kinds: ``shape``, ``negative-lot``, ``setup`` (a lot without one), ``negative-stock`` (without
    backlogging), ``unmet-demand`` (backlog after the last period), ``capacity``. Amounts are units, or time for
    the capacity. The objective is None if the plan is not of the instance's shape.

    Tolerances are relative, so that units do not matter: a millionth of the item's smallest positive demand, for
    anything counted in units of it, so that no demand can be skipped, however large others are; a millionth of the
    period's capacity. Sums of an item's amounts are not asked to be more exact than 1e-12 of them all.

    The metrics split the objective: ``setup_cost``, ``unit_cost``, ``holding_cost`` and, with backlogging,
    ``backlog_cost``; ``num_setups``; with capacity ``max_utilisation``, the largest share of a period's capacity.
    """
    if solution.lots.shape != instance.demand.shape:
        place = f"{solution.lots.shape}, not {instance.demand.shape}"
        return Check(None, (Violation("shape", place, 1.0),))
    net = net_stock(instance, solution.lots)
    tolerance = _unit_tolerance(instance, solution)[:, None]
    violations = [
        *_cells("negative-lot", -solution.lots, tolerance),
        *_cells("setup", np.where(solution.setups, 0.0, solution.lots), tolerance),
        *_stock_violations(instance, net, tolerance),
        *_capacity_violations(instance, solution),
    ]
    metrics = _metrics(instance, solution, net)
    objective = sum(value for key, value in metrics.items() if key.endswith("_cost"))
    return Check(objective, tuple(violations), metrics)


def _unit_tolerance(instance: LotSizing, plan: ProductionPlan) -> FloatArray:
    smallest = np.where(instance.demand > 0, instance.demand, np.inf).min(axis=1)
    everything = instance.initial_stock + instance.demand.sum(axis=1) + np.abs(plan.lots).sum(axis=1)
    tolerance: FloatArray = np.maximum(
        np.where(np.isfinite(smallest), TOLERANCE * smallest, 0.0), ROUNDING * everything
    )
    return tolerance


def _metrics(instance: LotSizing, plan: ProductionPlan, net: FloatArray) -> dict[str, float]:
    metrics = {
        "setup_cost": float((instance.setup_cost * plan.setups).sum()),
        "unit_cost": float((instance.unit_cost * plan.lots).sum()),
        "holding_cost": float((instance.holding_cost * np.maximum(net, 0.0)).sum()),
    }
    if instance.backlog_cost is not None:
        metrics["backlog_cost"] = float((instance.backlog_cost * np.maximum(-net, 0.0)).sum())
    metrics["num_setups"] = float(plan.setups.sum())
    if instance.capacity is not None:
        used = capacity_use(instance, plan)
        share = np.divide(used, instance.capacity, out=np.zeros_like(used), where=instance.capacity > 0)
        metrics["max_utilisation"] = float(share.max())
    return metrics


def _stock_violations(instance: LotSizing, net: FloatArray, tolerance: FloatArray) -> Iterator[Violation]:
    if instance.backlog_cost is None:
        yield from _cells("negative-stock", -net, tolerance)
        return
    for i in np.flatnonzero(-net[:, -1] > tolerance[:, 0]):
        yield Violation("unmet-demand", f"item {i}", float(-net[i, -1]), float(tolerance[i, 0]))


def _capacity_violations(instance: LotSizing, plan: ProductionPlan) -> Iterator[Violation]:
    if instance.capacity is None:
        return
    over = capacity_use(instance, plan) - instance.capacity
    tolerance = TOLERANCE * instance.capacity
    for t in np.flatnonzero(over > tolerance):
        yield Violation("capacity", f"period {t}", float(over[t]), float(tolerance[t]))


def _cells(kind: str, excess: FloatArray, tolerance: FloatArray) -> Iterator[Violation]:
    """One violation per item and period in which `excess` [n, T] is beyond the item's tolerance [n, 1]."""
    for i, t in np.argwhere(excess > tolerance):
        yield Violation(kind, f"item {i} period {t}", float(excess[i, t]), float(tolerance[i, 0]))
