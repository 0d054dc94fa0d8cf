"""Random job shops as tensors, drawn on the device: the distributions of `datasets/generators/job_shop`."""

import torch
from torch import Tensor

from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.job_shop import Shops
from counterpoint.simulators.batched.job_shop_flexible import FlexibleShops


def random_shops(
    batch: int, jobs: int, machines: int, generator: torch.Generator, *, duration_min: int = 1, duration_max: int = 99
) -> Shops:
    """Draw rectangular shops: durations U{duration_min..duration_max}, each job's machines in random order.

    Taillard's distribution (EJOR 64 (1993) 278-285) with the defaults; on the generator's device.
    """
    _check(batch=batch, jobs=jobs, machines=machines)
    if not 0 <= duration_min <= duration_max:
        raise OptionError(f"durations must satisfy 0 <= min <= max, not {duration_min} and {duration_max}")
    shape, device = (batch, jobs, machines), generator.device
    duration = torch.randint(duration_min, duration_max + 1, shape, generator=generator, device=device)
    machine = torch.rand(shape, generator=generator, device=device).argsort(2)
    return Shops(machine, duration, torch.full((batch, jobs), machines, device=device), machines)


def random_lengths(batch: int, jobs: int, machines: int, generator: torch.Generator) -> Tensor:
    """Draw how many operations each job of a flexible shop has, U{0.8 m..1.2 m}, int64 [B, n]."""
    _check(batch=batch, jobs=jobs, machines=machines)
    low = max(1, int(0.8 * machines))
    high = max(low, int(1.2 * machines))
    return torch.randint(low, high + 1, (batch, jobs), generator=generator, device=generator.device)


def random_flexible_shops(
    length: Tensor, machines: int, generator: torch.Generator, *, duration_max: int = 20, deviation: float = 0.2
) -> FlexibleShops:
    """Draw flexible shops as Song, Chen, Li and Cao (IEEE TII 19 (2023) 1600-1610) do for training.

    An operation has U{1..m} machines and a mean duration p U{1..duration_max}; on each machine it takes
    U{(1 - deviation) p .. (1 + deviation) p}, rounded and kept within 1..duration_max.

    Parameters
    ----------
    length : int64 tensor [B, n]
        Operations of each job, on the generator's device; see `random_lengths`. Padded to 1.2 m.
    """
    batch, jobs = length.shape
    _check(batch=batch, jobs=jobs, machines=machines, duration_max=duration_max)
    if not 0 <= deviation < 1:
        raise OptionError(f"deviation must lie in [0, 1), not {deviation}")
    device = generator.device
    most = max(1, int(0.8 * machines), int(1.2 * machines))
    shape = (batch, jobs, most, machines)
    is_operation = torch.arange(most, device=device) < length.unsqueeze(2)
    count = torch.randint(1, machines + 1, shape[:3], generator=generator, device=device) * is_operation
    is_option = torch.arange(machines, device=device) < count.unsqueeze(3)
    order = torch.rand(shape, generator=generator, device=device).argsort(3)
    machine = order.masked_fill(~is_option, machines).sort(3).values.masked_fill(~is_option, 0)
    mean = torch.randint(1, duration_max + 1, shape[:3], generator=generator, device=device).unsqueeze(3)
    least = (mean * (1 - deviation)).round().long().clamp(min=1)
    largest = (mean * (1 + deviation)).round().long().clamp(max=duration_max)
    uniform = torch.rand(shape, generator=generator, device=device, dtype=torch.float64)
    duration = (least + (uniform * (largest - least + 1)).long()).masked_fill(~is_option, 0)
    return FlexibleShops(machine, duration, count, machines)


def _check(**sizes: int) -> None:
    for key, value in sizes.items():
        if value < 1:
            raise OptionError(f"{key} must be at least 1, not {value}")
