"""`counterpoint benchmarks`: the public instances known by name."""

from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = "Examples:\n\ncounterpoint benchmarks 'ta4?'"


def benchmarks(
    pattern: Annotated[str, typer.Argument(help="Names to list, with * and ?.")] = "*",
    json: arg.AsJson = False,
) -> None:
    """List public benchmark instances with their best known bounds."""
    from counterpoint.opt.cli.output import print_json, print_table
    from counterpoint.opt.problems.table import resolve

    known = resolve("counterpoint.datasets.registry:references")()
    columns = ("name", "lower bound", "upper bound", "source")
    rows = []
    for name in resolve("counterpoint.datasets.registry:benchmarks")(pattern):
        found = known.get(name)
        rows.append((name, *((None,) * 3 if found is None else (found.lower_bound, found.upper_bound, found.source))))
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        print_table(columns, rows)
