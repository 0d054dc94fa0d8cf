"""Turn the end of a worker into a Result: its own, or one made of what it streamed before it died."""

import json
import os
import signal
from dataclasses import replace

from counterpoint.opt.codec import decode_result
from counterpoint.opt.errors import BoundError, CounterpointError, InstanceError, printable
from counterpoint.opt.options import options_dict
from counterpoint.opt.problems.table import problem
from counterpoint.opt.recording import Recorder
from counterpoint.opt.result import Result, SolutionStatus, Termination
from counterpoint.opt.solving import check_bounds
from counterpoint.opt.studies.running import Running

OUT_OF_MEMORY = (b"bad_alloc", b"MemoryError", b"out of memory", b"Out of memory", b"Cannot allocate memory")
CRASHES = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGTRAP, signal.SIGILL)


def result_of(run: Running, memory_limit_mb: int | None, out_of_memory_kills: int = 0) -> Result:
    """Return the result of a worker that ended.

    Parameters
    ----------
    run : Running
        With all it sent taken in; `run.ended` is None if nobody saw it end.
    memory_limit_mb : int or None
    out_of_memory_kills : int
        Processes the kernel killed for want of memory while this one ran.
    """
    message = ""
    if run.answer is not None:
        header, body = run.answer
        if header["kind"] == "result":
            try:
                result = replace(decode_result(json.loads(body)), instance=run.case.instance)
            except (InstanceError, ValueError) as error:
                return salvage(run, Termination.ERROR, f"the worker's result cannot be read: {error}")
            return _name_the_interruption(run, result)
        if header["kind"] == "failed":
            termination = Termination.MEMORY if header.get("memory") else Termination.ERROR
            return salvage(run, termination, _with_tail(str(header.get("message")), run))
        termination, message = Termination.INTERRUPTED, "interrupted; best so far kept"
        return _name_the_interruption(run, salvage(run, termination, message))
    termination, message = classify(run, memory_limit_mb, out_of_memory_kills)
    return salvage(run, termination, _with_tail(message, run))


def classify(run: Running, memory_limit_mb: int | None, out_of_memory_kills: int = 0) -> tuple[Termination, str]:
    """Say why a worker died without an answer."""
    budget = run.case.budget
    if run.reason == "memory":
        peak = 0.0 if run.ended is None else run.ended.peak_bytes - (run.base_bytes or 0.0)
        held = max(run.held_bytes, peak) / 2**20
        return Termination.MEMORY, f"killed: held {held:.0f} MB, over the memory limit of {memory_limit_mb} MB"
    if run.reason == "deadline":
        late = f"{run.grace_s:g} s past its time limit of {budget.time_limit_s:g} s"
        return Termination.KILLED, f"killed by the supervisor: it did not stop, {late}"
    if run.reason == "stop":
        return Termination.INTERRUPTED, "killed with the study: it did not stop when interrupted"
    if run.reason == "startup":
        return Termination.KILLED, f"killed: the method did not start within {run.elapsed_s():.0f} s"
    if run.reason == "protocol":
        return Termination.ERROR, "killed: the method disturbed the worker's connection"
    if run.reason == "lost" or run.ended is None:
        return Termination.KILLED, "lost: the process that started the workers died twice under it"
    code = os.waitstatus_to_exitcode(run.ended.status)
    if code >= 0:
        return Termination.ERROR, f"the process ended without a result, exit status {code}"
    name = _signal_name(-code)
    if -code == signal.SIGKILL and out_of_memory_kills:
        return Termination.MEMORY, "killed by the system for want of memory"
    if -code in CRASHES and any(words in run.log_tail() for words in OUT_OF_MEMORY):
        return Termination.MEMORY, f"out of memory: crashed ({name})"
    return Termination.KILLED, f"crashed ({name})" if -code in CRASHES else f"killed from outside ({name})"


def salvage(run: Running, termination: Termination, message: str) -> Result:
    """Make a result of the last streamed solution and bound, judged again by the checker in this process."""
    case = run.case
    family = problem(case.instance.problem)
    recorder = Recorder(case.instance)
    if run.bound is not None:
        recorder(bound=run.bound)
    if run.solution:
        try:
            recorder(family.load("decode")(json.loads(run.solution)))
        except (CounterpointError, ValueError) as error:
            termination, message = Termination.ERROR, f"a streamed solution cannot be read: {error}; {message}"
        if recorder.rejected is not None:
            termination = Termination.ERROR
            message = f"the checker rejects a streamed solution: {recorder.rejected}; {message}"
    status = SolutionStatus.NONE if recorder.solution is None else SolutionStatus.FEASIBLE
    try:
        check_bounds(recorder)
    except BoundError as error:
        termination, message = Termination.ERROR, f"{error}; {message}"
    return Result(
        problem=case.instance.problem,
        instance_name=case.instance.name,
        instance_hash=case.instance.content_hash,
        method=case.label,
        method_version=case.chosen.version,
        options=options_dict(case.built),
        seed=case.seed,
        time_limit_s=case.budget.time_limit_s,
        threads=case.threads,
        termination=termination,
        solution_status=status,
        objective=recorder.objective,
        claimed_objective=run.objective,
        bound=recorder.bound,
        solution=recorder.solution,
        trace=tuple(run.trace),
        wall_s=run.elapsed_s(),
        cpu_s=0.0 if run.ended is None else run.ended.cpu_s,
        message=printable(message),
        sense=family.sense,
        metrics={} if recorder.verdict is None else dict(recorder.verdict.metrics),
        instance=case.instance,
        iteration_limit=case.budget.iterations,
        target=case.budget.target,
        gap_limit=case.budget.gap,
    )


def _name_the_interruption(run: Running, result: Result) -> Result:
    """A run the supervisor interrupted at its deadline ran out of time; any other interruption is the study's."""
    if run.interrupted_at is None:
        return result
    if run.reason == "stop":
        return replace(result, termination=Termination.INTERRUPTED)
    if result.termination is Termination.INTERRUPTED:
        late = f"stopped by the supervisor, past its time limit of {run.case.budget.time_limit_s:g} s"
        return replace(result, termination=Termination.TIME, message=f"{late}; {result.message}")
    return result


def _with_tail(message: str, run: Running) -> str:
    tail = run.log_tail().decode("utf-8", "replace").strip()
    return f"{message}; it last printed: {tail}" if tail else message


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
