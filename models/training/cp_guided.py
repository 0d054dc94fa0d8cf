"""Training the CP-guided agent: play, cut, let CP-SAT complete, learn from the difference.

Source: Tassel, Gebser and Schekotihin 2023 (ICAPS 33:614-622). One update: every copy plays an episode by sampled
ranked lists; all are cut after the same number of steps; CP-SAT completes each beginning, warm-started with the agent's
own end; the completions' decisions are imitated, the agent's own shunned, as much as the completion improved; and the
beginnings are judged by what could be made of them.

Deviations: CP-SAT with a deterministic limit for IBM's CP Optimizer; by default, fresh random shops and the settings
of a CPU. Each decision of a ranked list counts by its probability given those before it.
"""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from counterpoint.datasets.generating import generate
from counterpoint.datasets.registry import benchmark
from counterpoint.models.algorithms.cp_guided import (
    clipped_loss,
    improvement_weights,
    prefix_costs,
    ranked_log_prob,
)
from counterpoint.models.networks.cp_tokens import CpTokens
from counterpoint.models.policies.cp_rollout import Decisions, draw_ranked, record, roll_out, temperatures, towards
from counterpoint.models.training.cp_guided_config import Config
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched.cp_environment import CpEnvironment
from counterpoint.simulators.cp.job_shop import decode, encode

SAMPLES = 32  # of each shop when judging
VALIDATION_SEED = 2**20
CHUNK = 512  # steps whose old probabilities are computed at a time

__all__ = ["Config", "CpGuided", "build"]


def build(config: Config, seed: int, device: torch.device | str = "cpu") -> "CpGuided":
    """Return the trainer at its first iteration."""
    return CpGuided(config, seed, device)


