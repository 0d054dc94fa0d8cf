"""A run of the learned method on tours, alike for places with coordinates and for matrices."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.policies.atsp_window import WindowedPaths
from counterpoint.models.policies.bq import Options
from counterpoint.models.policies.bq_rollout import begun, roll_out
from counterpoint.models.policies.bq_run import run
from counterpoint.models.policies.nearest import nearest_next
from counterpoint.models.policies.tsp_finish import MOST
from counterpoint.models.threads import torch_threads
from counterpoint.opt.budget import Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.places import IntArray
from counterpoint.opt.problems.tsp import Tour, Tsp, length
from counterpoint.opt.result import Outcome
from counterpoint.simulators.batched.bq_atsp import MatrixPaths
from counterpoint.simulators.batched.bq_tsp import Paths, visits

P = TypeVar("P", Paths, MatrixPaths, WindowedPaths)


def run_tours(
    instance: Tsp,
    paths: P,
    network: nn.Module,
    finished: Callable[[P], Tensor],
    rebuild: Callable[[IntArray], Iterator[IntArray]],
    *,
    window: int,
    options: Options,
    seed: int,
    clock: Clock,
    report: Report,
) -> Outcome:
    """Build a tour, then some at random and the best of a beam if asked for, then rebuild parts of the best.

    Parameters
    ----------
    instance : Tsp
    paths : Paths, MatrixPaths or WindowedPaths
        The instance as a batch of one.
    network : Module
    finished : callable
        Puts the last places in order exactly.
    rebuild : callable
        ``rebuild(order)`` yields a tour after each round until the time is over.
    window : int
        See `Tails.observe`.
    options : Options
    seed : int
        Of what is drawn at random.
    clock : Clock
    report : callable
    """

    def construct(width: int, samples: int) -> tuple[IntArray, bool]:
        rows, generator = begun(paths, samples, seed)
        steps, left = roll_out(
            network, rows, width=width, window=window, rescale=options.rescale, generator=generator, leave=MOST,
            stop=clock.is_up,
        )  # fmt: skip
        if is_cut := left.size > MOST:  # the likeliest tour, what is left to it by nearest neighbours
            rest = nearest_next(instance.places, int(left.origin[0]), left.left[0].numpy())
            inner = visits(steps[:1], torch.from_numpy(rest).unsqueeze(0))
        else:
            inner = visits(steps, finished(left))
        orders = [_whole(instance, row) for row in inner.numpy()]
        return min(orders, key=cost), is_cut

    def cost(order: IntArray) -> float:
        return float(length(instance, order))

    def better(order: IntArray) -> Iterator[IntArray]:
        return iter(()) if paths.size <= MOST else rebuild(order)  # exact as it is, or not

    with torch_threads():
        return run(construct, better, cost, Tour, options=options, clock=clock, report=report)


def _whole(instance: Tsp, between: IntArray) -> IntArray:
    """Return the tour or path whose inner places these are."""
    first, last = ([0], []) if instance.ends is None else ([instance.ends[0]], [instance.ends[1]])
    return np.array([*first, *between, *last], np.int64)
