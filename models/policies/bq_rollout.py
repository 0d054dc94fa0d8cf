"""Solutions out of a network, step by step: greedily, at random, or the likeliest partial ones side by side.

The network sees what is left and nothing else (`simulators.batched.bq`), so partial solutions of a beam that leave the
same are one state: the cheapest of them is kept, which loses nothing (Drakulic et al. 2023; the dynamic programme of
Held and Karp in a beam).
"""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from counterpoint.models.precision import Precision, autocast
from counterpoint.simulators.batched.bq import Tails, View

T = TypeVar("T", bound=Tails)
SPARE = 2  # times the width: candidates from which equal states are struck
AT_ONCE = 2**22  # numbers of a layer: what a network is shown at once, for the sake of memory and of `stop`
OF_A_NODE = 256  # of these, besides one for each pair of nodes
LARGEST = 1e30  # of a logit


def begun(tails: T, samples: int, seed: int) -> tuple[T, torch.Generator | None]:
    """Return the one instance `samples` times and what to draw by, or as it is and nothing if they are 0."""
    if not samples:
        return tails, None
    rows = torch.zeros(samples, dtype=torch.int64, device=tails.row.device)
    return tails.picked(rows), torch.Generator().manual_seed(seed)


@torch.no_grad()
def roll_out(
    network: nn.Module,
    tails: T,
    *,
    width: int = 1,
    window: int = 0,
    rescale: bool = True,
    generator: torch.Generator | None = None,
    stop: Callable[[], bool] | None = None,
    leave: int = 0,
    precision: Precision = "float32",
) -> tuple[Tensor, T]:
    """Build a solution of each instance, or several.

    Parameters
    ----------
    network : Module
        Called with ``x``, ``is_node`` and ``edges`` of a `View`; returns a logit for each of its choices.
    tails : Tails
        R rows; one an instance if `width` is above 1.
    width : int
        Partial solutions kept of each instance, those of the largest probability; 1 is greedy.
    window : int
        See `Tails.observe`, as for `rescale`.
    generator : torch.Generator, optional
        Draw each step by its probability instead, for one solution a row.
    stop : callable, optional
        Asked before each step, and in the middle of one of many rows, whether to leave it at what there is.
    leave : int
        Candidates that are left to something better, such as an exact finish.
    precision : str
        See `models.precision`. On a CPU bfloat16 pays from about 16 rows on.

    Returns
    -------
    steps : int64 tensor [R * w, S]
        As `Tails.named`; -1 after a row's end. All of an instance's, then those of the next.
    tails : Tails
        What is left: of finished rows nothing that is allowed.
    """
    batch = len(tails.row)
    steps: list[Tensor] = []
    parents: list[Tensor] = []
    likelihood = torch.zeros(batch, 1, device=tails.row.device)
    with torch.autocast("cpu", enabled=False):  # on any device: so long `scores` keeps weights that it has shortened
        while tails.size > leave and not (stop is not None and stop()):
            judged = _judged(network, tails, window, rescale, precision, stop)
            if judged is None:
                break
            score, choice = judged
            if generator is not None:
                noise = torch.empty(score.shape).exponential_(generator=generator).log()  # Gumbel's trick
                score = score - noise.to(score.device)
            if width == 1:
                chosen = choice.gather(1, score.argmax(1, keepdim=True)).squeeze(1)
                steps.append(tails.named(chosen))
                tails = tails.step(chosen)
                continue
            count, seen = likelihood.shape[1], score.shape[1]
            extended = (likelihood.unsqueeze(2) + score.view(batch, count, seen)).flatten(1)
            likelihood, at = extended.topk(min(SPARE * width, count * seen), dim=1)
            at = torch.where(likelihood == -torch.inf, at[:, :1], at)  # never a step that is not allowed
            parent = (at // seen + torch.arange(batch, device=at.device).unsqueeze(1) * count).flatten()
            chosen = choice[parent, (at % seen).flatten()]
            tails = tails.picked(parent)
            named, tails = tails.named(chosen), tails.step(chosen)
            likelihood, kept = _distinct(tails, likelihood).topk(min(width, at.shape[1]), dim=1)
            alive = int((likelihood > -torch.inf).sum(1).max())
            likelihood, kept = likelihood[:, :alive], kept[:, :alive]
            kept = torch.where(likelihood == -torch.inf, kept[:, :1], kept)  # copies, which nothing can grow from
            rows = (kept + torch.arange(batch, device=at.device).unsqueeze(1) * at.shape[1]).flatten()
            tails = tails.picked(rows)
            steps.append(named[rows])
            parents.append(parent[rows])
    return _traced(steps, parents, len(tails.row), tails.row.device), tails


def scores(network: nn.Module, view: View, precision: Precision = "float32") -> tuple[Tensor, Tensor]:
    """Return logarithms of probabilities, and choices, [R, A] each.

    Where rows may be over there is one more, -1, to stay: the only one of a row that is over. Whatever a network
    comes to, be it no number, the likeliest step of a row is one that is allowed.
    """
    with torch.inference_mode(), autocast(precision, view.x.device):
        logits = network(view.x, view.is_node, view.edges).nan_to_num(-LARGEST).clamp(-LARGEST, LARGEST)
    if view.allowed is None:
        return logits.log_softmax(1), view.choice
    stays = ~view.allowed.any(1, keepdim=True)
    allowed = torch.cat((view.allowed, stays), dim=1)
    padded = torch.nn.functional.pad(logits, (0, 1)).masked_fill(~allowed, -torch.inf)
    choice = torch.nn.functional.pad(view.choice, (0, 1), value=-1)
    return padded.log_softmax(1), choice


def _judged(
    network: nn.Module, tails: Tails, window: int, rescale: bool, precision: Precision, stop: Callable[[], bool] | None
) -> tuple[Tensor, Tensor] | None:
    """Return `scores`, of some rows after the other; None if all rows are over, or if stopped on the way."""
    seen = min(window, tails.size) if window else tails.size
    together = max(1, AT_ONCE // (seen * (seen + OF_A_NODE)))
    found, is_over = [], True
    for rows in torch.arange(len(tails.row), device=tails.row.device).split(together):
        if found and stop is not None and stop():
            return None
        part = tails if len(rows) == len(tails.row) else tails.picked(rows)
        view = part.observe(window, rescale=rescale)
        is_over = is_over and view.allowed is not None and not bool(view.allowed.any())
        if is_over and len(part.row) == len(tails.row):
            break
        found.append(scores(network, view, precision))
    if is_over:
        return None
    score, choice = zip(*found, strict=True)
    return (score[0], choice[0]) if len(found) == 1 else (torch.cat(score), torch.cat(choice))


def best(tails: Tails, batch: int) -> Tensor:
    """Return the row of the cheapest solution of each instance, int64 [B]; all have equally many rows, in order."""
    cost = tails.cost().view(batch, -1)
    return cost.argmin(1) + torch.arange(batch, device=cost.device) * cost.shape[1]


def _traced(steps: list[Tensor], parents: list[Tensor], rows: int, device: torch.device) -> Tensor:
    """Return the steps of each row from the first on; without parents rows have stayed where they were."""
    if not steps:
        return torch.zeros(rows, 0, dtype=torch.int64, device=device)
    if not parents:
        return torch.stack(steps, dim=1)
    row = torch.arange(rows, device=device)
    traced = []
    for step, parent in zip(reversed(steps), reversed(parents), strict=True):
        traced.append(step[row])
        row = parent[row]
    return torch.stack(traced[::-1], dim=1)


def _distinct(tails: Tails, likelihood: Tensor) -> Tensor:
    """Return likelihoods [B, M], minus infinity of each row that leaves what a cheaper one of its instance leaves.

    O(B M^2).
    """
    key, spent = tails.key().view(likelihood.shape), tails.spent().view(likelihood.shape)
    is_dead = likelihood == -torch.inf
    spent = spent.masked_fill(is_dead, torch.inf)
    number = torch.arange(key.shape[1], device=key.device)
    is_earlier = number.unsqueeze(1) < number
    ahead = (spent.unsqueeze(2) < spent.unsqueeze(1)) | ((spent.unsqueeze(2) == spent.unsqueeze(1)) & is_earlier)
    is_beaten = ((key.unsqueeze(2) == key.unsqueeze(1)) & ahead).any(1)
    return likelihood.masked_fill(is_beaten | is_dead, -torch.inf)
