"""The registry of learning algorithms: which can train what, known without importing torch.

To add one: a module with a frozen dataclass of its settings, ``Config`` (with a field ``iterations``), and a function
``build(config, seed, device)`` that returns an `interfaces.Trainer`; and one line here.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from counterpoint.opt.errors import MissingPackageError, OptionError, UnknownNameError, printable
from counterpoint.opt.options import validated
from counterpoint.opt.problems.table import resolve


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A way to train a policy for a problem.

    Parameters
    ----------
    name, problem : str
        As on the command line: ``counterpoint train <problem> --algorithm <name>``.
    module : str
        Module with ``Config`` and ``build``.
    summary : str
        One line.
    """

    name: str
    problem: str
    module: str
    summary: str

    def config(self, given: Mapping[str, Any]) -> Any:
        """Build the validated configuration; OptionError names an unknown key or a wrong value."""
        cls = self._load("Config")
        known = [f.name for f in fields(cls)]
        return validated(cls, given, owner=f"algorithm {self.name}", noun="setting", free=known)

    def build(self, config: Any, seed: int, device: str) -> Any:
        """Return the trainer, at its first iteration."""
        return self._load("build")(config, seed, device)

    def _load(self, what: str) -> Any:
        if find_spec("torch") is None:
            raise MissingPackageError("learning needs torch: pip install 'counterpoint[learn]'")
        return resolve(f"{self.module}:{what}")


_AT = "counterpoint.models.training."

ALGORITHMS = (  # the first of a problem is its default
    Algorithm(
        "self-labelled",
        "job-shop",
        f"{_AT}job_shop_self_labelling",
        "sample schedules, imitate the best; no solver",
    ),
    Algorithm("ppo", "job-shop", f"{_AT}job_shop_ppo", "a graph network that dispatches classical and flexible shops"),
    Algorithm("cp-guided", "job-shop", f"{_AT}cp_guided", "episodes on CP variables, cut and completed by CP-SAT"),
    Algorithm(
        "shared-baseline",
        "interrupted-job-shop",
        f"{_AT}interrupted_job_shop_shared",
        "many plays of one scenario, each judged by their mean",
    ),
    Algorithm(
        "scores",
        "interrupted-job-shop",
        f"{_AT}interrupted_job_shop_scores",
        "the same for a small network inside the compiled simulator; on the CPU",
    ),
    Algorithm("ppo", "interrupted-job-shop", f"{_AT}interrupted_job_shop", "PPO with a critic, one episode a scenario"),
    Algorithm("ppo", "inventory", f"{_AT}ppo_inventory", "PPO on a problem whose optimum is known exactly"),
    Algorithm("pdppo", "inventory", f"{_AT}pdppo_inventory", "the same by post-decision PPO, in both of its modes"),
    Algorithm("ppo", "stochastic-lot-sizing", f"{_AT}stochastic_lot_sizing", "PPO for one plant"),
    Algorithm(
        "pdppo",
        "stochastic-lot-sizing",
        f"{_AT}stochastic_lot_sizing_pdppo",
        "post-decision PPO for one plant, corrected or as published",
    ),
    Algorithm(
        "ppo-by-machine",
        "stochastic-lot-sizing",
        f"{_AT}stochastic_lot_sizing_by_machine",
        "PPO that judges every machine by its own items; a network for plants of all sizes",
    ),
    Algorithm(
        "imitation",
        "stochastic-lot-sizing",
        f"{_AT}stochastic_lot_sizing_imitation",
        "one network for plants of all sizes, taught by the policy from the items' value functions",
    ),
    Algorithm(
        "pdppo",
        "frozen-lake",
        f"{_AT}frozen_lake",
        "post-decision PPO, or PPO, on a problem whose optimum is known exactly",
    ),
    Algorithm("sddp", "hydrothermal", f"{_AT}hydrothermal_sddp", "water values by stochastic dual dynamic programming"),
    Algorithm("ts-ddr", "hydrothermal", f"{_AT}hydrothermal", "a recurrent rule of target storages, by stages' prices"),
    Algorithm(
        "ts-ldr", "hydrothermal", f"{_AT}hydrothermal_linear", "the same with a linear rule of inflows and storages"
    ),
    Algorithm("ppo", "hydrothermal", f"{_AT}hydrothermal_ppo", "PPO on storages to go for; far behind SDDP"),
    Algorithm("imitation", "tsp", f"{_AT}tsp_imitation", "a transformer taught tours of a local search, part by part"),
    Algorithm("imitation-asymmetric", "tsp", f"{_AT}atsp_imitation", "the same for matrices, there and back unlike"),
    Algorithm(
        "imitation", "cvrp", f"{_AT}cvrp_imitation", "a transformer taught routes of a local search, by what is left"
    ),
    Algorithm(
        "imitation",
        "orienteering",
        f"{_AT}orienteering_imitation",
        "a transformer taught walks of a local search, stretch by stretch",
    ),
    Algorithm(
        "imitation", "knapsack", f"{_AT}knapsack_imitation", "a transformer taught optimal packings, by what is left"
    ),
    Algorithm("ppo", "gymnasium", f"{_AT}ppo_gymnasium", "PPO on a Gymnasium task (setting env_id)"),
)


def algorithms(problem: str | None = None) -> tuple[Algorithm, ...]:
    """Return the algorithms, of one problem if given; a problem's first is its default."""
    return tuple(a for a in ALGORITHMS if problem in (None, a.problem))


def algorithm(problem: str, name: str | None = None) -> Algorithm:
    """Return one algorithm; UnknownNameError, with close names, otherwise."""
    known = algorithms(problem)
    if not known:
        raise UnknownNameError("problem to train on", problem, dict.fromkeys(a.problem for a in ALGORITHMS))
    for candidate in known:
        if name in (None, candidate.name):
            return candidate
    raise UnknownNameError(f"algorithm for {problem}", str(name), (a.name for a in known))


def read_settings(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read an algorithm's settings from a TOML file; OptionError if it is none."""
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(f"{printable(str(path))}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(f"{printable(str(path))}: not TOML: {printable(str(error))}") from None
