"""Ctrl-C while compiled code runs, here or in a thread of its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def plain_interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt where Numba wraps one.

    A signal that strikes while a compiled function hands back its result surfaces as "SystemError: ... returned a
    result with an exception set", often caused by others of its kind, the first of them by the interrupt.
    """
    try:
        yield
    except SystemError as error:
        cause: BaseException | None = error
        while isinstance(cause, SystemError):
            cause = cause.__cause__
        if isinstance(cause, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise


def run_aside(
    act: Callable[[], object],
    cancel: Callable[[], object],
    look: Callable[[], object] = lambda: None,
    *,
    name: str,
    tick_s: float,
) -> None:
    """Do something long in a thread of its own and wait for its end, so that Ctrl-C is heard meanwhile.

    Parameters
    ----------
    act : callable
        Raises nothing.
    cancel : callable
        Makes `act` end; called again and again, as it may do nothing before `act` has come to the search itself.
    look : callable
        Called every tick.
    name : str
        Of the thread.
    tick_s : float
        Seconds.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, once `act` has ended. So does whatever `look` raises.
    """
    # no Thread.join: an interrupted one takes a running thread for finished (CPython 3.11)
    begun, done, is_given_up = threading.Event(), threading.Event(), threading.Event()

    def run() -> None:
        begun.set()
        if not is_given_up.is_set():
            act()
        done.set()

    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        with plain_interrupts():
            thread.start()  # inside: Ctrl-C may strike while it waits for the thread to begin, or before there is one
            while not done.wait(tick_s):
                look()
    except BaseException:
        is_given_up.set()
        while begun.is_set() and not done.wait(tick_s):
            cancel()
        raise
