"""A step of B job shops on CPU by the loops of `job_shop_kernels`: what torch's functions do, in less of the time.

What is written is the same, bit for bit. The state stays in the tensors, of which the loops get views.
"""

import torch
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched import job_shop_kernels as kernels
from counterpoint.simulators.batched.job_shop import Partial, Scheme, Shops
from counterpoint.simulators.batched.job_shop_bound import MakespanBound
from counterpoint.simulators.batched.job_shop_candidates import FEATURES
from counterpoint.simulators.batched.job_shop_flexible import FlexiblePartial, FlexibleShops


def state_of(partial: Partial | FlexiblePartial, potential: MakespanBound, length: Tensor) -> kernels.State:
    """Return views of the tensors; `length` [B, n] is the operations of each job."""
    batch, n = partial.step.shape
    ready, machine, duration, begin = (
        x.view(batch, n, -1).numpy() for x in (partial.ready, partial.machine, partial.duration, partial.begin)
    )
    return kernels.State(
        length.numpy(), potential.rest.numpy(), potential.to_come.numpy(), potential.machines.numpy(),
        partial.step.numpy(), ready, partial.free.numpy(), machine, duration, begin,
    )  # fmt: skip


def advance(
    state: kernels.State, shops: Shops | FlexibleShops, partial: Partial | FlexiblePartial, mask: Tensor, action: Tensor
) -> None:
    """Take `action` [B], or the first that `mask` [B, A] holds, where it is none of those.

    Raises
    ------
    OptionError
        If an action is no whole number, or out of range.
    """
    batch, n, k = shops.machine.shape[:3]
    if action.shape != (batch,) or action.is_floating_point():
        raise OptionError(f"an action is {[batch]} whole numbers, not {list(action.shape)}")
    is_flexible = isinstance(shops, FlexibleShops)
    count, option = (shops.count, partial.option) if is_flexible else (shops.machine, partial.end)
    tables = (x.view(batch, n, k, -1).numpy() for x in (shops.machine, shops.duration))
    others = (x.numpy() for x in (count, partial.end, option, mask, action.contiguous()))
    if not kernels.advance(state, is_flexible, *tables, *others):
        raise OptionError(f"an action is out of range: expected 0..{mask.shape[1] - 1}")


def values(state: kernels.State) -> tuple[Tensor, Tensor, Tensor]:
    """Return the bound, the earliest start of anything (the makespan, if all is done) and the makespan, int64 [B]."""
    bound, now, makespan = (torch.empty(len(state.free), dtype=torch.int64) for _ in range(3))
    kernels.value(state, bound.numpy(), now.numpy(), makespan.numpy())
    return bound, now, makespan


def candidates(state: kernels.State, scheme: Scheme) -> Tensor:
    """Return which actions may be chosen, bool [B, A]."""
    batch, n, o = state.begin.shape
    mask = torch.empty(batch, n * o, dtype=torch.bool)
    arrays = (x.reshape(batch, -1) for x in (state.begin, state.machine, state.duration, state.ready))
    kernels.candidates(kernels.SCHEMES.index(scheme), *arrays, mask.numpy())
    return mask


def candidate_features(state: kernels.State, now: Tensor, bound: Tensor, unit: Tensor) -> Tensor:
    """Return the `FEATURES` of every action, float32 [B, A, 9]."""
    batch, n, o = state.begin.shape
    out = torch.empty(batch, n, o, len(FEATURES))
    kernels.features(state, now.numpy(), bound.numpy(), unit.numpy(), out.numpy())
    return out.view(batch, n * o, -1)
