"""Random job shops to train on, schedules of a tabu search to imitate, and the judge of what was learnt."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched.job_shop import Shops


def random_shops(count: int, jobs: int, machines: int, generator: torch.Generator, device: Any = "cpu") -> Shops:
    """Draw shops like Taillard's: durations uniform on 1..99, every job once on every machine in random order."""
    duration = torch.randint(1, 100, (count, jobs, machines), generator=generator)
    machine = torch.rand(count, jobs, machines, generator=generator, dtype=torch.float64).argsort(2)
    length = torch.full((count, jobs), machines)
    return Shops(machine.to(device), duration.to(device), length.to(device), machines)


def instances_of(shops: Shops) -> list[JobShop]:
    """Return rectangular shops as instances of the family."""
    pairs = torch.stack((shops.machine, shops.duration), dim=3).tolist()
    return [JobShop.from_jobs(f"shop-{b}", jobs, num_machines=shops.num_machines) for b, jobs in enumerate(pairs)]


def mean_gap(shops: Shops, start: Tensor) -> float:
    """Return the mean over shops of the best sample's gap to the larger of machine load and job length."""
    load = torch.zeros(len(start), shops.num_machines, dtype=torch.int64, device=start.device)
    load.scatter_add_(1, shops.machine.flatten(1), shops.duration.flatten(1))
    bound = torch.maximum(load.amax(1), shops.duration.sum(2).amax(1)).tolist()
    best = (start + shops.duration.unsqueeze(1)).amax((2, 3)).argmin(1).tolist()
    gaps = []
    for b, shop in enumerate(instances_of(shops)):
        verdict = check(shop, Schedule.from_starts(shop, start[b, best[b]].flatten().cpu().numpy()))
        assert verdict.is_feasible, str(verdict)
        assert verdict.objective is not None
        gaps.append(verdict.objective / bound[b] - 1)
    return float(np.mean(gaps))


def tabu_starts(shops: Shops, moves: int, seed: int) -> Tensor:
    """Return the starts of the tabu search's schedules."""
    from counterpoint.opt.budget import Budget
    from counterpoint.solvers.local_search.job_shop import Options as TabuOptions
    from counterpoint.solvers.local_search.job_shop import solve

    found = []
    for shop in instances_of(shops):
        outcome = solve(shop, Budget(iterations=moves), seed, TabuOptions(), lambda *_, **__: None)
        found.append(torch.tensor(outcome.solution.start.copy()))
    return torch.stack(found).view_as(shops.duration)