class CpGuided:
    """The trainer (`interfaces.Trainer`); whatever is random follows from seed and iteration."""

    def __init__(self, config: Config, seed: int, device: torch.device | str = "cpu") -> None:
        self.config, self.seed, self.device = config, seed, torch.device(device)
        self.iteration, self.samples = 0, 0
        self.network = CpTokens(config.network, torch.Generator().manual_seed(seed)).to(self.device)
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=config.learning_rate, eps=1e-5)

    def step(self) -> dict[str, float]:
        """Do one update."""
        rng = np.random.default_rng([self.seed, self.iteration])
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        shops, group = self._draw(rng)
        environment = self._environment([shops[g] for g in group])
        played = record(environment, lambda seen, _: draw_ranked(self.network(seen), 1.0, generator))
        lengths = torch.bincount(played.copy, minlength=len(group))
        cut = int(rng.integers(1, max(2, int(lengths.min()))))
        own = [decode(shops[g], *environment.solution(row)) for row, g in enumerate(group)]
        solved, solver_s = self._complete(environment, played, cut, [shops[g] for g in group], own)
        guided = self._replay_on(environment, solved, [shops[g] for g in group])
        batch = _Batch.of(played, guided, cut, own, solved, torch.tensor(group, device=self.device))
        figures = self._learn(batch, generator)
        self.iteration += 1
        self.samples += int((played.taken >= 0).sum())
        mine, theirs = (np.array([schedule.makespan for schedule in many]) for many in (own, solved))
        return {
            "samples": float(self.samples),
            "improvement_percent": float(100 * (1 - theirs / mine).mean()),
            "waits_percent": float(100 * (played.taken == environment.rows).sum() / (played.taken >= 0).sum()),
            "cut_percent": float(100 * cut / lengths.double().mean()),
            "solver_cpu_s": solver_s,
            **figures,
        }

    def evaluate(self) -> dict[str, float]:
        """Judge best of 32 samples on fixed random shops, by the checker; ``cost`` is per cent above a simple bound."""
        best, mean = [], []
        for k in range(self.config.validation):
            shop = self._random_shop(VALIDATION_SEED + k)
            environment = self._environment([shop] * SAMPLES)
            generator = torch.Generator(self.device).manual_seed(k)
            roll_out(self.network, environment, temperatures(SAMPLES, self.device), generator)
            verdicts = [check(shop, decode(shop, *environment.solution(row))) for row in range(SAMPLES)]
            if not all(verdict.is_feasible for verdict in verdicts):
                raise RuntimeError(f"the roll-out of {shop.name} is infeasible")
            objective = np.array([verdict.objective for verdict in verdicts]) / simple_bound(shop)
            best.append(objective.min())
            mean.append(objective.mean())
        return {"cost": 100 * (float(np.mean(best)) - 1), "mean_sample_cost": 100 * (float(np.mean(mean)) - 1)}

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides the future."""
        return {
            "iteration": self.iteration,
            "samples": self.samples,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples = state["iteration"], state["samples"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])

    def policy(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return the network's tensors, and what it takes to run it."""
        network = {"name": "cp-tokens", "options": asdict(self.config.network)}
        return self.network.state_dict(), {"network": network, "view": asdict(self.config.view)}

    def _draw(self, rng: np.random.Generator) -> tuple[list[JobShop], list[int]]:
        """Return the shops of an update, and which of them each episode is of."""
        config = self.config
        if config.instances:
            chosen = rng.permutation(len(config.instances))[: config.shops].tolist()
            shops = [benchmark(config.instances[k]) for k in chosen]
        else:
            seeds = rng.integers(VALIDATION_SEED + 2**10, 2**31 - 1, size=config.shops).tolist()
            shops = [self._random_shop(seed) for seed in seeds]
        return shops, [row % len(shops) for row in range(config.episodes)]

    def _random_shop(self, seed: int) -> JobShop:
        config = self.config
        size = {"jobs": config.jobs, "machines": config.machines, "seed": seed}
        if config.variant == "flexible":
            return generate("job-shop", generator="flexible", **size)
        return generate("job-shop", blocking="swap" if config.variant == "blocking-swap" else "none", **size)

    def _environment(self, shops: list[JobShop]) -> CpEnvironment:
        """Return an environment whose copies are at the beginning of these shops, one each."""
        different = list(dict.fromkeys(shops))
        environment = CpEnvironment(
            [encode(shop) for shop in different], len(shops), view=self.config.view, device=self.device
        )
        environment.assign([different.index(shop) for shop in shops])
        return environment

    def _complete(
        self, environment: CpEnvironment, played: Decisions, cut: int, shops: list[JobShop], own: list[Schedule]
    ) -> tuple[list[Schedule], float]:
        """Leave the environment at the cut, and return what CP-SAT makes of each beginning, and its CPU seconds."""
        from counterpoint.solvers.cp_sat.completion import complete

        environment.restart()
        record(environment, lambda _, k: played.taken[played.step == k], steps=cut)
        begun = [(environment.solution(row)[0] >= 0, environment.earliest(row)) for row in range(len(shops))]

        def one(row: int) -> Schedule:
            return complete(shops[row], own[row], *begun[row], effort=self.config.effort, seed=self.iteration)

        started = time.process_time()
        with ThreadPoolExecutor(self.config.threads) as pool:
            solved = list(pool.map(one, range(len(shops))))
        return solved, time.process_time() - started

    def _replay_on(self, environment: CpEnvironment, solved: list[Schedule], shops: list[JobShop]) -> Decisions:
        """Go on from the cut to the completions, and check that they were reached."""
        start, option = (np.zeros((len(shops), environment.shape.intervals), np.int64) for _ in range(2))
        for row, (shop, schedule) in enumerate(zip(shops, solved, strict=True)):
            start[row, : shop.num_operations] = schedule.start
            option[row, : shop.num_operations] = _options(shop, schedule)
        guided = record(environment, towards(environment, start, option))
        if any(environment.makespan != [schedule.makespan for schedule in solved]):
            raise RuntimeError("a completion could not be replayed")
        return guided

    def _learn(self, batch: "_Batch", generator: torch.Generator) -> dict[str, float]:
        """Do the epochs of one update."""
        config, size = self.config, len(batch.taken)
        with torch.no_grad():
            chunks = torch.arange(size, device=self.device).split(CHUNK)
            old = torch.cat([batch.log_prob(self.network, rows) for rows in chunks])
        share = 1 - self.iteration / config.iterations
        self.optimiser.param_groups[0]["lr"] = config.learning_rate * max(share, 0.0)
        done, losses, divergence = 0, [], 0.0
        for _ in range(config.epochs):
            divergences = []
            order = torch.randperm(size, generator=generator, device=self.device)
            for rows in order.chunk(config.minibatches):
                log_prob = batch.log_prob(self.network, rows)
                loss = batch.loss(log_prob, old[rows], rows, config.clip)
                self.optimiser.zero_grad(set_to_none=True)
                loss.backward()
                self.optimiser.step()
                difference = (log_prob.detach() - old[rows])[batch.taken[rows] >= 0]
                divergences.append(float((difference.exp() - 1 - difference).mean()))
                losses.append(float(loss.detach()))
            done += 1
            divergence = float(np.mean(divergences))
            if divergence > config.kl_limit:
                break
        return {"loss": float(np.mean(losses)), "kl": divergence, "epochs": float(done)}


