"""`counterpoint compare`: many methods on many instances, one verified table and report."""

from pathlib import Path
from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = (
    "Examples:\n\n"
    "counterpoint compare ft06 ft10 -m cp-sat -m tabu -m spt -t 10\n\n"
    "counterpoint compare 'ta0?' -m hybrid -m fdd-mwkr --seeds 3 -t 30 --out runs/ta --report ta.html"
)


def compare(
    instances: arg.Inputs,
    method: Annotated[list[str], typer.Option("--method", "-m", help="A method; repeat for more.", show_default=False)],
    time_limit: arg.TimeLimit = 10.0,
    iterations: arg.Iterations = None,
    target: arg.Target = None,
    gap: arg.Gap = 0.0,
    threads: arg.Threads = None,
    seeds: Annotated[int, typer.Option("--seeds", help="Runs per method and instance, seeds 0, 1, ...", min=1)] = 1,
    workers: arg.Workers = None,
    memory_limit: arg.MemoryLimit = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Folder for results and the store; run again to resume.", show_default=False),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", "-r", help="Write the HTML report here.", show_default=False)
    ] = None,
    retry_failed: arg.RetryFailed = False,
    problem: arg.InputProblem = None,
    format: arg.InputFormat = None,
    export: arg.Export = None,
    json: arg.AsJson = False,
    quiet: arg.Quiet = False,
) -> None:
    """Compare methods on the same instances, seeds and budget."""
    from counterpoint.opt.cli.batch import run_batch

    run_batch(
        instances,
        method,
        seeds=list(range(seeds)),
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
        report=report,
        summary=True,
    )
