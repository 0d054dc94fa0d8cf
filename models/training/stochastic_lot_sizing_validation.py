"""What a network costs on fixed scenarios of a plant, by the batched twin of the simulator."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from counterpoint.opt.problems.stochastic_lot_sizing import Scenario, StochasticLotSizing, draw_scenarios
from counterpoint.simulators.batched.stochastic_lot_sizing import StochasticLotSizingEnvironment

SEED = 20250504  # of the scenarios; `counterpoint evaluate` with another seed has others


@dataclass(frozen=True, slots=True)
class Validation:
    """Scenarios, and plants to play them in.

    Parameters
    ----------
    environment : StochasticLotSizingEnvironment
        As many copies as scenarios, in float64.
    scenarios : tuple of Scenario
    """

    environment: StochasticLotSizingEnvironment
    scenarios: tuple[Scenario, ...]

    @classmethod
    def draw(cls, plant: StochasticLotSizing, count: int, device: Any = "cpu", seed: int = SEED) -> "Validation":
        """Draw `count` scenarios, always the same for the same plant and seed."""
        environment = StochasticLotSizingEnvironment(plant, count, dtype=torch.float64, device=device)
        return cls(environment, draw_scenarios(plant, count, seed))

    def __call__(self, network: Any) -> dict[str, float]:
        """Return the mean cost of drawn actions, always the same draws, and of the likeliest ones."""
        device = self.environment.device
        drawn = self.play(network, torch.Generator(device).manual_seed(SEED))
        likeliest = self.play(network)
        return {"cost": float(drawn.mean()), "greedy_cost": float(likeliest.mean())}

    @torch.no_grad()
    def play(self, network: Any, generator: torch.Generator | None = None) -> Tensor:
        """Return the cost of each scenario, float64 [B]; of the likeliest actions if there is no generator."""
        environment = self.environment
        observation, demands = environment.load_scenarios(self.scenarios)
        cost = torch.zeros(environment.num_envs, dtype=torch.float64, device=environment.device)
        for demand in demands:
            distribution, _ = network(observation)
            environment.post(distribution.mode() if generator is None else distribution.sample(generator))
            step = environment.exogenous(demand)
            cost -= step.reward[:, 0]
            observation = step.observation
        return cost
