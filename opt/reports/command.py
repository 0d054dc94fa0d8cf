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
    for name, value in _further(results).items():
        words += [f"--{name}", f"{value:.15g}"]
    shown = [shlex.quote(printable(word)) for word in [*words, "--", *names[:MAX_NAMES]]]
    return " ".join(shown) + (f"  # and {len(names) - MAX_NAMES} more instances" if len(names) > MAX_NAMES else "")


def python_lines(results: Sequence[Result]) -> str:
    """Return the same as Python; every name is a string literal."""
    names, methods, seeds, limits, threads = _grid(results)
    listed = ", ".join(ascii(name) for name in names[:MAX_NAMES])
    more = f"  # and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    limit = f", time_limit={max(limits):g}" if limits else ""
    thread = f", threads={max(threads)}" if threads else ""
    thread += "".join(f", {name}={value:.15g}" for name, value in _further(results).items())
    return (
        "import counterpoint as ct\n"
        f"instances = [{listed}]{more}\n"
        f"methods = [{', '.join(ascii(m) for m in methods)}]\n"
        f"table = ct.compare(instances, methods{limit}{thread}, seeds={sorted(seeds)})\n"
        'table.report("report.html")'
    )


def caveats(results: Sequence[Result]) -> list[str]:
    """Return what a repetition by these lines would do otherwise than the runs did."""
    _, _, seeds, _, _ = _grid(results)
    limits = {r.time_limit_s for r in results}
    threads = {r.threads for r in results if r.threads > 1}
    found = []
    if seeds != set(range(len(seeds))):
        found.append("The runs had other seeds than 0, 1, ...; the command cannot name them, the Python lines do.")
    if len(limits) > 1:
        shown = sorted("none" if limit is None else f"{limit:g} s" for limit in limits)
        found.append(f"The runs had different time limits ({', '.join(shown)}); the lines give the longest to all.")
    if len(threads) > 1:
        found.append(f"The runs had different numbers of threads ({', '.join(map(str, sorted(threads)))}).")
    if several := [name for name, values in _limits(results).items() if len(values) > 1]:
        found.append(f"The runs had different limits on {' and '.join(several)}; the lines leave them out.")
    return found


def _limits(results: Sequence[Result]) -> dict[str, set[float | None]]:
    """Return the values of each limit beside time and threads."""
    return {
        "iterations": {r.iteration_limit for r in results},
        "target": {r.target for r in results},
        "gap": {r.gap_limit or None for r in results},
    }


def _further(results: Sequence[Result]) -> dict[str, float]:
    """Return those that all runs had in common."""
    common = {name: next(iter(values)) for name, values in _limits(results).items() if len(values) == 1}
    return {name: value for name, value in common.items() if value is not None}


def _grid(results: Iterable[Result]) -> tuple[list[str], list[str], set[int], set[float], set[int]]:
    results = list(results)
    return (
        list(dict.fromkeys(r.instance_name for r in results)),
        list(dict.fromkeys(r.method.partition(" [")[0] for r in results)),
        {r.seed for r in results},
        {r.time_limit_s for r in results if r.time_limit_s is not None},
        {r.threads for r in results if r.threads > 1},
    )
