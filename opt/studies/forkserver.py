"""The warm process that workers are forked from: it imports the engines once and runs no case itself.

Started by `launcher.ForkServer`. A server of our own and not multiprocessing's: that one imports the user's
``__main__`` again in every worker (scripts would need a guard), pickles, and keeps no CPU times of the dead.
One thread, one loop: fork on request, pass on signals, report deaths.

It ends, and takes its workers with it, when the driver's end of the control socket closes, also by kill -9.
"""

import fcntl
import gc
import os
import selectors
import signal
import socket
import struct
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

REQUEST = struct.Struct(">BBxxI")  # what, signal, worker
FORK, SIGNAL = 1, 2
REPORT = struct.Struct(">BxxxIIidd")  # what, worker, pid, wait status, CPU seconds, peak RSS in bytes
READY, FORKED, ENDED = 1, 2, 3
NUM_FILES = 3  # the worker's connection, its log, its case


def serve(control_fd: int, hello: dict[str, Any]) -> None:
    """Warm up, say so, then fork workers until the driver is gone."""
    control = socket.socket(fileno=control_fd)
    _end_with_driver(control, True)
    _warm_up(hello)
    _end_with_driver(control, False)
    gc.collect()
    gc.freeze()  # the collector then leaves the pages shared with the workers alone
    wake, wakeup = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    selector = selectors.DefaultSelector()
    selector.register(control, selectors.EVENT_READ)
    selector.register(wake, selectors.EVENT_READ)
    workers: dict[int, int] = {}  # worker -> pid
    try:
        control.sendall(REPORT.pack(READY, 0, os.getpid(), 0, 0.0, 0.0))
        while True:
            for key, _ in selector.select():
                if key.fd == wake:
                    with suppress(BlockingIOError):
                        if signal.SIGTERM in os.read(wake, 4096):
                            return
                elif not _answer(control, workers):
                    return
            _reap(control, workers)
    except OSError:  # the driver is gone
        return
    finally:
        for pid in workers.values():
            _kill(pid, signal.SIGKILL)
        for pid in workers.values():
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _end_with_driver(control: socket.socket, is_on: bool) -> None:
    """Have SIGIO end this process when the driver's side closes, even in the middle of native code.

    For the warm-up only: then the driver sends nothing, so that anything that happens on the socket means its end.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(control, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(control, fcntl.F_GETFL)
    fcntl.fcntl(control, fcntl.F_SETFL, flags | os.O_ASYNC if is_on else flags & ~os.O_ASYNC)
    with suppress(BlockingIOError):  # it may have closed before
        if not control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
            os._exit(1)


def _warm_up(hello: dict[str, Any]) -> None:
    """Import what the methods need; what cannot be imported is reported by the worker that needs it."""
    for module in hello["preload"]:
        with suppress(Exception):
            import_module(module)
    if hello["rehearse"]:
        from counterpoint.opt.studies.worker import rehearse

        for message in hello["rehearse"]:
            with suppress(Exception):
                rehearse(message.encode("latin-1"))


def _answer(control: socket.socket, workers: dict[int, int]) -> bool:
    """Do what the driver asks for; False when it is gone."""
    request, files, _, _ = socket.recv_fds(control, REQUEST.size, NUM_FILES)
    for file in files:
        os.set_inheritable(file, False)
    while 0 < len(request) < REQUEST.size:
        rest = control.recv(REQUEST.size - len(request))
        if not rest:
            return False
        request += rest
    if not request:
        return False
    what, number, worker = REQUEST.unpack(request)
    if what == FORK:
        sys.stdout.flush()
        sys.stderr.flush()
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            _become_worker(server, control, files)
        workers[worker] = pid
        for file in files:
            os.close(file)
        control.sendall(REPORT.pack(FORKED, worker, pid, 0, 0.0, 0.0))
    elif worker in workers:  # not reaped yet, so the pid is still this worker's
        _kill(workers[worker], number)
    return True


def _become_worker(server: int, control: socket.socket, files: list[int]) -> None:
    """Be the worker; never return."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        control.close()
        from counterpoint.opt.studies.worker import work

        work(server, *files)
    finally:
        os._exit(70)  # only reached by an error before the worker's own handling


def _reap(control: socket.socket, workers: dict[int, int]) -> None:
    """Report the workers that ended, and end what they started."""
    while workers:
        if hasattr(os, "waitid"):  # look first: as long as the zombie stays, its group number is nobody else's
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(found.si_pid, signal.SIGKILL)
        pid, status, usage = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            return
        worker = next((w for w, p in workers.items() if p == pid), None)
        if worker is None:
            continue
        del workers[worker]
        peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
        control.sendall(REPORT.pack(ENDED, worker, pid, status, usage.ru_utime + usage.ru_stime, float(peak)))


def _kill(pid: int, number: int) -> None:
    """Send a signal; SIGKILL goes to all the worker started, too."""
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
    if number == signal.SIGKILL:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, number)
