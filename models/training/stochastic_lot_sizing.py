"""PPO on a plant of parallel machines: one network for one plant, judged on scenarios it never trains on.

Source of the task: Felizardo et al. 2025 (IJCNN, arXiv 2504.05150). Deviations: the network sees the machines' setups
as well as the stocks; a choice no machine can make is masked; one ratio for the joint action; the time limit is
bootstrapped.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar

import torch

from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.models.training.stochastic_lot_sizing_validation import Validation
from counterpoint.opt.errors import OptionError
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing
from counterpoint.simulators.batched.stochastic_lot_sizing import StochasticLotSizingEnvironment


@dataclass(frozen=True, slots=True)
class Generated:
    """A random plant by the published rules, `datasets.generators.stochastic_lot_sizing`.

    Parameters
    ----------
    items, machines, seed : int
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    items: int = 20
    machines: int = 10
    seed: int = 0


def default_ppo() -> PpoConfig:
    """Return the settings that PPO and post-decision PPO start from."""
    return PpoConfig(
        steps=50, epochs=4, minibatches=8, learning_rate=3e-3, gamma=0.95, entropy_weight=0.01, is_reward_scaled=True
    )


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    iterations : int
        Of ``ppo.steps`` x `num_envs` periods each.
    num_envs : int
        Plants at once.
    case : str
        File or public benchmark that holds the plant; empty: `generated`.
    generated : Generated
        The plant if there is no `case`.
    horizon : int
        Periods until a copy starts again in training; 0: the plant's. Evaluations are over the plant's horizon.
    hidden : tuple of int
        Widths of the layers of actor and critics.
    scenarios : int
        To evaluate on, always the same.
    ppo : PpoConfig
        Given as a whole, with PPO's own defaults for what is left out.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    iterations: int = 94
    num_envs: int = 64
    case: str = ""
    generated: Generated = field(default_factory=Generated)
    horizon: int = 0
    hidden: tuple[int, ...] = (128, 128)
    scenarios: int = 256
    ppo: PpoConfig = field(default_factory=default_ppo)

    def __post_init__(self) -> None:
        for key in ("iterations", "num_envs", "scenarios"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")
        if self.horizon < 0:
            raise OptionError(f"horizon must be at least 1, or 0 for the plant's, not {self.horizon}")


def build(config: Config, seed: int, device: str) -> PpoTrainer:
    """Return the trainer.

    Raises
    ------
    InstanceError, UnknownNameError, OptionError
        If there is no such plant.
    """
    plant = plant_of(config)
    environment = environment_of(config, plant, device)
    options = Options.of(environment, hidden=config.hidden)
    network = Mlp(options, torch.Generator().manual_seed(seed)).to(device)
    card = {
        "problem": plant.problem,
        "algorithm": "ppo",
        "network": {"name": "mlp", "options": asdict(options)},
        "plant": {"name": plant.name, "hash": plant.content_hash},
        "is_sampled": True,  # selected by what drawn actions cost, `Validation`, so played by drawing
    }
    return PpoTrainer(
        environment,
        network,
        config.ppo,
        iterations=config.iterations,
        seed=seed,
        card=card,
        evaluation=Validation.draw(plant, config.scenarios, device),
    )


def plant_of(config: Config) -> StochasticLotSizing:
    """Return the plant to train on."""
    if config.case:
        plant = load_instance(config.case)
        if not isinstance(plant, StochasticLotSizing):
            raise OptionError(f"case is a {plant.problem}, not a {StochasticLotSizing.problem}")
        return plant
    from counterpoint.datasets.generators.stochastic_lot_sizing import published

    return published(items=config.generated.items, machines=config.generated.machines, seed=config.generated.seed)


def environment_of(config: Config, plant: StochasticLotSizing, device: str) -> StochasticLotSizingEnvironment:
    """Return the plants to train in, cut off at different times."""
    trained = replace(plant, horizon=config.horizon) if config.horizon else plant
    return StochasticLotSizingEnvironment(trained, config.num_envs, is_staggered=True, device=device)
