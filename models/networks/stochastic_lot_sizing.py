"""A network for plants of any number of items and machines: every pair of a machine and an item gets a score.

The same weights serve all items, and all machines. Items hear the mean of all items (Zaheer et al. 2017, Deep Sets,
NIPS), machines that mean and the item they are set up for. A score is a product of what machine and item have become,
and what is known of the pair (production, setup cost, loss) weighed by both of them. From an item's scores a part of
their mean (of exponentials) is taken, a Sinkhorn step cut short: a machine leaves an item to those that suit it better.
With `is_joint` the machines decide one after the other: each knows what the earlier ones of this period have taken and
left, and compares itself to those still to come. The scores are computed once, for all of them.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from counterpoint.models.networks.distributions import EvenCategorical, MaskedCategorical
from counterpoint.models.networks.mlp import linear
from counterpoint.models.networks.stochastic_lot_sizing_features import (
    ITEM_FEATURES,
    MACHINE_FEATURES,
    PAIR_FEATURES,
    Tables,
    View,
)
from counterpoint.opt.errors import OptionError

BARRED = -30.0  # the score of what cannot be made, where an item's scores are compared
CHANGES = 3  # what is told of the machines before: machines added to an item, what they make, what those leaving made
VALUE_SCALE = 10.0  # values are sums over up to a hundred periods: the last layer need not grow to them


@dataclass(frozen=True, slots=True)
class Options:
    """What the network is built from.

    Parameters
    ----------
    hidden : int
        Width of every layer.
    keep_bias : float
        Added to the logit of what a machine is set up for: a prior that setups are kept, as each change costs.
    is_joint : bool
        Machines decide one after the other, in the order of their numbers; without it each on its own.
    """

    hidden: int = 32
    keep_bias: float = 4.0
    is_joint: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.hidden <= 4096:
            raise OptionError(f"hidden must be between 1 and 4096, not {self.hidden}")
        if not math.isfinite(self.keep_bias):
            raise OptionError("keep_bias must be finite")


class PairNetwork(nn.Module):
    """The network; orthogonal weights, small ones where scores are made, so that it begins by keeping setups.

    Parameters
    ----------
    options : Options
    generator : torch.Generator, optional
        Of the weights.
    """

    def __init__(self, options: Options, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.options = options
        width, root = options.hidden, math.sqrt(2)
        scores = width + PAIR_FEATURES + 2  # a product's part, weights of the pair's features, two biases
        self.item_first = linear(ITEM_FEATURES, width, root, generator)
        self.item_second = linear(2 * width, width, root, generator)
        self.machine_first = linear(MACHINE_FEATURES + 2 * width, width, root, generator)
        self.machine_second = linear(width, width, root, generator)
        self.item_scores = linear(width, scores + CHANGES * options.is_joint, 0.1, generator)
        self.machine_scores = linear(width, scores, 0.1, generator)
        self.common = nn.Parameter(torch.tensor(0.5))

    def forward(self, view: View, choice: Tensor | None = None) -> EvenCategorical:
        """Return the distribution of every machine's choice: 0 idle, i + 1 item i.

        Parameters
        ----------
        view : View
        choice : int64 tensor [B, M], optional
            With `is_joint`, needed: each machine's distribution is the one after the choices of those before it.
        """
        logits, weights = self._scored(view)
        if self.options.is_joint:
            if choice is None:
                raise ValueError("machines that decide jointly need the choices of those before")
            own = view.one_hot()[:, :, 1:]
            change = nn.functional.one_hot(choice, logits.shape[2])[:, :, 1:] - own
            changes = _changes(change, view.tables.pair[..., 1])
            before = changes.cumsum(1) - changes
            logits = torch.cat([logits[:, :, :1], logits[:, :, 1:] + (before * weights.unsqueeze(1)).sum(-1)], -1)
        return _distribution(logits, view.tables.mask)

    def decide(self, view: View, generator: torch.Generator | None = None) -> Tensor:
        """Return every machine's choice, int64 [B, M], drawn with a generator; else the likeliest."""
        if not self.options.is_joint:
            distribution = self(view)
            alone: Tensor = distribution.mode() if generator is None else distribution.sample(generator)
            return alone
        logits, weights = self._scored(view)
        logits = logits.masked_fill(~view.tables.mask, -torch.inf)
        own, able = view.one_hot()[:, :, 1:], view.tables.pair[..., 1]
        choice = torch.zeros_like(view.setup)
        more = torch.zeros_like(weights[..., 0])  # on an item's logits, by what the machines before chose
        for m in range(logits.shape[1]):
            row = torch.cat([logits[:, m, :1], logits[:, m, 1:] + more], -1)
            chosen = row.argmax(-1) if generator is None else MaskedCategorical(row).sample(generator)
            choice[:, m] = chosen
            change = nn.functional.one_hot(chosen, row.shape[1])[:, 1:] - own[:, m]
            more = more + (_changes(change, able[:, m]) * weights).sum(-1)
        return choice

    def _scored(self, view: View) -> tuple[Tensor, Tensor]:
        """Return logits [B, M, I + 1], and what changes of machines before add to an item's, [B, I, CHANGES or 0]."""
        one_hot, mask = view.one_hot(), view.tables.mask
        own = one_hot[:, :, 1:]
        items, machines = own.shape[2], own.shape[1]
        first = self.item_first(view.items()).relu()
        mean = first.mean(1, keepdim=True)
        item = self.item_second(torch.cat([first, mean.expand(-1, items, -1)], -1)).relu()
        heard = torch.cat([view.machines(), own @ first, mean.expand(-1, machines, -1)], -1)
        machine = self.machine_second(self.machine_first(heard).relu()).relu()
        split = [self.options.hidden, PAIR_FEATURES, 1, 1]
        key, of_item, liked, item_stays, changed = self.item_scores(item).split(
            [*split, CHANGES * self.options.is_joint], -1
        )
        query, of_machine, idle, machine_stays = self.machine_scores(machine).split(split, -1)
        score = query @ key.transpose(1, 2) / math.sqrt(self.options.hidden) + liked.transpose(1, 2)
        score = score + _weighed(view.tables, of_item, of_machine)
        score = score + own * (self.options.keep_bias + 5 * (item_stays.transpose(1, 2) + machine_stays))
        score = score.masked_fill(~mask[..., 1:], BARRED)
        if self.options.is_joint:
            others = score.flip(1).logcumsumexp(1).flip(1)  # of the machine itself and those after it
        else:
            others = score.logsumexp(1, keepdim=True)
        score = score - self.common * (others - math.log(machines))
        return torch.cat([idle + self.options.keep_bias * one_hot[:, :, :1], score], -1), 5 * changed


