"""A toy algorithm: fits one weight to noisy targets, so that runs of milliseconds have all that real ones have."""

import dataclasses
import sys
from types import ModuleType

import pytest
import torch

from counterpoint.opt import training
from counterpoint.opt.training import Algorithm


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """Settings of the toy."""

    iterations: int = 20
    lr: float = 0.1


class Toy:
    """Its cost is the distance of the weight from 3."""

    def __init__(self, config: Config, seed: int, device: str) -> None:
        self.config, self.iteration = config, 0
        self.generator = torch.Generator().manual_seed(seed)
        self.weight = torch.zeros(1, requires_grad=True)
        self.optimiser = torch.optim.Adam([self.weight], lr=config.lr)
        self.before_step = lambda: None

    def step(self):
        self.before_step()
        self.optimiser.zero_grad()
        loss = (self.weight - 3 - torch.randn(1, generator=self.generator)).square().sum()
        loss.backward()
        self.optimiser.step()
        self.iteration += 1
        return {"samples": float(self.iteration), "loss": float(loss.detach())}

    def evaluate(self):
        return {"cost": abs(float(self.weight.detach()) - 3)}

    def state_dict(self):
        return {
            "iteration": self.iteration,
            "weight": self.weight.detach(),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
        }

    def load_state_dict(self, state):
        self.iteration = state["iteration"]
        with torch.no_grad():
            self.weight.copy_(state["weight"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])

    def policy(self):
        return {"weight": self.weight.detach()}, {"network": {"name": "toy", "options": {}}}


@pytest.fixture
def toy(monkeypatch):
    """Register the toy as algorithm ``toy`` of problem ``job-shop``; return the list of trainers built."""
    made = []

    def build(config, seed, device):
        made.append(Toy(config, seed, device))
        return made[-1]

    module = ModuleType("counterpoint_toy_algorithm")
    module.Config, module.build = Config, build
    monkeypatch.setitem(sys.modules, module.__name__, module)
    line = Algorithm("toy", "job-shop", module.__name__, "a toy")
    monkeypatch.setattr(training, "ALGORITHMS", (*training.ALGORITHMS, line))
    monkeypatch.setenv("COUNTERPOINT_NO_TENSORBOARD", "1")
    return made
