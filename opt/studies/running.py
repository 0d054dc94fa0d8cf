"""A case in progress as the driver sees it: its deadline ladder, its memory, and what it has streamed so far."""

import ctypes
import fcntl
import math
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Any, Literal

from counterpoint.opt.errors import StoreError, printable
from counterpoint.opt.result import TracePoint
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.launcher import Ended
from counterpoint.opt.studies.wire import WireError, unpack

STARTUP_S = 90.0  # imports and options, before the method's own clock starts
EXIT_S = 1.0  # a worker that has sent its result has this long to end
TAIL_BYTES = 2048
MAX_CHUNKS = 32  # more than the socket holds when its worker is dead
LOG_BYTES = 8 * 2**20  # a log that grows beyond is cut down to its tail
KEEP_SIZE, PUNCH_HOLE = 1, 2  # Linux' flags of fallocate

Reason = Literal["deadline", "startup", "memory", "stop", "protocol", "lost"]


@dataclass(slots=True)
class Running:
    """One worker; `connection` and `log` are ours to close."""

    case: Case
    index: int
    worker: int
    grace_s: float
    connection: socket.socket
    log: IO[bytes]
    cores: list[int] = field(default_factory=list)
    spawned: float = field(default_factory=time.monotonic)
    started: float | None = None
    base_bytes: float | None = None
    held_bytes: float = 0.0
    buffer: bytearray = field(default_factory=bytearray)
    solution: bytes = b""
    objective: float | None = None
    bound: float | None = None
    trace: list[TracePoint] = field(default_factory=list)
    answer: tuple[dict[str, Any], bytes] | None = None
    answered: float = 0.0
    reason: Reason | None = None
    interrupted_at: float | None = None
    rungs: int = 0
    late_s: float = 0.0  # of the last rung: a driver that was held up must not send all signals at once
    is_closed: bool = False
    tail: bytes = b""
    ended: Ended | None = None

    def listen(self) -> bool:
        """Take in what has arrived; True if there is a new incumbent or bound.

        Raises
        ------
        WireError
        """
        try:
            for _ in range(MAX_CHUNKS):  # not until it is empty: a worker that never stops talking must not hold us
                chunk = self.connection.recv(2**20)
                self.buffer += chunk
                if not chunk:
                    self.is_closed = True
                    break
        except BlockingIOError:
            pass
        except ConnectionError:
            self.is_closed = True
        is_news = False
        for header, body in unpack(self.buffer):
            kind = header.get("kind")
            if kind == "started":
                self.started, self.base_bytes = time.monotonic(), header.get("rss")
            elif kind == "incumbent":
                self.solution = body or self.solution
                self.objective, self.bound = _finite(header.get("objective")), _finite(header.get("bound"))
                self.trace.append(TracePoint(self.elapsed_s(), self.objective, self.bound))
                is_news = True
            elif kind in ("result", "failed", "interrupted"):
                self.answer, self.answered = (header, body), time.monotonic()
            else:
                raise WireError(f"an unknown message {kind!r}")
        return is_news

    def elapsed_s(self) -> float:
        """Seconds since the method began (since the fork, before that)."""
        return time.monotonic() - (self.spawned if self.started is None else self.started)

    def ladder(self) -> list[tuple[float, int]]:
        """Return the (time, signal) of each rung, on the monotonic clock; empty without a time limit."""
        if self.reason == "stop":
            return []  # the supervisor has one deadline for all
        if self.answer is not None:
            return [(self.answered + EXIT_S, signal.SIGKILL)]
        if self.started is None:
            return [(self.spawned + STARTUP_S, signal.SIGKILL)]
        limit = self.case.budget.time_limit_s
        if limit is None:
            return []
        end = self.started + limit
        return [
            (end + 0.4 * self.grace_s, signal.SIGINT),
            (end + 0.8 * self.grace_s, signal.SIGTERM),
            (end + self.grace_s, signal.SIGKILL),
        ]

    def climb(self, send: Callable[[int, int], None]) -> float:
        """Send the signals that are due; return when the next one is (infinity if none)."""
        now = time.monotonic()
        ladder = self.ladder()
        is_method = self.answer is None and self.started is not None
        if not is_method:  # starting up, or ending: one rung, repeated
            due, number = ladder[0] if ladder else (math.inf, 0)
            if now >= due:
                self.reason = self.reason or ("startup" if self.answer is None else None)
                send(self.worker, number)
                due = now + 1.0
            return due
        while self.rungs < len(ladder) and ladder[self.rungs][0] + self.late_s <= now:
            due, number = ladder[self.rungs]
            self.rungs += 1
            self.late_s = now - due
            if number == signal.SIGINT:
                self.interrupted_at = now
            else:
                self.reason = self.reason or "deadline"
            send(self.worker, number)
        return ladder[self.rungs][0] + self.late_s if self.rungs < len(ladder) else math.inf

    def interrupt(self, send: Callable[[int, int], None]) -> None:
        """Pass the study's interruption on; a worker that has answered is let end by itself."""
        if self.answer is None:
            self.reason = self.reason or "stop"
            self.interrupted_at = time.monotonic()
            send(self.worker, signal.SIGINT)

    def kill(self, reason: Reason, send: Callable[[int, int], None]) -> None:
        """End the worker now; the first reason stays."""
        self.reason = self.reason or reason
        send(self.worker, signal.SIGKILL)

    def trim_log(self) -> None:
        """Keep the log from filling the disk."""
        file = self.log.fileno()
        held = os.fstat(file)
        if held.st_blocks * 512 > LOG_BYTES and not _empty(file, held.st_size - TAIL_BYTES):
            self.tail = self.log_tail()
            os.ftruncate(file, 0)  # what is printed between these two lines is lost

    def log_tail(self) -> bytes:
        """Return the last 2 kB of what the worker printed."""
        size = os.fstat(self.log.fileno()).st_size
        recent = os.pread(self.log.fileno(), TAIL_BYTES, max(0, size - TAIL_BYTES))
        return (self.tail + recent)[-TAIL_BYTES:]

    def close(self) -> None:
        """Close what is ours."""
        self.connection.close()
        self.log.close()


def _empty(file: int, size: int) -> bool:
    """Give back the disk space of a file's first bytes, which then read as zeros; False where that cannot be done."""
    if sys.platform != "linux":
        return False
    allocate = ctypes.CDLL(None).fallocate
    allocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long)
    return bool(allocate(file, KEEP_SIZE | PUNCH_HOLE, 0, size) == 0)


def _finite(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def scratch_file(content: bytes = b"") -> IO[bytes]:
    """Return a nameless file that any number of processes may append to, read from its start.

    Raises
    ------
    StoreError
        If the folder for temporary files is full or cannot be written.
    """
    file = None
    try:
        file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 closed by its user
        rest = memoryview(content)
        while rest:
            rest = rest[file.write(rest) :]
        file.seek(0)
        flags = fcntl.fcntl(file.fileno(), fcntl.F_GETFL)
        fcntl.fcntl(file.fileno(), fcntl.F_SETFL, flags | os.O_APPEND)
    except OSError as error:
        if file is not None:
            file.close()
        where = printable(tempfile.gettempdir()) if tempfile.tempdir else "the folder for temporary files"
        raise StoreError(f"cannot write to {where}: {error.strerror or error}; free some space or set TMPDIR") from None
    return file
