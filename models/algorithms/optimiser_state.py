"""Adam's state as plain tensors, that can be loaded in place."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def primed(optimiser: torch.optim.Adam) -> torch.optim.Adam:
    """Allocate the state before the first step, so that it can be saved, loaded and captured in place."""
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
    optimiser.step()  # gradients are zero: nothing moves
    optimiser.zero_grad(set_to_none=True)
    for state in optimiser.state.values():
        state["step"].zero_()
    return optimiser


def optimiser_state(optimiser: torch.optim.Adam) -> list[dict[str, Tensor]]:
    """Return the state of each parameter, in order."""
    return [dict(optimiser.state[parameter]) for group in optimiser.param_groups for parameter in group["params"]]


def load_optimiser_state(optimiser: torch.optim.Adam, states: Sequence[dict[str, Any]]) -> None:
    """Copy such a state into a primed optimiser; ValueError if it is of other parameters."""
    for mine, theirs in zip(optimiser_state(optimiser), states, strict=True):
        for name, tensor in mine.items():
            tensor.copy_(theirs[name])
