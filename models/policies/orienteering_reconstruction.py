"""Walks made better: parts of them are taken out and built anew by the network, many at once.

Random re-construction (Luo, Lin, Liu, Zhang and Wang 2023, LEHD, NeurIPS, arXiv 2310.07985): a stretch of a walk is a
walk between its ends for what is not on the rest of it, within the length that the rest leaves, an instance like any
other. A round rebuilds some at random, in either direction, and then takes those that collect more, or as much on a
shorter way: the best first, as long as they have no stop in common and their lengths together fit.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.policies.bq_rollout import roll_out
from counterpoint.opt.problems.orienteering import Orienteering, tolerance
from counterpoint.opt.problems.places import IntArray
from counterpoint.simulators.batched.bq_orienteering import Walks, start

STRETCHES = 16  # in a round
LONGEST = 50  # visits in a stretch
TINY = 1e-12  # of prizes and lengths: what rounding errors can feign


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a walk and what it was rebuilt to.

    Parameters
    ----------
    first, last : int
        Stops that stay; 0 is where the walk begins, the visits come next.
    visits : int64 array
        Between them, now.
    gain : float
        By how much more is collected.
    extra : float
        By how much it is longer.
    """

    first: int
    last: int
    visits: IntArray
    gain: float
    extra: float


def reconstructed(
    instance: Orienteering,
    visits: IntArray,
    whole: Walks,
    network: nn.Module,
    *,
    window: int = 0,
    seed: int = 0,
    stop: Callable[[], bool] | None = None,
) -> Iterator[IntArray]:
    """Yield the visits after each round, never of less prize than before; ends when stopped, or if there are none.

    Parameters
    ----------
    instance : Orienteering
        By whose lengths and prizes stretches are judged.
    visits : int64 array
    whole : Walks
        The instance before its first step, one row.
    network : Module
    window : int
        See `Walks.observe`.
    seed : int
    stop : callable, optional
        Asked again and again; a round that it cuts off counts for nothing.
    """
    random = np.random.default_rng(seed)
    while len(visits) and not (stop is not None and stop()):
        found = _rebuilt(instance, visits, _turned(whole, random), network, random, window, stop)
        if found is None:
            return
        visits = joined(instance, visits, found)
        yield visits


def joined(instance: Orienteering, visits: IntArray, found: list[Stretch]) -> IntArray:
    """Return the visits with the best stretches in their places, of those that are better and go together."""
    room = instance.max_length + tolerance(instance) / 2 - _length(instance, _stops(instance, visits))
    least = TINY * max(1.0, float(instance.prize.sum()))
    taken: list[Stretch] = []
    new = np.zeros(instance.num_places, bool)
    for one in sorted(found, key=lambda stretch: (-stretch.gain, stretch.extra)):
        is_better = one.gain > least or (one.gain >= -least and one.extra < -TINY * instance.max_length)
        is_apart = all(one.last <= other.first or other.last <= one.first for other in taken)
        if is_better and is_apart and one.extra <= room and not new[one.visits].any():
            taken.append(one)
            new[one.visits] = True
            room -= one.extra
    parts, at = [], 0
    for one in sorted(taken, key=lambda stretch: stretch.first):
        parts += [visits[at : one.first], one.visits]
        at = one.last - 1
    return np.concatenate((*parts, visits[at:]))


def _rebuilt(
    instance: Orienteering,
    visits: IntArray,
    whole: Walks,
    network: nn.Module,
    random: np.random.Generator,
    window: int,
    stop: Callable[[], bool] | None,
) -> list[Stretch] | None:
    """Return stretches drawn at random, rebuilt; None if stopped."""
    count, stops = len(visits), _stops(instance, visits)
    span = random.integers(1, min(LONGEST, count) + 1, STRETCHES)
    first = random.integers(0, count - span + 1)
    last = first + span + 1
    is_turned = random.random(STRETCHES) < 0.5
    legs = instance.places.lengths(stops[:-1], stops[1:])
    walked = np.concatenate(([0.0], np.cumsum(legs)))
    was = walked[last] - walked[first]
    spare = max(0.0, instance.max_length - float(walked[-1]))
    is_free = np.ones((STRETCHES, instance.num_places), bool)
    is_free[:, instance.ends] = False
    number = np.arange(1, count + 1)
    is_free[:, visits] = (number > first[:, None]) & (number < last[:, None])
    origin, end = np.where(is_turned, stops[last], stops[first]), np.where(is_turned, stops[first], stops[last])
    tails = start(
        whole.points, whole.prize, torch.from_numpy(spare + was), torch.from_numpy(origin), torch.from_numpy(end),
        metric=whole.metric, row=torch.zeros(STRETCHES, dtype=torch.int64), between=torch.from_numpy(is_free),
        plane=whole.plane,
    )  # fmt: skip
    steps, left = roll_out(network, tails, window=window, stop=stop)
    if (left.left >= 0).any():
        return None
    found = []
    for k, row in enumerate(steps.numpy()):
        inner = row[row >= 0][:: -1 if is_turned[k] else 1]
        way = np.concatenate((stops[first[k], None], inner, stops[last[k], None]))
        gain = float(instance.prize[inner].sum() - instance.prize[visits[first[k] : last[k] - 1]].sum())
        found.append(Stretch(int(first[k]), int(last[k]), inner, gain, _length(instance, way) - float(was[k])))
    return found


def _turned(whole: Walks, random: np.random.Generator) -> Walks:
    """Return the instance with its picture turned and mirrored at random: the network need not see that as the same."""
    angle, side = 2 * np.pi * random.random(), 1 - 2 * int(random.integers(2))
    sine, cosine = float(np.sin(angle)), float(np.cos(angle))
    turn = torch.tensor([[cosine, sine], [-side * sine, side * cosine]], dtype=whole.plane.dtype)
    plane: Tensor = whole.plane @ turn
    return replace(whole, plane=plane)


def _stops(instance: Orienteering, visits: IntArray) -> IntArray:
    return np.concatenate((instance.ends[:1], visits, instance.ends[1:]))


def _length(instance: Orienteering, stops: IntArray) -> float:
    return float(instance.places.lengths(stops[:-1], stops[1:]).sum())
