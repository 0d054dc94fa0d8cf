"""From what users write to an instance: the instance itself, a file's path, or the name of a public benchmark."""

import os
from pathlib import Path
from typing import Any

from counterpoint.opt.errors import UnknownNameError
from counterpoint.opt.problems.table import resolve


def load_instance(item: Any, format: str | None = None, problem: str | None = None) -> Any:
    """Return the instance that `item` stands for.

    Parameters
    ----------
    item : Instance, path or str
        A text is a file if there is one of that name, or if it looks like a file's (a suffix, a slash); otherwise
        the name of a public benchmark.
    format : str, optional
        Of the file; recognised by content if not given.
    problem : str, optional
        Of the file, likewise.

    Raises
    ------
    InstanceError, UnknownNameError
    """
    if not isinstance(item, str | os.PathLike):
        return item
    path = Path(item)
    if isinstance(item, os.PathLike) or path.exists() or "/" in item or path.suffix:
        return resolve("counterpoint.datasets.reading:read")(path, format=format, problem=problem)
    try:
        return resolve("counterpoint.datasets.registry:benchmark")(item)
    except UnknownNameError:
        known = resolve("counterpoint.datasets.registry:benchmarks")()
        raise UnknownNameError("file or public benchmark", item, known) from None
