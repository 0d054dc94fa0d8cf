"""What a dispatcher sees of every action: a few numbers of the operation, its job and its machine."""

import torch
from torch import Tensor

from counterpoint.simulators.batched.job_shop import NEVER, Partial
from counterpoint.simulators.batched.job_shop_bound import MakespanBound
from counterpoint.simulators.batched.job_shop_flexible import FlexiblePartial

FEATURES = (
    "wait", "duration", "work_after", "operations_after", "job_slack", "ready", "machine_free", "machine_work",
    "machine_slack",
)  # fmt: skip


def candidate_features(
    partial: Partial | FlexiblePartial,
    potential: MakespanBound,
    length: Tensor,
    now: Tensor,
    bound: Tensor,
    unit: Tensor,
) -> Tensor:
    """Return the `FEATURES` of every action, float32 [B, A, 9]; 0 where it does not exist.

    Times from `now` and work in shares of `unit`, operations in shares of the longest
    job's. Slacks are how much later the job could end, or the machine (if it worked without a pause), without raising
    the bound on the makespan.

    Parameters
    ----------
    length : int64 tensor [B, n]
        Operations of each job.
    now, bound, unit : int64 tensor [B]
        The earliest start of anything, the bound now, and what times are measured by (the first bound).
    """
    batch, n = partial.step.shape
    begin, machine, duration, ready = (
        x.view(batch, -1) for x in (partial.begin, partial.machine, partial.duration, partial.ready)
    )
    o, k = begin.shape[1] // n, potential.rest.shape[2] - 1
    after = potential.rest.gather(2, (partial.step + 1).clamp(max=k).unsqueeze(2))
    followers = (length - partial.step - 1).unsqueeze(2)
    after, followers = (x.expand(batch, n, o).reshape(batch, -1) for x in (after, followers))
    now, bound = now.unsqueeze(1), bound.unsqueeze(1)
    work = potential.machine_work(partial)
    machine_slack = bound - partial.free - work
    features = torch.stack([
        begin - now, duration, after, followers, bound - begin - duration - after, ready - now,
        partial.free.gather(1, machine) - now, work.gather(1, machine), machine_slack.gather(1, machine),
    ], 2).masked_fill_((begin >= NEVER).unsqueeze(2), 0).float()  # fmt: skip
    scale = unit.clamp(min=1).float().view(batch, 1, 1)
    features /= scale
    features[:, :, 3] *= scale.squeeze(2) / length.max(1, keepdim=True).values.clamp(min=1)
    return features
