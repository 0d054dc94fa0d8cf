"""The judge of a run of a plant: recomputed from the choices alone, by the definitions in `stochastic_lot_sizing`."""

import numpy as np

from counterpoint.opt.problems.stochastic_lot_sizing import IDLE, Scenario, StochasticLotSizing, Trajectory
from counterpoint.opt.result import Check, Violation

TOLERANCE = 1e-9  # relative, on costs


def check(instance: StochasticLotSizing, scenario: Scenario, run: Trajectory) -> Check:
    """Recompute the cost of a run and name every violation.

    Violation kinds: ``shape``, ``choice`` (an item that does not exist, or that the machine cannot make),
    ``inventory``, ``lost``, ``scrapped`` (units other than the choices and demands make them), ``cost``.
    """
    periods, items, machines = instance.horizon, instance.num_items, instance.num_machines
    shapes = (run.choice.shape, run.inventory.shape, run.lost.shape, run.scrapped.shape)
    if shapes != ((periods, machines), *((periods, items),) * 3) or scenario.demand.shape != (periods, items):
        return Check(None, (Violation("shape", "the run or its scenario", 1.0),))
    if run.choice.min() < 0 or run.choice.max() > items:
        return Check(None, (Violation("choice", "an item that does not exist", 1.0),))
    before = np.vstack([scenario.setup, run.choice[:-1]])
    works = run.choice != IDLE
    is_new = works & (run.choice != before)
    machine, item = np.broadcast_to(np.arange(machines), works.shape), run.choice - 1
    setup_cost = float(instance.setup_cost[machine[is_new], item[is_new]].sum())
    made = np.where(works, instance.production[machine, item] - instance.setup_loss[machine, item] * is_new, 0)
    supply = np.zeros((periods, items), np.int64)
    np.add.at(supply, (np.nonzero(works)[0], item[works]), made[works])
    violations = [
        Violation("choice", f"period {t}, machine {m}, item {run.choice[t, m] - 1}", 1.0)
        for t, m in zip(*np.nonzero(works & (instance.production[machine, item] == 0)), strict=True)
    ]
    stock = scenario.inventory
    inventory, lost, scrapped = (np.zeros((periods, items), np.int64) for _ in range(3))
    for t in range(periods):
        left = stock + supply[t] - scenario.demand[t]
        lost[t] = np.maximum(-left, 0)
        scrapped[t] = np.maximum(left - instance.max_inventory, 0)
        stock = inventory[t] = left + lost[t] - scrapped[t]
    for kind, found, told in (("inventory", inventory, run.inventory), ("lost", lost, run.lost),
                              ("scrapped", scrapped, run.scrapped)):  # fmt: skip
        for t, i in zip(*np.nonzero(found != told), strict=True):
            violations.append(Violation(kind, f"period {t}, item {i}", float(abs(found[t, i] - told[t, i]))))
    costs = {
        "setup": setup_cost,
        "lost sales": float((lost * instance.lost_sales_cost).sum()),
        "holding": float((inventory * instance.holding_cost).sum()),
    }
    total = sum(costs.values())
    if not abs(run.cost - total) <= TOLERANCE * max(1.0, total):  # so that NaN fails
        violations.append(Violation("cost", "total", abs(run.cost - total), TOLERANCE))
    return Check(total, tuple(violations), costs)
