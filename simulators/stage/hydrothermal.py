"""The stage of a hydrothermal system as arrays, under a single bus, a transport network or the lossless DC equations.

What follows from other things is no column. A plant's power is ``power_per_flow * turbined``, so its cost, its limit
and its place in the bus's balance are the turbined flow's. Angles follow from flows: under ``dc`` the flows are columns
within the branches' limits (the limits of the angle difference among them), the buses' balances are those of a
transport network, and one row for each independent cycle says that the angle differences around it add up to 0
(Hörsch, Ronellenfitsch, Witthaut and Brown 2018, Electric Power Systems Research 158:126-135). That makes 43 rows
of the Bolivian stage where angles and a row for each limit make 70.

Columns, by the keys of `StageModel.columns`:

- ``storage`` [H] (the state that goes on), ``turbined`` [H], ``spilled`` [H];
- ``thermal``: power of the generators that no water drives, in their order (`thermal_generators`);
- ``deficit``: of the buses and levels whose limit is not always 0, in their order (`deficit_levels`);
- ``flow`` [E]: from `from_bus`; none under ``single-bus``;
- ``volume shortfall``, ``turbined shortfall``: of the reservoirs with a minimum that costs something to miss.

Rows, by the keys of `StageModel.rows`: ``water`` [H] (v_in and K times inflow on the right), ``power`` [B] or [1],
``cycle`` (one for each branch that closes a cycle; ``dc`` only), ``volume shortfall``, ``turbined shortfall``.
"""

from typing import Any

import numpy as np
from scipy import sparse

from counterpoint.opt.errors import InstanceError, UnsupportedError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.opt.problems.hydrothermal_run import Dispatch
from counterpoint.simulators.stage.model import StageModel

Matrix = Any  # scipy.sparse.csr_array
LINEAR_NETWORKS = ("single-bus", "transport", "dc")
SPILL_TOLERANCE = 1e-9  # relative to storage


def stage_models(instance: Hydrothermal, network_kind: str | None = None) -> tuple[StageModel, ...]:
    """Return the stage as a linear program, one for each row of demand: stage t is number t mod D.

    All have the same columns and rows and differ in the demand and the limits of deficits alone.

    Parameters
    ----------
    instance : Hydrothermal
    network_kind : {"single-bus", "transport", "dc"}, optional
        Default: the instance's own.

    Raises
    ------
    InstanceError
        If a branch's limits contradict each other.
    UnsupportedError
        If the network is not linear.
    """
    kind = instance.network_kind if network_kind is None else network_kind
    if kind not in LINEAR_NETWORKS:
        raise UnsupportedError(f"{kind} is no linear network: expected one of {', '.join(LINEAR_NETWORKS)}")
    blocks, lower, upper, cost = _columns(instance, kind)
    matrix, columns, rows = _assemble(_matrix_blocks(instance, kind, blocks), blocks)
    h, water = instance.num_reservoirs, rows["water"]
    state_matrix = sparse.csr_array((-np.ones(h), (water, np.arange(h))), shape=(matrix.shape[0], h))
    row_lower = np.zeros(matrix.shape[0])
    for key, least in (("volume", instance.reservoirs.min_volume), ("turbined", instance.reservoirs.min_turbined)):
        row_lower[rows[f"{key} shortfall"]] = least[shortfalls(instance, key)]
    row_upper = np.where(row_lower > 0, np.inf, row_lower)
    models = []
    for d, demand in enumerate(instance.network.demand + instance.network.shunt_conductance):
        supplied = demand.sum(keepdims=True) if kind == "single-bus" else demand
        row_lower[rows["power"]] = row_upper[rows["power"]] = supplied
        upper["deficit"] = instance.network.deficit_limit[d][tuple(deficit_levels(instance))]
        models.append(
            StageModel(
                np.concatenate(list(cost.values())), np.concatenate(list(lower.values())),
                np.concatenate(list(upper.values())), matrix, row_lower.copy(), row_upper.copy(), state_matrix,
                instance.volume_per_flow * state_matrix, columns["storage"], 0.0, columns, rows,
            )
        )  # fmt: skip
    return tuple(models)


