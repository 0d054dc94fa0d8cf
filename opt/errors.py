"""The errors users meet: each says where, what was expected, and what to do."""

import difflib
from collections.abc import Iterable

MAX_KNOWN = 40  # names shown; of more, only a few


class CounterpointError(Exception):
    """Base of every error this package raises on purpose."""


class InstanceError(CounterpointError, ValueError):
    """Bad input data.

    Parameters
    ----------
    message : str
        What is wrong and what was expected.
    file : str, optional
        The file it was read from.
    line : int, optional
        1-based line in that file.
    place : tuple of str or int
        Path inside structured data, e.g. ``("jobs", 3, 0)``.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        place: tuple[str | int, ...] = (),
    ) -> None:
        self.message = message
        self.file = file
        self.line = line
        self.place = place
        super().__init__(str(self))

    def __str__(self) -> str:
        where = ":".join(printable(str(x)) for x in (self.file, self.line) if x is not None)
        inside = "".join(f"[{x}]" if isinstance(x, int) else f".{x}" for x in self.place)
        parts = [p for p in (where, inside.lstrip(".")) if p]
        return ": ".join([*(printable(p) for p in parts), printable(self.message)])

    def at(self, file: str | None, line: int | None = None) -> "InstanceError":
        """Return the same error with the file (and line) it came from."""
        return InstanceError(
            self.message,
            file=file if file is not None else self.file,
            line=line if line is not None else self.line,
            place=self.place,
        )


class UnsupportedError(CounterpointError):
    """The method cannot handle a feature of this instance."""


class OptionError(CounterpointError, ValueError):
    """An option is unknown, missing or of the wrong type."""


class MissingPackageError(CounterpointError, ImportError):
    """A method needs a package that is not installed."""


class BoundError(CounterpointError):
    """A checked objective contradicts a proven bound: the bound, the checker or the data is wrong."""


class CheckpointError(CounterpointError, ValueError):
    """A checkpoint is damaged, not one of ours, or does not fit what it is loaded into."""

    def __init__(self, message: str, file: str | None = None) -> None:
        self.file = file
        where = "" if file is None else f"{printable(file)}: "
        super().__init__(f"{where}{printable(message)}")


class StoreError(CounterpointError):
    """The study's store cannot be opened, read or written."""


class UnknownNameError(CounterpointError, LookupError):
    """No problem, method, format or benchmark of this name; close names are suggested."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        shown = known if len(known) <= MAX_KNOWN else [*known[:8], f"... ({len(known)} in all)"]
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(shown)}"
        super().__init__(f"no {kind} named {printable(name)!r}; {hint}")
        self.name = name


def printable(text: str) -> str:
    """Return `text` with control characters escaped, so that it cannot drive a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def encodable(text: str) -> str:
    """Return `text` with lone surrogates escaped: file names may hold them, UTF-8, SQLite and Arrow may not."""
    return text.encode("utf-8", "backslashreplace").decode()
