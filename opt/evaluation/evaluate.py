"""`evaluate`: policies on the same scenarios, judged by the reference simulator, beside what no policy can beat."""

import math
import os
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from counterpoint.opt.errors import BoundError, CounterpointError, OptionError, printable
from counterpoint.opt.evaluation.evaluation import Evaluation, Run
from counterpoint.opt.evaluation.simulating import scenarios_of, sequential
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.opt.loading import load_instance
from counterpoint.opt.policies import policy as named_policy
from counterpoint.opt.problems.table import Problem, problem

ERRORS = 6.0  # standard errors; a mean this far beyond a bound on expectations is no chance
ENOUGH = 30  # scenarios, below which a standard error says too little

__all__ = ["Evaluation", "evaluate"]


def evaluate(
    policies: str | Policy | Sequence[str | Policy] | Mapping[str, str | Policy],
    instance: Any,
    *,
    scenarios: int | Sequence[Any] = 100,
    seed: int = 0,
    bound: bool = False,
    bound_time_limit_s: float = 10.0,
    progress: bool | Callable[[int, int], None] = True,
) -> Evaluation:
    """Run policies of a sequential problem through the same scenarios.

    Parameters
    ----------
    policies : str, Policy, or several of them
        Names of methods (``"fifo"``, with options if you like), checkpoints, or objects of your own with ``start`` and
        ``act``; a mapping gives them names.
    instance : Instance, path or str
    scenarios : int or sequence of Scenario
        How many; scenario i is the same for every policy, and depends on `seed` and i alone. Or the scenarios
        themselves: history, a panel of your own.
    seed : int
        Of the scenarios; a policy that draws at random gets it too.
    bound : bool
        Also compute each scenario's perfect-information bound: what somebody who knew the whole scenario could prove
        to be out of reach. It costs a solver run per scenario. Where the family has one, also a bound on the cost that
        any policy can expect.
    bound_time_limit_s : float
        Wall seconds for each bound; less time gives a weaker bound, never a wrong one.
    progress : bool or callable
        A progress bar where somebody looks, or a function called with (done, total).

    Returns
    -------
    Evaluation
        A policy that fails in a scenario has no cost there, and no mean. On Ctrl-C: the scenarios that every policy
        has finished.

    Raises
    ------
    OptionError, UnknownNameError, UnsupportedError
        Before anything runs.
    BoundError
        If a cost is better than the bound of its scenario: the simulator, the bound or the data is wrong.
    """
    instance = load_instance(instance)
    family = sequential(instance)
    drawn = scenarios_of(family, instance, scenarios, seed)
    chosen = {name: _built(what, instance, seed) for name, what in _named(policies)}
    simulate = family.load("simulate")
    prove = family.load("bound") if bound else None
    expected = _expected_bound(family, instance) if bound else None
    runs: list[Run] = []
    interrupted = False
    watch = _watch(progress)
    try:
        for k, scenario in enumerate(drawn):
            with plain_interrupts():
                proven = None if prove is None else float(prove(instance, scenario, bound_time_limit_s))
            row = [_run(simulate, instance, scenario, name, one, k, proven) for name, one in chosen.items()]
            for run in row:
                _check_bound(run, family.sense, family.slack(run.cost))
            runs += row
            watch(k + 1, len(drawn))
    except KeyboardInterrupt:
        interrupted = True
    found = Evaluation(
        family.name, instance, seed, tuple(runs), sense=family.sense, is_interrupted=interrupted,
        expected_bound=expected,
    )  # fmt: skip
    if isinstance(scenarios, int):  # a panel of one's own is no draw from what is expected
        _check_expected_bound(found)
    return found


def _named(policies: Any) -> Iterator[tuple[str, str | Policy]]:
    """Yield each policy with its name; names must differ."""
    if isinstance(policies, Mapping):
        if not policies:
            raise OptionError("evaluate needs at least one policy")
        yield from policies.items()
        return
    several = list(policies) if isinstance(policies, Sequence) and not isinstance(policies, str) else [policies]
    if not several:
        raise OptionError("evaluate needs at least one policy")
    taken: set[str] = set()
    for one in several:
        name = os.fspath(one) if isinstance(one, str | os.PathLike) else type(one).__name__
        if name in taken:
            raise OptionError(f"two policies are called {printable(name)!r}: name them by a mapping")
        taken.add(name)
        yield name, one


def _built(what: str | Policy, instance: Any, seed: int) -> Policy:
    if isinstance(what, str | os.PathLike):
        built: Policy = named_policy(what, instance, seed=seed)
        return built
    if not callable(getattr(what, "act", None)) or not callable(getattr(what, "start", None)):
        raise OptionError(f"{printable(repr(what)[:60])} is no policy: it needs start(episode) and act(observation)")
    return what


def _run(simulate: Any, instance: Any, scenario: Any, name: str, one: Policy, k: int, bound: float | None) -> Run:
    """Run one policy through one scenario; what goes wrong in it is its own failure."""
    began, cpu = time.monotonic(), time.process_time()
    cost, message, parts = math.nan, "", {}
    try:
        with plain_interrupts():  # inside: as a SystemError it would be the policy's failure
            one.start(k)
            run = simulate(instance, scenario, one)
        found, parts = float(run.cost), dict(getattr(run, "costs", {}))
        cost, message = (found, "") if math.isfinite(found) else (math.nan, f"its cost is {found}")
    except CounterpointError as error:
        message = str(error)
    except Exception as error:  # a table must survive any policy's failure, and say what it was
        last = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"
    return Run(name, k, cost, bound, time.monotonic() - began, time.process_time() - cpu, printable(message), parts)


def _expected_bound(family: Problem, instance: Any) -> float | None:
    """Return the family's bound, None if it has none, or none for an instance of this kind."""
    if "expected_bound" not in dict(family.parts):
        return None
    found = float(family.load("expected_bound")(instance))
    return found if math.isfinite(found) else None


def _check_expected_bound(found: Evaluation) -> None:
    """Refuse a mean that is better than what is proven by more than chance allows.

    Few scenarios allow anything, and so does a cost that was the same in all: what is rare may not have come.
    """
    slack = problem(found.problem).slack
    if found.expected_bound is None:
        return
    sign = 1.0 if found.sense == "min" else -1.0
    for name in found.policies:
        costs = found.costs(name)
        if len(costs) < ENOUGH or np.ptp(costs) <= slack(float(costs.mean())):
            continue
        chance = ERRORS * costs.std(ddof=1) / len(costs) ** 0.5
        if sign * (found.expected_bound - costs.mean()) > chance + slack(float(costs.mean())):
            raise BoundError(
                f"policy {name} costs {costs.mean():g} on average, beyond the proven bound {found.expected_bound:g}"
                " on what any policy can expect"
            )


def _check_bound(run: Run, sense: str, slack: float) -> None:
    if run.bound is None or math.isnan(run.cost):
        return
    if (run.bound - run.cost if sense == "min" else run.cost - run.bound) > slack:
        raise BoundError(
            f"policy {run.policy} costs {run.cost:g} in scenario {run.scenario}, beyond the proven bound {run.bound:g}"
        )


def _watch(progress: bool | Callable[[int, int], None]) -> Callable[[int, int], None]:
    if callable(progress):
        return progress
    if not progress:
        return lambda done, total: None
    from tqdm.auto import tqdm

    bar: Any = None

    def show(done: int, total: int) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm(total=total, unit="scenario", disable=None, leave=False)  # None: silent off a terminal
        bar.update(done - bar.n)
        if done == total:
            bar.close()

    return show
