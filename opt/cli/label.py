"""`counterpoint label`: solve random instances for policies to learn from, in parallel, onto the disk."""

from pathlib import Path
from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = (
    "Examples:\n\n"
    "counterpoint label tsp --size 100 --effort 1000 --count 100000 --out labels/tsp100 --workers 8\n\n"
    "counterpoint train tsp --set size=100 --set folder=labels/tsp100 --out runs/tsp100"
)


def label(
    problem: Annotated[str, typer.Argument(help="A problem that has the algorithm; see train --list.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the labels; what it holds already is kept.")],
    algorithm: Annotated[
        str, typer.Option("--algorithm", "-a", help="Which is to learn from them: one that imitates.")
    ] = "imitation",
    size: Annotated[
        int | None, typer.Option("--size", help="Of each instance; default: the trainer's.", min=1, show_default=False)
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", help="How many in all.", min=1)] = 10_000,
    effort: Annotated[
        int | None,
        typer.Option(
            "--effort",
            help="Iterations of the solver; default: the trainer's, few: more for larger ones.",
            min=1,
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Random seed.", min=0)] = 0,
    workers: Annotated[int, typer.Option("--workers", "-w", help="Processes, of one thread each.", min=1)] = 1,
    json: arg.AsJson = False,
    quiet: arg.Quiet = False,
) -> None:
    """Make labels; after Ctrl-C the same command goes on, for shards that were whole are kept."""
    from counterpoint.opt.cli.output import print_json, tell
    from counterpoint.opt.errors import MissingPackageError, OptionError
    from counterpoint.opt.problems.table import resolve
    from counterpoint.opt.training import algorithm as find_algorithm

    chosen = find_algorithm(problem, algorithm)
    if not chosen.name.startswith("imitation"):
        raise OptionError(f"the algorithm {chosen.name} for {problem} learns from no labels")
    chosen.config({"size": size or 0, "effort": effort or 0})  # what it could not take is not worth making
    try:
        make = resolve("counterpoint.models.training.labels:make")
        task = resolve(f"{chosen.module}:TASK")
    except ImportError as error:
        raise MissingPackageError(f"labels need {error.name}: pip install 'counterpoint[learn]'") from None
    facts = {"size": size or task.size, "effort": effort or task.effort, "seed": seed}
    try:
        held = make(task, **facts, count=count, folder=out, workers=workers, progress=not (quiet or json))
    except KeyboardInterrupt:
        tell(f"counterpoint: interrupted; the same command goes on with what is whole in {out}")
        raise typer.Exit(130) from None
    if json:
        print_json({"problem": problem, "algorithm": algorithm, **facts, "labels": held, "folder": str(out)})
    else:
        typer.echo(f"{held} labelled instances in {out}")
