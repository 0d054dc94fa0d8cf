"""Ctrl-C while compiled code runs."""

from collections.abc import Iterator
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
