"""`counterpoint convert`: read one format, write another."""

from pathlib import Path
from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = "Examples:\n\ncounterpoint convert ta41 ta41.json\n\ncounterpoint convert old.fjs new.json --format fjs-1"


def convert(
    source: Annotated[str, typer.Argument(help="Instance file or benchmark name.")],
    target: Annotated[Path, typer.Argument(help="File to write.")],
    format: arg.InputFormat = None,
    to: Annotated[
        str | None, typer.Option("--to", help="Format to write; by default from the file name.", show_default=False)
    ] = None,
) -> None:
    """Convert an instance to another file format; refuses what the format cannot hold."""
    from counterpoint.opt.cli.inputs import load_instances
    from counterpoint.opt.errors import OptionError
    from counterpoint.opt.problems.table import resolve

    instances, errors = load_instances([source], format)
    if errors:
        raise errors[0]
    if len(instances) != 1:
        raise OptionError(f"{source} stands for {len(instances)} instances; convert one at a time")
    resolve("counterpoint.datasets.reading:write")(instances[0], target, format=to)
    typer.echo(f"wrote {target}")
