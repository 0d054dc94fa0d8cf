"""The CP-guided policy as a solver of job shops: parallel sampled episodes, the best one kept.

Source: Tassel, Gebser and Schekotihin 2023 (ICAPS 33:614-622): 32 parallel episodes at temperatures from 0.5 to 2.0.
The same policy file runs on any shop that `simulators.cp.job_shop` can state: classical, flexible, blocking with swap.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from counterpoint.models.checkpoints import load_network
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.models.networks.cp_tokens import CpTokens
from counterpoint.models.networks.cp_tokens import Options as NetworkOptions
from counterpoint.models.policies.cp_rollout import roll_out, temperatures
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import CheckpointError, OptionError, UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.batched.cp_environment import CpEnvironment, View
from counterpoint.simulators.cp.job_shop import decode, encode

SHIPPED = "cp_guided"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the CP-guided policy.

    Parameters
    ----------
    checkpoint : str
        Path of a policy that ``cp-guided`` trained; empty for the one shipped.
    samples : int
        Episodes of a round. Without a time limit there is one round; the budget's iterations count episodes.
    """

    checkpoint: str = ""
    samples: int = 32

    def __post_init__(self) -> None:
        if not 1 <= self.samples <= 4096:
            raise OptionError(f"samples must lie in 1..4096, not {self.samples}")


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Sample rounds of episodes until the budget ends; one round if it has no limit.

    When time runs out within the first round, its episodes are finished by starting whatever can start, so that a
    schedule comes back in any case.

    Raises
    ------
    CheckpointError
        If the checkpoint is not of such a policy.
    UnsupportedError
        For tardiness, and for shops that the encoding cannot state.
    """
    if instance.objective != "makespan":
        raise UnsupportedError("the CP-guided policy minimises the makespan only")
    clock = budget.start()
    network, view = load(shipped(SHIPPED) if not options.checkpoint else Path(options.checkpoint))
    generator = torch.Generator().manual_seed(seed % 2**63)
    best: Schedule | None = None
    done, reason = 0, None
    limit = options.samples if budget.time_limit_s is None and budget.iterations is None else budget.iterations
    with torch_threads():
        while reason is None:
            size = options.samples if limit is None else max(1, min(options.samples, limit - done))
            environment = CpEnvironment([encode(instance)], size, view=view)
            heat = temperatures(options.samples)[np.arange(done, done + size) % options.samples]
            is_whole = roll_out(network, environment, heat, generator, lambda: clock.remaining_s() == 0)
            if not is_whole and best is None:
                environment = CpEnvironment([encode(instance)], 1, view=view)  # one: they would all be the same
                finish(environment)
            if is_whole or best is None:
                row = int(environment.makespan.argmin())
                if best is None or environment.makespan[row] < best.makespan:
                    best = decode(instance, *environment.solution(row))
                    report(best)
                done += size
            objective = float(best.makespan)
            reason = clock.stop(iteration=done, objective=objective)
            if reason is None and limit is not None and done >= limit:
                reason = Termination.COMPLETED
    return Outcome(best, float(best.makespan), reason, iterations=done)


def load(path: Path) -> tuple[CpTokens, View]:
    """Return the network of a checkpoint and what it must be shown.

    Raises
    ------
    CheckpointError
        If the card names another network, or unknown options.
    """
    network, card = load_network(path, "cp-tokens", CpTokens, lambda **given: _options(NetworkOptions, given, path))
    return network, _options(View, card.get("view", {}), path)


def finish(environment: CpEnvironment) -> None:
    """Finish every episode by starting, again and again, the first thing that can start; milliseconds."""
    ranked = torch.arange(environment.rows + 1)
    while not bool(environment.is_done.all()):
        mask = environment.observe()["action_mask"]
        order = torch.where(mask, ranked, environment.rows + 1).argsort(dim=1, stable=True)
        environment.step_ranked(order)


def warm_up() -> None:
    """Compile the propagation and load what is imported late, so that no run's clock pays for it."""
    shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(0, 1), (1, 4)]])
    environment = CpEnvironment([encode(shop)], 2)
    roll_out(CpTokens(), environment, 1.0, torch.Generator())
    finish(environment)


def _options(cls: Any, given: Any, path: Path) -> Any:
    """Build a frozen dataclass from a card's untrusted values."""
    from pydantic import TypeAdapter, ValidationError  # 0.1 s of import, only needed here

    try:
        unknown = set(given) - set(cls.__dataclass_fields__)
        if unknown:
            raise CheckpointError(
                f"its card has unknown options {', '.join(sorted(map(str, unknown)))[:80]}", str(path)
            )
        return TypeAdapter(cls).validate_python(given)
    except (ValidationError, OptionError, TypeError) as error:
        line = str(error).splitlines()[-1][:120]
        raise CheckpointError(f"its card's options are wrong: {line}", str(path)) from None
