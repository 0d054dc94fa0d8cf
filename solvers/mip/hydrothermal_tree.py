"""The deterministic equivalent of a scenario tree of stages, in one HiGHS object that is solved again and again, warm.

Multistage stochastic programming in its node form (Birge and Louveaux 2011, Introduction to Stochastic Programming,
section 3.5): every node has the columns and rows of its stage; its incoming state is its parent's outgoing one, or what
is given at the root. Only right-hand sides change from one solve to the next: states, inflows and demands.
"""

from dataclasses import dataclass

import highspy
import numpy as np
from scipy import sparse

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, IntArray
from counterpoint.simulators.stage.model import StageModel

ROOT = -1  # the present, as a parent


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """K nodes, every parent before its children; the first is the root.

    Parameters
    ----------
    parent : int64 array [K]
        `ROOT` for the root.
    depth : int64 array [K]
        Stages after the present; 0 at the root.
    weight : float64 array [K]
        Of the node's cost: its probability, discounted.
    noise : float64 array [K, W]
        The root's row is replaced by what is known.
    """

    parent: IntArray
    depth: IntArray
    weight: FloatArray
    noise: FloatArray


class TreeProgram:
    """The linear program of trees of one shape.

    Parameters
    ----------
    model : StageModel
        Of any stage: all must have the same columns and matrices.
    parent : int64 array [K]

    Notes
    -----
    Size is K times the stage's. Building costs about as much as one cold solve.
    """

    def __init__(self, model: StageModel, parent: IntArray) -> None:
        self.parent, self.first = parent, model
        count, (m, n) = len(parent), model.matrix.shape
        down = np.flatnonzero(parent != ROOT)
        link = sparse.csr_array((np.ones(len(down)), (down, parent[down])), shape=(count, count))
        states = sparse.csr_array((np.ones(model.num_states), (np.arange(model.num_states), model.state_out)),
                                  shape=(model.num_states, n))  # fmt: skip
        matrix = sparse.kron(sparse.eye_array(count), model.matrix) + sparse.kron(link, model.state_matrix @ states)
        matrix = sparse.csr_array(matrix)
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = count * n, count * m
        lp.col_cost_ = np.zeros(count * n)
        lp.col_lower_, lp.col_upper_ = np.tile(model.col_lower, count), np.tile(model.col_upper, count)
        lp.row_lower_, lp.row_upper_ = np.tile(model.row_lower, count), np.tile(model.row_upper, count)
        lp.a_matrix_.num_col_, lp.a_matrix_.num_row_ = lp.num_col_, lp.num_row_
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
        self.highs = highspy.Highs()
        for key, value in (
            ("output_flag", False),
            ("threads", 1),
            ("presolve", "off"),
            ("solver", "simplex"),
            ("simplex_strategy", 1),
        ):
            self.highs.setOptionValue(key, value)
        self.highs.passModel(lp)
        self.rows = np.arange(count * m, dtype=np.int32)
        self.cols = np.arange(count * n, dtype=np.int32)

    def forget(self) -> None:
        """Start the next solve from nothing, so that it does not depend on what was solved before."""
        self.highs.clearSolver()

    def solve(
        self,
        models: list[StageModel],
        weight: FloatArray,
        state: FloatArray,
        noise: FloatArray,
        *,
        root_value: FloatArray | None = None,
    ) -> FloatArray:
        """Return what is optimal at the nodes.

        Parameters
        ----------
        models : list of StageModel
            Of the nodes [K].
        weight : float64 array [K]
            Of the nodes' costs.
        state : float64 array [S]
            That comes into the root.
        noise : float64 array [K, W]
        root_value : float64 array [S], optional
            What a unit of each state that leaves the root is worth besides, to choose among optima.

        Returns
        -------
        float64 array [K, n]

        Raises
        ------
        InstanceError
            If HiGHS, after a cold start too, proves no optimum.
        """
        rows = np.concatenate([model.row_lower for model in models]), np.concatenate([m.row_upper for m in models])
        shift = (self.first.noise_matrix @ noise.T).T
        shift[0] += self.first.state_matrix @ state
        highs = self.highs
        highs.changeRowsBounds(len(self.rows), self.rows, rows[0] - shift.ravel(), rows[1] - shift.ravel())
        lower, upper = (np.concatenate([getattr(model, key) for model in models]) for key in ("col_lower", "col_upper"))
        highs.changeColsBounds(len(self.cols), self.cols, lower, upper)
        cost = np.outer(weight, self.first.cost)
        if root_value is not None:
            cost[0, self.first.state_out] -= root_value
        highs.changeColsCost(len(self.cols), self.cols, cost.ravel())
        highs.run()
        if highs.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            highs.clearSolver()
            highs.run()
        status = highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise InstanceError(f"no plan for the next stages: HiGHS says {highs.modelStatusToString(status)}")
        values = np.array(highs.getSolution().col_value)
        found: FloatArray = values.reshape(len(self.parent), -1)
        return found