def dispatch_of(
    instance: Hydrothermal,
    model: StageModel,
    x: FloatArray,
    state: FloatArray,
    noise: FloatArray,
    *,
    angles: Matrix | None = None,
) -> Dispatch:
    """Return the operation that a solution, float64 [n], of a stage of `stage_models` stands for.

    What the solver left outside of bounds by its tolerance is put back; plants' power and angles follow exactly, and so
    does spill, from storages `state` [H], inflows `noise` [H] and storages that go on. `angles` is the instance's
    `angle_matrix`, for whoever asks often.
    """
    x = np.clip(x, model.col_lower, model.col_upper)
    at, reservoirs, network = model.columns, instance.reservoirs, instance.network
    turbined = x[at["turbined"]]
    flow_in = noise - turbined + reservoirs.turbined_to.T @ turbined
    excess = state + instance.volume_per_flow * flow_in - x[at["storage"]]
    spilled = np.asarray(np.linalg.solve(np.eye(len(state)) - reservoirs.spilled_to.T, excess), np.float64)
    spilled[spilled < SPILL_TOLERANCE * (1 + reservoirs.max_volume)] = 0.0
    generation = np.empty(instance.num_generators)
    generation[thermal_generators(instance)] = x[at["thermal"]]
    generation[reservoirs.generator] = np.minimum(
        instance.power_per_flow * turbined, instance.generators.max_power[reservoirs.generator]
    )
    deficit = np.zeros(network.deficit_cost.shape)
    deficit[tuple(deficit_levels(instance))] = x[at["deficit"]]
    flow, angle = x[at["flow"]] if "flow" in at else None, None
    if flow is not None and "cycle" in model.rows:
        flow, angle = None, (angle_matrix(instance) if angles is None else angles) @ flow
    return Dispatch(turbined, spilled, generation, deficit, flow, angle)


def thermal_generators(instance: Hydrothermal) -> IntArray:
    """Return the generators that no water drives, int64."""
    return np.setdiff1d(np.arange(instance.num_generators), instance.reservoirs.generator)


def deficit_levels(instance: Hydrothermal) -> IntArray:
    """Return buses and levels, int64 [2, n], at which there can be a deficit at some time."""
    return np.array(np.nonzero((instance.network.deficit_limit > 0).any(0)))


def shortfalls(instance: Hydrothermal, key: str) -> IntArray:
    """Return the reservoirs with a minimum of ``volume`` or ``turbined`` that costs something to miss, int64."""
    least, cost = (getattr(instance.reservoirs, name) for name in (f"min_{key}", f"min_{key}_cost"))
    return np.flatnonzero((least > 0) & (cost > 0))


def max_turbined(instance: Hydrothermal) -> FloatArray:
    """Return what plants can turbine given their generators' power, float64 [H]."""
    power = instance.generators.max_power[instance.reservoirs.generator]
    with np.errstate(divide="ignore", invalid="ignore"):
        flow = np.where(instance.power_per_flow > 0, power / instance.power_per_flow, np.inf)
    return np.minimum(instance.reservoirs.max_turbined, flow)


def susceptance(instance: Hydrothermal) -> FloatArray:
    """Return flow per radian of angle difference, float64 [E], of PowerModels' DCPPowerModel."""
    r, x = instance.network.resistance, instance.network.reactance
    if bad := np.flatnonzero(x == 0).tolist():
        raise InstanceError("a branch without reactance carries nothing under dc",
                            place=("network", "reactance", bad[0]))  # fmt: skip
    return x / (r * r + x * x)


