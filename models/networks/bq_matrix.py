"""The transformer of `bq` for matrices: what is known of nodes is what it costs from each to each.

After Drakulic et al. 2023 (BQ-NCO, NeurIPS, arXiv 2301.03313): run anew at each step on the tail alone; tokens mark the
origin and the end; layers of attention whose residual branches begin at 0.
Deviations: theirs gives nodes random identifiers, which a graph convolution with the costs as weights mixes, before
the plain transformer. Here nothing is random and nodes have no names, so that renumbering them renumbers the logits and
does nothing else. An ordered pair of nodes is described by `bq_matrix_arcs`; each head of attention adds to its logits
a learnt function of that (costs inside attention: Kwon et al. 2021, MatNet, NeurIPS, arXiv 2106.11113), and passes on
the mean description of the pairs it looks at. A node begins as its pairs with the origin and the end.
"""

import torch
from torch import Tensor, nn

from counterpoint.models.networks.bq import Form, Options
from counterpoint.models.networks.bq_matrix_arcs import DESCRIPTION, described

PAIR = 32  # width of what is made of a pair of nodes


class BqMatrix(nn.Module):
    """The network; see the module.

    Parameters
    ----------
    options : Options
    form : Form
        Without features of nodes; two special nodes.
    """

    def __init__(self, options: Options, form: Form) -> None:
        super().__init__()
        self.special = form.special
        self.lift = nn.Linear(2 * DESCRIPTION, options.width)
        self.tokens = nn.Parameter(torch.randn(form.special, options.width))
        self.pair = nn.Linear(DESCRIPTION, PAIR)
        self.bias = nn.Linear(PAIR, options.layers * options.heads)
        self.layers = nn.ModuleList(_Layer(options) for _ in range(options.layers))
        self.point = nn.Linear(options.width, form.answers)

    def forward(self, x: Tensor, is_node: Tensor | None = None, edges: Tensor | None = None) -> Tensor:
        """Return the logits of the candidates.

        Parameters
        ----------
        x : tensor [B, 2 + k, 0]
            Nodes have no features.
        is_node : bool tensor [B, 2 + k], optional
            False where a row is shorter than others and its matrix is only filled up; its logits are minus infinity.
        edges : float tensor [B, 2 + k, 2 + k, 1 or DESCRIPTION]
            Costs from node to node: of the origin, the end, then the others, whose order does not matter. Or what is
            said of their arcs, where that is known from more nodes than are shown.

        Returns
        -------
        float tensor [B, k * answers]
        """
        assert edges is not None
        with torch.autocast(x.device.type, enabled=False):  # costs close to each other must not become one
            with torch.no_grad():
                pairs = described(edges.squeeze(3), is_node) if edges.shape[3] == 1 else edges
            hidden = self.lift(torch.cat((pairs[:, 0], pairs[:, :, 1]), dim=2))
            hidden = torch.cat((hidden[:, : self.special] + self.tokens, hidden[:, self.special :]), dim=1)
        mask = None if is_node is None else is_node[:, None, None, :]
        for layer, bias in zip(self.layers, self._biases(pairs), strict=True):
            hidden = layer(hidden, pairs, bias, mask)
        logits: Tensor = self.point(hidden[:, self.special :]).float()
        if is_node is not None:
            logits = logits.masked_fill(~is_node[:, self.special :, None], -torch.inf)
        return logits.flatten(1)

    def _biases(self, pairs: Tensor) -> tuple[Tensor, ...]:
        """Return what each layer adds to the logits of its heads, [B, heads, n, n] each."""
        batch, n, _, _ = pairs.shape
        seen = torch.relu(self.pair(pairs)).flatten(1, 2).transpose(1, 2)
        biases = self.bias.weight @ seen + self.bias.bias.unsqueeze(1)
        return biases.view(batch, len(self.layers), -1, n, n).unbind(1)


class _Layer(nn.Module):
    """Attention that knows pairs, then a feed-forward part, each added with a learnt weight that is 0 at first."""

    def __init__(self, options: Options) -> None:
        super().__init__()
        self.heads = options.heads
        self.project = nn.Linear(options.width, 3 * options.width)
        self.merge = nn.Linear(options.width + options.heads * DESCRIPTION, options.width)
        self.widen = nn.Linear(options.width, options.inner)
        self.narrow = nn.Linear(options.inner, options.width)
        self.weights = nn.Parameter(torch.zeros(2))

    def forward(self, hidden: Tensor, pairs: Tensor, bias: Tensor, mask: Tensor | None) -> Tensor:
        batch, n, width = hidden.shape
        query, key, value = self.project(hidden).view(batch, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        logits = query @ key.transpose(2, 3) / query.shape[3] ** 0.5 + bias
        share = (logits if mask is None else logits.masked_fill(~mask, -torch.inf)).softmax(3)
        heard = (share @ value).transpose(1, 2).reshape(batch, n, width)
        described = (share.transpose(1, 2) @ pairs).reshape(batch, n, -1)  # [B, n, heads, DESCRIPTION]
        hidden = hidden + self.weights[0] * self.merge(torch.cat((heard, described), dim=2))
        added: Tensor = self.narrow(torch.relu(self.widen(hidden)))
        return hidden + self.weights[1] * added