class _Batch:
    """All decisions of one update, with what they are worth."""

    def __init__(self, decisions: list[Decisions], advantage: list[Tensor], is_prefix: list[Tensor]) -> None:
        longest = max(one.taken.shape[1] for one in decisions)
        pad = torch.nn.functional.pad
        names = decisions[0].observation
        self.observation = {name: torch.cat([one.observation[name] for one in decisions]) for name in names}
        self.taken = torch.cat([pad(one.taken, (0, longest - one.taken.shape[1]), value=-1) for one in decisions])
        self.advantage, self.is_prefix = torch.cat(advantage), torch.cat(is_prefix)

    @classmethod
    def of(
        cls, played: Decisions, guided: Decisions, cut: int, own: list[Schedule], solved: list[Schedule], group: Tensor
    ) -> "_Batch":
        """Weigh the common beginning by its cost, the agent's end by minus and the solver's by plus the improvement."""
        mine, theirs = (torch.tensor([s.makespan for s in many], device=group.device) for many in (own, solved))
        weight, cost = improvement_weights(mine, theirs, group), prefix_costs(theirs, group)
        # where only one decision is legal there is nothing to learn
        played, guided = (one.where(one.observation["action_mask"].sum(1) > 1) for one in (played, guided))
        begin, end = played.where(played.step < cut), played.where(played.step >= cut)
        advantage = [-cost[begin.copy], -weight[end.copy], weight[guided.copy]]
        return cls(
            [begin, end, guided],
            advantage,
            [torch.full_like(a, k == 0, dtype=torch.bool) for k, a in enumerate(advantage)],
        )

    def log_prob(self, network: CpTokens, rows: Tensor) -> Tensor:
        """Return the log-probability of each decision of some steps, [len(rows), K]."""
        seen = {name: value[rows] for name, value in self.observation.items()}
        return ranked_log_prob(network(seen), self.taken[rows])

    def loss(self, log_prob: Tensor, old: Tensor, rows: Tensor, clip: float) -> Tensor:
        """Return the sum of the two losses: the mean over ends, and the mean over beginnings."""
        each = clipped_loss(log_prob, old, self.advantage[rows].unsqueeze(1), clip)
        is_made, is_prefix = self.taken[rows] >= 0, self.is_prefix[rows].unsqueeze(1)
        parts = [(each * part).sum() / part.sum().clamp(min=1) for part in (is_made & is_prefix, is_made & ~is_prefix)]
        return parts[0] + parts[1]


def _options(shop: JobShop, schedule: Schedule) -> np.ndarray:
    """Return the option (of all P) that each operation takes, int64 [N]."""
    if not shop.is_flexible:
        return np.arange(shop.num_operations)
    of = np.repeat(np.arange(shop.num_operations), np.diff(shop.option_offsets))
    return np.flatnonzero(shop.option_machine == schedule.machine[of])


def simple_bound(shop: JobShop) -> float:
    """Longest job or mean load of the machines, with every operation's shortest option."""
    shortest = np.minimum.reduceat(shop.option_duration, shop.option_offsets[:-1])
    return max(float(np.add.reduceat(shortest, shop.job_offsets[:-1]).max()), shortest.sum() / shop.num_machines)
