"""Small multistage problems with published optimal values, rebuilt from their data; for minimisation.

Sources: the documented examples of SDDP.jl (Dowson and Kapelevich 2021; numbers only), which name their own: FAST,
StochDynamicProgramming.jl, StructDualDynProg.jl, Birge and Louveaux 2011, McCardle 2009.
"""

from itertools import product
from typing import Any

import numpy as np

from counterpoint.simulators.stage.builder import StageBuilder
from counterpoint.simulators.stage.model import StageModel
from counterpoint.solvers.sddp.graph import Node, PolicyGraph, cyclic_graph, linear_graph, markov_graph
from counterpoint.solvers.sddp.risk import ExpectationCVaR

NOTHING = np.zeros((1, 0))  # no noise


def first_steps() -> PolicyGraph:
    """Demand 150 from a reservoir of 200 and fuel that grows dearer; optimum 8333.3333."""

    def stage(fuel: float) -> StageModel:
        s = StageBuilder()
        v, g, h, spill, rain = s.state(0, 200), s.column(), s.column(cost=fuel), s.column(), s.noise()
        s.row({v.out: 1, g: 1, spill: 1}, equals=0, state={v: -1}, noise={rain: -1})
        s.row({g: 1, h: 1}, equals=150)
        return s.build()

    return linear_graph([stage(c) for c in (50, 100, 150)], [[[0.0], [50.0], [100.0]]] * 3, initial_state=[200.0])


def hydro_valley(*, has_inflows: bool = True, has_prices: bool = True) -> PolicyGraph:
    """Two reservoirs in a row with stepwise turbines, uncertain inflows, prices of a Markov chain; a loss, negated."""
    prices = [[1, 2, 0], [2, 1, 0], [3, 4, 0]]
    chain: list[Any] = [[[1.0]], [[0.6, 0.4]], [[0.6, 0.4, 0.0], [0.3, 0.7, 0.0]]]
    transitions = chain if has_prices else [[[1.0]]] * 3
    rain = [[0.0, 0.0], [20.0, 0.0], [50.0, 20.0]]

    def node(t: int, state: int) -> tuple[StageModel, Any, Any]:
        s = StageBuilder()
        v = [s.state(0, 200) for _ in range(2)]
        flow, inflow = [s.column() for _ in range(2)], [s.column() for _ in range(2)]
        spill = [s.column(cost=1000.0) for _ in range(2)]
        limit = [s.noise() for _ in range(2)]
        for r in range(2):
            upstream = {flow[0]: -1, spill[0]: -1} if r else {}
            s.row({v[r].out: 1, flow[r]: 1, spill[r]: 1, inflow[r]: -1} | upstream, equals=0, state={v[r]: -1})
            level = [s.column(0, 1, cost=-prices[t][state] * power) for power in (55, 65, 70)]
            s.row({flow[r]: 1} | dict(zip(level, (-50, -60, -70), strict=True)), equals=0)
            s.row(dict.fromkeys(level, 1.0), upper=1)
            s.row({inflow[r]: 1}, upper=0, noise={limit[r]: -1})
        noise = rain if t and has_inflows else [[0.0, 0.0]]
        return s.build(), noise, np.full(len(noise), 1 / len(noise))

    return markov_graph(transitions, node, initial_state=[200.0, 200.0])


def infinite_hydro_thermal() -> PolicyGraph:
    """A reservoir in [5, 15] for ever, going on with probability 0.9; optimum 119.167."""
    s = StageBuilder()
    v, thermal, hydro, spill = s.state(5, 15), s.column(cost=1.0), s.column(), s.column(cost=10.0)
    inflow, demand = s.noise(), s.noise()
    s.row({v.out: 1, hydro: 1, spill: 1}, equals=0, state={v: -1}, noise={inflow: -1})
    s.row({hydro: 1, thermal: 1}, equals=0, noise={demand: -1})
    rows = [[[0.0, 7.5], [5.0, 5.0], [10.0, 2.5]]]
    return cyclic_graph([s.build()], rows, initial_state=[10.0], continues=0.9)


