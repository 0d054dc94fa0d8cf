"""Tours out of the network, place by place: greedily, at random, or the likeliest partial tours side by side."""

from collections.abc import Callable

import torch
from torch import Tensor

from counterpoint.models.networks.bq import Bq
from counterpoint.simulators.batched.bq_tsp import Paths, observe, picked, step


@torch.no_grad()
def roll_out(
    network: Bq,
    paths: Paths,
    *,
    width: int = 1,
    window: int = 0,
    rescale: bool = True,
    generator: torch.Generator | None = None,
    stop: Callable[[], bool] | None = None,
) -> tuple[Tensor, Paths]:
    """Build a tour of each path, or several.

    Parameters
    ----------
    network : Bq
    paths : Paths
        One an instance.
    width : int
        Partial tours kept of each instance, those of the largest probability; 1 is greedy.
    window : int
        See `observe`, as for `rescale`.
    generator : torch.Generator, optional
        Draw each place by its probability instead, for one tour a path.
    stop : callable, optional
        Asked before each step whether to leave it at what there is.

    Returns
    -------
    visits : int64 tensor [B * w, steps]
        Places in order, the ends left out; all of an instance's, then those of the next.
    paths : Paths
        What is left: nothing between the ends unless stopped.
    """
    batch, device = len(paths.origin), paths.points.device
    visits = torch.zeros(batch, 0, dtype=torch.int64, device=device)
    likelihood = torch.zeros(batch, 1, device=device)
    while paths.size and not (stop is not None and stop()):
        if paths.size == 1:
            action = torch.zeros_like(paths.origin)
        else:
            x, position = observe(paths, window, rescale=rescale)
            score = network(x.float()).log_softmax(1)
            if generator is not None:
                score = score - torch.empty_like(score).exponential_(generator=generator).log()  # Gumbel's trick
            count, seen = likelihood.shape[1], score.shape[1]
            extended = (likelihood.unsqueeze(2) + score.view(batch, count, seen)).flatten(1)
            likelihood, at = extended.topk(min(width, count * seen), dim=1)
            parent = (at // seen + torch.arange(batch, device=device).unsqueeze(1) * count).flatten()
            action = position[parent, (at % seen).flatten()]
            if width > 1:
                paths, visits = picked(paths, parent), visits.index_select(0, parent)
        place = paths.left.gather(1, action.unsqueeze(1))
        paths, visits = step(paths, action), torch.cat((visits, place), dim=1)
    return visits, paths
