"""Every protocol of the package: implement these and the rest works with what you wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from counterpoint.opt.budget import Budget
from counterpoint.opt.result import Check, Outcome


@runtime_checkable
class Instance(Protocol):
    """The data of one case: frozen, named, hashable by content."""

    problem: ClassVar[str]  # the family's name, e.g. "job-shop"

    @property
    def name(self) -> str:
        """What the user calls it; untrusted text."""

    @property
    def features(self) -> frozenset[str]:
        """What is special about it; a method that does not handle one refuses the instance."""

    @property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the data, without the name."""


class Report(Protocol):
    """What a method calls when it finds something; cheap enough to call on every improvement.

    The caller recomputes the objective, so a method passes decisions, not claims.
    """

    def __call__(self, solution: Any = None, *, bound: float | None = None) -> None:
        """Report a better solution, a better bound, or both."""


def unheard(solution: Any = None, *, bound: float | None = None) -> None:
    """Take a report that nobody waits for (a `Report`)."""


class Solve(Protocol):
    """A static method: one module-level function.

    Raise nothing on a time limit: return what is held. Let KeyboardInterrupt pass:
    the caller keeps the best reported solution.
    """

    def __call__(self, instance: Any, budget: Budget, seed: int, options: Any, report: Report) -> Outcome:
        """Solve `instance` within `budget`; `options` is the method's own frozen dataclass."""


class Checker(Protocol):
    """A family's judge: pure NumPy, written without knowledge of any solver."""

    def __call__(self, instance: Any, solution: Any) -> Check:
        """Recompute the objective and name every violation."""


Observation = dict[str, Any]  # name -> tensor [B, ...] of fixed shape


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of a batch of environments returns; all tensors on the environment's device.

    Parameters
    ----------
    observation : dict of tensor [B, ...]
        What to act on next; the first of a new episode where one has just ended.
    reward : float tensor [B, n]
        n objectives, all to be maximised.
    terminated, truncated : bool tensor [B]
        The episode ended by itself, or was cut off (its value must be bootstrapped).
    elapsed : float tensor [B]
        Time the step took: 1 in problems of equal periods, the time to the next event otherwise (semi-MDP).
        A reward is taken to be paid at the start of its step.
    final_observation : dict of tensor [B, ...], optional
        The observation before any restart, valid in every row; None from environments that never truncate.
    """

    observation: Observation
    reward: Any
    terminated: Any
    truncated: Any
    elapsed: Any
    final_observation: Observation | None = None


class BatchEnvironment(Protocol):
    """B independent copies of a sequential problem that step together, as tensors on one device.

    Episodes end by themselves (terminated) or are cut off (truncated); either way the copy restarts within the
    same step ("same-step autoreset"), so `Step.observation` is always one to act on. Randomness comes from the
    environment's own generators; a step never waits for the device (no ``.item()``, no boolean indexing).
    """

    num_envs: int
    reward_dim: int  # objectives n; 1 for a scalar reward
    device: Any  # torch.device
    observation_space: Any  # gymnasium.spaces.Dict of one copy; "action_mask" (bool) where actions can be illegal
    action_space: Any  # gymnasium.spaces.Discrete, MultiDiscrete or Box of one copy

    def reset(self, seed: int | None = None) -> "Observation":
        """Restart every copy, drawing afresh from `seed` if given; return the first observations."""

    def step(self, action: Any) -> "Step":
        """Apply one action per copy, a tensor [B] or [B, ...] on the device."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that decides the future, as tensors: what a bit-for-bit resume needs."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""


@runtime_checkable
class PostDecisionEnvironment(Protocol):
    """A `BatchEnvironment` whose step splits into a decision's certain and uncertain part."""

    def post(self, action: Any) -> "Observation":
        """Apply the deterministic part of the step; return the post-decision observation."""

    def exogenous(self) -> "Step":
        """Draw the random part and finish the step that `post` began; ``step`` is the two in a row."""


class Trainer(Protocol):
    """A learning run that the training loop drives: one algorithm on one problem."""

    iteration: int  # iterations done

    def step(self) -> dict[str, float]:
        """Do one iteration; return its metrics, among them ``samples`` (environment steps so far)."""

    def evaluate(self) -> dict[str, float]:
        """Judge the current policy by the checker or simulator on cases of its own; figures to log."""

    def state_dict(self) -> dict[str, Any]:
        """Return nested dicts and lists of tensors and JSON values: what a bit-for-bit resume needs."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to such a state."""

    def policy(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what a checkpoint holds: the policy's tensors, and its card's facts (JSON values)."""


class Policy(Protocol):
    """What decides in a sequential problem: sees what is known now, never the scenario."""

    def start(self, episode: int) -> None:
        """Begin another scenario, forgetting the last; `episode` numbers them, for policies that draw at random."""

    def act(self, observation: Any) -> Any:
        """Decide on what the reference simulator shows (the family's own readable observation)."""


class Trajectory(Protocol):
    """One scenario as it was run: what happened, and what it cost.

    It may have ``costs``, a mapping from the names of the cost's parts to numbers.
    """

    cost: float
    events: tuple[tuple[int | str, ...], ...]  # the log, one tuple per event


class MakePolicy(Protocol):
    """A sequential method: one module-level function that builds a policy for an instance."""

    def __call__(self, instance: Any, seed: int, options: Any) -> Policy:
        """Build the policy; `options` is the method's own frozen dataclass."""


class Simulate(Protocol):
    """A family's reference simulator (SimPy): one scenario, one policy, one event at a time."""

    def __call__(self, instance: Any, scenario: Any, policy: Policy) -> Trajectory:
        """Run `policy` through `scenario`; raise if it decides what is not allowed."""


class DrawScenarios(Protocol):
    """A family's source of randomness: what happens depends on the seed alone, never on the policy."""

    def __call__(self, instance: Any, count: int, seed: int) -> Sequence[Any]:
        """Draw `count` replayable scenarios."""


class PerfectInformation(Protocol):
    """A family's bound: what no policy can beat on one scenario, proven, by somebody who knows all of it."""

    def __call__(self, instance: Any, scenario: Any, time_limit_s: float) -> float:
        """Return the bound (lower if minimising)."""


class ExpectedBound(Protocol):
    """A family's bound on the expected cost of any policy, proven; of use where perfect information is worth a lot."""

    def __call__(self, instance: Any) -> float:
        """Return the bound (lower if minimising), over all that scenarios may hold; infinite if it cannot say."""
