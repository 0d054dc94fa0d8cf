"""From a Pyomo model to arrays, so that models written in Pyomo run through the one adapter to HiGHS.

Pyomo's own interfaces to HiGHS give no incumbents while they run, swallow what the process prints, and do not
come back on Ctrl-C; the model's compilation is Pyomo's (``compile_standard_form``), the run is ours.
"""

from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.opt import WriterFactory

from counterpoint.solvers.mip.model import LinearModel


def compile_model(model: pyo.ConcreteModel) -> tuple[LinearModel, list[Any]]:
    """Compile a linear Pyomo model with one active objective.

    Returns
    -------
    model : LinearModel
    variables : list of VarData [n]
        The variable of each column; fixed ones, and those in no row and no objective, have none.
    """
    (objective,) = model.component_data_objects(pyo.Objective, active=True)
    # every row as it is written: 0 for =, 1 for <=, -1 for >=
    form = WriterFactory("compile_standard_form").write(model, mixed_form=True, set_sense=None)
    kind = np.array([row.bound_type for row in form.rows])
    rhs = np.asarray(form.rhs, np.float64)
    return LinearModel(
        cost=form.c.toarray().ravel() if form.c.shape[0] else np.zeros(len(form.columns)),
        col_lower=np.array([-np.inf if v.lb is None else v.lb for v in form.columns], np.float64),
        col_upper=np.array([np.inf if v.ub is None else v.ub for v in form.columns], np.float64),
        is_integer=np.array([not v.is_continuous() for v in form.columns], bool),
        matrix=form.A.tocsr(),
        row_lower=np.where(kind <= 0, rhs, -np.inf),
        row_upper=np.where(kind >= 0, rhs, np.inf),
        offset=float(form.c_offset[0]),
        sense="min" if objective.sense == pyo.minimize else "max",
    ), list(form.columns)