def infinite_trivial() -> PolicyGraph:
    """Pay 2 for ever, going on with probability 0.9; optimum 20."""
    s = StageBuilder()
    v = s.state(-1, 1)
    s.row({v.out: 1}, equals=0, state={v: -1})
    return cyclic_graph([s.build(offset=2.0)], [NOTHING], initial_state=[0.0], continues=0.9)


def unicyclic_hydro_thermal() -> PolicyGraph:
    """A year of three seasons, going on with 0.95 from each; no published value."""

    def stage(cost: float) -> StageModel:
        s = StageBuilder()
        v, thermal, hydro, spill = s.state(5, 15), s.column(cost=cost), s.column(), s.column(cost=1.0)
        inflow, demand = s.noise(), s.noise()
        s.row({v.out: 1, hydro: 1, spill: 1}, equals=0, state={v: -1}, noise={inflow: -1})
        s.row({hydro: 1, thermal: 1}, equals=0, noise={demand: -1})
        return s.build()

    rows = [[[0.0, 7.5], [3.0, 5.0], [10.0, 2.5]]] * 3
    return cyclic_graph([stage(c) for c in (1.0, 2.0, 3.0)], rows, initial_state=[10.0], continues=0.95)


def fast_hydro_thermal() -> PolicyGraph:
    """Store rain or burn at 5; the published -10 is this cost of 10, negated."""
    s = StageBuilder()
    x, y, p, rain = s.state(0, 8), s.column(), s.column(cost=5.0), s.noise()
    s.row({p: 1, y: 1}, lower=6)
    s.row({x.out: 1, y: 1}, upper=0, state={x: -1}, noise={rain: -1})
    return linear_graph([s.build()] * 2, [[[6.0]], [[2.0], [10.0]]], initial_state=[0.0])


def fast_quickstart() -> PolicyGraph:
    """Buy at 1 what can be sold at 2, up to a demand of 2 or 3; optimum -2."""
    first, second = StageBuilder(), StageBuilder()
    x = first.state(0, 1000, cost=1.0)
    y, sold, demand = second.state(0, 1000), second.column(cost=-2.0), second.noise()
    second.row({sold: 1}, upper=0, state={y: -1})
    second.row({sold: 1}, upper=0, noise={demand: -1})
    first.row({x.out: 1}, lower=0)
    models = [first.build(), second.build()]
    # the first stage has no noise and the second one does
    nodes = (
        Node("0", models[0], NOTHING, [1.0], ((1, 1.0),), theta_lower=-10.0),
        Node("1", models[1], [[2.0], [3.0]], [0.5, 0.5]),
    )
    return PolicyGraph(nodes, ((0, 1.0),), [0.0], "quickstart")


def fast_production() -> PolicyGraph:
    """Make two products ahead of a demand of 2 or 10; optimum -23.96."""
    s = StageBuilder()
    x = [s.state(0, 1000, cost=cost) for cost in (0.2, 0.7)]
    sold = [s.column(cost=-price) for price in (2.33, 2.54)]
    demand = s.noise()
    for i in range(2):
        s.row({sold[i]: 1}, upper=0, state={x[i]: -1})
    s.row({sold[0]: 1, sold[1]: 1}, upper=0, noise={demand: -1})
    noise = [[[0.0]], [[2.0], [10.0]], [[2.0], [10.0]]]
    return linear_graph([s.build()] * 3, noise, initial_state=[0.0, 0.0], theta_lower=-200.0)


def stock() -> PolicyGraph:
    """One store that uncertain arrivals fill, sold at prices that go up and down; optimum -1.471."""

    def stage(t: int) -> StageModel:
        s = StageBuilder()
        v, sold, arrival = s.state(0, 1), s.column(0, 0.5, cost=np.sin(3 * t) - 1), s.noise()
        s.row({v.out: 1, sold: 1}, equals=0, state={v: -1}, noise={arrival: -1})
        return s.build()

    arrivals = np.linspace(0.0, 0.3, 10)[:, None]
    return linear_graph([stage(t) for t in range(1, 6)], [arrivals] * 5, initial_state=[0.5])


