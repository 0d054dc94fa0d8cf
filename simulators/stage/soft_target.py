"""Targets that are wished for: a stage that pays for every unit of storage beside its target.

Source: Rosemberg, Street, Valladao and Van Hentenryck 2024 (arXiv 2405.14973), section 3, with the L1 norm:
``storage + short - over = target`` at a price of ``penalty * (short + over)``.

The targets are further states that come in, so that any `StageSolver` solves it and their prices are those of states.
"""

from dataclasses import replace

import numpy as np
from scipy import sparse

from counterpoint.simulators.stage.model import FloatArray, StageModel, StageResults, StageSolver


def soft_targets(model: StageModel, penalty: float) -> StageModel:
    """Return the stage with 2 S states, the storages and then the targets; its first n columns are `model`'s."""
    n, m, s = model.num_cols, model.num_rows, model.num_states
    eye, zero = sparse.eye_array(s), sparse.csr_array
    held = sparse.csr_array((np.ones(s), (np.arange(s), model.state_out)), shape=(s, n))
    # columns: the model's, the target itself, what is short of it, what is over
    matrix = sparse.block_array([
        [model.matrix, zero((m, s)), zero((m, s)), zero((m, s))],
        [held, -eye, eye, -eye],
        [zero((s, n)), eye, zero((s, s)), zero((s, s))],
    ])  # fmt: skip
    aside, free = np.zeros(2 * s), np.full(s, np.inf)
    return replace(
        model,
        cost=np.r_[model.cost, np.zeros(s), np.full(2 * s, penalty)],
        col_lower=np.r_[model.col_lower, -free, aside],
        col_upper=np.r_[model.col_upper, free, free, free],
        matrix=matrix,
        row_lower=np.r_[model.row_lower, aside],
        row_upper=np.r_[model.row_upper, aside],
        state_matrix=sparse.block_array([
            [model.state_matrix, zero((m, s))], [zero((s, s)), zero((s, s))], [zero((s, s)), -eye],
        ]),
        noise_matrix=sparse.vstack([model.noise_matrix, zero((2 * s, model.num_noises))]),
        state_out=np.r_[model.state_out, np.arange(n, n + s)],
        columns={**model.columns, "target": np.arange(n, n + s), "beside": np.arange(n + s, n + 3 * s)},
        rows={**model.rows, "target": np.arange(m, m + 2 * s)},
    )  # fmt: skip


def solve_softly(
    solver: StageSolver, state: FloatArray, noise: FloatArray, target: FloatArray, *, wants_x: bool = False
) -> StageResults:
    """Solve such a stage for N states, noises and targets; the results are in terms of the S storages again.

    Costs have the penalty in them.
    """
    s = target.shape[1]
    found = solver.solve_many(np.hstack([state, target]), noise, wants_x=wants_x)
    return replace(
        found,
        state_out=found.state_out[:, :s],
        dual_state=found.dual_state[:, :s],
        dual_target=found.dual_state[:, s:],
    )
