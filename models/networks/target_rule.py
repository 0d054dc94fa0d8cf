"""Decision rules that set target storages: a recurrent one (TS-DDR) and a linear one (TS-LDR).

Source: Rosemberg, Street, Valladao and Van Hentenryck 2024 (arXiv 2405.14973) and its code DecisionRules.jl: an LSTM
reads the inflows alone, a perceptron reads [what it remembers; storages]. The outputs become targets in `target_reach`.

Deviation: the perceptron may also be told the stage: how much of the horizon is over, and the season as sines. Inflows
of a stage are independent of the past here, so the season is all that the past could tell.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.networks.mlp import linear
from counterpoint.models.networks.target_reach import Map
from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal

NETWORKS = {"recurrent": "target-rule", "linear": "linear-target-rule"}  # by kind, as in checkpoints' cards
HARMONICS = 3  # of the season
Memory = tuple[Tensor, Tensor] | None  # of the LSTM: hidden and cell, [layers, B, width]; None: nothing seen yet


@dataclass(frozen=True, slots=True)
class Options:
    """What a rule is built from; plain values, so that a checkpoint's card can hold them.

    Parameters
    ----------
    reservoirs, horizon, cycle : int
        Of the system; the cycle is after how many stages inflows repeat.
    kind : {"recurrent", "linear"}
    width, layers : int
        Of the LSTM.
    hidden : tuple of int
        Widths of the perceptron's layers.
    knows_stage : bool
        Whether the perceptron is told the stage.
    map : {"turbined", "reachable", "box"}
        See `target_reach`.
    counts_turbines : bool
        See `target_reach`.
    inflow_mean, inflow_scale, storage_scale : tuple of float
        What the inputs are shifted and divided by, one number a reservoir.
    """

    reservoirs: int
    horizon: int
    cycle: int
    kind: Literal["recurrent", "linear"] = "recurrent"
    width: int = 64
    layers: int = 1
    hidden: tuple[int, ...] = (128, 128)
    knows_stage: bool = True
    map: Map = "turbined"
    counts_turbines: bool = True
    inflow_mean: tuple[float, ...] = ()
    inflow_scale: tuple[float, ...] = ()
    storage_scale: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        for key in ("reservoirs", "horizon", "cycle", "width", "layers"):
            if not 1 <= getattr(self, key) <= 100_000:
                raise OptionError(f"{key} must be in 1..100000, not {getattr(self, key)}")
        if not all(1 <= size <= 100_000 for size in self.hidden) or (self.kind == "recurrent" and not self.hidden):
            raise OptionError(f"hidden must be widths of at least one layer, not {self.hidden}")
        for key in ("inflow_mean", "inflow_scale", "storage_scale"):
            numbers = getattr(self, key)
            if len(numbers) != self.reservoirs or not all(map(math.isfinite, numbers)):
                raise OptionError(f"{key} must be a number for each of {self.reservoirs} reservoirs")
            if key != "inflow_mean" and min(numbers) <= 0:
                raise OptionError(f"{key} must be positive")

    @classmethod
    def of(cls, instance: Hydrothermal, **others: object) -> Self:
        """Return the options that fit a system; inflows are scaled to mean 0 and deviation 1, storages to 0..1."""
        rows, weight = instance.inflows.rows, instance.inflows.probability[..., None] / len(instance.inflows.rows)
        mean = (rows * weight).sum((0, 1))
        deviation = np.sqrt(((rows - mean) ** 2 * weight).sum((0, 1)))
        volume = instance.reservoirs.max_volume
        return cls(
            instance.num_reservoirs,
            instance.horizon,
            len(rows),
            inflow_mean=tuple(mean.tolist()),
            inflow_scale=tuple(np.where(deviation > 1e-12, deviation, 1.0).tolist()),
            storage_scale=tuple(np.where(volume > 0, volume, 1.0).tolist()),
            **others,  # type: ignore[arg-type]
        )


class TargetRule(nn.Module):
    """A rule in two parts: what inflows and the stage say, for many stages at once, and then what storages say.

    Parameters
    ----------
    options : Options
    generator : torch.Generator, optional
        Of the weights.
    """

    def __init__(self, options: Options, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.options = options
        self.mean = torch.tensor(options.inflow_mean, dtype=torch.float64)
        self.scale = torch.tensor(options.inflow_scale, dtype=torch.float64)
        self.volume = torch.tensor(options.storage_scale, dtype=torch.float64)
        reservoirs = options.reservoirs
        self.lstm: nn.LSTM | None = None
        if options.kind == "linear":
            self.context = linear(reservoirs, reservoirs, 0.1, generator)
            self.storage = linear(reservoirs, reservoirs, 0.1, generator)
            self.head = nn.Sequential()
        else:
            self.lstm = recurrent(reservoirs, options.width, options.layers, generator)
            told = (1 + 2 * HARMONICS) * options.knows_stage
            first, *rest = options.hidden
            self.context = linear(options.width + told, first, 1.0, generator)
            self.storage = linear(reservoirs, first, 1.0, generator)
            sizes = [first, *rest]
            layers: list[nn.Module] = [nn.SiLU()]
            for a, b in pairwise(sizes):
                layers += [linear(a, b, math.sqrt(2), generator), nn.SiLU()]
            self.head = nn.Sequential(*layers, linear(sizes[-1], reservoirs, 0.1, generator))

    def read(self, inflow: Tensor, stage: int = 0, memory: Memory = None) -> tuple[Tensor, Memory]:
        """Read inflows [T, B, H] of the stages from `stage` on; return what the head is told [T, B, ...], and memory.

        Without `memory`, an episode begins. Rows of the batch do not see each other.
        """
        dtype = self.context.weight.dtype
        seen = ((inflow - self.mean) / self.scale).to(dtype)
        if self.lstm is None:
            return self.context(seen), None
        seen, memory = self.lstm(seen, memory)
        if self.options.knows_stage:
            told = self._stages(stage, len(inflow)).to(dtype)
            seen = torch.cat([seen, told[:, None].expand(-1, seen.shape[1], -1)], -1)
        return self.context(seen), memory

    def decide(self, told: Tensor, storage: Tensor) -> Tensor:
        """Return outputs [B, H] for `target_reach` of what `read` gave for a stage and storages [B, H]."""
        output: Tensor = self.head(told + self.storage((storage / self.volume).to(told.dtype)))
        return output

    def _stages(self, first: int, count: int) -> Tensor:
        """What the perceptron is told of stages, float64 [T, 1 + 2 HARMONICS]."""
        stage = torch.arange(first, first + count, dtype=torch.float64)
        angle = 2 * math.pi / self.options.cycle * stage[:, None] * torch.arange(1, HARMONICS + 1)
        passed = 2 * stage[:, None] / self.options.horizon - 1
        return torch.cat([passed, angle.sin(), angle.cos()], -1)


def recurrent(inputs: int, width: int, layers: int, generator: torch.Generator | None) -> nn.LSTM:
    """Return an LSTM, weights uniform and drawn from `generator` alone, that forgets little at first (bias 1)."""
    with torch.random.fork_rng(devices=[]):  # the constructor draws weights from the global generator
        lstm = nn.LSTM(inputs, width, layers)
    with torch.no_grad():
        for name, parameter in lstm.named_parameters():
            bound = 1 / math.sqrt(width)
            parameter.copy_(torch.empty_like(parameter).uniform_(-bound, bound, generator=generator))
            if name.startswith("bias"):
                parameter.zero_()
            if name.startswith("bias_ih"):
                parameter[width : 2 * width] = 1.0  # gates are ordered input, forget, cell, output
    return lstm
