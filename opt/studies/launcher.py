"""The driver's handle of one fork server: start it, ask for workers, pass on signals, hear of deaths."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from counterpoint.opt.errors import CounterpointError
from counterpoint.opt.studies import forkserver
from counterpoint.opt.studies.forkserver import REPORT, REQUEST

WARM_UP_S = 120.0  # imports and the first compilation of kernels; after that a bare server is started instead
BARE_START_S = 60.0
THREAD_VARIABLES = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)  # fmt: skip
COMMAND = (
    "import json, sys; hello = json.loads(sys.stdin.buffer.read()); sys.path[:] = hello['sys_path']; "
    "from counterpoint.opt.studies.forkserver import serve; serve(hello['control'], hello)"
)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a worker's process ended: its wait status, CPU seconds and peak resident memory in bytes."""

    worker: int
    status: int
    cpu_s: float
    peak_bytes: float


class ForkServer:
    """A running fork server whose workers may use `threads` native threads each.

    Parameters
    ----------
    threads : int
    preload : list of str
        Modules to import before the first fork.
    rehearse : list of bytes
        Cases to prepare before the first fork (see `worker.rehearse`).
    """

    def __init__(self, threads: int, preload: list[str], rehearse: list[bytes]) -> None:
        self.threads = threads
        self.buffer = bytearray()
        self.pids: dict[int, int] = {}
        messages = [message.decode("latin-1") for message in rehearse]
        self.hello = {"sys_path": [os.fspath(p) for p in sys.path], "preload": preload, "rehearse": messages}
        self._start(self.hello)

    def await_ready(self, should_stop: Callable[[], bool]) -> bool:
        """Wait until workers can be forked; False if `should_stop` said so before.

        Raises
        ------
        CounterpointError
            If not even a bare server starts.
        """
        if self._is_ready_within(WARM_UP_S, should_stop):
            return True
        if should_stop():
            return False
        self.close()  # an engine crashes or hangs on import: its own workers will tell
        self._start({**self.hello, "preload": [], "rehearse": []})
        if self._is_ready_within(BARE_START_S, should_stop) or should_stop():
            return not should_stop()
        self.close()
        raise CounterpointError("the process that starts the workers does not start; is this Python whole?")

    def _start(self, hello: dict[str, Any]) -> None:
        self.control, theirs = socket.socketpair()
        self.buffer.clear()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(self.threads))},
            )
            assert self.process.stdin is not None
            with suppress(BrokenPipeError), self.process.stdin as stdin:
                stdin.write(json.dumps({**hello, "control": theirs.fileno()}).encode())

    def _is_ready_within(self, limit_s: float, should_stop: Callable[[], bool]) -> bool:
        self.control.settimeout(0.1)
        deadline = time.monotonic() + limit_s
        try:
            while time.monotonic() < deadline and not should_stop():
                with suppress(TimeoutError):
                    return len(self.control.recv(REPORT.size, socket.MSG_WAITALL)) == REPORT.size
        except OSError:
            pass
        finally:
            self.control.setblocking(False)
        return False

    def fork(self, worker: int, connection: int, log: int, case: int) -> None:
        """Ask for a worker with these files; BrokenPipeError if the server is gone."""
        self._request([connection, log, case], forkserver.FORK, 0, worker)

    def signal(self, worker: int, number: int) -> None:
        """Send a signal to a worker if it still lives; SIGKILL also to the processes it started."""
        with suppress(OSError):
            self._request([], forkserver.SIGNAL, number, worker)

    def _request(self, files: list[int], what: int, number: int, worker: int) -> None:
        self.control.settimeout(10.0)
        try:
            message = REQUEST.pack(what, number, worker)
            if files:
                socket.send_fds(self.control, [message], files)
            else:
                self.control.sendall(message)
        finally:
            self.control.setblocking(False)

    def hear(self) -> list[Ended] | None:
        """Return the deaths reported since the last call, without waiting; None if the server itself is gone."""
        is_gone = False
        try:
            while chunk := self.control.recv(65536):
                self.buffer += chunk
            is_gone = True
        except BlockingIOError:
            pass
        except OSError:
            is_gone = True
        ended = []
        while len(self.buffer) >= REPORT.size:
            what, worker, pid, status, cpu_s, peak = REPORT.unpack_from(self.buffer)
            del self.buffer[: REPORT.size]
            if what == forkserver.FORKED:
                self.pids[worker] = pid
            elif what == forkserver.ENDED:
                self.pids.pop(worker, None)
                ended.append(Ended(worker, status, cpu_s, peak))
        return None if is_gone and not ended else ended

    def close(self) -> None:
        """End the server and all its workers; returns when they are gone."""
        self.control.close()
        deadline = time.monotonic() + 1.0
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