def multistock() -> PolicyGraph:
    """Three stores filled for uncertain demands; optimum -4.349."""

    def stage(t: int) -> StageModel:
        s = StageBuilder()
        v = [s.state(0, 1) for _ in range(3)]
        bought = [s.column(0, 0.5, cost=np.sin(3 * t) - 1) for _ in range(3)]
        demand = [s.noise() for _ in range(3)]
        for i in range(3):
            s.row({v[i].out: 1, bought[i]: -1}, equals=0, state={v[i]: -1}, noise={demand[i]: 1})
        return s.build()

    demands = np.array(list(product((0.0, 0.15, 0.3), repeat=3)))
    return linear_graph([stage(t) for t in range(1, 6)], [demands] * 5, initial_state=[0.5] * 3)


def capacity_expansion(stages: int) -> PolicyGraph:
    """Four kinds of plants, three blocks of load; optima 340315.52 with 2 stages and 406712.49 with 3."""
    penalty = {2: 1e6, 3: 1e5}[stages]
    hours = np.array([8760, 7000, 1500]) / 8760

    def stage(is_last: bool) -> StageModel:
        s = StageBuilder()
        x = [s.state(0, 1e5) for _ in range(4)]
        built = [s.column(0, 0 if is_last else np.inf, cost=cost) for cost in (16, 5, 32, 2)]
        y = [[s.column(cost=cost * share) for share in hours] for cost in (25, 80, 6.5, 160)]
        short, load = s.column(cost=penalty), [s.noise() for _ in range(3)]
        for i in range(4):
            s.row({x[i].out: 1, built[i]: -1}, equals=0, state={x[i]: -1})
            s.row(dict.fromkeys(y[i], 1.0), upper=0, state={x[i]: -1})
        for j in range(3):
            s.row({y[i][j]: 1.0 for i in range(4)} | {short: 1.0}, lower=0, noise={load[j]: -1})
        return s.build()

    loads = np.diff([[0, 3919, 7329, 10315], [0, 7086, 9004, 11169]], axis=1)
    noise = [np.zeros((1, 3)), *[loads] * (stages - 1)]
    chance = [[1.0], *[[0.9, 0.1]] * (stages - 1)]
    models = [stage(t == stages - 1) for t in range(stages)]
    return linear_graph(models, noise, chance, initial_state=[0.0] * 4)


def asset_management() -> PolicyGraph:
    """Stocks and bonds for a goal of 80 from 55, returns of a chain; optimum 1.514."""

    def node(t: int, state: int) -> tuple[StageModel, Any, Any]:
        s = StageBuilder()
        stocks, bonds = s.state(0, 1000), s.state(0, 1000)
        returns = {stocks: -(1.25, 1.06)[state], bonds: -(1.14, 1.12)[state]}
        if t == 0:
            s.row({stocks.out: 1, bonds.out: 1}, equals=55)
        elif t < 3:
            s.row({stocks.out: 1, bonds.out: 1}, equals=0, state=returns)
        else:
            over, short = s.column(cost=-1.0), s.column(cost=4.0)
            s.row({over: 1, short: -1}, equals=-80, state=returns)
        return s.build(), NOTHING, [1.0]

    half = [[0.5, 0.5]]
    return markov_graph([[[1.0]], half, half * 2, half * 2], node, initial_state=[0.0, 0.0], theta_lower=-1000.0)


