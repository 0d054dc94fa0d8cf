"""How to run a comparison again: the command line and the Python lines, quoted so that names stay names."""

import shlex
from collections.abc import Iterable, Sequence

from counterpoint.opt.errors import printable
from counterpoint.opt.result import Result

MAX_NAMES = 40


def command_line(results: Sequence[Result]) -> str:
    """Return a ``counterpoint compare`` command for these runs; instances by name, quoted for a POSIX shell.

    Names of instances that came from files stand for those files: the report does not know where they lie.
    """
    names, methods, seeds, limits, threads = _grid(results)
    words = ["counterpoint", "compare"]
    for method in methods:
        words += ["--method", method]
    words += ["--seeds", str(max(seeds, default=0) + 1)]
    if limits:
        words += ["--time-limit", f"{max(limits):g}"]
    if threads:
        words += ["--threads", str(max(threads))]
    shown = [shlex.quote(printable(word)) for word in [*words, "--", *names[:MAX_NAMES]]]
    return " ".join(shown) + (f"  # and {len(names) - MAX_NAMES} more instances" if len(names) > MAX_NAMES else "")


def python_lines(results: Sequence[Result]) -> str:
    """Return the same as Python; every name is a string literal."""
    names, methods, seeds, limits, threads = _grid(results)
    listed = ", ".join(ascii(name) for name in names[:MAX_NAMES])
    more = f"  # and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    limit = f", time_limit={max(limits):g}" if limits else ""
    thread = f", threads={max(threads)}" if threads else ""
    return (
        "import counterpoint as ct\n"
        f"instances = [{listed}]{more}\n"
        f"methods = [{', '.join(ascii(m) for m in methods)}]\n"
        f"table = ct.compare(instances, methods{limit}{thread}, seeds={sorted(seeds)})\n"
        'table.report("report.html")'
    )


def _grid(results: Iterable[Result]) -> tuple[list[str], list[str], set[int], set[float], set[int]]:
    results = list(results)
    return (
        list(dict.fromkeys(r.instance_name for r in results)),
        list(dict.fromkeys(r.method.partition(" [")[0] for r in results)),
        {r.seed for r in results},
        {r.time_limit_s for r in results if r.time_limit_s is not None},
        {r.threads for r in results if r.threads > 1},
    )
