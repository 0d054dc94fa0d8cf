"""Keeps apart runs of one method under different options or versions: they must not be averaged."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from counterpoint.opt.result import Result


def distinct_labels(results: Iterable[Result]) -> tuple[Result, ...]:
    """Return the results with options or version added to labels that stand for several of them.

    ``cp-sat`` run with two values of an option becomes ``cp-sat [search=a]`` and ``cp-sat [search=b]``.
    """
    results = tuple(results)
    variants: dict[tuple[str, str], dict[str, tuple[int, dict[str, Any]]]] = {}
    for r in results:
        variants.setdefault((r.problem, r.method), {})[_variant(r)] = (r.method_version, dict(r.options))
    return tuple(
        r if len(variants[r.problem, r.method]) == 1 else _relabel(r, list(variants[r.problem, r.method].values()))
        for r in results
    )


def _variant(result: Result) -> str:
    return f"{result.method_version} {sorted((str(k), repr(v)) for k, v in result.options.items())}"


def _relabel(result: Result, variants: list[tuple[int, dict[str, Any]]]) -> Result:
    keys = sorted({key for _, options in variants for key in options}, key=str)
    differing = [k for k in keys if len({repr(options.get(k)) for _, options in variants}) > 1]
    parts = [f"{k}={result.options.get(k)}" for k in differing]
    if len({version for version, _ in variants}) > 1:
        parts.insert(0, f"version {result.method_version}")
    return dataclasses.replace(result, method=f"{result.method} [{', '.join(parts)}]")
