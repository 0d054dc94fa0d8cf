"""`counterpoint methods`: what can solve a problem, and what each method promises."""

from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = "Examples:\n\ncounterpoint methods job-shop"


def methods(
    problem: Annotated[str | None, typer.Argument(help="A problem; default: all.", show_default=False)] = None,
    json: arg.AsJson = False,
) -> None:
    """List methods and their capabilities (no solver is loaded for this)."""
    from importlib.util import find_spec

    from counterpoint.opt.cli.output import print_json, print_table
    from counterpoint.opt.registry import methods as all_methods

    listed = all_methods(problem)
    everything = frozenset().union(*(m.handles for m in listed))
    columns = ("method", "problem", "exact", "anytime", "bound", "random", "parallel", "ready", "variants", "summary")
    rows = [
        (
            m.name,
            m.problem,
            m.is_exact,
            m.is_anytime,
            m.uses_bound,
            m.is_random,
            m.is_parallel,
            all(find_spec(package) for package in m.needs),
            _variants(m.handles, everything),
            m.summary,
        )
        for m in listed
    ]
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)


def _variants(handles: frozenset[str], everything: frozenset[str]) -> str:
    if handles == everything:
        return "all"
    return " ".join(sorted(handles)) or "classical only"
