"""`read` and `write`: instances from and to files (or folders that are one case), the format recognised by its content.

Nothing is repaired or guessed: a file is what its format says, or an InstanceError with file and line.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from counterpoint.datasets.formats import FOLDER_FORMATS, Format, folder_format, format_named, formats
from counterpoint.datasets.json_file import read_json, write_json
from counterpoint.datasets.text import Line, data_lines
from counterpoint.opt.codec import write_text
from counterpoint.opt.errors import CounterpointError, InstanceError, OptionError, printable
from counterpoint.opt.problems.table import problem as problem_named

MAX_BYTES = 200_000_000
GENERAL_EXTENSIONS = (".txt", ".data", ".dat", "")  # say nothing about the format


def read(path: str | os.PathLike[str], *, problem: str | None = None, format: str | None = None) -> Any:
    r"""Read an instance from a file, or from a folder that is one case.

    Parameters
    ----------
    path : str or path
        Text formats carry no name, so the instance is named after the file or folder.
    problem : str, optional
        Consider the formats of this problem only.
    format : str, optional
        A format's name (see `counterpoint.datasets.formats.FORMATS` and ``FOLDER_FORMATS``, or ``"json"``); default:
        recognised by content.

    Returns
    -------
    Instance

    Raises
    ------
    InstanceError
        With file, line and what was expected. Also if no format fits, or several do.
    UnknownNameError
        For a problem or format that does not exist.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "tiny.txt").write_text("2 2\n0 3 1 2\n1 4 0 1\n")
    >>> read(folder / "tiny.txt")
    <JobShop 'tiny': 2 jobs, 2 machines, 4 operations>
    """
    if problem is not None:
        problem_named(problem)
    file = Path(path)
    if (folder := folder_format(file, problem, format)) is not None:
        return folder.read(file)
    if format not in (None, "json"):
        format_named(str(format))
    try:
        return _parse(_load(file), file, problem, format)
    except InstanceError as error:
        raise error.at(str(path), error.line or 1) from None


def write(instance: Any, path: str | os.PathLike[str], *, format: str | None = None) -> None:
    """Write an instance; the file appears whole or not at all.

    Parameters
    ----------
    instance : Instance
    path : str or path
    format : str, optional
        Default: by the extension, ``.json`` or one of a text format's.

    Raises
    ------
    InstanceError
        If the format cannot hold the instance; ``json`` holds everything.
    OptionError
        If no format is given and the extension tells none.
    CounterpointError
        If the file cannot be written.
    """
    name = format or _format_of(Path(path), instance.problem)
    if name == "json":
        _put(path, write_json(instance))
        return
    chosen = format_named(name)
    if chosen.problem != instance.problem:
        raise OptionError(f"format {name} is for {chosen.problem}, not for {instance.problem}")
    _put(path, _text_that_holds_all(chosen, instance))


def _put(path: str | os.PathLike[str], text: str) -> None:
    try:
        write_text(path, text)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CounterpointError(f"cannot write {printable(str(path))}: {reason}") from None


def _text_that_holds_all(chosen: Format, instance: Any) -> str:
    """Return the text of an instance, read back to make sure that nothing is lost; InstanceError otherwise."""
    lost = instance.features - chosen.holds
    if lost:
        raise InstanceError(f"format {chosen.name} cannot hold {', '.join(sorted(lost))}; write it as json")
    text = chosen.write(instance)
    try:
        same = chosen.read(data_lines(text.encode()), instance.name).content_hash == instance.content_hash
    except InstanceError as error:
        raise InstanceError(f"format {chosen.name} cannot hold this instance: {error.message}") from None
    if not same:
        raise InstanceError(f"format {chosen.name} would lose part of this instance; write it as json")
    return text


def _load(file: Path) -> bytes:
    """Return the bytes of a regular file of bearable size; a pipe is refused, not waited for."""
    try:
        with open(file, "rb", opener=lambda name, flags: os.open(name, flags | getattr(os, "O_NONBLOCK", 0))) as handle:
            status = os.fstat(handle.fileno())
            if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES:
                return handle.read(MAX_BYTES)
    except IsADirectoryError:
        cases = "; ".join(f.summary for f in FOLDER_FORMATS)
        raise InstanceError(
            f"this is a folder; expected a file, or a folder that is a case ({cases})", line=1
        ) from None
    except FileNotFoundError:
        from counterpoint.datasets.registry import benchmarks

        hint = f'; the public instance is benchmark("{file}")' if str(file) in benchmarks() else ""
        raise InstanceError(f"there is no such file{hint}", line=1) from None
    except (OSError, ValueError) as error:
        raise InstanceError(f"cannot be read: {getattr(error, 'strerror', None) or error}", line=1) from None
    if not stat.S_ISREG(status.st_mode):
        raise InstanceError("not a regular file", line=1)
    raise InstanceError(f"{status.st_size} bytes; files up to {MAX_BYTES} bytes are read", line=1)


def _parse(raw: bytes, file: Path, problem: str | None, format: str | None) -> Any:
    if format == "json" or (format is None and raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")):
        return read_json(raw, problem, file.stem)
    lines = data_lines(raw)
    if not lines:
        raise InstanceError("the file is empty; expected an instance", line=1)
    if format is not None:
        chosen = format_named(format)
        if problem not in (None, chosen.problem):
            raise InstanceError(f"format {format} is for {chosen.problem}, not for {problem}", line=1)
        return chosen.read(lines, file.stem)
    fitting = [f for f in formats(problem) if f.looks_right is not None and f.looks_right(lines)]
    if not fitting:
        raise InstanceError(
            f"the content is of no format we know; expected one of: {_listed(formats(problem))}, json: tagged JSON",
            line=lines[0].number,
        )
    suffix = file.suffix.lower()
    named = [] if suffix in GENERAL_EXTENSIONS else [f for f in formats(problem) if suffix in f.extensions]
    if named:  # by its name the file is of this problem: the content of another would be a mistake to be told
        theirs = [f for f in fitting if f.problem in {n.problem for n in named}]
        fitting = [f for f in theirs if suffix in f.extensions] or theirs or named
    return _read_one(fitting, lines, file)


def _read_one(fitting: Sequence[Format], lines: Sequence[Line], file: Path) -> Any:
    """Read with the one format that accepts the whole file."""
    accepted: list[tuple[Format, Any]] = []
    errors: list[InstanceError] = []
    for candidate in fitting:
        try:
            accepted.append((candidate, candidate.read(lines, file.stem)))
        except InstanceError as error:
            errors.append(error)
    if not accepted:
        if len(errors) == 1:
            raise errors[0]
        others = " or ".join(f'format="{f.name}"' for f in fitting[1:])
        raise InstanceError(
            f"{errors[0].message} (read as {fitting[0].name}; pass {others} if it is that)", line=errors[0].line
        )
    if len(accepted) > 1:
        raise InstanceError(
            f"several formats fit, pass format= one of: {_listed([f for f, _ in accepted])}", line=lines[0].number
        )
    return accepted[0][1]


def _listed(known: Sequence[Format]) -> str:
    return ", ".join(f"{f.name} ({f.summary})" for f in known)


def _format_of(file: Path, problem: str) -> str:
    suffix = file.suffix.lower()
    names = ["json"] if suffix == ".json" else [f.name for f in formats(problem) if suffix in f.extensions]
    if not names:
        known = sorted({".json", *(e for f in formats(problem) for e in f.extensions)})
        raise OptionError(f"no format for the extension {suffix!r}: use one of {', '.join(known)} or pass format=")
    return names[0]
