"""The options the verbs share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INSTANCES...",
        help="Instance files, folders of them, or names of public benchmarks (ta41, 'la0?').",
        show_default=False,
    ),
]
InputFormat = Annotated[
    str | None, typer.Option("--format", help="File format; recognised by content if not given.", show_default=False)
]
InputProblem = Annotated[
    str | None,
    typer.Option("--problem", help="What the inputs are; recognised by content if not given.", show_default=False),
]
TimeLimit = Annotated[float | None, typer.Option("--time-limit", "-t", help="Wall seconds per case.", min=0)]
Iterations = Annotated[int | None, typer.Option("--iterations", help="Limit on the method's own iterations.", min=0)]
Target = Annotated[float | None, typer.Option("--target", help="Stop at an objective at least this good.")]
Gap = Annotated[float, typer.Option("--gap", help="Stop at this relative gap to the proven bound.", min=0)]
Threads = Annotated[int | None, typer.Option("--threads", help="Native threads per case; default: all cores.", min=1)]
Workers = Annotated[
    int | None,
    typer.Option("--workers", "-w", help="Cases that run at once; default: cores / threads per case.", min=1),
]
MemoryLimit = Annotated[int | None, typer.Option("--memory-limit", help="Memory cap per case in MiB.", min=1)]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Run failed, killed and over-memory cases again.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else there.")]
Export = Annotated[
    Path | None, typer.Option("--export", help="Also write the table here (.csv or .parquet).", show_default=False)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress display.")]
