"""Keeps apart runs of one method under different options, versions or budgets: they must not be averaged."""

import dataclasses
from collections.abc import Iterable

from counterpoint.opt.result import Result

Label = tuple[str, str]  # problem, method


def distinct_labels(results: Iterable[Result]) -> tuple[Result, ...]:
    """Return the results with what differs added to labels that stand for several kinds of run.

    ``cp-sat`` run with two values of an option becomes ``cp-sat [search=a]`` and ``cp-sat [search=b]``; a store
    in which one case was run for 1 s and for 60 s holds ``cp-sat [1 s]`` and ``cp-sat [60 s]``. Limits that only
    differ from instance to instance stay under one label.
    """
    results = tuple(results)
    groups: dict[Label, list[Result]] = {}
    for r in results:
        groups.setdefault((r.problem, r.method), []).append(r)
    differing = {label: _differing(runs) for label, runs in groups.items()}
    return tuple(_relabel(r, differing[r.problem, r.method]) for r in results)


def _differing(runs: list[Result]) -> list[str]:
    """Return the facts in which runs of one label differ, version first, budget last."""
    found = [_facts(r) for r in runs]
    keys = sorted({key for facts in found for key in facts if key.startswith("=")})
    names = [k for k in ("version", *keys) if len({facts.get(k) for facts in found}) > 1]
    budgets: dict[tuple[object, ...], set[tuple[str, str]]] = {}
    for r, facts in zip(runs, found, strict=True):
        case = (r.instance_hash, r.instance_name, r.seed, *(facts.get(k) for k in names))
        budgets.setdefault(case, set()).add((facts["limit"], facts["threads"]))
    for place, name in enumerate(("limit", "threads")):
        if any(len({budget[place] for budget in seen}) > 1 for seen in budgets.values()):
            names.append(name)
    return names


def _facts(result: Result) -> dict[str, str]:
    """Return what tells kinds of run apart, as it is shown; options under their names with ``=`` in front."""
    limit = result.time_limit_s
    further = (
        ("" if result.iteration_limit is None else f", {result.iteration_limit} iterations")
        + ("" if result.target is None else f", target {result.target:g}")
        + (f", gap {result.gap_limit:g}" if result.gap_limit else "")
    )
    return {
        "version": f"version {result.method_version}",
        "limit": ("no time limit" if limit is None else f"{limit:g} s") + further,
        "threads": f"{result.threads} thread{'' if result.threads == 1 else 's'}",
        **{f"={key}": f"{key}={value}" for key, value in result.options.items()},
    }


def _relabel(result: Result, names: list[str]) -> Result:
    if not names:
        return result
    facts = _facts(result)
    parts = [facts.get(name, f"{name[1:]}=None") for name in names]
    return dataclasses.replace(result, method=f"{result.method} [{', '.join(parts)}]")
