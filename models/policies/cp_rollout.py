"""Episodes of the CP-guided agent: many in step, drawn by ranked lists, and their decisions for learning."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from counterpoint.models.networks.cp_tokens import CpTokens
from counterpoint.opt.interfaces import Observation
from counterpoint.simulators.batched.cp_environment import CpEnvironment
from counterpoint.simulators.cp.encoding import IntArray


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided in M steps of single copies.

    Parameters
    ----------
    observation : dict of tensor [M, ...]
        Before each step.
    taken : int64 tensor [M, K]
        The decisions made on it, in order; -1 behind the last.
    copy, step : int64 tensor [M]
        Whose step it was, and which of the episode.
    """

    observation: Observation
    taken: Tensor
    copy: Tensor
    step: Tensor

    def where(self, keep: Tensor) -> "Decisions":
        """Return the decisions for which `keep`, bool [M]."""
        seen = {name: value[keep] for name, value in self.observation.items()}
        return Decisions(seen, self.taken[keep], self.copy[keep], self.step[keep])


def temperatures(samples: int, device: torch.device | str = "cpu") -> Tensor:
    """Temperatures of parallel samples, float [samples, 1]: 0.5 to 2.0 in equal steps, 2.0 itself left out."""
    return 0.5 + 1.5 / samples * torch.arange(samples, device=device).unsqueeze(1)


def draw_ranked(logits: Tensor, temperature: Tensor | float, generator: torch.Generator) -> Tensor:
    """Draw ranked lists of all actions without replacement, int64 [B, A], by Gumbel's trick; illegal ones come last."""
    noise = torch.empty_like(logits).exponential_(generator=generator).clamp(min=1e-30).log()
    keys = torch.where(logits > -1e38, logits / temperature - noise, -torch.inf)
    return keys.argsort(dim=1, descending=True, stable=True)


@torch.no_grad()
def roll_out(
    network: CpTokens,
    environment: CpEnvironment,
    temperature: Tensor | float,
    generator: torch.Generator,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    """Finish the episodes that `environment` holds; False if told to stop before.

    Parameters
    ----------
    temperature : float, or float tensor [B, 1]
        The logits are divided by it.
    """
    while not bool(environment.is_done.all()):
        if should_stop():
            return False
        observation = environment.observe()
        environment.step_ranked(draw_ranked(network(observation), temperature, generator))
    return True


@torch.no_grad()
def record(
    environment: CpEnvironment, rank: Callable[[Observation, int], Tensor], steps: int | None = None
) -> Decisions:
    """Step with the lists that `rank(observation, step)` gives, to the end or so many steps, and keep what was done.

    Raises
    ------
    RuntimeError
        If a copy that is not done does not move.
    """
    parts: list[tuple[Observation, Tensor, Tensor, int]] = []
    while not bool(environment.is_done.all()) and (steps is None or len(parts) < steps):
        observation = environment.observe()
        is_live = ~environment.is_done
        taken, count = environment.step_ranked(rank(observation, len(parts)))
        if bool((is_live & (count == 0)).any()):
            raise RuntimeError("a list of decisions begins with an illegal one")
        longest = max(1, int(count.max()))
        parts.append(({k: v[is_live] for k, v in observation.items()}, taken[is_live, :longest], is_live, len(parts)))
    longest = max(taken.shape[1] for _, taken, _, _ in parts)
    return Decisions(
        {name: torch.cat([seen[name] for seen, *_ in parts]) for name in parts[0][0]},
        torch.cat([torch.nn.functional.pad(t, (0, longest - t.shape[1]), value=-1) for _, t, _, _ in parts]),
        torch.cat([is_live.nonzero().squeeze(1) for _, _, is_live, _ in parts]),
        torch.cat([torch.full((int(is_live.sum()),), k, device=is_live.device) for _, _, is_live, k in parts]),
    )


def towards(environment: CpEnvironment, start: IntArray, option: IntArray) -> Callable[[Observation, int], Tensor]:
    """Return the rank function that leads to given semi-active schedules [B, N]."""
    return lambda observation, step: environment.rank_towards(start, option)
