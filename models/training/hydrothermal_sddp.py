"""SDDP by the common training loop: water values as a checkpoint, a run that can be watched, stopped and gone on with.

Warm solvers remember where they stood, which no checkpoint can hold. So every `REBUILD` iterations the solvers are made
anew from the cuts alone, and a state is that of the last time: going on repeats the few iterations since.
"""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
import torch

from counterpoint.models.policies.hydrothermal_water_values import NETWORK, CutOptions
from counterpoint.models.training.hydrothermal import system_of
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios
from counterpoint.simulators.batched.hydrothermal import roll_out

if TYPE_CHECKING:
    from counterpoint.solvers.sddp.hydrothermal import Options as SddpOptions
    from counterpoint.solvers.sddp.policy import Policy, Progress

REBUILD = 10  # iterations
SEED = 20251126  # of the scenarios to evaluate on


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    iterations : int
    case : str
        File, folder or public case that holds the system.
    network_kind : str
        Of the stages that cuts are made of; empty: the system's own, under ``ac`` its cone relaxation.
    forward_passes : int
        Paths in an iteration.
    risk_lambda, risk_beta : float
        ``risk_lambda * mean + (1 - risk_lambda) * CVaR`` of the worst share `risk_beta`; 1: risk neutral.
    lanes, workers : int
        Solvers of a stage, on which results depend, and threads, on which they do not.
    scenarios : int
        To evaluate on, always the same; 0: none, the bound alone is told.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    iterations: int = 100
    case: str = "bolivia-dc"
    network_kind: Literal["", "single-bus", "transport", "dc", "soc", "soc-cones"] = ""
    forward_passes: int = 1
    risk_lambda: float = 1.0
    risk_beta: float = 1.0
    lanes: int = 2
    workers: int = 2
    scenarios: int = 32

    def __post_init__(self) -> None:
        if self.iterations < 1 or self.scenarios < 0:
            raise OptionError("iterations must be at least 1, scenarios at least 0")
        self.options()

    def options(self) -> "SddpOptions":
        """Return the same for the method."""
        from counterpoint.solvers.sddp.hydrothermal import Options as SddpOptions

        return SddpOptions(
            iterations=self.iterations, network_kind=self.network_kind, forward_passes=self.forward_passes,
            risk_lambda=self.risk_lambda, risk_beta=self.risk_beta, lanes=self.lanes, workers=self.workers,
        )  # fmt: skip


def build(config: Config, seed: int, device: str) -> "SddpTrainer":
    """Return the trainer.

    Raises
    ------
    InstanceError, UnknownNameError, OptionError
        If there is no such system.
    """
    if not device.startswith("cpu"):
        raise OptionError("stages are solved on the CPU: train with device=cpu")
    return SddpTrainer(system_of(config.case), config, seed)


