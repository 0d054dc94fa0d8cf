"""Teaching one network for plants of every size what the policy from the items' value functions does.

Each iteration plays fresh scenarios of every plant, half of them as the teacher would and half as the network does, and
asks the teacher in every state (DAgger, Ross, Gordon, Bagnell 2011); the network learns all choices by cross-entropy.
Deviation: states of earlier iterations are not kept, since fresh ones cost less than a pass over the old.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.algorithms.optimiser_state import load_optimiser_state, optimiser_state, primed
from counterpoint.models.algorithms.trees import cloned
from counterpoint.models.networks.stochastic_lot_sizing import Options, PairNetwork
from counterpoint.models.policies.stochastic_lot_sizing_pairs import NETWORK, PairPolicy
from counterpoint.models.training.imitation import mixed
from counterpoint.models.training.stochastic_lot_sizing_lessons import Group, Lesson, joined, played, varied
from counterpoint.opt.errors import OptionError
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.stochastic_lot_sizing import StochasticLotSizing, draw_scenarios
from counterpoint.solvers.lagrangian import stochastic_lot_sizing as lagrangian
from counterpoint.solvers.lagrangian.stochastic_lot_sizing_runs import total_costs

VALIDATION = 10**6  # first seed of plants and scenarios that nobody learns from


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    iterations : int
    case : str
        File or public benchmark with the one plant to learn; empty: random plants.
    sizes : tuple of (int, int)
        Items and machines of the random plants.
    plants : int
        Of each size.
    scenarios : int
        Of each plant and iteration, half of them led by the teacher; in the first iteration all.
    epochs, batch : int
        Passes over an iteration's states, and how many make a step of Adam.
    learning_rate : float
        At first; it falls linearly to nothing.
    hidden : int
        Width of the network.
    validation : int
        Random plants that are judged on; none where there is a `case`, which is judged on itself.
    validation_scenarios : int
    steps, tries : int
        Of the teacher, `solvers.lagrangian.stochastic_lot_sizing.Options`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    iterations: int = 40
    case: str = ""
    sizes: tuple[tuple[int, int], ...] = ((12, 6), (12, 5), (14, 6))
    plants: int = 6
    scenarios: int = 16
    epochs: int = 2
    batch: int = 512
    learning_rate: float = 3e-3
    hidden: int = 32
    validation: int = 4
    validation_scenarios: int = 64
    steps: int = 40
    tries: int = 8

    def __post_init__(self) -> None:
        for key in ("iterations", "plants", "scenarios", "epochs", "batch", "validation", "validation_scenarios"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")
        if not self.sizes or min(min(size) for size in self.sizes) < 1:
            raise OptionError("sizes must be pairs of at least one item and one machine")
        if not 0 < self.learning_rate < 1:
            raise OptionError(f"learning_rate must be between 0 and 1, not {self.learning_rate}")


def build(config: Config, seed: int, device: str) -> "Imitation":
    """Return the trainer; the teachers, a few CPU seconds each, are made when they are first asked.

    Raises
    ------
    InstanceError, UnknownNameError, OptionError
        If there is no such plant, or the device is not the CPU, where the teachers are.
    """
    if torch.device(device).type != "cpu":
        raise OptionError("imitation on plants is for the CPU: the teachers decide there; use --device cpu")
    sizes = [] if config.case else list(config.sizes)
    first = 1000 * seed
    plants = [
        [varied(*size, seed=first + config.plants * k + n) for n in range(config.plants)]
        for k, size in enumerate(sizes)
    ]
    judged = [varied(*sizes[n % len(sizes)], seed=VALIDATION + n) for n in range(config.validation if sizes else 0)]
    if config.case:
        plant = load_instance(config.case)
        if not isinstance(plant, StochasticLotSizing):
            raise OptionError(f"case is a {plant.problem}, not a {StochasticLotSizing.problem}")
        plants, judged = [[plant]], [plant]
    return Imitation(config, plants, judged, seed)


class Imitation:
    """The run (`interfaces.Trainer`).

    Parameters
    ----------
    config : Config
    plants : list of list of StochasticLotSizing
        To learn from; those of one list are of one size.
    judged : list of StochasticLotSizing
    seed : int
    """

    def __init__(
        self,
        config: Config,
        plants: list[list[StochasticLotSizing]],
        judged: list[StochasticLotSizing],
        seed: int,
    ) -> None:
        self.config, self.plants, self.judged, self.seed = config, plants, judged, seed
        self.iteration, self.samples = 0, 0
        self.generator = torch.Generator().manual_seed(seed)
        self.network = PairNetwork(Options(hidden=config.hidden, is_joint=True), self.generator)
        self.optimiser = primed(torch.optim.Adam(self.network.parameters(), config.learning_rate, fused=True))
        self._groups: list[Group] = []
        self._yardsticks: list[float] = []

    @property
    def groups(self) -> list[Group]:
        """The plants with their teachers."""
        if not self._groups:
            self._groups = [Group.of(plants, self._teaching()) for plants in self.plants]
        return self._groups

    def step(self) -> dict[str, float]:
        """Play, ask and learn."""
        config = self.config
        lessons = [self._play(group) for group in self.groups]
        losses, hits = [], []
        for epoch in range(config.epochs):
            done = (self.iteration + epoch / config.epochs) / config.iterations
            self.optimiser.param_groups[0]["lr"] = config.learning_rate * max(1.0 - done, 0.0)
            for number, rows in self._batches(lessons):
                loss, hit = self._learn(lessons[number].select(rows), self.groups[number])
                losses.append(loss)
                hits.append(hit)
        self.iteration += 1
        self.samples += sum(len(lesson.left) for lesson in lessons)
        return {
            "samples": float(self.samples),
            "loss": float(torch.stack(losses).mean()),
            "agreement": float(torch.stack(hits).mean()),
        }

    def evaluate(self) -> dict[str, float]:
        """Return how many percent more than the teacher the network costs, over plants it does not learn from."""
        gaps = []
        for plant, known in zip(self.judged, self._known(), strict=True):
            scenarios = draw_scenarios(plant, self.config.validation_scenarios, VALIDATION)
            gaps.append(
                100 * (total_costs(plant, scenarios, PairPolicy(plant, self.network).act_all).mean() / known - 1)
            )
        return {"cost": float(np.mean(gaps)), "worst": float(np.max(gaps))}

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the future; plants and teachers follow from the settings."""
        return cloned(
            {
                "iteration": self.iteration,
                "samples": self.samples,
                "network": dict(self.network.state_dict()),
                "optimiser": optimiser_state(self.optimiser),
                "generator": self.generator.get_state(),
            }
        )

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples = int(state["iteration"]), int(state["samples"])
        self.network.load_state_dict(state["network"])
        load_optimiser_state(self.optimiser, state["optimiser"])
        self.generator.set_state(state["generator"])

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the network's tensors and the facts of its card."""
        card = {
            "problem": StochasticLotSizing.problem,
            "algorithm": "imitation",
            "network": {"name": NETWORK, "options": asdict(self.network.options)},
            "teacher": "lagrangian",
            "plants": [plant.name for plants in self.plants for plant in plants],
            "samples": self.samples,
        }
        return dict(self.network.state_dict()), card

    def _play(self, group: Group) -> Lesson:
        count = self.config.scenarios
        led = count if self.iteration == 0 else (count + 1) // 2
        found = []
        for number, (plant, teacher) in enumerate(zip(group.plants, group.teachers, strict=True)):
            scenarios = draw_scenarios(plant, count, mixed(self.seed, self.iteration))  # none that a judge may draw
            learner = PairPolicy(plant, self.network)
            found.append(played(number, plant, teacher.act_all, learner.act_all, scenarios, led))
        return joined(found)

    def _batches(self, lessons: list[Lesson]) -> list[tuple[int, Tensor]]:
        """Return the rows of every batch, and the group that they are of, in random order."""
        found = []
        for number, lesson in enumerate(lessons):
            order = torch.randperm(len(lesson.left), generator=self.generator)
            found += [(number, rows) for rows in order.split(self.config.batch)]
        return [found[k] for k in torch.randperm(len(found), generator=self.generator).tolist()]

    def _learn(self, lesson: Lesson, group: Group) -> tuple[Tensor, Tensor]:
        """Take a step of Adam; return the loss per machine and the share of choices that were the teacher's."""
        distribution = self.network(lesson.view(group.tables), lesson.choice)
        loss = -distribution.log_prob(lesson.choice).mean() / lesson.choice.shape[1]
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 0.5)
        self.optimiser.step()
        return loss.detach(), (distribution.mode() == lesson.choice).float().mean()

    def _known(self) -> list[float]:
        """Return what the teacher costs on the plants that are judged, computed once."""
        if not self._yardsticks:
            scenarios = [draw_scenarios(p, self.config.validation_scenarios, VALIDATION) for p in self.judged]
            taught = {
                p.content_hash: t for group in self.groups for p, t in zip(group.plants, group.teachers, strict=True)
            }
            for plant, drawn in zip(self.judged, scenarios, strict=True):
                teacher = taught.get(plant.content_hash) or lagrangian.policy(plant, 0, self._teaching())
                self._yardsticks.append(float(total_costs(plant, drawn, teacher.act_all).mean()))
        return self._yardsticks

    def _teaching(self) -> lagrangian.Options:
        return lagrangian.Options(steps=self.config.steps, scenarios=24, tries=self.config.tries)