def asset_management_stagewise() -> PolicyGraph:
    """The same with costs and cash flows that are random too, and risk in the third stage; 1.278 as a gain.

    What is random is in the objective, so that every outcome is a node; nodes of a stage share their future.
    """
    outcomes = [(i, phi, psi, chance) for i in range(2) for phi, psi, chance in ((-1, 0.02, 0.6), (5, 0.0, 0.4))]

    def model(t: int, state: int, cash: float, gain: float) -> StageModel:
        s = StageBuilder()
        stocks, bonds = s.state(0, 1000, cost=-gain), s.state(0, 1000)
        returns = {stocks: -(1.25, 1.06)[state], bonds: -(1.14, 1.12)[state]}
        if t == 0:
            s.row({stocks.out: 1, bonds.out: 1}, equals=55, state={stocks: -1, bonds: -1})
        elif t < 3:
            s.row({stocks.out: 1, bonds.out: 1}, equals=cash, state=returns)
        else:
            u, v = s.column(cost=4.0), s.column(cost=-1.0)
            s.row({u: -1, v: 1}, equals=-80, state=returns)
        return s.build()

    nodes = [Node("0", model(0, 0, 0, 0), NOTHING, [1.0], tuple((1 + k, 0.5 * o[3]) for k, o in enumerate(outcomes)))]
    for t in (1, 2):
        first = 1 + 4 * t
        arcs = tuple((first + k, 0.5 * o[3]) for k, o in enumerate(outcomes)) if t == 1 else ((9, 0.5), (10, 0.5))
        risk = ExpectationCVaR(0.5, 0.5) if t == 2 else None
        nodes += [
            Node(f"{t}:{k}", model(t, o[0], o[1], o[2]), NOTHING, [1.0], arcs, risk=risk)
            for k, o in enumerate(outcomes)
        ]
    nodes += [Node(f"3:{i}", model(3, i, 0, 0), NOTHING, [1.0]) for i in range(2)]
    return PolicyGraph(tuple(nodes), ((0, 1.0),), [0.0, 0.0], "assets, stagewise")


def farm() -> PolicyGraph:
    """Hay from up to 60 acres in three seasons of weather, cuttings kept apart; optimum 4074.1391."""
    days, demand = (60, 60, 245), (210, 210, 858)
    yields = ((30, 75, 37.5), (15, 37.5, 18.25), (7.5, 18.75, 9.325))
    feed = ((0, 1, 2), (0, 0, 1), (0, 0, 0))  # by cutting and season

    def node(t: int, weather: int) -> tuple[StageModel, Any, Any]:
        s = StageBuilder()
        acres, bales = s.state(0, 60), [s.state(0, 3000) for _ in range(3)]
        s.row({acres.out: 1}, upper=0, state={acres: -1})
        if t == 0:
            for c in range(3):
                s.row({bales[c].out: 1}, equals=0, state={bales[c]: -1})
            return s.build(), NOTHING, [1.0]
        season = t - 1
        planted = s.incoming(acres)
        growing = s.column(cost=50.0)
        s.row({growing: 1, planted: -1}, equals=0)
        sold, eaten = [], []
        for c in range(3):
            stored = s.column(cost=0.05 * days[season])
            s.row({stored: 1}, equals=0, state={bales[c]: -1})
            buy, sell = s.column(cost=5.0 + c), s.column(cost=-(4.5 + c))
            eat, more, less = s.column(cost=feed[c][season]), s.column(cost=1000.0), s.column(cost=1000.0)
            grown = {planted: -yields[c][weather]} if c == season else {}
            s.row(
                {bales[c].out: 1, buy: -1, eat: 1, sell: 1, more: -1, less: 1} | grown, equals=0, state={bales[c]: -1}
            )
            s.row({sell: 1}, upper=0, state={bales[c]: -1})
            sold.append(sell)
            eaten.append(eat)
        s.row(dict.fromkeys(eaten, 1.0), lower=demand[season])
        s.row({b.out: 1.0 for b in bales}, upper=3000)
        s.row(dict.fromkeys(sold, 1.0), upper=3000)
        return s.build(), NOTHING, [1.0]

    weather = [[0.14, 0.69, 0.17]]
    return markov_graph(
        [[[1.0]], weather, weather * 3, weather * 3], node, initial_state=[60.0, 0.0, 0.0, 0.0], theta_lower=-1e6
    )
