"""`solve`: run one method on one instance and verify everything it claims."""

import math
import os
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import BoundError, CounterpointError, InstanceError, printable
from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.opt.loading import load_instance
from counterpoint.opt.options import build_options, checked_seed, options_dict, split_spec
from counterpoint.opt.problems.table import TOLERANCE, problem
from counterpoint.opt.recording import Recorder
from counterpoint.opt.registry import Method
from counterpoint.opt.registry import method as find_method
from counterpoint.opt.result import Check, Outcome, Result, SolutionStatus, Termination


def solve(
    instance: Any,
    method: str | None = None,
    *,
    time_limit: float | None = None,
    iterations: int | None = None,
    target: float | None = None,
    gap: float = 0.0,
    threads: int | None = None,
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    on_incumbent: Callable[[Any, float | None, float | None], None] | None = None,
) -> Result:
    """Solve an instance and return a verified result.

    Parameters
    ----------
    instance : Instance, path or str
        A text is a file or the name of a public benchmark.
    method : str, optional
        A method's name, with options if you like: ``"spt:scheme=active"``; default: the problem's best.
    time_limit : float, optional
        Wall seconds; default 60 for methods that would run on without one.
    iterations, target, gap, threads
        See `Budget`.
    seed : int
    options : mapping, optional
        The method's options.
    on_incumbent : callable, optional
        Called with (solution, verified objective, bound) on every improvement.

    Returns
    -------
    Result
        On Ctrl-C the best so far, with ``termination`` "interrupted".

    Raises
    ------
    UnknownNameError, UnsupportedError, OptionError, MissingPackageError
        If the run cannot start. A method that fails on the way gives a result with an error instead.
    """
    instance = load_instance(instance)
    seed = checked_seed(seed)
    name, inline = split_spec(method or problem(instance.problem).default_method)
    chosen = find_method(instance.problem, name)
    chosen.require(instance)
    built = build_options(chosen, {**inline, **(options or {})})
    if time_limit is None and iterations is None and chosen.is_anytime:
        time_limit = 60.0
    budget = Budget(time_limit, iterations, target, gap, threads)
    return run(instance, chosen, budget, seed, built, label=method or name, on_incumbent=on_incumbent)


def run(
    instance: Any,
    method: Method,
    budget: Budget,
    seed: int,
    options: Any,
    *,
    label: str | None = None,
    on_incumbent: Callable[[Any, float | None, float | None], None] | None = None,
) -> Result:
    """Run a loaded method and verify what comes back; errors of the method become an error result."""
    family = problem(instance.problem)
    function = method.load()
    recorder = Recorder(instance, on_incumbent)
    wall, cpu = time.monotonic(), _cpu_s()
    recorder.started = wall
    outcome = _attempt(lambda: function(instance, budget, seed, options, recorder), recorder)
    wall_s, cpu_s = time.monotonic() - wall, _cpu_s() - cpu
    termination, message, claim = outcome.termination, outcome.message, outcome.objective
    if outcome.solution is not None and claim is not None:
        verdict = recorder.check(instance, outcome.solution)
        # written so that a claim of NaN fails
        if verdict.objective is None or not abs(verdict.objective - claim) <= TOLERANCE * max(1.0, abs(claim)):
            termination = Termination.ERROR
            message = f"claimed objective {claim:g}, but the checker finds {verdict.objective}; {message}"
    if recorder.rejected is not None:
        termination = Termination.ERROR
        message = f"the checker rejects a solution: {recorder.rejected}; {message}"
    try:
        check_bounds(recorder)
        status = _status(recorder, termination)
    except BoundError as error:
        status, termination, message = SolutionStatus.FEASIBLE, Termination.ERROR, f"{error}; {message}"
    return Result(
        problem=instance.problem,
        instance_name=instance.name,
        instance_hash=instance.content_hash,
        method=label or method.name,
        method_version=method.version,
        options=options_dict(options),
        seed=seed,
        time_limit_s=budget.time_limit_s,
        threads=budget.threads_or_all() if method.is_parallel else 1,
        termination=termination,
        solution_status=status,
        objective=recorder.objective,
        claimed_objective=claim if claim is None or math.isfinite(claim) else None,
        bound=recorder.bound,
        solution=recorder.solution,
        trace=tuple(recorder.trace),
        wall_s=wall_s,
        cpu_s=cpu_s,
        solver=outcome.solver,
        message=printable(message.strip("; ")),
        iterations=outcome.iterations,
        sense=family.sense,
        metrics={} if recorder.verdict is None else dict(recorder.verdict.metrics),
        instance=instance,
        iteration_limit=budget.iterations,
        target=budget.target,
        gap_limit=budget.gap,
    )


