"""`counterpoint fetch`: download public instance sets that are not shipped, with checksums."""

from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = "Examples:\n\ncounterpoint fetch fjsp"


def fetch(
    names: Annotated[list[str], typer.Argument(help="Sets to download.")],
    json: arg.AsJson = False,
) -> None:
    """Download public instance sets into the cache; files already there are only verified."""
    from counterpoint.opt.cli.output import print_json
    from counterpoint.opt.problems.table import resolve

    download = resolve("counterpoint.datasets.fetching:fetch")

    def tell(file: str, done: int, total: int) -> None:
        typer.echo(f"{file} ({done + 1} of {total})", err=True)

    paths = [str(path) for name in names for path in download(name, on_file=None if json else tell)]
    if json:
        print_json(paths)
    else:
        typer.echo(f"{len(paths)} files ready" + (f" in {paths[0].rsplit('/', 1)[0]}" if paths else ""))
