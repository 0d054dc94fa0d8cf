"""`counterpoint solve`: one method on many instances, in supervised processes, resumable."""

from pathlib import Path
from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = (
    "Examples:\n\n"
    "counterpoint solve ft10 -t 10\n\n"
    "counterpoint solve shops/ -m tabu -t 30 --out runs/a\n\n"
    "counterpoint solve la16 -m spt:scheme=active --json"
)


def solve(
    instances: arg.Inputs,
    method: Annotated[
        str | None,
        typer.Option("--method", "-m", help="Method, with options if you like: spt:scheme=active.", show_default=False),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            "--time-limit", "-t", help="Wall seconds per case; 60 if no --iterations either.", min=0, show_default=False
        ),
    ] = None,
    iterations: arg.Iterations = None,
    target: arg.Target = None,
    gap: arg.Gap = 0.0,
    threads: arg.Threads = None,
    seed: Annotated[int, typer.Option("--seed", "-s", help="Random seed.")] = 0,
    workers: arg.Workers = None,
    memory_limit: arg.MemoryLimit = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for results and the store; run again to resume.", show_default=False),
    ] = None,
    retry_failed: arg.RetryFailed = False,
    problem: arg.InputProblem = None,
    format: arg.InputFormat = None,
    export: arg.Export = None,
    json: arg.AsJson = False,
    quiet: arg.Quiet = False,
) -> None:
    """Solve instances with one method; every objective is recomputed by the checker."""
    from counterpoint.opt.cli.batch import run_batch

    run_batch(
        instances,
        [] if method is None else [method],
        seeds=[seed],
        limits={"time_limit": time_limit, "iterations": iterations, "target": target, "gap": gap, "threads": threads},
        workers=workers,
        memory_limit=memory_limit,
        out=out,
        retry_failed=retry_failed,
        problem=problem,
        format=format,
        export=export,
        as_json=json,
        quiet=quiet,
    )
