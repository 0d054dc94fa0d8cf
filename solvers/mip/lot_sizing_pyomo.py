"""The standard lot-sizing model in Pyomo, for readers: element by element, in the notation of `lot_sizing_standard`.

`build_pyomo` gives a model to read, change or export (``model.write("plan.lp")`` or ``.mps``), and any solver that
Pyomo knows can run it. `solve` compiles it with Pyomo and runs it through our adapter to HiGHS, under the same budget
and from the same first plan as the array models; the price is the time to build.
"""

import numpy as np
import pyomo.environ as pyo

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.result import Outcome
from counterpoint.solvers.mip.lot_sizing_net import FloatArray, NetData, net_data
from counterpoint.solvers.mip.lot_sizing_run import Options, run_formulation
from counterpoint.solvers.mip.pyomo_arrays import compile_model

MAX_CELLS = 50_000


def build_pyomo(instance: LotSizing) -> pyo.ConcreteModel:
    """Write the standard model; O(n T) Python objects.

    Returns
    -------
    pyomo.environ.ConcreteModel
        Variables x (lots), y (setups), s (stock) and, with backlogging, r (backlog), by item and period from 0. Its
        optimum is the instance's.

    Examples
    --------
    >>> model = build_pyomo(LotSizing("tiny", [20, 50, 10], setup_cost=100, holding_cost=1))
    >>> sorted(model.x)
    [(0, 0), (0, 1), (0, 2)]
    """
    return _write(net_data(instance))


def solve(instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build the model in Pyomo and solve it by HiGHS; `iterations` counts nodes of branch and bound.

    Raises
    ------
    UnsupportedError
        If there are more than `MAX_CELLS` items x periods.
    """
    if instance.demand.size > MAX_CELLS:
        raise UnsupportedError(f"{instance.demand.size} items x periods are too many for Pyomo; use mip-standard")
    return run_formulation(instance, budget, seed, options, report, lambda net, _: PyomoModel(net))


class PyomoModel:
    """The compiled model, and the way from values to plans through Pyomo's variables."""

    def __init__(self, net: NetData) -> None:
        self.net = net
        self.written = _write(net)
        self.model, self.variables = compile_model(self.written)

    def values_of(self, plan: ProductionPlan) -> FloatArray:
        """Return lots and setups of a plan, NaN for stock and backlog: HiGHS finds them."""
        for i, t in self.written.x:
            self.written.x[i, t].set_value(float(plan.lots[i, t]), skip_validation=True)
            self.written.y[i, t].set_value(int(plan.setups[i, t]), skip_validation=True)
        return np.array([np.nan if v.value is None else v.value for v in self.variables])

    def plan_of(self, values: FloatArray) -> ProductionPlan:
        """Return lots and rounded setups as they stand in the values."""
        for variable, value in zip(self.variables, values.tolist(), strict=True):
            variable.set_value(value, skip_validation=True)
        lots, setups = np.zeros(self.net.demand.shape), np.zeros(self.net.demand.shape, bool)
        for i, t in self.written.x:
            lots[i, t] = max(0.0, self.written.x[i, t].value or 0.0)
            setups[i, t] = (self.written.y[i, t].value or 0.0) > 0.5
        for variable in self.variables:
            variable.set_value(None)  # what a plan does not state must not stay from the last
        return ProductionPlan(lots, setups)


def _write(net: NetData) -> pyo.ConcreteModel:
    instance = net.instance
    items, periods = range(instance.num_items), range(instance.num_periods)
    last = instance.num_periods - 1
    d, most = net.demand.tolist(), net.limit.tolist()
    f, c, h = instance.setup_cost.tolist(), instance.unit_cost.tolist(), instance.holding_cost.tolist()

    model = pyo.ConcreteModel(name=instance.name)
    model.x = pyo.Var(items, periods, domain=pyo.NonNegativeReals, doc="units of item i made in period t")
    model.y = pyo.Var(items, periods, domain=pyo.Binary, doc="item i is set up in period t")
    model.s = pyo.Var(items, periods, domain=pyo.NonNegativeReals, doc="stock at the end of t, without initial stock")
    cost = sum(f[i][t] * model.y[i, t] + c[i][t] * model.x[i, t] + h[i][t] * model.s[i, t] for i, t in model.x)

    def net_stock(i: int, t: int):  # type: ignore[no-untyped-def]  # a Pyomo expression
        if t < 0:
            return 0
        return model.s[i, t] - (model.r[i, t] if instance.backlog_cost is not None and t < last else 0)

    if instance.backlog_cost is not None:
        b = instance.backlog_cost.tolist()
        model.r = pyo.Var(items, range(last), domain=pyo.NonNegativeReals, doc="demand owed at the end of t")
        cost += sum(b[i][t] * model.r[i, t] for i, t in model.r)
    model.objective = pyo.Objective(expr=cost + net.offset)

    @model.Constraint(items, periods)
    def balance(model: pyo.ConcreteModel, i: int, t: int) -> object:
        return net_stock(i, t - 1) + model.x[i, t] == d[i][t] + net_stock(i, t)

    @model.Constraint(items, periods)
    def setup_forcing(model: pyo.ConcreteModel, i: int, t: int) -> object:
        return model.x[i, t] <= most[i][t] * model.y[i, t]

    if instance.capacity is not None:
        unit, setup, room = (v.tolist() for v in (instance.unit_time, instance.setup_time, instance.capacity))

        @model.Constraint(periods)
        def capacity(model: pyo.ConcreteModel, t: int) -> object:
            used = sum(unit[i] * model.x[i, t] + setup[i] * model.y[i, t] for i in items)
            # with nothing that takes time there is no row to write
            return pyo.Constraint.Feasible if not any(unit) and not any(setup) else used <= room[t]

    return model
