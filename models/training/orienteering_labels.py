"""Random instances of orienteering with walks of a local search, and the tails that are cut from them to be learnt.

A stretch of an optimal walk collects the most that can be had between its ends, off the rest of the walk, within the
length that the rest leaves: labels of all sizes and between all ends from closed walks (Drakulic et al. 2023, NeurIPS,
arXiv 2301.03313, who have the ends of walks alone). Walks run either way.
"""

import numpy as np
import torch
from torch import Tensor

from counterpoint.models.training.imitation import Labels
from counterpoint.opt.budget import Budget
from counterpoint.opt.interfaces import unheard
from counterpoint.opt.problems.orienteering import Orienteering, Walk, check
from counterpoint.opt.problems.places import FloatArray, IntArray, Places
from counterpoint.simulators.batched.bq_orienteering import Walks, start

FEWEST = 0.4  # places of the smallest instances, as a share of those of the largest
LENGTHS = 0.3, 0.5  # per square root of the places; the published ones are 0.40 to 0.45
NEAREST = 2.5  # ways to the nearest place, at least, so that every walk gets somewhere
PRIZES = 0.7, 0.85  # up to here they grow with the way from the depot, up to here they are uniform, then all the same
HOMEWARD = 0.7  # share of tails that end where the walk does
REMOVED = 0.4  # visits that a step of the local search takes out, at most, as a share of the places


def labelled(count: int, places: int, steps: int, seed: int) -> dict[str, Tensor]:
    """Return instances of various sizes and lengths, uniform on the unit square, with good walks.

    Most prizes grow with the way from the depot, as published ones do (see `datasets.generators.orienteering`).

    Parameters
    ----------
    count : int
    places : int
        Of the largest, the depot not counted; others have fewer, and end with places whose prize is -1.
    steps : int
        Of the local search, for each instance; the same seed gives the same walks.
    seed : int

    Returns
    -------
    dict
        ``points`` float32 [count, 1 + places, 2], the depot first; ``prize`` float32 [count, 1 + places]; ``length``
        float32 [count]; ``walk`` int64 [count, places], the visits in order, then -1.
    """
    from counterpoint.solvers.local_search.orienteering import Options, solve  # numba, which acting does not need
    from counterpoint.solvers.warm_up.orienteering import local_search

    local_search()
    rng = np.random.default_rng(seed)
    points = rng.random((count, 1 + places, 2), np.float32)
    size = rng.integers(round(FEWEST * places), places, count, endpoint=True)
    is_there = (np.arange(1 + places) <= size[:, None])[:, 1:]
    nearest = np.where(is_there, np.hypot(*(points[:, 1:] - points[:, :1]).transpose(2, 0, 1)), np.inf).min(1)
    length = np.maximum(rng.uniform(*LENGTHS, count) * np.sqrt(size), NEAREST * nearest).astype(np.float32)
    prize = _prizes(points, size, rng)
    walk = np.full((count, places), -1)
    for k in range(count):
        options = Options(removed=max(5, min(20, round(REMOVED * int(size[k])))))
        case = _case(points[k], prize[k], length[k])
        visits = solve(case, Budget(iterations=steps), seed, options, unheard).solution.visits
        walk[k, : len(visits)] = visits
    arrays = {"points": points, "prize": prize, "length": length, "walk": walk}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def cut(labels: Labels, generator: torch.Generator) -> tuple[Walks, Tensor]:
    """Cut a stretch from each walk that visits anything, the picture turned and mirrored at random.

    Returns
    -------
    tails : Walks
    target : float tensor [R, m]
        Probability of each step; half and half where a closed walk begins with either of two visits.
    """
    count = (labels["walk"] >= 0).sum(1)
    labels = {name: rows[count > 0] for name, rows in labels.items()}
    count = count[count > 0].unsqueeze(1)
    device, (batch, most) = count.device, labels["walk"].shape
    random = torch.rand(5, batch, 1, generator=generator).to(device)
    number = torch.arange(most + 2, device=device)
    is_visit = (number > 0) & (number <= count)
    position = torch.where((random[0] < 0.5) & is_visit, count - number, number - 1).clamp(0, most - 1)
    stops = torch.where(is_visit, labels["walk"].gather(1, position), 0)  # the depot, visits, and the depot to the end
    points = labels["points"].double()
    at = points.gather(1, stops.unsqueeze(2).expand(-1, -1, 2))
    legs = (at[:, 1:] - at[:, :-1]).square().sum(2).sqrt()
    walked = torch.nn.functional.pad(legs.cumsum(1), (1, 0))
    first = (random[1] * count).long().clamp(max=count - 1)
    nearer = first + 2 + (random[2] * (count - first)).long().clamp(max=count - first - 1)
    last = torch.where(random[3] < HOMEWARD, count + 1, nearer)
    spare = (labels["length"].double().unsqueeze(1) - walked[:, -1:]).clamp(min=0)
    rest = spare + walked.gather(1, last) - walked.gather(1, first)
    is_off = is_visit & ((number <= first) | (number >= last))
    between = labels["prize"] >= 0
    between = between.scatter(1, torch.where(is_off, stops, 0), False)
    origin, label, before, end = (stops.gather(1, k).squeeze(1) for k in (first, first + 1, last - 1, last))
    tails = start(
        points, labels["prize"].double(), rest.squeeze(1), origin, end, between=between,
        plane=_turned(points, random[4].double(), generator),
    )  # fmt: skip
    is_first, is_last = tails.left == label.unsqueeze(1), tails.left == before.unsqueeze(1)
    target = torch.where((origin == end).unsqueeze(1), is_first.float() + is_last.float(), is_first.float())
    return tails, target / target.sum(1, keepdim=True)


