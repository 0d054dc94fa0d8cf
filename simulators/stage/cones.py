"""The second-order cone relaxation of a hydrothermal stage under ``ac``, whose optima are below those of `AcStage`.

Squares and products of voltages become columns: "square" [B] for v^2, "real" and "imaginary" [P], of the P pairs of
joined buses, for v v' cos(d) and v v' sin(d). All flows are linear in them (`ac_network`) and are no columns; reactive
power of generators is none either, as a bus's balance says how much is asked of them together. The identity
``real^2 + imaginary^2 = square * square'`` is relaxed to a cone (Jabr 2006, IEEE Trans. Power Syst. 21(3):1458-1459),
with bounds and angle limits as in PowerModels' SOCWRConicPowerModel (Coffrin et al. 2018). Parallel branches share a
pair, whichever way they run. An optimum is a lower bound of the AC optimum, and its prices make valid cuts.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.simulators.stage.ac_model import water_model
from counterpoint.simulators.stage.ac_network import Flows, flows_of, most_apparent
from counterpoint.simulators.stage.hydrothermal import Matrix, deficit_levels, thermal_generators
from counterpoint.simulators.stage.model import StageModel


@dataclass(frozen=True, slots=True, eq=False)
class ConicModel:
    """A stage with cones: ``s = cone_matrix @ x + cone_offset``, in which ``s[0] >= |s[1:]|`` in every block.

    Parameters
    ----------
    linear : StageModel
        All but the cones.
    cone_matrix : scipy.sparse.csr_array [k, n]
    cone_offset : float64 array [k]
    cone_sizes : int64 array
        Of the blocks, one after the other; they add up to k.
    """

    linear: StageModel
    cone_matrix: Matrix
    cone_offset: FloatArray
    cone_sizes: IntArray

    def violation(self, x: FloatArray) -> FloatArray:
        """By how much each block is no cone, ``max(0, |s[1:]| - s[0])``, for solutions [N, n]; float64 [N, blocks]."""
        s = (self.cone_matrix @ x.T).T + self.cone_offset
        first = np.cumsum(self.cone_sizes) - self.cone_sizes
        squares = np.add.reduceat(s**2, first, axis=1) - s[:, first] ** 2
        return np.maximum(0.0, np.sqrt(np.maximum(squares, 0.0)) - s[:, first])


def conic_models(instance: Hydrothermal) -> tuple[ConicModel, ...]:
    """Return the relaxation of a stage, one for each row of demand: stage t is number t mod D."""
    pairs = _pairs_of(instance)
    return tuple(_conic_model(instance, row, pairs) for row in range(len(instance.network.demand)))


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs of joined buses; `of` and `sign` tell each branch's pair and whether it runs the pair's way (1 or -1)."""

    first: IntArray
    second: IntArray
    of: IntArray
    sign: FloatArray
    min_angle: FloatArray
    max_angle: FloatArray


def _pairs_of(instance: Hydrothermal) -> _Pairs:
    network = instance.network
    ends = np.sort(np.stack([network.from_bus, network.to_bus], 1), axis=1)
    pairs, of = np.unique(ends, axis=0, return_inverse=True)
    of = of.reshape(-1)
    sign = np.where(network.from_bus < network.to_bus, 1.0, -1.0)
    limits = np.stack([network.min_angle, network.max_angle]) * sign  # the other way round where the sign is -1
    low, high = np.full(len(pairs), -np.inf), np.full(len(pairs), np.inf)
    np.maximum.at(low, of, limits.min(0))
    np.minimum.at(high, of, limits.max(0))
    return _Pairs(pairs[:, 0], pairs[:, 1], of, sign, low, high)


