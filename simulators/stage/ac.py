"""One stage under the full network equations, by CasADi and Ipopt (MUMPS).

The program is that of PowerModels' ACPPowerModel (see `ac_network`) in a reduced space: flows are expressions, and the
reactive power of a bus is what its balance says, within the limits of its generators together. Storages, inflows and
targets are bounds of rows and columns and cuts are parameters, so that functions are built once an instance.

Every solve starts from the same point, so that its outcome depends on the stage problem alone and not on what was
solved before. Deviation: the program is not convex; what is called optimal is a local optimum, and its duals make no
valid cuts.
"""

import logging
from dataclasses import replace
from typing import Any

import numpy as np

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.simulators.stage.ac_model import ac_model, dispatch_of_ac
from counterpoint.simulators.stage.ac_program import Program, program_of
from counterpoint.simulators.stage.ac_rows import shared_reactive
from counterpoint.simulators.stage.model import (
    FAILED,
    INFEASIBLE,
    OPTIMAL,
    StageResults,
    checked_cuts,
    joined_cuts,
)

__all__ = ["AcStage", "dispatch_of_ac"]

LOGGER = logging.getLogger(__name__)
STARTS = 3
ROOM = 16  # cuts that a program has room for, or this times a power of 2


class AcStage:
    """A stage under ``ac``: `StageSolver` over Ipopt.

    Parameters
    ----------
    instance : Hydrothermal
    stage_row : int
        Of the demand.
    weights, theta_lower : sequence of float
        Of the future costs; none: no future cost.
    worth : float64 array [S], optional
        What a unit of the state that goes on is worth: taken off the costs.

    Attributes
    ----------
    retried : int
        Starts after the first, over all solves.
    """

    def __init__(
        self,
        instance: Hydrothermal,
        stage_row: int = 0,
        *,
        weights: Any = (),
        theta_lower: Any = (),
        worth: FloatArray | None = None,
    ) -> None:
        self.instance, self.stage_row = instance, stage_row
        model = ac_model(instance, stage_row)
        self.worth = np.zeros(model.num_states) if worth is None else np.array(worth, np.float64)
        cost = model.cost.copy()
        cost[model.state_out] -= self.worth
        self.model = replace(model, cost=cost)
        self.weights, self.theta_lower = np.array(weights, np.float64), np.array(theta_lower, np.float64)
        if self.weights.shape != self.theta_lower.shape or not np.isfinite(self.theta_lower).all():
            raise ValueError("expected a finite lower bound for every future cost")
        self.retried = 0
        self._theta, self._intercept = np.zeros(0, np.int64), np.zeros(0)
        self._slope = np.zeros((0, self.model.num_states))
        self._held: _Held | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the functions, which another process builds anew."""
        return {**self.__dict__, "_held": None}

    def add_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Add C cuts: theta [C], intercept [C], slope [C, S]."""
        self.set_cuts(*joined_cuts((self._theta, self._intercept, self._slope), (theta, intercept, slope)))

    def set_cuts(self, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        """Replace all cuts."""
        self._theta, self._intercept, self._slope = checked_cuts(
            theta, intercept, slope, self.model.num_states, len(self.weights)
        )
        self._held = None

    def solve_many(
        self, state: FloatArray, noise: FloatArray, target: FloatArray | None = None, *, wants_x: bool = False
    ) -> StageResults:
        """Solve for N states [N, S], noises [N, W] and, if given, targets [N, S]; see `StageSolver`."""
        if self._held is None:
            self._held = _Held(self, self._theta, self._intercept, self._slope)
        count, states = state.shape
        results = StageResults(
            objective=np.full(count, np.nan), stage_cost=np.full(count, np.nan),
            state_out=np.full((count, states), np.nan), dual_state=np.full((count, states), np.nan),
            dual_target=np.full((count, states), np.nan), status=np.full(count, FAILED, np.int64),
            x=np.full((count, self.model.num_cols), np.nan) if wants_x else None,
        )  # fmt: skip
        shift = self.model.shift(state, noise)
        for i in range(count):
            solution = self._held.solve(shift[i], None if target is None else target[i])
            self.retried += self._held.tries - 1
            results.status[i] = self._held.status
            if solution is None:
                LOGGER.warning("a stage under ac: %s after %d starts", self._held.said, self._held.tries)
                continue
            x, y = solution
            self._write(results, i, x, y, target is not None)
        return results

    def _write(self, results: StageResults, i: int, x: FloatArray, y: FloatArray, has_target: bool) -> None:
        """Write down a solution: x with the future costs behind it, y the derivatives by the rows' bounds."""
        model, held = self.model, self._held
        assert held is not None
        own, theta = np.clip(x[: model.num_cols], model.col_lower, model.col_upper), x[model.num_cols :]
        results.stage_cost[i] = model.cost @ own + model.offset
        results.objective[i] = results.stage_cost[i] + self.weights @ theta
        results.state_out[i] = own[model.state_out]
        of_rows, of_cuts = y[: model.num_rows], y[len(y) - len(held.slope) :]
        results.dual_state[i] = -(model.state_matrix.T @ of_rows)
        if has_target:
            priced = model.cost - model.matrix.T @ of_rows
            results.dual_target[i] = priced[model.state_out] + held.slope.T @ of_cuts
        else:
            results.dual_target[i] = 0.0
        if results.x is not None:
            results.x[i] = own


class _Held:
    """A program with its cuts in place, and its starting points."""

    def __init__(self, stage: AcStage, theta: IntArray, intercept: FloatArray, slope: FloatArray) -> None:
        model, instance = stage.model, stage.instance
        room = 0 if len(theta) == 0 else ROOM * 2 ** max(0, int(np.ceil(np.log2(len(theta) / ROOM))))
        self.model, self.instance = model, instance
        self.program: Program = program_of(instance, len(stage.weights), room)
        self.theta, self.intercept, self.cut_slope = theta, intercept, slope
        self.slope = np.zeros((room, model.num_states))
        self.slope[: len(slope)] = slope
        which = np.zeros((room, len(stage.weights)))
        which[np.arange(len(theta)), theta] = 1.0
        self.given = np.concatenate([self.slope.ravel("F"), which.ravel("F"), stage.weights, stage.worth])
        self.linear = model.num_cols - instance.num_generators
        self.lower = np.concatenate([model.col_lower[: self.linear], stage.theta_lower])
        self.upper = np.concatenate([model.col_upper[: self.linear], np.full(len(stage.weights), np.inf)])
        below, above = self.program.network.bounds(instance, stage.stage_row)
        cut_lower = np.full(room, -np.inf)
        cut_lower[: len(theta)] = intercept
        self.row_lower = np.concatenate([below, cut_lower])
        self.row_upper = np.concatenate([above, np.full(room, np.inf)])
        self.reactive_demand = instance.network.reactive_demand[stage.stage_row]
        self.tries, self.status, self.said = 0, FAILED, ""

    def solve(self, shift: FloatArray, target: FloatArray | None) -> tuple[FloatArray, FloatArray] | None:
        """Return a solution in the model's columns with the future costs behind, and the rows' duals; or None."""
        lower, upper = self.lower, self.upper
        if target is not None:
            lower, upper = lower.copy(), upper.copy()
            lower[self.model.state_out] = upper[self.model.state_out] = target
        row_lower = np.concatenate([self.model.row_lower - shift, self.row_lower])
        row_upper = np.concatenate([self.model.row_upper - shift, self.row_upper])
        solver, infeasible = self.program.solver, 0
        for self.tries in range(1, STARTS + 1):
            found = solver(x0=self._start(self.tries, target), lbx=lower, ubx=upper, lbg=row_lower, ubg=row_upper,
                           p=self.given)  # fmt: skip
            self.said = solver.stats()["return_status"]
            if self.said == "Solve_Succeeded":
                self.status = OPTIMAL
                x, rows = np.asarray(found["x"]).ravel(), np.asarray(found["g"]).ravel()
                return self._whole(x, rows), -np.asarray(found["lam_g"]).ravel()  # CasADi's sign is the other one
            infeasible += self.said == "Infeasible_Problem_Detected"
        self.status = INFEASIBLE if infeasible == STARTS else FAILED
        return None

    def _start(self, attempt: int, target: FloatArray | None) -> FloatArray:
        """Return the starting point of an attempt: everything half-way, from the second on somewhere else."""
        model, columns = self.model, self.model.columns
        share = 0.5 if attempt == 1 else np.random.default_rng([attempt]).uniform(0.05, 0.95, model.num_cols)
        bounded = np.isfinite(model.col_upper) & np.isfinite(model.col_lower)
        span = np.where(bounded, model.col_upper, 0.0) - np.where(bounded, model.col_lower, 0.0)
        x = np.where(bounded, model.col_lower, 0.0) + share * span
        x[columns["deficit"]] = 0.0
        if attempt == 1:
            network = self.instance.network
            x[columns["voltage"]] = np.clip(1.0, network.min_voltage, network.max_voltage)
        if target is not None:
            x[model.state_out] = target
        theta = self.lower[self.linear :].copy()
        np.maximum.at(theta, self.theta, self.intercept + self.cut_slope @ x[model.state_out])
        return np.concatenate([x[: self.linear], theta])

    def _whole(self, x: FloatArray, rows: FloatArray) -> FloatArray:
        """Put the reactive powers of the generators in."""
        begins = self.model.num_rows + self.instance.num_buses
        asked = rows[begins : begins + self.instance.num_buses] + self.reactive_demand
        return np.concatenate([x[: self.linear], shared_reactive(self.instance, asked), x[self.linear :]])
