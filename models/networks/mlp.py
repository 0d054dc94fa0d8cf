"""Two perceptrons, actor and critic, for observations and actions of any Gymnasium space of fixed size."""

import math
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn

from counterpoint.models.algorithms.normalise import ObservationNormaliser
from counterpoint.models.networks.distributions import Distribution, Gaussian, JointCategorical, MaskedCategorical
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Observation

MASK = "action_mask"
ACTIVATIONS = {"tanh": nn.Tanh, "relu": nn.ReLU, "silu": nn.SiLU}


@dataclass(frozen=True, slots=True)
class Options:
    """What the network is built from; plain values, so that a checkpoint's card can hold them.

    Parameters
    ----------
    numbers : dict of str to int
        Observation keys that are numbers, with how many numbers a row of each has.
    choices : dict of str to int
        Observation keys that are a whole number below so many; fed in one-hot.
    head : {"categorical", "multi-discrete", "gaussian"}
        The Gaussian's deviation does not depend on the state.
    actions : tuple of int
        Actions (categorical), actions of each choice (multi-discrete), or dimensions (Gaussian).
    values : int
        Objectives.
    hidden : tuple of int
        Width of each hidden layer, of actor and critic alike.
    activation : {"tanh", "relu", "silu"}
    normalised : tuple of str
        Keys of `numbers` to shift and scale by running statistics.
    log_std : float
        Of the Gaussian, at first.
    """

    numbers: dict[str, int]
    choices: dict[str, int]
    head: Literal["categorical", "multi-discrete", "gaussian"]
    actions: tuple[int, ...]
    values: int = 1
    hidden: tuple[int, ...] = (64, 64)
    activation: Literal["tanh", "relu", "silu"] = "tanh"
    normalised: tuple[str, ...] = field(default=())
    log_std: float = 0.0

    def __post_init__(self) -> None:
        sizes = [*self.numbers.values(), *self.choices.values(), *self.actions, *self.hidden, self.values]
        if not all(0 < size <= 2**20 for size in sizes) or not self.actions:
            raise OptionError("every size of the network must be between 1 and 2^20")
        if not self.numbers and not self.choices:
            raise OptionError("the network observes nothing")
        if unknown := sorted({*self.normalised} - {*self.numbers}):
            raise OptionError(f"cannot normalise {unknown[0]!r}: no such numbers are observed")

    @classmethod
    def of(cls, environment: Any, *, is_normalised: bool = False, **others: Any) -> Self:
        """Return the options that fit an environment's spaces; `others` are further fields.

        Raises
        ------
        OptionError
            For a space other than Box, Discrete, MultiDiscrete and MultiBinary.
        """
        from gymnasium import spaces

        numbers: dict[str, int] = {}
        choices: dict[str, int] = {}
        for key, space in environment.observation_space.spaces.items():
            if key == MASK:
                continue
            if isinstance(space, spaces.Discrete) and space.start == 0:
                choices[key] = int(space.n)
            elif isinstance(space, spaces.Box | spaces.MultiDiscrete | spaces.MultiBinary):
                numbers[key] = math.prod(space.shape)
            else:
                raise OptionError(f"observation {key!r} is a {type(space).__name__}, which no perceptron takes")
        action = environment.action_space
        if isinstance(action, spaces.Discrete) and action.start == 0:
            head, actions = "categorical", (int(action.n),)
        elif isinstance(action, spaces.MultiDiscrete) and action.nvec.ndim == 1:
            head, actions = "multi-discrete", tuple(int(n) for n in action.nvec)
        elif isinstance(action, spaces.Box) and len(action.shape) == 1:
            head, actions = "gaussian", (int(action.shape[0]),)
        else:
            raise OptionError(f"actions are {action}; expected Discrete, MultiDiscrete or a Box of one dimension")
        normalised = tuple(numbers) if is_normalised else ()
        return cls(numbers, choices, head, actions, values=environment.reward_dim, normalised=normalised, **others)  # type: ignore[arg-type]


class Mlp(nn.Module):
    """Separate actor and critic; orthogonal weights (gain sqrt 2; 0.01 for actions, 1 for values), biases 0.

    Parameters
    ----------
    options : Options
    generator : torch.Generator, optional
        Of the weights.
    """

    def __init__(self, options: Options, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.options = options
        self.normaliser = (
            ObservationNormaliser({key: (options.numbers[key],) for key in options.normalised})
            if options.normalised
            else None
        )
        width = sum(options.numbers.values()) + sum(options.choices.values())
        self.actor = perceptron(width, options, sum(options.actions), 0.01, generator)
        self.critic = perceptron(width, options, options.values, 1.0, generator)
        if options.head == "gaussian":
            self.log_std = nn.Parameter(torch.full(options.actions, options.log_std))

    def forward(self, observation: Observation) -> tuple[Distribution, Tensor]:
        """Return the action's distribution and the value [B, n]."""
        rows = self._rows(observation)
        out, value = self.actor(rows), self.critic(rows)
        mask = observation.get(MASK)
        if self.options.head == "categorical":
            return MaskedCategorical(out, mask), value
        if self.options.head == "multi-discrete":
            return JointCategorical.split(out, list(self.options.actions), mask), value
        return Gaussian(out, self.log_std), value

    def _rows(self, observation: Observation) -> Tensor:
        """Return one row of floats [B, width] per observation."""
        numbers = {key: observation[key].flatten(1).float() for key in self.options.numbers}
        if self.normaliser is not None:
            numbers = self.normaliser(numbers)
        parts = list(numbers.values())
        for key, count in self.options.choices.items():
            which = observation[key].unsqueeze(-1)
            parts.append((which == torch.arange(count, device=which.device)).float())
        return parts[0] if len(parts) == 1 else torch.cat(parts, -1)


def perceptron(
    width: int, options: Options, outputs: int, gain: float, generator: torch.Generator | None
) -> nn.Sequential:
    """Return the layers from `width` inputs to `outputs`, the last one linear with that gain."""
    layers: list[nn.Module] = []
    for size in options.hidden:
        layers += [linear(width, size, math.sqrt(2), generator), ACTIVATIONS[options.activation]()]
        width = size
    return nn.Sequential(*layers, linear(width, outputs, gain, generator))


def linear(inputs: int, outputs: int, gain: float, generator: torch.Generator | None) -> nn.Linear:
    """Return a layer with orthogonal weights, drawn from `generator` alone, and bias 0."""
    layer = nn.utils.skip_init(nn.Linear, inputs, outputs)
    nn.init.orthogonal_(layer.weight, gain, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
