"""All decision sequences of a tiny interrupted shop, by running the reference simulator again for each."""

from counterpoint.opt.problems.interrupted_job_shop import WAIT, InterruptedJobShop, Observation, Scenario
from counterpoint.simulators.interrupted_job_shop import simulate


class _Prefix:
    """Follows given choices, then the first of what is allowed; notes how many there were each time."""

    def __init__(self, choices: list[int]) -> None:
        self.choices = choices
        self.taken: list[int] = []
        self.counts: list[int] = []

    def start(self, episode: int) -> None:
        pass

    def act(self, observation: Observation) -> int:
        allowed = [*observation.eligible, *([WAIT] if observation.may_wait else [])]
        k = self.choices[len(self.taken)] if len(self.taken) < len(self.choices) else 0
        self.taken.append(k)
        self.counts.append(len(allowed))
        return allowed[k]


def best_makespan(instance: InterruptedJobShop, scenario: Scenario, limit: int = 200_000) -> float:
    """The least makespan of any policy, even one that knows the scenario; depth-first over all decisions."""
    best, choices = float("inf"), list[int]()
    for _ in range(limit):
        policy = _Prefix(choices)
        best = min(best, simulate(instance, scenario, policy).cost)
        choices = policy.taken
        while choices and choices[-1] + 1 == policy.counts[len(choices) - 1]:
            choices.pop()
        if not choices:
            return best
        choices[-1] += 1
    raise AssertionError("too many decision sequences")
