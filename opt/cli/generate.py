"""`counterpoint generate`: write random instances to files."""

from pathlib import Path
from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = (
    "Examples:\n\n"
    "counterpoint generate job-shop --set jobs=15 --set machines=10 --count 20 --out shops/\n\n"
    "counterpoint generate job-shop --generator flexible --set jobs=10 --set machines=5 --out flexible/"
)


def generate(
    problem: Annotated[str, typer.Argument(help="The problem, e.g. job-shop.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to; files are named after the instances.")],
    generator: Annotated[
        str | None, typer.Option("--generator", "-g", help="Which generator; default: the problem's.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="A parameter of the generator, key=value; repeat for more.")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="How many.", min=1)] = 1,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Seed of the first; the others follow.")] = 0,
    format: Annotated[str, typer.Option("--format", help="File format to write.")] = "json",
    json: arg.AsJson = False,
) -> None:
    """Generate instances, reproducibly from their seeds."""
    from counterpoint.opt.cli.output import print_json
    from counterpoint.opt.errors import OptionError
    from counterpoint.opt.problems.table import resolve
    from counterpoint.opt.studies.folders import safe_name

    parameters: dict[str, object] = {}
    for item in set_ or []:
        key, equals, value = item.partition("=")
        if not equals:
            raise OptionError(f"--set {item!r} must read key=value")
        parameters[key.replace("-", "_")] = _number(value)
    make = resolve("counterpoint.datasets.generating:generate")
    write = resolve("counterpoint.datasets.reading:write")
    known = resolve("counterpoint.datasets.formats:format_named")(format).extensions if format != "json" else (".json",)
    suffix = known[0][1:] if known else "fjs" if format.startswith("fjs") else "txt"
    written: list[str] = []
    taken: set[str] = set()
    for k in range(count):
        instance = make(problem, generator=generator, seed=seed + k, **parameters)
        path = out / f"{safe_name(instance.name, taken)}.{suffix}"
        write(instance, path, format=format)
        written.append(str(path))
    if json:
        print_json(written)
    else:
        typer.echo(f"wrote {len(written)} instances to {out}")


def _number(text: str) -> object:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)
