"""Ctrl-C at a safe point: cuts and solvers agree whenever it is looked at."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(slots=True)
class Interrupt:
    """Whether somebody pressed Ctrl-C."""

    is_asked: bool = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if so."""
        if self.is_asked:
            raise KeyboardInterrupt


@contextmanager
def held() -> Iterator[Interrupt]:
    """Take the first Ctrl-C as a wish; the second one interrupts as ever. Does nothing outside of the main thread."""
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    before = signal.getsignal(signal.SIGINT)

    def note(_number: int, _frame: FrameType | None) -> None:
        interrupt.is_asked = True
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
