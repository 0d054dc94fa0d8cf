"""What is linear in a hydrothermal stage under ``ac``: water, costs and bounds; the network comes on top.

The model is that of a single bus (`stage_models`) without its balance of power, and with the columns "angle" [B],
"voltage" [B] and "reactive" [G], which cost nothing, behind it.
"""

from dataclasses import replace

import numpy as np
from scipy import sparse

from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import Dispatch
from counterpoint.simulators.stage.hydrothermal import dispatch_of, stage_models
from counterpoint.simulators.stage.model import StageModel

SNAP = 1e-7  # of power and water: what an interior point leaves of a number that should be at its bound


def ac_model(instance: Hydrothermal, stage_row: int = 0) -> StageModel:
    """Return the linear part of a stage with this row of demand."""
    water = water_model(instance, stage_row)
    network, generators, n = instance.network, instance.generators, water.num_cols
    angle = np.where(np.arange(instance.num_buses) == network.reference, 0.0, np.inf)
    lower = (-angle, network.min_voltage, generators.min_reactive)
    upper = (angle, network.max_voltage, generators.max_reactive)
    ends = n + np.cumsum([len(part) for part in lower])
    added = {key: np.arange(end - len(part), end)
             for key, part, end in zip(("angle", "voltage", "reactive"), lower, ends, strict=True)}  # fmt: skip
    more = int(ends[-1]) - n
    return replace(
        water,
        cost=np.concatenate([water.cost, np.zeros(more)]),
        col_lower=np.concatenate([water.col_lower, *lower]),
        col_upper=np.concatenate([water.col_upper, *upper]),
        matrix=sparse.hstack([water.matrix, sparse.csr_array((water.num_rows, more))], format="csr"),
        columns={**water.columns, **added},
    )


def water_model(instance: Hydrothermal, stage_row: int = 0) -> StageModel:
    """Return the stage without any balance of power: water, shortfalls and what generation and deficits cost."""
    base = stage_models(instance, "single-bus")[stage_row]
    kept = np.setdiff1d(np.arange(base.num_rows), base.rows["power"])
    return replace(
        base,
        matrix=base.matrix[kept],
        row_lower=base.row_lower[kept],
        row_upper=base.row_upper[kept],
        state_matrix=base.state_matrix[kept],
        noise_matrix=base.noise_matrix[kept],
        rows={key: np.searchsorted(kept, rows) for key, rows in base.rows.items() if key != "power"},
    )


def dispatch_of_ac(
    instance: Hydrothermal, model: StageModel, x: FloatArray, state: FloatArray, noise: FloatArray
) -> Dispatch:
    """Return the operation that a solution, float64 [n], of a stage of `ac_model` stands for; see `dispatch_of`."""
    # not snapped: 1e-7 of a voltage is ten times as much reactive power
    angle, voltage, reactive = (np.clip(x, model.col_lower, model.col_upper)[model.columns[key]]
                                for key in ("angle", "voltage", "reactive"))  # fmt: skip
    x = np.where(np.abs(x - model.col_lower) < SNAP, model.col_lower, x)
    return replace(dispatch_of(instance, model, x, state, noise), angle=angle, voltage=voltage, reactive=reactive)
