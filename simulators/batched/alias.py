"""Drawing from a discrete distribution in constant time: the alias method.

Sources: Walker 1977, ACM Transactions on Mathematical Software 3:253-256; tables built as by Vose 1991, IEEE
Transactions on Software Engineering 17:972-975.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def alias_table(probability: Any) -> tuple[Any, Any]:
    """Return, of K outcomes, how likely each keeps its own column and which outcome has the rest of it; [K] each."""
    count = len(probability)
    share = np.asarray(probability, np.float64) * count
    keep, other = np.ones(count), np.arange(count)
    small = [i for i in range(count) if share[i] < 1]
    large = [i for i in range(count) if share[i] >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        keep[low], other[low] = share[low], high
        share[high] -= 1 - share[low]
        if share[high] < 1:
            small.append(large.pop())
    return keep, other  # what rounding leaves over keeps its own column


class Alias:
    """Draws from I distributions over 0..K - 1, one each.

    Parameters
    ----------
    probability : float array [I, K]
    dtype : torch.dtype
        Of what is drawn.
    device : torch.device
    """

    def __init__(self, probability: Any, dtype: torch.dtype, device: torch.device) -> None:
        rows, self.count = probability.shape
        tables = [alias_table(row) for row in probability]
        keep = np.concatenate([keep for keep, _ in tables])
        self.keep = torch.tensor(keep, dtype=torch.float32, device=device)
        self.other = torch.tensor(np.concatenate([other for _, other in tables]), dtype=dtype, device=device)
        self.first = torch.arange(rows, device=device) * self.count

    def draw(self, batch: int, generator: torch.Generator) -> Tensor:
        """Return one draw of each, [batch, I]."""
        uniform = torch.rand(batch, len(self.first), generator=generator, device=self.first.device)
        scaled = uniform.mul_(self.count)
        column = scaled.floor().clamp_(max=self.count - 1)
        entry = column.long() + self.first
        return torch.where(scaled.sub_(column) < self.keep[entry], column.to(self.other.dtype), self.other[entry])
