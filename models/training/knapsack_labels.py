"""Random knapsacks with optimal packings, and the knapsacks that are left of them to be learnt.

What is left of an optimal packing when some of it is packed is an optimal packing of what is left of the knapsack,
also without some of the items that are not in it: labels of all sizes from labels of one (Drakulic et al. 2023,
NeurIPS, arXiv 2301.03313).
"""

import numpy as np
import torch
from torch import Tensor

from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.knapsack import Knapsack, Packing, check
from counterpoint.simulators.batched.bq_knapsack import Knapsacks, core, start, tails

LARGEST = 998  # of a value and a weight, as published
CAPACITY = (125, 275)  # for each item; 250 in what is published
MOST = 8
SHARPEST = 8.0  # how much the densest are packed first, in standard deviations of noise over all ranks


def labelled(count: int, items: int, effort: int, seed: int) -> dict[str, Tensor]:
    """Return cores of random knapsacks with optimal packings.

    Parameters
    ----------
    count : int
    items : int
        Of each core (see `bq_knapsack.core`); the knapsacks have up to `MOST` times as many.
    effort : int
        Ignored: the dynamic programme proves optimality.
    seed : int

    Returns
    -------
    dict
        ``value``, ``weight`` and ``packed`` (0 or 1), int64 [count, items], and ``capacity``, int64 [count].
    """
    from counterpoint.solvers.dynamic_programming.knapsack import solve  # numba, which acting does not need
    from counterpoint.solvers.warm_up.knapsack import dynamic_programming

    dynamic_programming()
    rng = np.random.default_rng(seed)
    sizes = items * MOST ** rng.random((count, 1))
    value, weight = rng.integers(1, LARGEST, (2, count, items * MOST), endpoint=True)
    per_item = rng.integers(*CAPACITY, (count, 1), endpoint=True)
    capacity = (sizes * per_item).astype(np.int64)
    absent = np.arange(items * MOST) >= sizes
    whole = start(*map(torch.from_numpy, (value, np.where(absent, capacity + 1, weight), capacity[:, 0])))
    left, _ = core(whole, items)
    shown = torch.nn.functional.pad(left.left, (0, items - left.size), value=-1)
    found = {"value": left.of(left.value, shown), "weight": left.of(left.weight, shown)}
    found["weight"][shown < 0] = LARGEST * items  # where fewer fit: they never do
    found |= {"packed": torch.zeros_like(found["value"]), "capacity": left.capacity}
    value, weight, packed, capacity = (numbers.numpy() for numbers in found.values())
    for k in range(count):
        case = Knapsack("label", value[k], weight[k], int(capacity[k]))
        outcome = solve(case, Budget(), seed, None, unheard)
        assert outcome.termination == "optimal", outcome.message
        packed[k, outcome.solution.items] = 1
    return found


def cut(
    value: Tensor, weight: Tensor, packed: Tensor, capacity: Tensor, generator: torch.Generator
) -> tuple[Knapsacks, Tensor]:
    """Pack a part of each optimal packing, and throw away a part of the rest.

    The part is of one share of each, drawn evenly; which items it is is drawn evenly in some rows, and in others leans
    to the densest, as a policy does. All of the rest stays in half of the batches.

    Parameters
    ----------
    value, weight, packed : int64 tensor [R, n]
    capacity : int64 tensor [R]
    generator : torch.Generator
        On the CPU.

    Returns
    -------
    left : Knapsacks
    is_good : bool tensor [R, m]
        Which of the items left are in the optimal packing.
    """
    rows, n = value.shape
    share, of_rest = torch.rand(2, generator=generator).tolist()
    is_whole = bool(torch.rand((), generator=generator) < 0.5)
    sharpness = SHARPEST * torch.rand(rows, 1, generator=generator) * (torch.rand(rows, 1, generator=generator) < 0.75)
    noise = torch.randn(rows, n, generator=generator).to(value.device)
    rank = (value / weight.clamp(min=1)).argsort(1, descending=True).argsort(1) / n
    is_packed = packed.bool()
    order = (sharpness.to(value.device) * rank + noise).masked_fill(~is_packed, torch.inf).argsort(1).argsort(1)
    is_taken = is_packed & (order < (share * is_packed.sum(1, keepdim=True)).long())  # one stays at least
    is_thrown = torch.rand(rows, n, generator=generator).to(value.device) < (0.0 if is_whole else share * of_rest)
    is_open = ~is_taken & (is_packed | ~is_thrown)
    left = tails(
        value, weight, torch.arange(rows, device=value.device), is_open,
        capacity - (weight * is_taken).sum(1), (value * is_taken).sum(1),
    )  # fmt: skip
    return left, left.of(packed, left.left).bool()


def judged(labels: dict[str, Tensor], steps: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return minus the values of packings, -1 standing for nothing, and of those known, float64 [B], by the checker."""
    found = []
    columns = (labels[name].cpu().numpy() for name in ("value", "weight", "capacity", "packed"))
    for value, weight, capacity, packed, items in zip(*columns, steps.cpu().numpy(), strict=True):
        case = Knapsack("validation", value, weight, int(capacity))
        verdicts = check(case, Packing(items[items >= 0])), check(case, Packing(np.flatnonzero(packed)))
        assert verdicts[0].is_feasible, str(verdicts[0])
        assert verdicts[1].is_feasible, str(verdicts[1])
        found.append([-verdict.objective for verdict in verdicts])
    return tuple(np.array(found, np.float64).T)
