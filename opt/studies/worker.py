"""The process of one case: limits itself, runs, streams what it finds, and ends; it never outlives its driver."""

import ctypes
import faulthandler
import json
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import FrameType
from typing import Any, NamedTuple

from counterpoint.opt.codec import encode_result
from counterpoint.opt.errors import printable
from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.opt.problems.table import problem
from counterpoint.opt.solving import run
from counterpoint.opt.studies.wire import Order, decode_order, pack

PR_SET_PDEATHSIG = 1
STACK_BYTES = 8 * 2**20  # of one native thread


def work(server_pid: int, connection_fd: int, log_fd: int, case_fd: int) -> None:
    """Run the case in `case_fd`, talk over `connection_fd`, print to `log_fd`; never return."""
    speaker: Speaker | None = None
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.setsid()  # a terminal's Ctrl-C reaches the driver alone
        _die_with(server_pid)
        for stream in (1, 2):
            os.dup2(log_fd, stream)
        with open(os.devnull) as null:
            os.dup2(null.fileno(), 0)
        faulthandler.enable(file=2, all_threads=False)
        connection = socket.socket(fileno=connection_fd)
        connection.setblocking(True)
        speaker = Speaker(connection)
        signal.signal(signal.SIGINT, speaker.on_interrupt)
        threading.Thread(target=_watch, args=(connection,), daemon=True).start()
        with open(case_fd, "rb") as file:
            order = decode_order(file.read())
        with plain_interrupts():
            _run(order, speaker)
    except KeyboardInterrupt:
        if speaker is not None:
            speaker.say({"kind": "interrupted"})
    except MemoryError:
        if speaker is not None:
            speaker.say({"kind": "failed", "memory": True, "message": "out of memory"})
    except BaseException as error:
        if speaker is not None:
            speaker.say({"kind": "failed", "memory": False, "message": describe(error)})
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(0)  # native threads that hang at exit cannot hold us


class Speaker:
    """The worker's voice: whole messages only, whatever signals arrive while it speaks."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.lock = threading.Lock()  # solvers report from threads of their own
        self.is_running = False  # KeyboardInterrupt may be raised: the method runs
        self.is_speaking = False
        self.was_interrupted = False
        self.last: Any = None
        self.encode: Callable[[Any], Any] | None = None  # the family's, once the case is known

    def on_interrupt(self, number: int, frame: FrameType | None) -> None:
        """Take SIGINT: raise in the method, but neither in the middle of a message nor before or after the run."""
        if self.is_running and not self.is_speaking:
            raise KeyboardInterrupt
        self.was_interrupted = True

    def say(self, header: dict[str, Any], body: bytes = b"") -> None:
        """Send one message; without a listener there is nothing left to do, so end."""
        try:
            with self.lock:
                self.connection.sendall(pack(header, body))
        except OSError:
            os._exit(1)

    def incumbent(self, solution: Any, objective: float | None, bound: float | None) -> None:
        """Stream an improvement; the solution only if it is a new one."""
        is_main = threading.current_thread() is threading.main_thread()
        if is_main:
            self.is_speaking = True
        try:
            body = b""
            if self.encode is not None and solution is not None and solution is not self.last:
                self.last = solution
                body = json.dumps(self.encode(solution)).encode()
            self.say({"kind": "incumbent", "objective": objective, "bound": bound}, body)
        finally:
            if is_main:
                self.is_speaking = False
        if is_main and self.was_interrupted:
            self.was_interrupted = False
            raise KeyboardInterrupt


def _run(order: Order, speaker: Speaker) -> None:
    case = order.case
    options = case.built
    case.chosen.load()  # its import is not the method's time
    if order.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, order.cores)
    if order.memory_limit_mb is not None:
        _cap_memory(order.memory_limit_mb, case.threads)
    speaker.encode = problem(case.instance.problem).load("encode")
    usage = _memory_of_self()
    speaker.say({"kind": "started", "rss": None if usage is None else usage.resident})
    speaker.is_running = True
    if speaker.was_interrupted:
        raise KeyboardInterrupt
    result = run(
        case.instance,
        case.chosen,
        case.budget,
        case.seed,
        options,
        label=order.label,
        on_incumbent=speaker.incumbent,
    )
    speaker.is_running = False
    body = json.dumps(encode_result(replace(result, instance=None))).encode()
    speaker.say({"kind": "result"}, body)


def rehearse(message: bytes) -> None:
    """Do in the fork server what all workers would do again: build options, load compiled kernels."""
    case = decode_order(message).case
    _ = case.built
    case.chosen.load()


def describe(error: BaseException) -> str:
    """Return the error's type and text, also if its text cannot be had."""
    try:
        text = str(error)
    except Exception:
        text = "(no text)"
    return printable(f"{type(error).__name__}: {text}")


def _die_with(server_pid: int) -> None:
    """Ask the kernel to kill this process when the fork server dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != server_pid:  # it died before we asked
        os._exit(1)


def _watch(connection: socket.socket) -> None:
    """End when the driver's side closes; the driver sends nothing, so any read means that."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    with suppress(OSError):
        connection.recv(1)
    os._exit(1)


def _cap_memory(limit_mb: int, threads: int) -> None:
    """Let this process grow by at most `limit_mb`, beside the stacks of its threads.

    RLIMIT_DATA counts private writable memory, the nearest to what is used; RLIMIT_AS also counts mappings
    that are only reserved (each glibc arena reserves 64 MiB), so it gets room for those.
    """
    usage = _memory_of_self()
    if usage is None:
        return
    grow = limit_mb * 2**20
    extra = STACK_BYTES * (threads + 2)
    arenas = 2 * 64 * 2**20 * (threads + 1)
    for what, now in (
        (resource.RLIMIT_DATA, usage.private + extra),
        (resource.RLIMIT_AS, usage.address_space + extra + arenas),
    ):
        _, hard = resource.getrlimit(what)
        wanted = now + grow
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        resource.setrlimit(what, (wanted, hard))


class Memory(NamedTuple):
    """What a process holds, in bytes."""

    address_space: int
    resident: int
    private: int


def _memory_of_self() -> Memory | None:
    """Read /proc; None where it is missing."""
    try:
        with open("/proc/self/statm") as file:
            pages = [int(x) for x in file.read().split()]
    except OSError:
        return None
    size = os.sysconf("SC_PAGE_SIZE")
    return Memory(pages[0] * size, pages[1] * size, pages[5] * size)