def flow_limits(instance: Hydrothermal, network_kind: str) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest flow of each branch, float64 [E] twice."""
    network = instance.network
    low, high = -network.reverse_rating, network.rating.copy()
    if network_kind == "dc":
        ends = susceptance(instance) * np.array((network.min_angle, network.max_angle))
        low, high = np.maximum(low, ends.min(0)), np.minimum(high, ends.max(0))
        if bad := np.flatnonzero(low > high).tolist():
            raise InstanceError("no flow is within both the rating and the angle limits",
                                place=("network", "rating", bad[0]))  # fmt: skip
    return low, high


def angle_matrix(instance: Hydrothermal) -> Matrix:
    """Return the matrix [B, E] that makes the buses' angles of flows, along a tree of branches from the reference.

    Buses that no branch connects with the reference have a tree of their own, from the first of them.
    """
    network, inverse = instance.network, 1 / susceptance(instance)
    neighbours: list[list[tuple[int, int, float]]] = [[] for _ in range(instance.num_buses)]
    for e, (i, j) in enumerate(zip(network.from_bus.tolist(), network.to_bus.tolist(), strict=True)):
        neighbours[i].append((j, e, -inverse[e]))
        neighbours[j].append((i, e, inverse[e]))
    paths: list[dict[int, float] | None] = [None] * instance.num_buses
    for root in (network.reference, *range(instance.num_buses)):
        queue = [] if paths[root] is not None else [root]
        paths[root] = {} if queue else paths[root]
        for bus in queue:  # grows while it is read: breadth first, which keeps cycles short
            for other, branch, slope in neighbours[bus]:
                if paths[other] is None:
                    paths[other] = (paths[bus] or {}) | {branch: slope}
                    queue.append(other)
    filled = [(b, e, slope) for b, path in enumerate(paths) for e, slope in (path or {}).items()]
    buses, branches, slopes = zip(*filled, strict=True) if filled else ((), (), ())
    shape = (instance.num_buses, instance.num_branches)
    return sparse.csr_array((np.array(slopes, float), (np.array(buses, int), np.array(branches, int))), shape=shape)


Blocks = dict[str, int]
Numbers = dict[str, FloatArray]


def _columns(instance: Hydrothermal, kind: str) -> tuple[Blocks, Numbers, Numbers, Numbers]:
    """Return how many columns there are of each kind, and their lower and upper bounds and costs."""
    h, res, gen, net = instance.num_reservoirs, instance.reservoirs, instance.generators, instance.network
    thermal, levels = thermal_generators(instance), tuple(deficit_levels(instance))
    volume, turbined = (shortfalls(instance, key) for key in ("volume", "turbined"))
    low, high = flow_limits(instance, kind) if kind != "single-bus" else (np.zeros(0), np.zeros(0))
    flow_cost = net.flow_cost if kind == "transport" else np.zeros(len(low))
    zeros, many = np.zeros(h), np.full(h, np.inf)
    table = {
        "storage": (zeros, res.max_volume, zeros),
        "turbined": (zeros, max_turbined(instance), gen.cost[res.generator] * instance.power_per_flow),
        "spilled": (zeros, many, res.spill_cost),
        "thermal": (gen.min_power[thermal], gen.max_power[thermal], gen.cost[thermal]),
        "deficit": (np.zeros(len(levels[0])), np.full(len(levels[0]), np.inf), net.deficit_cost[levels]),
        "flow": (low, high, flow_cost),
        "volume shortfall": (zeros[volume], many[volume], res.min_volume_cost[volume]),
        "turbined shortfall": (zeros[turbined], many[turbined], res.min_turbined_cost[turbined]),
    }
    lower, upper, cost = ({key: row[i] for key, row in table.items()} for i in range(3))
    if kind == "single-bus":
        for numbers in (lower, upper, cost):
            del numbers["flow"]
    return {key: len(numbers) for key, numbers in cost.items()}, lower, upper, cost


def _matrix_blocks(instance: Hydrothermal, kind: str, columns: Blocks) -> dict[str, dict[str, Matrix]]:
    """Return the matrix by kinds of rows and columns."""
    res, net, h = instance.reservoirs, instance.network, instance.num_reservoirs
    eye, down = sparse.eye_array(h, format="csr"), sparse.csr_array
    bus = np.zeros(instance.num_buses, np.int64) if kind == "single-bus" else np.arange(instance.num_buses)
    buses = int(bus[-1]) + 1

    def placed(at: IntArray, numbers: FloatArray) -> Matrix:
        """Return the matrix with number j in row ``bus[at[j]]`` of column j."""
        return sparse.csr_array((numbers, (bus[at], np.arange(len(at)))), shape=(buses, len(at)))

    power = {
        "turbined": placed(instance.generators.bus[res.generator], instance.power_per_flow),
        "thermal": placed(instance.generators.bus[thermal_generators(instance)], np.ones(columns["thermal"])),
        "deficit": placed(deficit_levels(instance)[0], np.ones(columns["deficit"])),
    }
    if kind != "single-bus":
        e = instance.num_branches
        power["flow"] = placed(net.to_bus, np.ones(e)) - placed(net.from_bus, np.ones(e))
    water = {
        "storage": eye,
        "turbined": instance.volume_per_flow * (eye - down(res.turbined_to.T.astype(float))),
        "spilled": eye - down(res.spilled_to.T.astype(float)),
    }
    blocks = {"water": water, "power": power}
    if kind == "dc":
        blocks["cycle"] = {"flow": _cycles(instance)}
    for key, column in (("volume", "storage"), ("turbined", "turbined")):
        some = shortfalls(instance, key)
        blocks[f"{key} shortfall"] = {column: eye[some], f"{key} shortfall": sparse.eye_array(len(some), format="csr")}
    return blocks


def _cycles(instance: Hydrothermal) -> Matrix:
    """Return, for each branch outside of the tree, its angle difference less that of its ends: 0 under ``dc``."""
    angles = angle_matrix(instance)
    drop = angles[instance.network.from_bus] - angles[instance.network.to_bus]
    closing = np.setdiff1d(np.arange(instance.num_branches), np.unique(angles.indices))
    return sparse.csr_array(sparse.diags_array(1 / susceptance(instance), format="csr") - drop)[closing]


def _assemble(
    blocks: dict[str, dict[str, Matrix]], columns: Blocks
) -> tuple[Matrix, dict[str, IntArray], dict[str, IntArray]]:
    """Return the matrix and where each kind of column and row is in it."""
    heights = {key: next(iter(row.values())).shape[0] for key, row in blocks.items()}
    grid = [
        [row.get(column, sparse.csr_array((heights[key], width))) for column, width in columns.items()]
        for key, row in blocks.items()
    ]
    matrix = sparse.csr_array(sparse.vstack([sparse.hstack(row, format="csr") for row in grid], format="csr"))
    return matrix, _ranges(columns), _ranges(heights)


def _ranges(sizes: Blocks) -> dict[str, IntArray]:
    ends = np.cumsum(list(sizes.values()))
    return {key: np.arange(end - size, end) for (key, size), end in zip(sizes.items(), ends, strict=True)}