def _conic_model(instance: Hydrothermal, stage_row: int, pairs: _Pairs) -> ConicModel:
    network, flows = instance.network, flows_of(instance.network)
    water = water_model(instance, stage_row)
    b, p, n = instance.num_buses, len(pairs.first), water.num_cols
    lower, upper = _bounds(instance, pairs)
    ends = n + np.cumsum([b, p, p])
    added = {key: np.arange(end - size, end)
             for key, size, end in zip(("square", "real", "imaginary"), (b, p, p), ends, strict=True)}  # fmt: skip
    wide = int(ends[-1])
    at = _Columns(added["square"], added["real"], added["imaginary"], wide)
    flow = [_flow(instance, flows, pairs, at, i) for i in range(4)]
    leaves, enters = (_incidence(buses, b) for buses in (network.from_bus, network.to_bus))
    active = _sources(instance, water, wide) - leaves @ flow[0] - enters @ flow[2]
    active -= _place(np.arange(b), at.square, network.shunt_conductance, (b, wide))
    reactive = leaves @ flow[1] + enters @ flow[3]
    reactive -= _place(np.arange(b), at.square, network.shunt_susceptance, (b, wide))
    least, most = (np.bincount(instance.generators.bus, of, b) - network.reactive_demand
                   for of in (instance.generators.min_reactive, instance.generators.max_reactive))  # fmt: skip
    reach = np.abs(network.shunt_susceptance) * network.max_voltage**2
    for buses, most_of in zip((network.from_bus, network.to_bus), most_apparent(network, flows), strict=True):
        np.add.at(reach, buses, most_of)
    # others never meet their limits; the same for all rows of demand, as stages that follow each other share a matrix
    limited = np.flatnonzero(((least > -reach) | (most < reach)).any(0))
    least, most = least[stage_row], most[stage_row]
    angle, angle_lower, angle_upper = _angle_rows(pairs, at)
    demand = network.demand[stage_row]
    quiet = sparse.csr_array((b + len(limited) + angle.shape[0], water.num_states))
    linear = StageModel(
        cost=np.concatenate([water.cost, np.zeros(wide - n)]),
        col_lower=np.concatenate([water.col_lower, lower]),
        col_upper=np.concatenate([water.col_upper, upper]),
        matrix=sparse.vstack([sparse.hstack([water.matrix, sparse.csr_array((water.num_rows, wide - n))]), active,
                              reactive[limited], angle], format="csr"),
        row_lower=np.concatenate([water.row_lower, demand, least[limited], angle_lower]),
        row_upper=np.concatenate([water.row_upper, demand, most[limited], angle_upper]),
        state_matrix=sparse.vstack([water.state_matrix, quiet]),
        noise_matrix=sparse.vstack([water.noise_matrix, sparse.csr_array((quiet.shape[0], water.num_noises))]),
        state_out=water.state_out,
        offset=water.offset,
        columns={**water.columns, **added},
        rows={**water.rows, "power": water.num_rows + np.arange(b),
              "reactive": water.num_rows + b + np.arange(len(limited))},
    )  # fmt: skip
    matrix, offset, sizes = _cones(instance, flows, flow, pairs, at)
    return ConicModel(linear, matrix, offset, sizes)


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    square: IntArray
    real: IntArray
    imaginary: IntArray
    width: int


def _bounds(instance: Hydrothermal, pairs: _Pairs) -> tuple[FloatArray, FloatArray]:
    """Return bounds of squares and products of voltages."""
    low, high = instance.network.min_voltage, instance.network.max_voltage
    least, most = low[pairs.first] * low[pairs.second], high[pairs.first] * high[pairs.second]
    cosines, sines = (np.stack([function(pairs.min_angle), function(pairs.max_angle)]) for function in (np.cos, np.sin))
    smallest = np.where((pairs.min_angle > -np.pi) & (pairs.max_angle < np.pi), cosines.min(0), -1.0)
    largest = np.where((pairs.min_angle <= 0) & (pairs.max_angle >= 0), 1.0, cosines.max(0))
    is_narrow = (pairs.min_angle >= -np.pi / 2) & (pairs.max_angle <= np.pi / 2)  # where the sine grows
    least_sine, most_sine = np.where(is_narrow, sines[0], -1.0), np.where(is_narrow, sines[1], 1.0)
    real = np.where(smallest > 0, least, most) * smallest, np.where(largest > 0, most, least) * largest
    imaginary = (np.where(least_sine > 0, least, most) * least_sine, np.where(most_sine > 0, most, least) * most_sine)
    return np.concatenate([low**2, real[0], imaginary[0]]), np.concatenate([high**2, real[1], imaginary[1]])


