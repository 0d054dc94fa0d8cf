"""PPO on any task of Gymnasium; the defaults learn CartPole in less than 100,000 steps.

`ACROBOT` and `LUNAR_LANDER` are settings for two more tasks; ``benchmarks/ppo_tasks.py`` says what they reach.
"""

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

import torch

from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.adapters.from_gymnasium import GymnasiumEnvironment

EVALUATION_SEED = 10**6  # far from what training is reset with
MAX_EPISODE = 10_000  # steps of an evaluation, for tasks without a time limit of their own


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    env_id : str
        Registered name of the task, without a module: loading a task by name must import nothing.
    iterations : int
    num_envs : int
    hidden : tuple of int
        Widths of the perceptrons' layers.
    is_normalised : bool
        Whether observations are shifted and scaled by running statistics.
    episodes : int
        Of an evaluation.
    ppo : PpoConfig
        Given as a whole, with PPO's own defaults for what is left out.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    env_id: str = "CartPole-v1"
    iterations: int = 48
    num_envs: int = 64
    hidden: tuple[int, ...] = (64, 64)
    is_normalised: bool = False
    episodes: int = 20
    ppo: PpoConfig = field(
        default_factory=lambda: PpoConfig(steps=32, epochs=8, minibatches=2, learning_rate=3e-3, gamma=0.98, lam=0.8)
    )

    def __post_init__(self) -> None:
        for name in ("iterations", "num_envs", "episodes"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} must be at least 1")
        if ":" in self.env_id:  # Gymnasium would import what stands before it
            raise OptionError(f"env_id must be the name of a registered task, not {self.env_id!r}")


ACROBOT = Config(
    "Acrobot-v1",
    iterations=150,
    num_envs=32,
    ppo=PpoConfig(steps=64, epochs=4, minibatches=2, learning_rate=1e-3, is_reward_scaled=True),
)
# A landing takes 300 steps and pays at its very end: to a discount of 0.995 hovering until the time is over costs
# nearly nothing, and runs at 0.995 ended so.
LUNAR_LANDER = Config(
    "LunarLander-v3",
    iterations=73,
    num_envs=64,
    ppo=PpoConfig(
        steps=128,
        epochs=8,
        minibatches=16,
        learning_rate=1e-3,
        gamma=0.999,
        lam=0.98,
        entropy_weight=0.01,
        is_reward_scaled=True,
    ),
)


def build(config: Config, seed: int, device: str) -> PpoTrainer:
    """Return the trainer; on the CPU only, where the tasks are."""
    if torch.device(device).type != "cpu":
        raise OptionError(f"Gymnasium's tasks run on the CPU, not on {device}")
    environment = _task(config.env_id, config.num_envs)
    options = Options.of(environment, is_normalised=config.is_normalised, hidden=config.hidden)
    network = Mlp(options, torch.Generator().manual_seed(seed))
    card = {
        "problem": "gymnasium",
        "algorithm": "ppo",
        "env_id": config.env_id,
        "network": {"name": "mlp", "options": asdict(options)},
    }

    def evaluation(network: Any) -> dict[str, float]:
        returns = greedy_returns(network, config.env_id, config.episodes, EVALUATION_SEED)
        return {"cost": -float(returns.mean()), "return": float(returns.mean()), "deviation": float(returns.std())}

    return PpoTrainer(
        environment, network, config.ppo, iterations=config.iterations, seed=seed, card=card, evaluation=evaluation
    )


@torch.no_grad()
def greedy_returns(network: Any, env_id: str, episodes: int, seed: int) -> torch.Tensor:
    """Return the undiscounted returns of so many episodes, float [episodes], of the likeliest actions.

    An episode that has not ended after `MAX_EPISODE` steps counts as it stands then.
    """
    environment = _task(env_id, episodes)
    observation = environment.reset(seed)
    returns, is_running = torch.zeros(episodes), torch.ones(episodes, dtype=torch.bool)
    for _ in range(MAX_EPISODE):
        if not bool(is_running.any()):
            break
        step = environment.step(network(observation)[0].mode())
        returns += step.reward[:, 0] * is_running
        is_running &= ~(step.terminated | step.truncated)
        observation = step.observation
    return returns


def _task(env_id: str, num_envs: int) -> GymnasiumEnvironment:
    from gymnasium.error import Error

    try:
        return GymnasiumEnvironment(env_id, num_envs)
    except Error as error:
        raise OptionError(f"no such Gymnasium task: {str(error).splitlines()[0]}") from None
