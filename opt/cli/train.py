"""`counterpoint train`: learn a policy; logs, checkpoints, resume."""

from pathlib import Path
from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = (
    "Examples:\n\n"
    "counterpoint train --list\n\n"
    "counterpoint train job-shop --algorithm self-labelled --out runs/shop --set iterations=200\n\n"
    "counterpoint train job-shop --out runs/shop --resume\n\n"
    "counterpoint train stochastic-lot-sizing --algorithm pdppo --set case=plant-6x3 --out runs/plant\n\n"
    "counterpoint compare la16 la17 -m fdd-mwkr -m self-labelled:checkpoint=runs/shop/policy.safetensors -t 5"
)


def train(
    problem: Annotated[str | None, typer.Argument(help="The problem to train on.", show_default=False)] = None,
    algorithm: Annotated[
        str | None, typer.Option("--algorithm", "-a", help="Default: the problem's first.", show_default=False)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the run.", show_default=False)] = None,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="TOML file of the algorithm's settings.", show_default=False)
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, key=value, over the file's; repeat for more.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", "-s", help="Random seed; default: 0.", show_default=False)
    ] = None,
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, ...")] = "auto",
    threads: Annotated[
        int, typer.Option("--threads", help="CPU threads of torch; one is fastest for small networks.", min=1)
    ] = 1,
    iterations: Annotated[
        int | None, typer.Option("--iterations", help="Stop after this many; resume goes on.", min=0)
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", "-t", help="Wall seconds; resume goes on.", min=0)
    ] = None,
    evaluate_every: Annotated[
        int | None,
        typer.Option("--evaluate-every", help="Iterations; default: run / 20.", min=1, show_default=False),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, with its settings, bit for bit.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="List what can be trained, and how.")] = False,
    json: arg.AsJson = False,
    quiet: arg.Quiet = False,
) -> None:
    """Train a policy; Ctrl-C finishes the iteration, saves and stops."""
    import dataclasses

    from counterpoint.opt.cli.output import print_json, print_table
    from counterpoint.opt.errors import MissingPackageError, OptionError
    from counterpoint.opt.problems.table import resolve
    from counterpoint.opt.result import Termination
    from counterpoint.opt.training import ALGORITHMS, algorithms

    if list_:
        rows = [(a.problem, a.name, a.summary) for a in algorithms(problem)]
        columns = ("problem", "algorithm", "summary")
        if json:
            print_json([dict(zip(columns, row, strict=True)) for row in rows])
        else:
            print_table(columns, rows, num_keys=2)
        return
    if problem is None or out is None:
        known = ", ".join(dict.fromkeys(a.problem for a in ALGORITHMS))
        raise OptionError(f"train needs a problem ({known}) and --out; see --list")
    try:
        run = resolve("counterpoint.models.training.loop:train")
    except ImportError as error:
        raise MissingPackageError(f"learning needs {error.name}: pip install 'counterpoint[learn]'") from None
    done = run(
        problem,
        algorithm,
        {**_file(config), **_pairs(set_ or [])},
        out=out,
        seed=seed,
        device=device,
        threads=threads,
        iterations=iterations,
        time_limit=time_limit,
        evaluate_every=evaluate_every,
        resume=resume,
        progress=not (quiet or json),
    )
    if json:
        facts = {key: value for key, value in dataclasses.asdict(done).items() if key != "folder"}
        print_json({**facts, "folder": str(done.folder), "policy": str(done.policy)})
    else:
        print_table(("figure", "last evaluation"), done.evaluation.items())
        typer.echo(f"{done.iterations} iterations, {done.cpu_s:.0f} CPU seconds in all; policy in {done.policy}")
        if done.termination is not Termination.COMPLETED:
            typer.echo(f"stopped by {done.termination}; go on with --resume")
    if done.termination is Termination.INTERRUPTED:
        raise typer.Exit(130)


def _file(config: Path | None) -> dict[str, object]:
    from counterpoint.opt.training import read_settings

    return {} if config is None else read_settings(config)


def _pairs(items: list[str]) -> dict[str, object]:
    """Return ``key=value`` texts as settings: numbers, true, false and lists as TOML writes them, else text."""
    import tomllib

    from counterpoint.opt.errors import OptionError

    found: dict[str, object] = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise OptionError(f"--set {item!r} must read key=value")
        try:
            found[key.strip().replace("-", "_")] = tomllib.loads(f"x = {value}")["x"]
        except tomllib.TOMLDecodeError:
            found[key.strip().replace("-", "_")] = value
    return found
