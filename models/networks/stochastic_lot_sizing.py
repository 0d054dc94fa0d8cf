"""A network for plants of any number of items and machines: every pair of a machine and an item gets a score.

The same weights serve all items, and all machines. Items hear the mean of all items (Zaheer et al. 2017, Deep Sets,
NIPS), machines that mean and the item they are set up for. A score is a product of what machine and item have become,
and what is known of the pair (production, setup cost, loss) weighed by both of them. From an item's scores a part of
their mean (of exponentials) is taken, a Sinkhorn step cut short: a machine leaves an item to those that suit it better.
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
    """

    hidden: int = 32
    keep_bias: float = 4.0

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
        self.item_scores = linear(width, scores, 0.1, generator)
        self.machine_scores = linear(width, scores, 0.1, generator)
        self.common = nn.Parameter(torch.tensor(0.5))

    def forward(self, view: View) -> EvenCategorical:
        """Return the distribution of every machine's choice: 0 idle, i + 1 item i."""
        one_hot, mask = view.one_hot(), view.tables.mask
        own = one_hot[:, :, 1:]
        items, machines = own.shape[2], own.shape[1]
        first = self.item_first(view.items()).relu()
        mean = first.mean(1, keepdim=True)
        item = self.item_second(torch.cat([first, mean.expand(-1, items, -1)], -1)).relu()
        heard = torch.cat([view.machines(), own @ first, mean.expand(-1, machines, -1)], -1)
        machine = self.machine_second(self.machine_first(heard).relu()).relu()
        split = [self.options.hidden, PAIR_FEATURES, 1, 1]
        key, of_item, liked, item_stays = self.item_scores(item).split(split, -1)
        query, of_machine, idle, machine_stays = self.machine_scores(machine).split(split, -1)
        score = query @ key.transpose(1, 2) / math.sqrt(self.options.hidden) + liked.transpose(1, 2)
        score = score + _weighed(view.tables, of_item, of_machine)
        score = score + own * (self.options.keep_bias + 5 * (item_stays.transpose(1, 2) + machine_stays))
        score = score.masked_fill(~mask[..., 1:], BARRED)
        score = score - self.common * (score.logsumexp(1, keepdim=True) - math.log(machines))
        logits = torch.cat([idle + self.options.keep_bias * one_hot[:, :, :1], score], -1)
        return EvenCategorical(MaskedCategorical(logits, mask.expand(logits.shape)))


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


def _weighed(tables: Tables, of_item: Tensor, of_machine: Tensor) -> Tensor:
    """Return the pairs' features, weighed by item and by machine, [B, M, I]."""
    if len(tables.pair) == 1:  # no copy of them for every row
        pair = tables.pair[0]
        return torch.einsum("mif,bif->bmi", pair, of_item) + torch.einsum("mif,bmf->bmi", pair, of_machine)
    return (tables.pair * (of_item.unsqueeze(1) + of_machine.unsqueeze(2))).sum(-1)
