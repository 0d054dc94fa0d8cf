"""Tours made shorter: parts of them are taken out and built anew by the network, many at once.

Random re-construction (Luo, Lin, Liu, Zhang and Wang 2023, LEHD, NeurIPS, arXiv 2310.07985): a stretch of a tour is a
path between its ends, an instance like any other; what the network makes of it is kept where it is no longer. Here a
round cuts the whole tour into stretches of one random length, which share nothing but their ends and are rebuilt side
by side, after a turn or a mirror at random, for the network does not see that those change nothing.
Most rounds rebuild regions instead (`tsp_regions`), where strands of the tour that run side by side come into one part.
"""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.policies import tsp_regions
from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.models.policies.tsp_finish import MOST, finished
from counterpoint.opt.problems.places import FloatArray, IntArray
from counterpoint.opt.problems.tsp import Tsp
from counterpoint.simulators.batched.bq import turned
from counterpoint.simulators.batched.bq_atsp import MatrixPaths
from counterpoint.simulators.batched.bq_tsp import Paths, visits
from counterpoint.simulators.batched.bq_tsp_linked import LinkedPaths

P = TypeVar("P", Paths, MatrixPaths, LinkedPaths)
LONGEST = 100  # places in a stretch
LEAST = MOST + 2  # places in a part, at least
REGIONAL = 0.75  # share of rounds that rebuild regions


def reconstructed(
    instance: Tsp,
    order: IntArray,
    points: Tensor,
    network: nn.Module,
    *,
    window: int = 0,
    rescale: bool = True,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Iterator[IntArray]:
    """Yield the tour after each round, never longer than before but for rounding errors; ends when stopped.

    Parameters
    ----------
    instance : Tsp
        By whose lengths stretches are judged.
    order : int64 array [N]
        Places, the ends of a path included.
    points : float tensor [N, 2]
        What the network sees.
    network : Module
        Two logits for each candidate.
    window, rescale
        See `Paths.observe`.
    seed : int
    stop : callable, optional
        Asked again and again; a round that it cuts off counts for nothing.
    """
    random = np.random.default_rng(seed)
    order, is_closed = order.copy(), instance.ends is None
    largest = min(tsp_regions.LARGEST, window or len(order), len(order) - 3)
    while not (stop is not None and stop()):
        swap, *flip = random.integers(2, size=3).tolist()
        way = torch.tensor([swap + 2 * flip[0] + 4 * flip[1]])
        if largest >= LEAST and random.random() < REGIONAL:
            size = drawn(LEAST, largest, random)
            found = tsp_regions.regions(order, points.numpy(), size, random, is_closed=is_closed)
            if found:
                walks = rebuilt_regions(found, turned(points.unsqueeze(0), way)[0], network, stop, rescale=rescale)
                if walks is None:
                    return
                order = tsp_regions.put_in(instance, order, found, walks)
                yield order.copy()
                continue
        at = stretches(len(order), is_closed, random)
        before = order[at]
        paths = Paths(turned(points.unsqueeze(0), way), *pointers(before))
        between = rebuilt(paths, finished, network, window, stop, rescale=rescale)
        if between is None:
            return
        after = before.copy()
        after[:, 1:-1] = between
        is_kept = lengths(instance, after) <= lengths(instance, before)
        order[at[is_kept, 1:-1]] = between[is_kept]
        yield order.copy()


def stretches(n: int, is_closed: bool, random: np.random.Generator) -> IntArray:
    """Return positions in a tour of n places, [P, s + 1]: P stretches of s legs, disjoint but for their ends."""
    legs = n if is_closed else n - 1
    span = drawn(min(LEAST, legs), min(LONGEST, legs), random)
    count = legs // span
    first = int(random.integers(legs if is_closed else legs - count * span + 1))
    return (first + span * np.arange(count)[:, None] + np.arange(span + 1)) % n


def drawn(least: int, most: int, random: np.random.Generator) -> int:
    """Return a random size; large ones cost more: less often."""
    return min(int(np.exp(random.uniform(np.log(least), np.log(most + 1)))), most)


def pointers(walks: IntArray) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Return row, origin, end, left and walked of stretches [P, s + 1] of one instance, as `Paths` has them."""
    places, none = torch.from_numpy(walks), torch.zeros(len(walks), dtype=torch.int64)
    return none, places[:, 0], places[:, -1], places[:, 1:-1].sort(dim=1).values, none.double()


def rebuilt(
    paths: P,
    finished: Callable[[P], Tensor],
    network: nn.Module,
    window: int,
    stop: Callable[[], bool] | None,
    *,
    rescale: bool = True,
) -> IntArray | None:
    """Return the places between the ends of paths in the network's order, int64 [P, m]; None if stopped."""
    steps, left = roll_out(network, paths, window=window, rescale=rescale, leave=MOST, stop=stop)
    return None if left.size > MOST else visits(steps, finished(left)).numpy()


def rebuilt_regions(
    found: list[tsp_regions.Region],
    points: Tensor,
    network: nn.Module,
    stop: Callable[[], bool] | None,
    *,
    rescale: bool = True,
) -> IntArray | None:
    """Return what the network makes of the walks of regions, int64 [P, m + 2]; None if stopped."""
    between = rebuilt(tsp_regions.linked(found, points), tsp_regions.finished, network, 0, stop, rescale=rescale)
    if between is None:
        return None
    walks = np.stack([region.walk for region in found])
    walks[:, 1:-1] = between
    return walks


def lengths(instance: Tsp, walks: IntArray) -> FloatArray:
    """Return how long walks [P, s + 1] are, [P]."""
    return np.asarray(instance.places.lengths(walks[:, :-1], walks[:, 1:])).sum(1)
