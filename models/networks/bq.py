"""The transformer that reads what is left of an instance and says what comes next.

Drakulic, Michel, Mai, Sors and Andreoli 2023 (BQ-NCO, NeurIPS, arXiv 2301.03313): nodes are lifted linearly, a learnt
token marks each special node (the origin, the end), then attention layers without any positional encoding, whose two
residual branches begin at 0 (ReZero; Bachlechner et al. 2021, UAI, arXiv 2003.04887), and a logit for each thing that
can be done with a node. Run anew at each step, on the tail alone.
Deviation: attention is scaled by the square root of the width of a head, as usual; theirs is not scaled.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from counterpoint.opt.errors import OptionError

MOST = 2**28  # weights; as many as `models.checkpoints` reads


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the network; the defaults are the published ones.

    Parameters
    ----------
    layers : int
    width : int
        A multiple of `heads`.
    heads : int
    inner : int
        Width of the hidden layer of each feed-forward part.

    Raises
    ------
    OptionError
        If one is out of range, or the network would be larger than any checkpoint.
    """

    layers: int = 9
    width: int = 192
    heads: int = 12
    inner: int = 512

    def __post_init__(self) -> None:
        if not (1 <= self.layers <= 64 and 1 <= self.inner <= 16_384):
            raise OptionError("layers must lie in 1..64 and inner in 1..16384")
        if not 1 <= self.heads <= self.width <= 4096 or self.width % self.heads:
            raise OptionError(f"width must lie in 1..4096 and be a multiple of heads, not {self.width}")
        if (weights := self.layers * self.width * (4 * self.width + 2 * self.inner)) > MOST:
            raise OptionError(f"layers, width and inner make {weights} weights, more than the {MOST} supported")


@dataclass(frozen=True, slots=True)
class Form:
    """What a problem asks of a network.

    Parameters
    ----------
    features : int
        Numbers that describe a node.
    special : int
        Nodes that come first and are no candidates.
    answers : int
        Logits for each candidate.
    """

    features: int
    special: int = 2
    answers: int = 1


class Bq(nn.Module):
    """The network; see the module.

    Parameters
    ----------
    options : Options
    form : Form
    """

    def __init__(self, options: Options, form: Form) -> None:
        super().__init__()
        self.special = form.special
        self.lift = nn.Linear(form.features, options.width)
        self.tokens = nn.Parameter(torch.randn(form.special, options.width))
        self.layers = nn.ModuleList(_Layer(options) for _ in range(options.layers))
        self.point = nn.Linear(options.width, form.answers)

    def forward(self, x: Tensor, is_node: Tensor | None = None, edges: Tensor | None = None) -> Tensor:
        """Return the logits of the candidates.

        Parameters
        ----------
        x : float tensor [B, t + k, features]
            The special nodes, then the others, whose order does not matter.
        is_node : bool tensor [B, t + k], optional
            False where a row is shorter than others and `x` is only filled up; its logits are minus infinity.
        edges : None
            Nodes are all that it reads.

        Returns
        -------
        float tensor [B, k * answers]
            Those of one candidate side by side.
        """
        with torch.autocast(x.device.type, enabled=False):  # places close to each other must not become one
            hidden = self.lift(x)
            if self.special:
                hidden = torch.cat((hidden[:, : self.special] + self.tokens, hidden[:, self.special :]), dim=1)
        mask = None if is_node is None else is_node[:, None, None, :]
        for layer in self.layers:
            hidden = layer(hidden, mask)
        logits: Tensor = self.point(hidden[:, self.special :]).float()
        if is_node is not None:
            logits = logits.masked_fill(~is_node[:, self.special :, None], -torch.inf)
        return logits.flatten(1)


class _Layer(nn.Module):
    """Attention, then a feed-forward part, each added with a learnt weight that is 0 at first."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.heads = options.heads
        self.project = nn.Linear(options.width, 3 * options.width)
        self.merge = nn.Linear(options.width, options.width)
        self.widen = nn.Linear(options.width, options.inner)
        self.narrow = nn.Linear(options.inner, options.width)
        self.weights = nn.Parameter(torch.zeros(2))

    def forward(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        batch, n, width = hidden.shape
        query, key, value = self.project(hidden).view(batch, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        heard = attend(query, key, value, mask)
        hidden = hidden + self.weights[0] * self.merge(heard.transpose(1, 2).reshape(batch, n, width))
        return hidden + self.weights[1] * self.narrow(torch.relu(self.widen(hidden)))


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Return attention, [B, heads, n, width of a head].

    Where a gradient is wanted in bfloat16 on a CPU it is written out, its softmax in float32: there torch 2.13's fused
    kernel takes five to eight times as long backwards.
    """
    if not (query.dtype == torch.bfloat16 and query.device.type == "cpu" and torch.is_grad_enabled()):
        return scaled_dot_product_attention(query, key, value, attn_mask=mask)
    scores = ((query / query.shape[3] ** 0.5) @ key.transpose(2, 3)).float()
    share = (scores if mask is None else scores.masked_fill(~mask, -torch.inf)).softmax(3)
    return share.to(value.dtype) @ value
