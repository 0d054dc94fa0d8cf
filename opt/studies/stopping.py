"""Ctrl-C and SIGTERM as a request that a loop can see at a moment of its own choosing."""

import os
import signal
import threading
from types import FrameType
from typing import Any, Self


class StopRequest:
    """While entered, SIGINT and SIGTERM are counted instead of raising; `fileno` becomes readable.

    Only the main thread may install handlers; elsewhere this does nothing and nothing is requested.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.times = 0
        self._read, self._write = -1, -1
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(number) is signal.SIG_IGN:
                    continue  # a background job of a script: the terminal's Ctrl-C is not for it
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        for number, before in self._before.items():
            signal.signal(number, signal.SIG_DFL if before is None else before)
        self._before.clear()
        os.close(self._read)
        os.close(self._write)

    def fileno(self) -> int:
        """The descriptor to select on."""
        return self._read

    def drain(self) -> None:
        """Forget that `fileno` was readable."""
        try:
            os.read(self._read, 4096)
        except BlockingIOError:
            return

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.number = self.number or number
        self.times += 1
        try:
            os.write(self._write, b"!")
        except BlockingIOError:
            return
