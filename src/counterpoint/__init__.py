"""Counterpoint: solvers, heuristics and learned policies on the same problems, under one budget, judged by one checker.

>>> import counterpoint as ct
>>> shop = ct.generate("job-shop", jobs=6, machines=4, seed=1)
>>> result = ct.solve(shop, "mwkr")
>>> ct.check(shop, result.solution).is_feasible
True
"""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Where links are missing (zip downloads, Windows checkouts) the folders are found at the repository root.
_here = Path(__file__).resolve().parent
if not (_here / "opt").is_dir() and (_here.parent.parent / "opt" / "interfaces.py").is_file():
    __path__.append(str(_here.parent.parent))

if TYPE_CHECKING:
    from counterpoint.datasets.generating import generate
    from counterpoint.datasets.reading import read, write
    from counterpoint.datasets.registry import benchmark, benchmarks
    from counterpoint.models.training.loop import train
    from counterpoint.opt.budget import Budget
    from counterpoint.opt.codec import read_result
    from counterpoint.opt.errors import (
        BoundError,
        CheckpointError,
        CounterpointError,
        InstanceError,
        MissingPackageError,
        OptionError,
        StoreError,
        UnknownNameError,
        UnsupportedError,
    )
    from counterpoint.opt.evaluation.compare import Comparison, compare
    from counterpoint.opt.evaluation.evaluate import Evaluation, evaluate
    from counterpoint.opt.evaluation.simulating import Episode, simulate
    from counterpoint.opt.policies import policy
    from counterpoint.opt.problems.job_shop import JobShop, Schedule
    from counterpoint.opt.problems.table import problems
    from counterpoint.opt.registry import methods
    from counterpoint.opt.result import Check, Reference, Result, SolutionStatus, Termination
    from counterpoint.opt.solving import check, solve
    from counterpoint.opt.training import algorithms

__version__ = "0.1.0"

_LAZY = {
    "read": "datasets.reading",
    "write": "datasets.reading",
    "benchmark": "datasets.registry",
    "benchmarks": "datasets.registry",
    "generate": "datasets.generating",
    "Budget": "opt.budget",
    "read_result": "opt.codec",
    **dict.fromkeys(
        (
            "BoundError", "CheckpointError", "CounterpointError", "InstanceError", "MissingPackageError", "OptionError",
            "StoreError", "UnknownNameError", "UnsupportedError",
        ),
        "opt.errors",
    ),
    "Comparison": "opt.evaluation.compare",
    "compare": "opt.evaluation.compare",
    "JobShop": "opt.problems.job_shop",
    "Schedule": "opt.problems.job_shop",
    "problems": "opt.problems.table",
    "methods": "opt.registry",
    **dict.fromkeys(("Check", "Reference", "Result", "SolutionStatus", "Termination"), "opt.result"),
    "Evaluation": "opt.evaluation.evaluate",
    "evaluate": "opt.evaluation.evaluate",
    "Episode": "opt.evaluation.simulating",
    "simulate": "opt.evaluation.simulating",
    "policy": "opt.policies",
    "algorithms": "opt.training",
    "train": "models.training.loop",
    "check": "opt.solving",
    "solve": "opt.solving",
}  # fmt: skip

__all__ = [
    "BoundError", "Budget", "Check", "CheckpointError", "Comparison", "CounterpointError", "Episode", "Evaluation",
    "InstanceError", "JobShop", "MissingPackageError", "OptionError", "Reference", "Result", "Schedule",
    "SolutionStatus", "StoreError", "Termination", "UnknownNameError", "UnsupportedError", "__version__",
    "algorithms", "benchmark", "benchmarks", "check", "compare", "evaluate", "generate", "methods", "policy",
    "problems", "read", "read_result", "simulate", "solve", "train", "write",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'counterpoint' has no attribute {name!r}")
    value = getattr(import_module(f"counterpoint.{_LAZY[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
