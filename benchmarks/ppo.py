"""Our PPO beside Stable-Baselines3's on CartPole-v1: environment steps per CPU second, and the score reached.

Each method trains for about 100,000 steps on one thread, in one process, in turn; CPU seconds hold everything from
building the environments to the last update. The score is the mean return of 100 greedy episodes, the same for all.
Stable-Baselines3 runs with the settings that its own zoo tuned for this task, and once more with ours: what is left
between those two rows and ours is settings, and code. Last comes what no code saves at our settings: the task's own
Python and the network's passes, each timed alone. The seeds are not those that our settings were chosen on.

    python benchmarks/ppo.py            # needs stable-baselines3; some minutes
    python benchmarks/ppo.py --quick    # one seed, a fifth of the steps, nothing written
"""

import argparse
import csv
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from counterpoint.models.training.ppo_gymnasium import Config, build, greedy_returns

TASK, STEPS, EPISODES, SEEDS = "CartPole-v1", 98_304, 100, range(10, 13)
Run = Callable[[int, int], tuple[Any, int]]


def ours(seed: int, steps: int) -> tuple[Any, int]:
    """Train with our defaults; return the network and the steps taken."""
    config = Config(iterations=steps // 2048)
    trainer = build(config, seed, "cpu")
    for _ in range(config.iterations):
        trainer.step()
    return trainer.network, trainer.samples


def zoo(seed: int, steps: int) -> tuple[Any, int]:
    """Stable-Baselines3 as rl-baselines3-zoo tuned it (hyperparams/ppo.yml, CartPole-v1)."""
    return _sb3(seed, steps, num_envs=8, n_steps=32, batch_size=256, n_epochs=20, gae_lambda=0.8, gamma=0.98,
                learning_rate=_linear(1e-3), clip_range=_linear(0.2))  # fmt: skip


def sb3_with_our_settings(seed: int, steps: int) -> tuple[Any, int]:
    """Stable-Baselines3 with the settings of `ours`."""
    return _sb3(seed, steps, num_envs=64, n_steps=32, batch_size=1024, n_epochs=8, gae_lambda=0.8, gamma=0.98,
                learning_rate=_linear(3e-3), clip_range=0.2)  # fmt: skip


def parts(seed: int, iterations: int) -> tuple[float, float, float]:
    """Return CPU microseconds a step of ours: all of it, the task stepped alone, the network's passes alone."""
    trainer = build(Config(), seed, "cpu")
    config, network, batch = trainer.config, trainer.network, trainer.batch
    actions = torch.randint(2, (config.steps, trainer.environment.num_envs)).numpy()
    rows = torch.randperm(actions.size).view(config.minibatches, -1)
    alone = build(Config(), seed, "cpu").environment.vector
    spent = [0.0, 0.0, 0.0]

    def task() -> None:
        for action in actions:
            alone.step(action)

    def passes() -> None:
        with torch.no_grad():
            for _ in actions:
                network(trainer.observation)
        for minibatch in rows.repeat(config.epochs, 1):
            distribution, value = network(batch.select(minibatch).observation)
            (distribution.log_probs.sum() + value.sum()).backward()

    for _ in range(iterations):  # in turn, so that a busy machine slows all alike
        for i, part in enumerate((trainer.step, task, passes)):
            started = time.process_time()
            part()
            spent[i] += time.process_time() - started
    whole, stepped, passed = (1e6 * each / (iterations * actions.size) for each in spent)
    return whole, stepped, passed


METHODS: dict[str, Run] = {"ours": ours, "sb3, tuned by its zoo": zoo, "sb3, our settings": sb3_with_our_settings}


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/ppo.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one seed, a fifth of the steps, nothing written")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    rows = []
    print(f"{'method':24} seed    steps   CPU s  steps/CPU-s  score (mean of {EPISODES} greedy episodes)")
    for seed in SEEDS[:1] if chosen.quick else SEEDS:
        for name, run in METHODS.items():
            started = time.process_time()
            network, steps = run(seed, STEPS // 5 if chosen.quick else STEPS)
            cpu = time.process_time() - started
            score = float(greedy_returns(network, TASK, EPISODES, seed=10**6).mean())
            print(f"{name:24} {seed:4} {steps:8} {cpu:7.1f} {steps / cpu:12.0f}  {score:.1f}", flush=True)
            rows.append({"method": name, "seed": seed, "steps": steps, "cpu_s": round(cpu, 2),
                         "steps_per_cpu_s": round(steps / cpu), "score": round(score, 1)})  # fmt: skip
    speed = {name: _pooled(rows, name) for name in METHODS}
    for name in METHODS:
        print(f"{name:24} {speed[name]:8.0f} steps/CPU-s; ours is {speed['ours'] / speed[name]:.1f} times that")
    whole, task, passes = parts(SEEDS[0], 3 if chosen.quick else 20)
    print(f"of ours, {whole:.0f} us a step: the task's Python {task:.0f}, the network's passes {passes:.0f}")
    if not chosen.quick:
        target = Path(__file__).parent / "results" / "ppo.csv"
        with target.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        print(f"written: {target}")
    return 0


def _pooled(rows: list[dict[str, Any]], name: str) -> float:
    mine = [row for row in rows if row["method"] == name]
    return sum(row["steps"] for row in mine) / sum(row["cpu_s"] for row in mine)


def _linear(first: float) -> Callable[[float], float]:
    return lambda left: first * left


def _sb3(seed: int, steps: int, num_envs: int, **settings: Any) -> tuple[Any, int]:
    from stable_baselines3 import PPO
    from stable_baselines3.common.env_util import make_vec_env

    learner = PPO(
        "MlpPolicy", make_vec_env(TASK, num_envs, seed=seed), seed=seed, device="cpu", ent_coef=0.0, **settings
    )
    learner.learn(steps)
    return _Shown(learner.policy), learner.num_timesteps


class _Shown:
    """Stable-Baselines3's policy, called as our evaluation calls a network."""

    def __init__(self, policy: Any) -> None:
        self.policy = policy

    def __call__(self, observation: dict[str, torch.Tensor]) -> tuple["_Shown", None]:
        self.action = self.policy._predict(observation["observation"], deterministic=True)
        return self, None

    def mode(self) -> torch.Tensor:
        """Return the likeliest actions."""
        return self.action


if __name__ == "__main__":
    sys.exit(main())