class SddpTrainer:
    """See `interfaces.Trainer`; an iteration is one of SDDP."""

    def __init__(self, system: Hydrothermal, config: Config, seed: int) -> None:
        from counterpoint.solvers.sddp import hydrothermal, policy, train

        self.system, self.config, self.seed = system, config, seed
        self._advance, self._stage_cuts = train.advance, hydrothermal.stage_cuts
        self._make_policy, self._make_progress = policy.Policy, policy.Progress
        self.graph, self.make_solver = hydrothermal.graph_of(system, config.network_kind)
        self.scenarios = draw_scenarios(system, config.scenarios, SEED)
        self.solved_before = 0  # by solvers that are gone
        self.trained = self._policy([], [])
        self.base: dict[str, Any] = self._snapshot()

    @property
    def iteration(self) -> int:
        """Iterations done."""
        return len(self.trained.progress)

    def step(self) -> dict[str, float]:
        """Do one iteration; its bound, the cost of its paths, and how many problems have been solved."""
        done = self._advance(self.trained, self.seed)
        if self.iteration % REBUILD == 0:
            self._rebuild(self._snapshot())
        return {
            "samples": float(done.iteration * self.config.forward_passes),
            "bound": done.bound,
            "simulation": done.simulation,
            "cuts": float(done.cuts),
            "problems": float(self.solved_before + self.trained.num_solved),
        }

    def evaluate(self) -> dict[str, float]:
        """Return the bound and, on scenarios of its own over the reported stages, the mean cost with its error."""
        # before the first iteration, by solvers that are not trained with: those remember where they stood
        bound = self.trained.progress[-1].bound if self.trained.progress else self._policy([], []).bound()
        if not self.scenarios:
            return {"bound": bound}
        cuts = [self._stage_cuts(self.trained, stage) for stage in range(self.system.reported_stages)]
        last = (np.zeros(0), np.zeros((0, self.system.num_reservoirs)), 0.0)
        found = roll_out(self.system, self.scenarios, cuts=[last if c is None else c for c in cuts]).cost
        error = float(found.std(ddof=1) / len(found) ** 0.5) if len(found) > 1 else 0.0
        return {"cost": float(found.mean()), "standard_error": error, "bound": bound}

    def state_dict(self) -> dict[str, Any]:
        """Return the cuts of the last rebuilding, and how far the training has come since."""
        return {**self.base, "iteration": self.iteration}

    def load_state_dict(self, state: Any) -> None:
        """Go back to such a state: load the cuts, and do again what came after."""
        self._rebuild({key: state[key] for key in ("pools", "progress", "solved")})
        while self.iteration < int(state["iteration"]):
            self._advance(self.trained, self.seed)

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the water values of all stages, in money of each stage, and what they are for."""
        horizon, reservoirs = self.system.horizon, self.system.num_reservoirs
        found = [self._stage_cuts(self.trained, stage) for stage in range(horizon)]
        held = [(t, cuts) for t, cuts in enumerate(found) if cuts is not None]
        tensors = {
            "stage": torch.cat([torch.full((len(c[0]),), t) for t, c in held] or [torch.zeros(0)]).long(),
            "intercept": torch.tensor(np.concatenate([c[0] for _, c in held] or [np.zeros(0)])),
            "slope": torch.tensor(np.concatenate([c[1] for _, c in held] or [np.zeros((0, reservoirs))])),
            "lower": torch.tensor([0.0 if cuts is None else cuts[2] for cuts in found], dtype=torch.float64),
        }
        card = {
            "network": {"name": NETWORK, "options": asdict(CutOptions(horizon, reservoirs))},
            "system": {"name": self.system.name, "hash": self.system.content_hash},
        }
        return tensors, card

    def _snapshot(self) -> dict[str, Any]:
        pools = [
            {"state": p.state, "intercept": p.intercept, "slope": p.slope}
            for p in (future.pool for future in self.trained.futures)
        ]
        return {
            "pools": [{key: torch.tensor(array) for key, array in pool.items()} for pool in pools],
            "progress": [asdict(p) for p in self.trained.progress],
            "solved": self.solved_before + self.trained.num_solved,
        }

    def _rebuild(self, base: dict[str, Any]) -> None:
        """Make solvers anew that hold the cuts of a snapshot, and nothing else."""
        pools = [{key: tensor.numpy() for key, tensor in pool.items()} for pool in base["pools"]]
        self.trained = self._policy(pools, [self._make_progress(**p) for p in base["progress"]])
        self.solved_before = int(base["solved"])
        self.base = base

    def _policy(self, pools: list[dict[str, Any]], progress: "list[Progress]") -> "Policy":
        policy = self._make_policy(self.graph, self.config.options().training(), make_solver=self.make_solver)
        for future, cuts in zip(policy.futures, pools, strict=bool(pools)):
            if len(cuts["state"]):
                future.pool.add(cuts["state"], cuts["intercept"], cuts["slope"])
                for member in future.members:
                    policy.solvers[member].add_cuts(len(cuts["state"]), refresh=policy.options.selects_cuts)
        policy.progress.extend(progress)
        return policy
