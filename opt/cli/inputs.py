"""From what users type to instances: files, folders, benchmark names and patterns."""

from pathlib import Path
from typing import Any

from counterpoint.opt.cli.output import tell
from counterpoint.opt.errors import CounterpointError, InstanceError
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.table import problem as problem_named
from counterpoint.opt.problems.table import resolve


def load_instances(
    inputs: list[str], format: str | None = None, problem: str | None = None
) -> tuple[list[Any], list[CounterpointError]]:
    """Read everything that can be read; return the instances and the errors of the rest.

    A folder that is one case (see `counterpoint.datasets.formats.FOLDER_FORMATS`) stands for it, any other for the
    files and such cases in it (not hidden, not below it), in natural order of their names.
    """
    if problem is not None:
        problem_named(problem)
    instances: list[Any] = []
    errors: list[CounterpointError] = []
    for text in inputs:
        try:
            found = _one(text, format, problem)
        except CounterpointError as error:
            errors.append(error)
            continue
        for item in found:
            try:
                instance = item()
                if problem not in (None, instance.problem):
                    raise InstanceError(f"{instance.name} is of {instance.problem}, not of {problem}")
                instances.append(instance)
            except CounterpointError as error:
                errors.append(error)
    return instances, errors


def complain(errors: list[CounterpointError]) -> None:
    """Print one line per input that could not be read."""
    for error in errors:
        tell(f"counterpoint: {error}", "red")


def _one(text: str, format: str | None, problem: str | None) -> list[Any]:
    """Return one loader per instance that `text` stands for."""
    read = resolve("counterpoint.datasets.reading:read")
    if not text:  # an unset variable of a script must not stand for the current folder
        raise InstanceError("an empty name stands for no instance")
    path = Path(text)
    if path.is_dir():
        case_format = resolve("counterpoint.datasets.formats:folder_format")
        if case_format(path) is not None:
            return [lambda: read(path, format=format, problem=problem)]
        shown = [p for p in sorted(path.iterdir(), key=_natural) if not p.name.startswith(".")]
        files = [p for p in shown if p.is_file() or case_format(p) is not None]
        if not files:
            raise InstanceError("the folder holds no files", file=text)
        return [lambda p=p: read(p, format=format, problem=problem) for p in files]
    if any(c in text for c in "*?[") and not path.exists() and "/" not in text:
        benchmark = resolve("counterpoint.datasets.registry:benchmark")
        names = resolve("counterpoint.datasets.registry:benchmarks")(text, problem)
        if not names:
            raise InstanceError(f"no file and no public benchmark matches {text!r}")
        return [lambda n=n: benchmark(n) for n in names]
    return [lambda: load_instance(text, format, problem)]


def _natural(path: Path) -> tuple[list[Any], str]:
    """Sort key that puts ta2 before ta10."""
    import re

    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(p) if p.isdecimal() else 0, p) for p in parts], path.name
