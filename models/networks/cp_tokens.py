"""The CP-guided agent's network: a transformer over a few interval tokens per row, then one over rival rows.

Source: Tassel, Gebser and Schekotihin 2023 (ICAPS 33:614-622); with the default options it has the 2,442 parameters of
the published checkpoint. The description leaves open, and here is: START and END embeddings are added to the four
(zero) features; pooling is over the tokens that are not padding; No-Op's logit is the mean of its head over the rows.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation

ILLEGAL = -3.4e38


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the network.

    Parameters
    ----------
    width : int
        Of tokens and rows; even. Published: 8.
    hidden : int
        Of feed-forward layers and heads; published: 32.
    """

    width: int = 8
    hidden: int = 32

    def __post_init__(self) -> None:
        if not (2 <= self.width <= 1024 and self.width % 2 == 0 and 1 <= self.hidden <= 8192):
            raise OptionError("width must be even and lie in 2..1024, hidden in 1..8192")


class CpTokens(nn.Module):
    """The network; see the module.

    Parameters
    ----------
    options : Options
    generator : torch.Generator, optional
        Of the initial weights; default: torch's own.
    """

    def __init__(self, options: Options = Options(), generator: torch.Generator | None = None) -> None:
        super().__init__()
        width, hidden = options.width, options.hidden
        self.is_fixed, self.is_legal = nn.Embedding(2, 1), nn.Embedding(2, 1)
        self.edge = nn.Embedding(3, 4)  # nothing, START, END
        self.lift = nn.Linear(4, width)
        self.over_tokens, self.over_rows = (
            nn.TransformerEncoderLayer(width, 1, hidden, dropout=0.0, batch_first=True, norm_first=True)
            for _ in range(2)
        )
        self.start_head, self.wait_head = _head(width, hidden), _head(width, hidden)
        frequency = 10_000.0 ** (-torch.arange(0, width, 2) / width)
        self.register_buffer("frequency", frequency, persistent=False)
        self._initialise(generator)

    def forward(self, observation: Observation) -> Tensor:
        """Return the logits of all actions, float [B, R + 1]; -3.4e38 of illegal ones."""
        return self.logits(self.rows(observation), observation)

    def logits(self, rows: Tensor, observation: Observation) -> Tensor:
        """Return the logits of all actions from the rows' embeddings, float [B, R + 1]; -3.4e38 of illegal ones."""
        start = self.start_head(rows).squeeze(-1)
        exists = observation["row_exists"]
        wait = (self.wait_head(rows).squeeze(-1) * exists).sum(1) / exists.sum(1)
        logits = torch.cat([start, wait.unsqueeze(1)], dim=1)
        return torch.where(observation["action_mask"], logits, ILLEGAL)

    def rows(self, observation: Observation) -> Tensor:
        """Return the embedding of each row, float [B, R, width]."""
        rep, tokens = observation["interval_rep"], observation["start_end_tokens"]
        batch, rows, window, _ = rep.shape
        features = torch.stack(
            [
                self.is_fixed(rep[..., 0].long()).squeeze(-1), rep[..., 1], rep[..., 2],
                self.is_legal(rep[..., 3].long()).squeeze(-1),
            ],
            dim=-1,
        )  # fmt: skip
        features = torch.where(tokens.unsqueeze(-1) > 0, self.edge(tokens), features)
        embedded = self.lift(features) + self.position(observation["index_interval"])
        padding = observation["attention_interval_mask"].view(batch * rows, window)
        seen = self.over_tokens(embedded.view(batch * rows, window, -1), src_key_padding_mask=padding)
        kept = ~padding.unsqueeze(-1)
        pooled = ((seen * kept).sum(1) / kept.sum(1)).view(batch, rows, -1)
        apart = ~observation["job_resource_mask"][:, :-1, :-1]
        return pooled + self.over_rows(pooled, src_mask=apart)

    def position(self, index: Tensor) -> Tensor:
        """Return the sinusoidal encoding of whole numbers, float [..., width]."""
        angle = index.unsqueeze(-1) * self.frequency
        return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(-2)

    @torch.no_grad()
    def _initialise(self, generator: torch.Generator | None) -> None:
        """Draw weights as torch would (from the generator) and the heads' orthogonally, the last small."""
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                module.weight.normal_(generator=generator)
            elif isinstance(module, nn.Linear):
                limit = module.in_features**-0.5
                module.weight.uniform_(-limit, limit, generator=generator)
                module.bias.uniform_(-limit, limit, generator=generator)
            elif isinstance(module, nn.MultiheadAttention):
                nn.init.xavier_uniform_(module.in_proj_weight, generator=generator)
        for layer in (self.over_tokens, self.over_rows):
            layer.self_attn.in_proj_bias.zero_()
            layer.self_attn.out_proj.bias.zero_()
        for head in (self.start_head, self.wait_head):
            for linear, gain in ((head[0], 2**0.5), (head[2], 0.01)):
                nn.init.orthogonal_(linear.weight, gain, generator=generator)
                linear.bias.zero_()


def _head(width: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, hidden), nn.Tanh(), nn.Linear(hidden, 1))