def judged(labels: Labels, steps: Tensor) -> tuple[FloatArray, FloatArray]:
    """Return minus the prizes of the walks that steps make, and of the given ones, float64 [B] each, by the checker."""
    arrays = {name: rows.cpu().numpy() for name, rows in labels.items()}
    found = []
    for k, row in enumerate(steps.cpu().numpy()):
        case = _case(arrays["points"][k], arrays["prize"][k], arrays["length"][k])
        verdicts = [check(case, Walk(visits[visits >= 0])) for visits in (row, arrays["walk"][k])]
        assert all(verdict.is_feasible for verdict in verdicts), str(verdicts[0])
        found.append([verdict.objective for verdict in verdicts])
    made, known = np.array(found, np.float64).T
    return -made, -known


def _prizes(points: np.ndarray, size: IntArray, rng: np.random.Generator) -> np.ndarray:
    is_there = np.arange(points.shape[1]) <= size[:, None]
    away = np.sqrt(((points - points[:, :1]).astype(np.float64) ** 2).sum(2)) * is_there
    kind, uniform = rng.random((len(points), 1)), rng.integers(1, 100, away.shape, endpoint=True)
    distant = 1 + np.floor(99 * away / away.max(1, keepdims=True))
    prize = np.where(kind < PRIZES[0], distant, np.where(kind < PRIZES[1], uniform, 100)) / 100
    prize[:, 0] = 0.0
    return np.where(is_there, prize, -1.0).astype(np.float32)


def _case(points: np.ndarray, prize: np.ndarray, length: float) -> Orienteering:
    is_there = prize >= 0
    return Orienteering("label", Places("euclidean", points[is_there]), prize[is_there], float(length))


def _turned(points: Tensor, turn: Tensor, generator: torch.Generator) -> Tensor:
    """Return points turned by shares [B, 1] of a whole turn, every other row mirrored first."""
    mirror = torch.randint(2, (len(points), 1), generator=generator).to(points) * 2 - 1
    sine, cosine = (2 * np.pi * turn).sin(), (2 * np.pi * turn).cos()
    x, y = points[:, :, 0], mirror * points[:, :, 1]
    return torch.stack((cosine * x - sine * y, sine * x + cosine * y), dim=2)