def _angle_rows(pairs: _Pairs, at: _Columns) -> tuple[Matrix, FloatArray, FloatArray]:
    """``tan(min) real <= imaginary <= tan(max) real``, where the angle cannot be beyond a right one."""
    narrow = np.flatnonzero((pairs.min_angle > -np.pi / 2) & (pairs.max_angle < np.pi / 2))
    rows, k = np.arange(len(narrow)), len(narrow)
    blocks = [_place(rows, at.imaginary[narrow], np.ones(k), (k, at.width))
              - _place(rows, at.real[narrow], np.tan(limit[narrow]), (k, at.width))
              for limit in (pairs.min_angle, pairs.max_angle)]  # fmt: skip
    zero, free = np.zeros(k), np.full(k, np.inf)
    return sparse.vstack(blocks, format="csr"), np.concatenate([zero, -free]), np.concatenate([free, zero])


def _flow(instance: Hydrothermal, flows: Flows, pairs: _Pairs, at: _Columns, which: int) -> Matrix:
    """Return one of the four flows of all branches as rows [E, n]."""
    e = instance.num_branches
    end = instance.network.from_bus if which < 2 else instance.network.to_bus
    shape, rows = (e, at.width), np.arange(e)
    return (_place(rows, at.square[end], flows.own[which], shape)
            + _place(rows, at.real[pairs.of], flows.cosine[which], shape)
            + _place(rows, at.imaginary[pairs.of], flows.sine[which] * pairs.sign, shape))  # fmt: skip


def _sources(instance: Hydrothermal, water: StageModel, width: int) -> Matrix:
    """Return the active power that columns bring to buses, as rows [B, n]."""
    b, bus = instance.num_buses, instance.generators.bus
    shape = (b, width)
    return (_place(bus[thermal_generators(instance)], water.columns["thermal"], 1.0, shape)
            + _place(bus[instance.reservoirs.generator], water.columns["turbined"], instance.power_per_flow, shape)
            + _place(deficit_levels(instance)[0], water.columns["deficit"], 1.0, shape))  # fmt: skip


def _cones(
    instance: Hydrothermal, flows: Flows, flow: list[Matrix], pairs: _Pairs, at: _Columns
) -> tuple[Matrix, FloatArray, IntArray]:
    """Return the cones of the pairs, then those of the apparent powers that can reach their ratings."""
    p, network = len(pairs.first), instance.network
    i, shape = 4 * np.arange(p), (4 * p, at.width)
    first, second = at.square[pairs.first], at.square[pairs.second]
    products = (_place(i, first, 1.0, shape) + _place(i, second, 1.0, shape)
                + _place(i + 1, first, 1.0, shape) - _place(i + 1, second, 1.0, shape)
                + _place(i + 2, at.real, 2.0, shape) + _place(i + 3, at.imaginary, 2.0, shape))  # fmt: skip
    blocks, offsets = [products], [np.zeros(4 * p)]
    for end in (0, 1):
        binding = np.flatnonzero(most_apparent(network, flows)[end] >= network.rating)
        k = len(binding)
        rows = sparse.vstack([sparse.csr_array((k, at.width)), flow[2 * end][binding], flow[2 * end + 1][binding]],
                             format="csr")  # fmt: skip
        blocks.append(rows[np.arange(3 * k).reshape(3, k).T.ravel()])
        offsets.append(np.stack([network.rating[binding], np.zeros(k), np.zeros(k)], 1).ravel())
    sizes = np.concatenate([np.full(p, 4), np.full((len(np.concatenate(offsets)) - 4 * p) // 3, 3)])
    return sparse.vstack(blocks, format="csr"), np.concatenate(offsets), sizes.astype(np.int64)


def _incidence(buses: IntArray, num_buses: int) -> Matrix:
    return _place(buses, np.arange(len(buses)), 1.0, (num_buses, len(buses)))


def _place(rows: IntArray, columns: IntArray, numbers: FloatArray | float, shape: tuple[int, int]) -> Matrix:
    numbers = np.broadcast_to(np.asarray(numbers, np.float64), np.shape(columns))
    return sparse.csr_array((numbers, (rows, columns)), shape=shape)
