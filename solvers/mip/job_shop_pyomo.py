"""The job-shop models in Pyomo, for readers: element by element, in the notation of the array modules.

`build_pyomo` gives a model to read, change, or export (``model.write("shop.lp")`` or ``.mps``), and any solver
that Pyomo knows can run it. `solve` compiles it with Pyomo and runs it through our adapter to HiGHS, under the
same budget and from the same first schedule as the array models; the price is the time to build.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import Outcome
from counterpoint.solvers.mip import job_shop_pyomo_disjunctive as disjunctive
from counterpoint.solvers.mip import job_shop_pyomo_time_indexed as time_indexed
from counterpoint.solvers.mip.job_shop_disjunctive import require_size as require_pairs
from counterpoint.solvers.mip.job_shop_frame import Frame, frame_of
from counterpoint.solvers.mip.job_shop_run import Decode, run_formulation
from counterpoint.solvers.mip.job_shop_time_indexed import require_size as require_starts
from counterpoint.solvers.mip.model import FloatArray, LinearModel
from counterpoint.solvers.mip.pyomo_arrays import compile_model

Formulation = Literal["disjunctive", "time-indexed"]
MAX_PAIRS = 50_000
MAX_STARTS = 100_000


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the Pyomo models.

    Parameters
    ----------
    formulation : {"disjunctive", "time-indexed"}
        Each method's name fixes it.
    """

    formulation: Formulation


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build the model in Pyomo and solve it by HiGHS; `iterations` counts nodes of branch and bound.

    Raises
    ------
    UnsupportedError
        If the model would have more than `MAX_PAIRS` pairs or `MAX_STARTS` starts.
    """

    def build(frame: Frame) -> tuple[LinearModel, FloatArray, Decode]:
        model = build_pyomo(instance, options.formulation, frame)
        arrays, variables = compile_model(model)
        writing = _WRITINGS[options.formulation]
        writing.set_values(model, instance, frame.start)
        start = np.array([np.nan if v.value is None else v.value for v in variables])

        def decode(values: FloatArray) -> Schedule | None:
            for variable, value in zip(variables, values.tolist(), strict=True):
                variable.set_value(value, skip_validation=True)
            schedule: Schedule | None = writing.schedule_of(model, instance, frame)
            return schedule

        return arrays, start, decode

    return run_formulation(instance, budget.start(), seed, report, build)


def build_pyomo(instance: JobShop, formulation: Formulation, frame: Frame | None = None) -> pyo.ConcreteModel:
    """Write a job shop as a Pyomo model.

    Parameters
    ----------
    instance : JobShop
        Any variant.
    formulation : {"disjunctive", "time-indexed"}
    frame : Frame, optional
        Bounds on starts; default: around the best of a few job insertions.

    Returns
    -------
    pyomo.environ.ConcreteModel
        Its optimum is the instance's.

    Examples
    --------
    >>> shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(0, 2), (1, 4)]])
    >>> model = build_pyomo(shop, "disjunctive")
    >>> sorted(model.y)
    [(0, 2), (1, 3)]
    """
    frame = frame_of(instance, Budget().start(), 0) if frame is None else frame
    if formulation == "disjunctive":
        require_pairs(instance, MAX_PAIRS)
    else:
        require_starts(instance, frame, MAX_STARTS)
    return _WRITINGS[formulation].write(instance, frame)


_WRITINGS: dict[str, Any] = {"disjunctive": disjunctive, "time-indexed": time_indexed}
