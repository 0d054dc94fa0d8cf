"""PPO on a hydrothermal system: one network for one system, judged on scenarios it never trains on.

Source of the task: Rosemberg et al. 2024 (arXiv 2405.14973), whose reinforcement-learning baselines act on target
storages. Deviations: a target is a share of what can be reached, and holds exactly; the network sees the time of the
year and how much of the horizon has passed. Expect it far behind SDDP: it learns from costs alone what the duals of the
stage problems say at once.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import torch

from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.models.policies.hydrothermal_ppo import targets_of
from counterpoint.models.training.hydrothermal import system_of
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Scenario, draw_scenarios
from counterpoint.simulators.batched.hydrothermal import roll_out
from counterpoint.simulators.batched.hydrothermal_environment import HydrothermalEnvironment

SEED = 20250504  # of the validation; `counterpoint evaluate` with another seed has other scenarios


def default_ppo() -> PpoConfig:
    """Return the settings that PPO starts from; rewards of a season from now count in full, as in the instances."""
    return PpoConfig(steps=64, epochs=4, minibatches=8, learning_rate=1e-3, gamma=1.0, is_reward_scaled=True)


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    case : str
        File, folder or public benchmark that holds the system.
    iterations : int
        Of ``ppo.steps`` x `num_envs` stages each.
    num_envs : int
        Systems at once.
    hidden : tuple of int
        Widths of the layers of actor and critic.
    share, deviation : float
        Of the way to full reservoirs, where actions begin, and how far they are spread.
    scenarios : int
        To evaluate on, always the same.
    ppo : PpoConfig
        Given as a whole, with PPO's own defaults for what is left out.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    case: str = "bolivia-dc"
    iterations: int = 250
    num_envs: int = 128
    hidden: tuple[int, ...] = (128, 128)
    share: float = 0.5
    deviation: float = 0.15
    scenarios: int = 32
    ppo: PpoConfig = field(default_factory=default_ppo)

    def __post_init__(self) -> None:
        for key in ("iterations", "num_envs", "scenarios"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")
        if not 0.0 <= self.share <= 1.0:
            raise OptionError(f"share must be in [0, 1], not {self.share}")
        if not 0.0 < self.deviation < 10.0:
            raise OptionError(f"deviation must be a positive number below 10, not {self.deviation}")


@dataclass(frozen=True, slots=True)
class Validation:
    """Scenarios of a system."""

    instance: Hydrothermal
    scenarios: tuple[Scenario, ...]

    def __call__(self, network: Any) -> dict[str, float]:
        """Return the mean cost of the network's mean actions over the reported stages; solvers start afresh."""
        found = roll_out(self.instance, self.scenarios, targets=targets_of(self.instance, network))
        return {"cost": float(found.cost.mean())}


def build(config: Config, seed: int, device: str) -> PpoTrainer:
    """Return the trainer.

    Raises
    ------
    InstanceError, UnknownNameError, OptionError
        If there is no such system.
    """
    return trainer_of(system_of(config.case), config, seed, device)


def trainer_of(system: Hydrothermal, config: Config, seed: int, device: str = "cpu") -> PpoTrainer:
    """Return the trainer for a system at hand, whatever the `case`."""
    environment = HydrothermalEnvironment(system, config.num_envs, is_staggered=True, device=device)
    options = Options.of(environment, hidden=config.hidden)
    network = Mlp(options, torch.Generator().manual_seed(seed))
    with torch.no_grad():  # actions are shares: begin in the middle, not where half of them are cut off
        network.actor[-1].bias.fill_(config.share)
        network.log_std.fill_(torch.tensor(config.deviation).log())
    card = {
        "problem": system.problem,
        "algorithm": "ppo",
        "network": {"name": "mlp", "options": asdict(options)},
        "system": {"name": system.name, "hash": system.content_hash},
    }
    return PpoTrainer(
        environment,
        network.to(device),
        config.ppo,
        iterations=config.iterations,
        seed=seed,
        card=card,
        evaluation=Validation(system, draw_scenarios(system, config.scenarios, SEED)),
    )
