"""Ctrl-C in tests: it strikes while a method is surely at work, and one gone astray fails a test, not the session."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

Watch = Callable[[Any, float | None, float | None], None]


def interrupted(act: Callable[[Watch], Any], after_s: float = 0.3) -> Any:
    """Return what ``act(on_incumbent)`` returns if SIGINT strikes so long after the first solution it reports."""
    timers: list[threading.Timer] = []

    def watch(solution: Any, objective: float | None, bound: float | None) -> None:
        if not timers:
            timers.append(threading.Timer(after_s, os.kill, (os.getpid(), signal.SIGINT)))
            timers[0].start()

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    try:
        result = act(watch)
        for timer in timers:
            timer.join()  # it strikes here if the method has ended by itself
    except KeyboardInterrupt:
        pytest.fail("KeyboardInterrupt came out, or the method had ended")
    finally:
        signal.signal(signal.SIGINT, before)
    assert timers, "no solution was reported"
    return result


class Ended(NamedTuple):
    """A process after Ctrl-C: what it printed, its status, and how long it took to end."""

    out: str
    err: str
    status: int
    after_s: float


def press_ctrl_c(command: list[str], word: str, wait_s: float) -> Ended:
    """Run a command; `wait_s` after it first prints a line that begins with `word`, send it SIGINT."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background job's children ignore it
    )
    try:
        assert process.stdout is not None
        printed = ""
        while not (line := process.stdout.readline()).startswith(word):
            assert line, (printed, process.communicate())
            printed += line
        time.sleep(wait_s)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, err = process.communicate(timeout=100)
        return Ended(printed + line + out, err, process.returncode, time.monotonic() - began)
    finally:
        process.kill()


def wrapped(cause: BaseException | None = None, depth: int = 2) -> SystemError:
    """Return an interrupt, or another error, as Numba hands it on if it strikes while results are handed back."""
    error: BaseException = KeyboardInterrupt() if cause is None else cause
    for _ in range(depth):
        outer = SystemError("CPUDispatcher(<function>) returned a result with an exception set")
        outer.__cause__ = error
        error = outer
    assert isinstance(error, SystemError)
    return error
