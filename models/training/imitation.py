"""Teaching a network to go on as a good solution does, by cross-entropy; the same for every problem of the quotient.

Drakulic et al. 2023 (NeurIPS, arXiv 2301.03313). Each iteration labels some fresh instances by a solver, or reads
labels made before, and does some updates on tails cut from them: a part of an optimal solution is an optimal solution
of a smaller instance, which makes labels of all sizes from labels of one.
Deviation: AdamW and a half cosine, where they have Adam and steps.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from counterpoint.models.algorithms.self_labelling import cosine
from counterpoint.models.checkpoints import described, digest, load_network
from counterpoint.models.networks.bq import Options
from counterpoint.models.policies.bq_rollout import best, roll_out
from counterpoint.models.precision import autocast
from counterpoint.models.training.imitation_config import Config
from counterpoint.models.training.label_folder import joined
from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.bq import Tails, View

VALIDATION_SEED = 2**40  # training draws from seeds of 64 random bits
BEAM = 16

Labels = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Tails and what to do with them.

    Parameters
    ----------
    view : View
    target : float tensor [R, A]
        Probability of each choice, 0 where it is not allowed; several where several are as good. R may be 0.
    """

    view: View
    target: Tensor


class Judge(Protocol):
    """Judges solutions by the checker of the problem."""

    def __call__(self, labels: Labels, steps: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Return what solutions cost and what the labels' cost, float64 [B] each; minus the prize where that counts.

        `steps` are those of a roll-out that began with ``Task.start(labels)``, int64 [B, S].
        """


@dataclass(frozen=True, slots=True)
class Task:
    """What a problem supplies.

    Parameters
    ----------
    problem, network : str
        Names, as on the command line and in cards.
    size, effort : int
        What to take where the configuration says 0.
    labelled : callable
        ``labelled(count, size, effort, seed)`` returns random instances with good solutions, as CPU tensors whose
        first dimension is `count`; the same seed, the same tensors.
    lesson : callable
        ``lesson(labels, generator, window)`` cuts a tail of each row and shows it through the window (see `shown`);
        labels lie on the device, the generator is a CPU one, so that every device learns the same.
    start : callable
        ``start(labels)`` returns the whole instances as tails, in an order that no solution shows in.
    judge : Judge
    build : callable
        ``build(options)`` returns the network.
    algorithm : str
        Its name, on the command line and in cards.
    is_windowed : bool
        Whether lessons take a window at all.
    leave : int
        Candidates that the policy leaves to an exact finish.
    finish : callable, optional
        ``finish(tails)`` returns the steps that it takes, int64 [R, m], and the tails after them.
    """

    problem: str
    network: str
    size: int
    effort: int
    labelled: Callable[[int, int, int, int], dict[str, Tensor]]
    lesson: Callable[[Labels, torch.Generator, int], Lesson]
    start: Callable[[Labels], Tails]
    judge: Judge
    build: Callable[[Options], nn.Module]
    algorithm: str = "imitation"
    is_windowed: bool = True
    leave: int = 0
    finish: Callable[[Any], tuple[Tensor, Any]] | None = None


class Imitation:
    """The trainer (`interfaces.Trainer`); one iteration as the module says."""

    def __init__(self, task: Task, config: Config, seed: int, device: torch.device | str = "cpu") -> None:
        self.task = task
        self.config = config
        self.size = config.size or task.size
        self.effort = config.effort or task.effort
        self.seed = seed
        self.device = torch.device(device)
        self.iteration = 0
        self.samples = 0  # tails learnt so far
        self.cpu_s = 0.0
        self.generator = torch.Generator().manual_seed(seed)  # on the CPU: the same tails on every device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = self._begun().to(self.device)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self.labels: dict[str, Tensor] = {}
        self._known = (0, "")  # how many labels of a folder a run that is resumed had, and their digest
        if config.folder:
            from counterpoint.models.training.labels import expect

            expect(config.folder, task, self.size)  # refused before anything is written
        self._validation: dict[str, Tensor] | None = None
        if config.window and not task.is_windowed:
            raise OptionError(f"{task.algorithm} of {task.problem} takes no window: all is shown")

    def _begun(self) -> nn.Module:
        """Return the network that the run begins with."""
        config = self.config
        if not config.weights:
            return self.task.build(config.network)
        network, card = load_network(config.weights, self.task.network, self.task.build, described(Options))
        if (found := card["network"].get("options", {})) != asdict(config.network):
            raise OptionError(f"the network in {config.weights} has {found}, not {asdict(config.network)}")
        return network

    @property
    def num_labels(self) -> int:
        """Solutions held."""
        return len(next(iter(self.labels.values()))) if self.labels else 0

    def step(self) -> dict[str, float]:
        """Label some instances and learn."""
        started = time.process_time()
        self._collect()
        losses = [self._learn() for _ in range(self.config.updates)]
        self.iteration += 1
        self.cpu_s += time.process_time() - started
        return {
            "samples": float(self.samples),
            "loss": float(torch.stack(losses).mean()),
            "labels": float(self.num_labels),
            "learning_rate": self.optimiser.param_groups[0]["lr"],
            "cpu_s": self.cpu_s,
        }

    def _collect(self) -> None:
        """Get labels: some fresh ones, or all that there are in the folder."""
        config = self.config
        if config.folder:
            if not self.labels:
                from counterpoint.models.training.labels import read

                found = read(config.folder, self.task, self.size)
                count, known = self._known
                taken = {name: rows[: count or config.labels] for name, rows in found.items()}
                if known not in ("", is_now := digest(taken)):
                    raise OptionError(f"the labels in {config.folder} are no longer those that this run began with")
                self._known = len(next(iter(taken.values()))), is_now
                self.labels = {name: rows.to(self.device) for name, rows in taken.items()}
            return
        wanted = min(config.fresh, config.labels - self.num_labels)
        if wanted > 0:
            fresh = self.task.labelled(wanted, self.size, self.effort, mixed(self.seed, self.iteration))
            made = {name: rows.to(self.device) for name, rows in fresh.items()}
            self.labels = joined([self.labels, made]) if self.labels else made

    def _learn(self) -> Tensor:
        """Do one step of AdamW on one batch of tails; return the loss, which nothing waits for."""
        config = self.config
        rows = torch.randint(self.num_labels, (config.batch,), generator=self.generator).to(self.device)
        taken = {name: held[rows] for name, held in self.labels.items()}
        lesson = self.task.lesson(taken, self.generator, config.window)
        self.samples += len(lesson.target)  # a lesson may leave some out
        progress = min(1.0, self.iteration / config.iterations)
        self.optimiser.param_groups[0]["lr"] = config.learning_rate * cosine(progress, config.final_rate)
        with autocast(config.precision, self.device):
            loss = loss_of(self.network, lesson)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), config.max_gradient_norm)
        self.optimiser.step()
        return loss.detach()

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Return mean gaps to the solver on fixed fresh instances, judged by the checker, and the loss on them.

        Greedy, and by beam search, whose likeliest solutions are judged by what they cost; with the exact finish that
        the method has.
        """
        labels = self._validated()
        count = len(next(iter(labels.values())))
        figures: dict[str, float] = {}
        for name, width in (("greedy", 1), (f"beam_{BEAM}", BEAM)):
            tails, leave = self.task.start(labels), self.task.leave
            steps, left = roll_out(self.network, tails, width=width, window=self.config.window, leave=leave)
            if self.task.finish is not None:
                rest, left = self.task.finish(left)
                steps = torch.cat((steps, rest), dim=1)
            found, known = self.task.judge(labels, steps[best(left, count)])
            figures[f"{name}_gap_percent"] = 100 * float(np.mean(gaps(found, known)))
        lesson = self.task.lesson(labels, torch.Generator().manual_seed(0), self.config.window)
        figures["validation_loss"] = float(loss_of(self.network, lesson))
        figures["cost"] = figures["greedy_gap_percent"]  # what a run keeps its best policy by
        return figures

    def _validated(self) -> dict[str, Tensor]:
        if self._validation is None:
            found = self.task.labelled(self.config.validation, self.size, 2 * self.effort, VALIDATION_SEED)
            self._validation = {name: rows.to(self.device) for name, rows in found.items()}
        return self._validation

    def state_dict(self) -> dict[str, Any]:
        """Return everything a resume needs, labels that were made here included."""
        return {
            "iteration": self.iteration,
            "samples": self.samples,
            "cpu_s": self.cpu_s,
            "network": dict(self.network.state_dict()),
            "optimiser": self.optimiser.state_dict(),
            "generator": self.generator.get_state(),
            "labels": {} if self.config.folder else self.labels,
            "known": self._known,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""
        self.iteration, self.samples, self.cpu_s = state["iteration"], state["samples"], state["cpu_s"]
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.generator.set_state(state["generator"])
        self.labels = {name: rows.to(self.device) for name, rows in state["labels"].items()}
        self._known = state.get("known", (0, ""))

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the network's tensors and the facts of its card."""
        card = {
            "problem": self.task.problem,
            "algorithm": self.task.algorithm,
            "network": {"name": self.task.network, "options": asdict(self.config.network)},
            "training": {
                "seed": self.seed, "iterations": self.iteration, "tails": self.samples, "cpu_s": self.cpu_s,
                "size": self.size, "labels": self.num_labels,
                **({"window": self.config.window} if self.config.window else {}),
            },
        }  # fmt: skip
        return dict(self.network.state_dict()), card


def shown(tails: Tails, target: Tensor, window: int = 0) -> Lesson:
    """Return a lesson of tails as they are seen through a window, 0: whole; of `target` [R, A] over all that is left.

    Rows of which it shows no right step are left out.
    """
    if not 0 < window < tails.size:
        return Lesson(tails.observe(), target)
    view = tails.observe(window)
    target = target.gather(1, view.choice)
    if view.allowed is not None:
        target = target.masked_fill(~view.allowed, 0.0)
    total = target.sum(1, keepdim=True)
    rows = torch.nonzero(total.squeeze(1)).squeeze(1)
    x, choice, target = view.x[rows], view.choice[rows], target[rows] / total[rows]
    allowed, is_node = (None if of is None else of[rows] for of in (view.allowed, view.is_node))
    return Lesson(View(x, choice, allowed, is_node), target)


def loss_of(network: nn.Module, lesson: Lesson) -> Tensor:
    """Return the mean cross-entropy; 0, of which nothing is learnt, if there is nothing in the lesson."""
    view = lesson.view
    if not len(lesson.target):
        return torch.stack([0.0 * weight.sum() for weight in network.parameters()]).sum()
    logits = network(view.x, view.is_node, view.edges)
    if view.allowed is not None:
        logits = logits.masked_fill(~view.allowed, -torch.inf)
    likelihood = logits.log_softmax(1).masked_fill(lesson.target == 0, 0.0)  # minus infinity times 0 is no number
    return -(lesson.target * likelihood).sum(1).mean()


def gaps(found: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return differences as shares of what is known; where that is nothing, as shares of what was found."""
    scale = np.where(known == 0, found, known)
    return np.asarray((found - known) / np.where(scale == 0, 1.0, np.abs(scale)))


def mixed(seed: int, iteration: int) -> int:
    """Return a seed for the labels of an iteration; runs of neighbouring seeds share none."""
    return int(np.random.SeedSequence([seed % 2**63, iteration]).generate_state(1, np.uint64)[0])