class ItemCritic(nn.Module):
    """The value of every item, for learning from rewards: minus what it is expected to cost until the horizon.

    Parameters
    ----------
    hidden : int
    generator : torch.Generator, optional
        Of the weights.
    """

    def __init__(self, hidden: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        root = math.sqrt(2)
        self.first = linear(ITEM_FEATURES, hidden, root, generator)
        self.second = linear(2 * hidden, hidden, root, generator)
        self.last = linear(hidden, 1, 1.0, generator)

    def forward(self, view: View) -> Tensor:
        """Return the values [B, I]."""
        first = self.first(view.items()).relu()
        mean = first.mean(1, keepdim=True)
        second = self.second(torch.cat([first, mean.expand(first.shape)], -1)).relu()
        value: Tensor = VALUE_SCALE * self.last(second).squeeze(-1)
        return value


def _changes(change: Tensor, able: Tensor) -> Tensor:
    """Return what is told of a change of setups (+1 to an item, -1 from it), [..., I, CHANGES]."""
    added = change.clamp(min=0)
    return torch.stack([added, added * able, (-change).clamp(min=0) * able], -1)


def _distribution(logits: Tensor, mask: Tensor) -> EvenCategorical:
    return EvenCategorical(MaskedCategorical(logits, mask.expand(logits.shape)))


def _weighed(tables: Tables, of_item: Tensor, of_machine: Tensor) -> Tensor:
    """Return the pairs' features, weighed by item and by machine, [B, M, I]."""
    if len(tables.pair) == 1:  # no copy of them for every row
        pair = tables.pair[0]
        return torch.einsum("mif,bif->bmi", pair, of_item) + torch.einsum("mif,bmf->bmi", pair, of_machine)
    return (tables.pair * (of_item.unsqueeze(1) + of_machine.unsqueeze(2))).sum(-1)
