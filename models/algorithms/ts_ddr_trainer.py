"""A run of TS-DDR or TS-LDR: Adam on the mean cost of drawn scenarios, whose gradient is made of prices (`ts_ddr`)."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from counterpoint.models.algorithms.optimiser_state import load_optimiser_state, optimiser_state, primed
from counterpoint.models.algorithms.trees import cloned
from counterpoint.models.algorithms.ts_ddr import Solve, play_realised, play_strict
from counterpoint.models.algorithms.ts_ddr_config import TsDdrConfig
from counterpoint.models.networks.target_reach import Reach
from counterpoint.models.networks.target_rule import TargetRule
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import Hydrothermal

MOST_UNSOLVED = 0.1  # of an update's stages; a few failures of an interior point method do no harm


class TsDdrTrainer:
    """An `interfaces.Trainer`.

    Parameters
    ----------
    instance : Hydrothermal
    rule : TargetRule
    reach : Reach
    solve_with : callable
        ``solve_with(penalty)`` returns what solves stages that pay so much for a unit beside the target (None: strict).
        Called at every update, so that what it returns depends on nothing before.
    config : TsDdrConfig
    penalty : float
        Of the penalty form, before its multiples.
    iterations, seed : int
    card : mapping
        Facts of the checkpoint's card.
    evaluation : callable
        ``evaluation(rule, reach, solve, penalty)`` returns figures; called without gradients.
    """

    def __init__(
        self,
        instance: Hydrothermal,
        rule: TargetRule,
        reach: Reach,
        solve_with: Callable[[float | None], Solve],
        config: TsDdrConfig,
        *,
        penalty: float,
        iterations: int,
        seed: int,
        card: Mapping[str, Any],
        evaluation: Callable[[TargetRule, Reach, Solve, float], dict[str, float]],
    ) -> None:
        self.rule, self.reach, self.solve_with, self.config = rule, reach, solve_with, config
        self.penalty = penalty if config.form == "penalty" else 0.0
        self.iterations, self.card, self.evaluation = iterations, card, evaluation
        self.iteration, self.samples, self.scale = 0, 0, 0.0
        self.draws = Draws(instance)
        self.initial = torch.tensor(instance.reservoirs.initial_volume)
        self.discount = instance.discount ** torch.arange(instance.horizon, dtype=torch.float64)
        self.generator = torch.Generator().manual_seed(seed)
        self.optimiser = primed(torch.optim.Adam(rule.parameters(), config.learning_rate))

    def step(self) -> dict[str, float]:
        """Play scenarios and go down the gradient of their mean cost.

        Raises
        ------
        InstanceError
            If more than a few stages have no solution.
        """
        config = self.config
        inflow = self.draws.inflow(config.samples, self.generator, is_stratified=config.is_stratified)
        price = self.penalty * config.multiple(self.iteration, self.iterations)
        play = play_strict if config.form == "strict" else play_realised
        played = play(self.rule, self.reach, self.solve_with(price or None), self.initial, inflow)
        if played.unsolved > MOST_UNSOLVED * played.cost.numel():
            raise InstanceError(
                f"{played.unsolved} of {played.cost.numel()} stages had no solution with their targets: "
                "the network may not take the power of what must come from upstream (set counts_turbines=false)"
            )
        mean = float((self.discount * played.cost.nanmean(1)).nansum())
        if self.scale == 0.0:
            self.scale = abs(mean) or 1.0
        rate = config.rate(self.iteration, self.iterations)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        (played.loss(self.discount) / self.scale).backward()
        norm = nn.utils.clip_grad_norm_(self.rule.parameters(), config.max_gradient_norm)
        self.optimiser.step()
        self.iteration += 1
        self.samples += played.cost.numel()
        figures = {"samples": float(self.samples), "training_cost": mean, "gradient_norm": float(norm)}
        return {**figures, "learning_rate": rate, "unsolved": float(played.unsolved)}

    def evaluate(self) -> dict[str, float]:
        """Return the figures of `evaluation`."""
        price = self.penalty * self.config.multiple(self.iterations - 1, self.iterations)
        with torch.no_grad():
            return self.evaluation(self.rule, self.reach, self.solve_with(price or None), price)

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the future."""
        return cloned(
            {
                "iteration": self.iteration,
                "samples": self.samples,
                "scale": self.scale,
                "rule": dict(self.rule.state_dict()),
                "optimiser": optimiser_state(self.optimiser),
                "generator": self.generator.get_state(),
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples = int(state["iteration"]), int(state["samples"])
        self.scale = float(state["scale"])
        self.rule.load_state_dict(state["rule"])
        load_optimiser_state(self.optimiser, state["optimiser"])
        self.generator.set_state(state["generator"])

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the rule's tensors and the card's facts."""
        return dict(self.rule.state_dict()), {**self.card, "samples": self.samples}


class Draws:
    """Inflow paths of a system, drawn with torch, for training.

    Parameters
    ----------
    instance : Hydrothermal
    """

    def __init__(self, instance: Hydrothermal) -> None:
        stages = [instance.openings(stage) for stage in range(instance.horizon)]
        most = max(len(rows) for rows, _ in stages)
        self.rows = torch.zeros(instance.horizon, most, instance.num_reservoirs, dtype=torch.float64)
        self.cumulative = torch.ones(instance.horizon, most, dtype=torch.float64)
        for stage, (rows, probability) in enumerate(stages):
            self.rows[stage, : len(rows)] = torch.tensor(rows)
            self.cumulative[stage, : len(rows) - 1] = torch.tensor(probability).cumsum(0)[:-1]

    def inflow(self, count: int, generator: torch.Generator, *, is_stratified: bool) -> Tensor:
        """Draw `count` paths, float64 [T, count, H]; stratified: their quantiles spread evenly in every stage."""
        stages = len(self.rows)
        quantile = torch.rand(stages, count, generator=generator, dtype=torch.float64)
        if is_stratified:
            place = torch.rand(stages, count, generator=generator).argsort(1)
            quantile = (place + quantile) / count
        opening = torch.searchsorted(self.cumulative, quantile, right=True).clamp(max=self.rows.shape[1] - 1)
        return self.rows[torch.arange(stages)[:, None], opening]
