"""The graph network as a method for job shops, classical and flexible: greedy, by sampling or by beam search.

Anytime: the greedy schedule comes first, then batches of samples (or wider and wider beams) until the budget ends; one
iteration is one schedule. How the network is trained: `models.training.job_shop_ppo`.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch

from counterpoint.models.checkpoints import load_network as load_policy_network
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.models.networks.job_shop_gnn import JobShopGnn, graph_of
from counterpoint.models.networks.job_shop_gnn import Options as NetworkOptions
from counterpoint.models.policies.job_shop_gnn_beam import beam
from counterpoint.models.policies.job_shop_gnn_rollout import Built, roll_out
from counterpoint.models.policies.job_shop_limits import lower_bound, schedules_at_most
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.batched.job_shop import Scheme
from counterpoint.simulators.batched.job_shop_flexible import FlexibleShops

NETWORK = "job-shop-gnn"
ROWS = 128  # of a batch
ACTIONS = 4_000_000  # rows times actions held at once, at most
WIDEST_BEAM = 1024


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the method.

    Parameters
    ----------
    mode : {"sample", "greedy", "beam"}
        Greedy and samples; one greedy schedule; greedy and beams of width 4, 8, 16, ...
    samples : int
        Schedules at most, 0 for as many as the budget allows (128 if it sets no limit at all).
    temperature : float
        Of the samples.
    scheme : {"trained", "nondelay", "active", "append"}
        Which schedules are built; by default what the network was trained on.
    checkpoint : str
        A file ``*.safetensors`` of `counterpoint train`; empty for the one shipped (classical or flexible).
    """

    mode: Literal["sample", "greedy", "beam"] = "sample"
    samples: int = 0
    temperature: float = 1.0
    scheme: Literal["trained", "nondelay", "active", "append"] = "trained"
    checkpoint: str = ""

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise OptionError(f"samples must be at least 0, not {self.samples}")
        if not 0 <= self.temperature < math.inf:
            raise OptionError(f"temperature must be a finite number >= 0, not {self.temperature}")


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build schedules until the budget ends or the bound is met.

    The same seed and number of iterations give the same schedules, whatever the time they take; a time limit cuts the
    sequence. What the network cannot dispatch of the first schedule in time, the rule of most work remaining does.

    Raises
    ------
    UnsupportedError
        If the shop has blocking, windows or due dates.
    CheckpointError
        If the checkpoint is not one of this network.
    """
    clock = budget.start()
    shops = FlexibleShops.of([instance])
    network, trained = load_network(options.checkpoint, is_flexible=instance.is_flexible)
    scheme: Scheme = trained if options.scheme == "trained" else options.scheme
    with torch_threads():
        return _run(instance, shops, network, clock, seed, options, scheme, report)


def load_network(checkpoint: str = "", *, is_flexible: bool = False) -> tuple[JobShopGnn, Scheme]:
    """Return the network of a checkpoint, the shipped one if empty, and the scheme it was trained on."""
    path = checkpoint or str(shipped("job_shop_gnn_flexible" if is_flexible else "job_shop_gnn"))
    network, card = load_policy_network(path, NETWORK, JobShopGnn, NetworkOptions)
    scheme = card.get("scheme", "nondelay")
    if scheme not in ("nondelay", "active", "append"):
        raise CheckpointError(f"its scheme is {scheme!r}; expected nondelay, active or append", path)
    return network, scheme


def _run(
    instance: JobShop,
    shops: FlexibleShops,
    network: JobShopGnn,
    clock: Clock,
    seed: int,
    options: Options,
    scheme: Scheme,
    report: Report,
) -> Outcome:
    """Greedy first, then batch after batch."""
    bound = lower_bound(instance)
    if bound is not None:
        report(bound=bound)
    with torch.no_grad():
        embeddings = network.encode(graph_of(shops))
    generator = torch.Generator().manual_seed(seed % 2**63)
    _, n, _, o = shops.machine.shape
    widest = max(1, ACTIONS // (n * o))
    limit = schedules_at_most(clock.budget, options.mode, options.samples)
    done, number, best, reason = 0, 0, None, None

    while reason is None:
        left = int(min(limit - done, widest))
        if number and options.mode == "beam":
            width = min(4 * 2 ** (number - 1), WIDEST_BEAM, left)
            built = beam(network, shops, embeddings, width=width, scheme=scheme, stop=clock.is_up)
        else:
            built = roll_out(
                network, shops, embeddings, samples=min(ROWS, left) if number else 1, scheme=scheme,
                temperature=options.temperature, generator=generator if number else None, stop=clock.is_up,
                finishes=not number,
            )  # fmt: skip
        if built is None:
            reason = Termination.TIME
            break
        done += len(built.makespan)
        number += 1
        if best is None or int(built.makespan.min()) < best.makespan:
            best = _schedule(instance, shops, built)
            report(best)
        reason = clock.stop(iteration=done, objective=float(best.makespan), bound=bound)
        if reason is None and done >= limit:
            reason = Termination.COMPLETED
    assert best is not None
    return Outcome(best, float(best.makespan), reason, bound=bound, iterations=done)


def _schedule(instance: JobShop, shops: FlexibleShops, built: Built) -> Schedule:
    """Return the best of the schedules built."""
    row = int(built.makespan.argmin())
    end, option = built.partial.end, built.partial.option
    assert end is not None
    assert option is not None
    start = end[row] - shops.duration[0].gather(2, option[row].unsqueeze(2)).squeeze(2)
    is_real = shops.count[0] > 0
    return Schedule.from_starts(instance, start[is_real].numpy(), option[row][is_real].numpy())


def warm_up() -> None:
    """Build one tiny schedule, so that no run's clock pays for imports and compilation; on the calling thread alone."""
    shop = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(0, 1), (1, 4)]])
    solve(shop, Budget(iterations=1, threads=1), 0, Options(), lambda solution=None, *, bound=None: None)
