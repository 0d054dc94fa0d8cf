"""The cone relaxation as a linear program: each cone replaced by half-spaces that touch it where solutions lie.

``s[0] >= |s[1:]|`` holds if and only if ``s[0] >= u @ s[1:]`` for all unit vectors u (Kelley 1960, J. SIAM 8:703-712,
for the general method). Some of these rows make a relaxation of the relaxation, whose optima and cuts are valid for
``ac`` too, at the price of a warm simplex: bounds are a little lower the fewer there are. Which ones matter is learnt
from random storages, inflows and water values, first from optima of the cones themselves, then from what the linear
program still gets wrong; those that never hold an optimum are dropped.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import sparse

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import BoolArray, FloatArray, IntArray
from counterpoint.simulators.stage.clarabel import ClarabelStage
from counterpoint.simulators.stage.cones import ConicModel, conic_models
from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.model import OPTIMAL, StageModel

FIRST_SAMPLES = 60  # solved with the cones
SAMPLES = 60  # of each later round
PRICES = 6  # vectors of water values in a round
LAST_SAMPLES = 300  # in which a tangent that holds no optimum is dropped
NEAR = 3e-5  # tangents whose unit vectors differ by less (1 - cosine) are one; Bolivia's bounds are 0.05 % low for it
TOUCHING = 1e-9  # a row's slack at which it holds an optimum


def tangent_models(
    instance: Hydrothermal, *, tolerance: float = 1e-4, rounds: int = 30, seed: int = 0
) -> tuple[StageModel, ...]:
    """Return linear relaxations of a stage, one for each row of demand: stage t is number t mod D.

    Parameters
    ----------
    instance : Hydrothermal
    tolerance : float
        Violation of a cone, in voltages squared and units of power, that is put up with.
    rounds : int
        Of learning; fewer if none finds a greater violation.
    seed : int
        Of the samples.
    """
    conics = conic_models(instance)
    random = np.random.default_rng(seed)
    tangents = _Tangents(conics[0])
    for conic in conics:
        for cost, state, noise in _samples(instance, conic, FIRST_SAMPLES, random):
            solver = ClarabelStage(replace(conic, linear=replace(conic.linear, cost=cost)))
            found = solver.solve_many(state, noise, wants_x=True)
            tangents.touch(conic, found.x[found.status == OPTIMAL], np.inf)
    _learn(instance, conics, tangents, tolerance, rounds, random)
    touching = [tangents.touched(conic, cost, state, noise) for conic in conics
                for cost, state, noise in _samples(instance, conic, LAST_SAMPLES, random)]  # fmt: skip
    tangents.keep(np.any(touching, axis=0))
    _learn(instance, conics, tangents, tolerance, rounds, random)
    return tuple(tangents.model(conic) for conic in conics)


def _learn(
    instance: Hydrothermal, conics: tuple[ConicModel, ...], tangents: "_Tangents", tolerance: float, rounds: int,
    random: np.random.Generator,
) -> None:  # fmt: skip
    """Add tangents where optima of the linear programs are outside of cones, until none is found."""
    for _ in range(rounds):
        added = 0
        for conic in conics:
            model = tangents.model(conic)
            for cost, state, noise in _samples(instance, conic, SAMPLES, random):
                found = HighsStage(replace(model, cost=cost)).solve_many(state, noise, wants_x=True)
                added += tangents.touch(conic, found.x[found.status == OPTIMAL], tolerance)
        if added == 0:
            break


class _Tangents:
    """Rows so far: which cone, and the unit vector."""

    def __init__(self, conic: ConicModel) -> None:
        self.first: IntArray = np.cumsum(conic.cone_sizes) - conic.cone_sizes
        self.units: list[list[FloatArray]] = [[] for _ in conic.cone_sizes]

    def touch(self, conic: ConicModel, x: FloatArray, tolerance: float) -> int:
        """Add tangents where solutions [N, n] lie outside of a cone, or, with an infinite tolerance, on it."""
        s = (conic.cone_matrix @ x.T).T + conic.cone_offset
        added = 0
        for cone, (first, size) in enumerate(zip(self.first.tolist(), conic.cone_sizes.tolist(), strict=True)):
            head, rest = s[:, first], s[:, first + 1 : first + size]
            norm = np.linalg.norm(rest, axis=1)
            excess = norm - head
            wanted = np.flatnonzero((excess > -1e-6 if np.isinf(tolerance) else excess > tolerance) & (norm > 0))
            for i in wanted[np.argsort(-excess[wanted], kind="stable")].tolist():
                unit = rest[i] / norm[i]
                if not self.units[cone] or (np.array(self.units[cone]) @ unit).max() < 1.0 - NEAR:
                    self.units[cone].append(unit)
                    added += 1
        return added

    def touched(self, conic: ConicModel, cost: FloatArray, state: FloatArray, noise: FloatArray) -> BoolArray:
        """Return which tangents hold an optimum of these stage problems, one after the other."""
        model, first = self.model(conic), conic.linear.num_rows
        found = HighsStage(replace(model, cost=cost)).solve_many(state, noise, wants_x=True)
        slack = (model.matrix[first:] @ found.x[found.status == OPTIMAL].T).T - model.row_lower[first:]
        return np.asarray((slack < TOUCHING).any(0))

    def keep(self, which: BoolArray) -> None:
        """Drop all tangents but these, numbered as in `touched`."""
        if not self.units:  # no branches
            return
        ends = np.cumsum([len(units) for units in self.units])[:-1]
        self.units = [[unit for unit, is_kept in zip(units, kept, strict=True) if is_kept]
                      for units, kept in zip(self.units, np.split(which, ends), strict=True)]  # fmt: skip

    def model(self, conic: ConicModel) -> StageModel:
        """Return the linear relaxation."""
        linear = conic.linear
        rows: list[IntArray] = []
        columns: list[IntArray] = []
        numbers: list[FloatArray] = []
        at = 0
        for first, units in zip(self.first.tolist(), self.units, strict=True):
            for unit in units:
                k = len(unit) + 1
                rows.append(np.full(k, at))
                columns.append(first + np.arange(k))
                numbers.append(np.concatenate([[1.0], -unit]))
                at += 1
        if at == 0:  # no branches
            return linear
        combine = sparse.csr_array((np.concatenate(numbers), (np.concatenate(rows), np.concatenate(columns))),
                                   shape=(at, len(conic.cone_offset)))  # fmt: skip
        quiet = sparse.csr_array((at, linear.num_states)), sparse.csr_array((at, linear.num_noises))
        return replace(
            linear,
            matrix=sparse.vstack([linear.matrix, combine @ conic.cone_matrix], format="csr"),
            row_lower=np.concatenate([linear.row_lower, -(combine @ conic.cone_offset)]),
            row_upper=np.concatenate([linear.row_upper, np.full(at, np.inf)]),
            state_matrix=sparse.vstack([linear.state_matrix, quiet[0]], format="csr"),
            noise_matrix=sparse.vstack([linear.noise_matrix, quiet[1]], format="csr"),
        )


def _samples(
    instance: Hydrothermal, conic: ConicModel, count: int, random: np.random.Generator
) -> Iterator[tuple[FloatArray, FloatArray, FloatArray]]:
    """Yield costs with random water values, storages [N, H] and inflows [N, H]."""
    linear, reservoirs = conic.linear, instance.reservoirs
    dearest = max(instance.network.deficit_cost.max(), instance.generators.cost.max())
    worth = dearest * instance.power_per_flow / instance.volume_per_flow
    share = -(-count // PRICES)
    for _ in range(PRICES):
        cost = linear.cost.copy()
        cost[linear.state_out] -= worth * random.uniform(0.0, 0.5, len(worth)) * (random.random(len(worth)) < 0.8)
        full = random.random((share, len(worth))) * (random.random((share, len(worth))) < 0.8)
        cycle, opening = (random.integers(size, size=share) for size in instance.inflows.rows.shape[:2])
        yield cost, full * reservoirs.max_volume, instance.inflows.rows[cycle, opening]
