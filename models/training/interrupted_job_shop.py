"""PPO on interrupted blocking job shops, by the graph network over jobs and machines (after Wong et al. 2023).

Fresh random shops for every episode; a step's reward is minus the time it took, in units of the shop's longest job or
largest load over its availability, so an undiscounted return is minus the makespan in that unit.
"""

from dataclasses import asdict, dataclass, field

import torch

from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.interrupted_job_shop import InterruptedShopNetwork, Options
from counterpoint.models.training.interrupted_job_shop_validation import Validation
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.interrupted_job_shop_environment import Draw, InterruptedShops, Reward


def _ppo() -> PpoConfig:
    return PpoConfig(steps=64, epochs=3, minibatches=16, learning_rate=1e-3, gamma=1.0, lam=0.98, entropy_weight=0.003)


@dataclass(frozen=True, slots=True)
class Config:
    """Configuration of the training.

    Parameters
    ----------
    iterations : int
        Over which the learning rate falls to 0.
    environments : int
        Shops at once.
    reward : {"elapsed", "terminal"}
        When the makespan is paid for: as time passes, or at the end.
    waiting : bool
        Whether the policy may let a machine wait.
    rounds : int
        Of the simulator per step; see `InterruptedShops`.
    draw : Draw
        The shops to train on.
    network : Options
    ppo : PpoConfig
    """

    iterations: int = 300
    environments: int = 128
    reward: Reward = "elapsed"
    waiting: bool = False
    rounds: int = 8
    draw: Draw = field(default_factory=Draw)
    network: Options = field(default_factory=Options)
    ppo: PpoConfig = field(default_factory=_ppo)

    def __post_init__(self) -> None:
        for key in ("iterations", "environments", "rounds"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> PpoTrainer:
    """Return the trainer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = InterruptedShopNetwork(config.network).to(device)
    environment = InterruptedShops(
        config.environments,
        config.draw,
        reward=config.reward,
        waiting=config.waiting,
        rounds=config.rounds,
        seed=seed,
        device=device,
    )
    validation = Validation.draw(config.draw, torch.device(device))
    card = {
        "problem": "interrupted-job-shop",
        "algorithm": "ppo",
        "network": network.card(),
        "waiting": config.waiting,
        "draw": asdict(config.draw),
    }
    return PpoTrainer(
        environment,
        network,
        config.ppo,
        iterations=config.iterations,
        seed=seed,
        card=card,
        evaluation=lambda net: validation.judge(net, waiting=config.waiting),
    )
