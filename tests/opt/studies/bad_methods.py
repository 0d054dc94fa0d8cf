"""Methods that misbehave, and two that behave, for the tests of studies; `METHODS` names them."""

import ctypes
import os
import signal
import sys
import time
from dataclasses import dataclass

import numpy as np

from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.registry import Method
from counterpoint.opt.result import Outcome, Termination


@dataclass(frozen=True, slots=True)
class Options:
    """A file to write begin and end to, and how long to take."""

    log: str = ""
    seconds: float = 0.0


def serial(shop, seed, spread=0):
    """One operation after another, jobs in random order; `spread` idles in front, so that it can be improved."""
    order = np.random.default_rng(seed).permutation(shop.num_jobs)
    start = np.zeros(shop.num_operations, np.int64)
    now = spread
    for job in order:
        for i in range(int(shop.job_offsets[job]), int(shop.job_offsets[job + 1])):
            start[i] = now
            now += int(shop.duration[i])
    return Schedule.from_starts(shop, start)


def note(path, text):
    """Append a line; O_APPEND keeps lines of several processes whole and in order."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{text}\n".encode())
    os.close(file)


def quick(shop, budget, seed, options, report):
    """Take `seconds`, note begin and end, return a schedule that depends on the seed."""
    if options.log:
        note(options.log, f"begin {shop.name}/{seed}")
    time.sleep(options.seconds)
    solution = serial(shop, seed)
    report(solution)
    return Outcome(solution, float(solution.makespan), Termination.COMPLETED)


def describe(shop, budget, seed, options, report):
    """Note what the worker's process is like."""
    facts = {
        "pid": os.getpid(),
        "session": os.getsid(0),
        "files": len(os.listdir("/proc/self/fd")),
        "omp": os.environ["OMP_NUM_THREADS"],
        "numba": os.environ["NUMBA_NUM_THREADS"],
        "stdin": os.read(0, 1),
        "cores": ",".join(map(str, sorted(os.sched_getaffinity(0)))),
        "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    }
    note(options.log, " ".join(f"{key}={value}" for key, value in facts.items()))
    return Outcome(serial(shop, seed), None, Termination.COMPLETED)


def improve(shop, budget, seed, options, report):
    """A Python loop that improves a little until time or Ctrl-C."""
    clock = budget.start()
    spread = 100
    while (why := clock.stop()) is None:
        report(serial(shop, seed, spread), bound=1.0)
        spread = max(1, spread - 1)
        time.sleep(0.005)
    return Outcome(None, None, why)


def _found(shop, seed, report):
    report(serial(shop, seed, 5), bound=2.0)


def segfault(shop, budget, seed, options, report):
    _found(shop, seed, report)
    ctypes.string_at(0)


def abort(shop, budget, seed, options, report):
    _found(shop, seed, report)
    os.abort()


def bad_alloc(shop, budget, seed, options, report):
    os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\n")
    os.abort()


def exit_now(shop, budget, seed, options, report):
    _found(shop, seed, report)
    os.write(2, b"\x1b[31mgoing\n")
    os._exit(3)


def system_exit(shop, budget, seed, options, report):
    _found(shop, seed, report)
    sys.exit(4)


def hang(shop, budget, seed, options, report):
    """Sleep in native code, deaf to SIGINT and SIGTERM, holding the interpreter's lock."""
    _found(shop, seed, report)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    libc = ctypes.PyDLL(None)  # PyDLL keeps the lock: no other thread of the worker can run
    while True:
        libc.usleep(900_000)


def hang_politely(shop, budget, seed, options, report):
    """Ignore the time limit, but not SIGINT."""
    _found(shop, seed, report)
    while True:
        time.sleep(0.05)


def eat_memory(shop, budget, seed, options, report):
    """Take memory piece by piece, and swallow MemoryError."""
    _found(shop, seed, report)
    held = []
    while True:
        try:
            held.append(np.ones(2**18))  # 2 MiB
        except MemoryError:
            time.sleep(0.01)


def eat_at_once(shop, budget, seed, options, report):
    """Ask for far too much in one piece."""
    _found(shop, seed, report)
    return Outcome(np.ones(2**33), 0.0, Termination.COMPLETED)


def unpicklable(shop, budget, seed, options, report):
    class Odd(Exception):
        def __init__(self):
            super().__init__("cannot travel")
            self.hold = lambda: None

    raise Odd


def mute(shop, budget, seed, options, report):
    class Odd(Exception):
        def __str__(self):
            raise RuntimeError("no text")

    raise Odd


def shout(shop, budget, seed, options, report):
    """Print 40 MB of terminal codes, then fail."""
    for _ in range(40):
        os.write(2, b"\x1b[2J<script>" * (2**20 // 12))
    os.write(1, b"the last words\x1b[2J\n")
    os._exit(5)


def lie(shop, budget, seed, options, report):
    solution = serial(shop, seed)
    return Outcome(solution, 1.0, Termination.OPTIMAL, bound=1.0)


def chatter(shop, budget, seed, options, report):
    """Report without end, as fast as it can, deaf to the clock and to SIGINT."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    _found(shop, seed, report)
    bound = -1e9
    while True:
        bound += 1e-3
        report(bound=bound)


def endless(shop, budget, seed, options, report):
    """Claim infinite and undefined bounds."""
    solution = serial(shop, seed)
    for bound in (-float("inf"), float("nan"), float("inf")):
        report(solution, bound=bound)
    return Outcome(solution, float(solution.makespan), Termination.COMPLETED, bound=-float("inf"))


def undefined(shop, budget, seed, options, report):
    return Outcome(serial(shop, seed), float("nan"), Termination.COMPLETED)


def break_connection(shop, budget, seed, options, report):
    """Write rubbish to every descriptor it can find, then hang."""
    _found(shop, seed, report)
    for fd in range(3, 40):
        try:
            os.write(fd, b"\xff" * 64)
        except OSError:
            continue
    time.sleep(60)


def kill_server(shop, budget, seed, options, report):
    _found(shop, seed, report)
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def leave_child(shop, budget, seed, options, report):
    """Start a process of its own and crash."""
    if os.fork() == 0:
        time.sleep(60)
        os._exit(0)
    os.abort()


def spin(shop, budget, seed, options, report):
    """Use the processor for a while, ignoring everything, then hang."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    hang(shop, budget, seed, options, report)


def hang_in_warm_up():
    """Hang in native code where kernels are made ready, deaf to polite signals; names itself in $WARM_UP_LOG."""
    note(os.environ["WARM_UP_LOG"], f"pid {os.getpid()}")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    while True:
        ctypes.PyDLL(None).usleep(900_000)


def wrapped_interrupt():
    """Be interrupted in compiled code where kernels are made ready, as Numba tells it."""
    raise SystemError("CPUDispatcher(<function>) returned a result with an exception set") from KeyboardInterrupt()


def method(name, **more):
    """Return the method of this name."""
    return Method(
        name.replace("_", "-"),
        "job-shop",
        f"bad_methods:{name}",
        "for tests",
        options="bad_methods:Options",
        is_random=True,
        **more,
    )


def shop(index, num_jobs=3, num_machines=3):
    """A small shop."""
    rng = np.random.default_rng(index)
    machines = np.array([rng.permutation(num_machines) for _ in range(num_jobs)])
    return JobShop.from_matrices(f"shop-{index}", machines, rng.integers(1, 20, (num_jobs, num_machines)))