def _attempt(act: Callable[[], Outcome], recorder: Recorder) -> Outcome:
    """Run a method and record what it returns; whatever goes wrong, the best recorded so far is kept."""
    try:
        with plain_interrupts():
            outcome = act()
        if outcome.solution is not None or outcome.bound is not None:
            recorder(outcome.solution, bound=outcome.bound)
        return outcome
    except KeyboardInterrupt:
        return Outcome(None, None, Termination.INTERRUPTED, message="interrupted; best so far kept")
    except MemoryError:
        return Outcome(None, None, Termination.MEMORY, message="out of memory; best so far kept")
    except CounterpointError as error:
        return Outcome(None, None, Termination.ERROR, message=str(error))
    except Exception as error:  # a study must survive any solver's failure, and say what it was
        last = traceback.extract_tb(error.__traceback__)[-1]
        message = f"{type(error).__name__}: {error} ({last.filename}:{last.lineno})"
        return Outcome(None, None, Termination.ERROR, message=message)


def check(instance: Any, solution: Any) -> Check:
    """Judge a solution with the family's independent checker.

    Parameters
    ----------
    instance : Instance, path or str
    solution : Solution or Result
        Of a result, its solution.

    Returns
    -------
    Check

    Raises
    ------
    InstanceError
        If there is no solution to judge.
    """
    instance = load_instance(instance)
    solution = solution.solution if isinstance(solution, Result) else solution
    if not isinstance(solution, problem(instance.problem).load("solution")):
        raise InstanceError(f"expected a solution of a {instance.problem}, not {printable(repr(solution)[:40])}")
    verdict: Check = problem(instance.problem).load("check")(instance, solution)
    return verdict


def check_against_reference(instance: Any, objective: float | None, bound: float | None) -> None:
    """Raise BoundError if a feasible objective beats, or a bound passes, what is proven for this instance.

    The reference is looked up by content hash, so a user's own "ft10" is not mistaken for the public one.
    """
    reference = problem(instance.problem).load("reference")(instance)
    if reference is None:
        return
    lower, upper = reference.lower_bound, reference.upper_bound
    if objective is not None and lower is not None and objective < lower * (1 - TOLERANCE):
        raise BoundError(f"objective {objective:g} is below the proven bound {lower:g} of {reference.name}")
    if bound is not None and upper is not None and bound > upper * (1 + TOLERANCE):
        raise BoundError(f"bound {bound:g} is above the known solution {upper:g} of {reference.name}")


def check_bounds(recorder: Recorder) -> None:
    """Raise BoundError if the recorded bound passes the recorded objective, or either contradicts what is proven."""
    objective, bound = recorder.objective, recorder.bound
    if objective is not None and bound is not None:
        slack = problem(recorder.instance.problem).slack(objective)
        if recorder.sign * (bound - objective) > slack:
            raise BoundError(f"bound {bound:g} contradicts the checked objective {objective:g}")
    check_against_reference(recorder.instance, objective, bound)


def _status(recorder: Recorder, termination: Termination) -> SolutionStatus:
    """What is held; a bound that meets the objective is a proof."""
    if recorder.solution is None:
        return SolutionStatus.INFEASIBLE if recorder.rejected else SolutionStatus.NONE
    objective, bound = recorder.objective, recorder.bound
    if objective is None or bound is None:
        return SolutionStatus.FEASIBLE
    slack = problem(recorder.instance.problem).slack(objective)
    closed = abs(bound - objective) <= slack and termination is not Termination.ERROR
    return SolutionStatus.OPTIMAL if closed else SolutionStatus.FEASIBLE


def _cpu_s() -> float:
    """CPU seconds of this process and its finished children."""
    children = os.times()
    return time.process_time() + children.children_user + children.children_system
