"""The work behind `solve` and `compare`: read, run as a study, print, export, report, exit."""

import errno
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from counterpoint.opt.cli.inputs import complain, load_instances
from counterpoint.opt.cli.output import exit_status, percent, print_json, print_results, print_table, tell
from counterpoint.opt.errors import printable


def run_batch(
    inputs: list[str],
    methods: Sequence[str],
    *,
    seeds: Sequence[int],
    limits: dict[str, Any],
    workers: int | None,
    memory_limit: int | None,
    out: Path | None,
    retry_failed: bool,
    problem: str | None,
    format: str | None,
    export: Path | None,
    as_json: bool,
    quiet: bool,
    report: Path | None = None,
    summary: bool = False,
) -> None:
    """Run methods x instances x seeds; raises typer.Exit with the status.

    An instance that no method could handle counts as a case that failed.
    """
    from counterpoint.opt.errors import OptionError
    from counterpoint.opt.evaluation.compare import compare
    from counterpoint.opt.problems.table import problem as problem_named
    from counterpoint.opt.studies.export import check_suffix, export_frame
    from counterpoint.opt.studies.study import StudyInterrupted

    if out is not None and any(Path(text).is_dir() and out.resolve() == Path(text).resolve() for text in inputs):
        raise OptionError(f"--out {out} is a folder of instances; results in it would be read as instances next time")
    if export is not None:
        check_suffix(export)
    store = None if out is None else out / "study.sqlite"
    instances, errors = load_instances(inputs, format, problem)
    complain(errors)
    if not instances:
        raise typer.Exit(2)  # before any folder is made
    for wanted in (store, export, report):
        if wanted is not None:
            check_writable(wanted)
    chosen = list(methods) or [problem_named(instances[0].problem).default_method]
    if limits["time_limit"] is None and limits["iterations"] is None:
        limits = {**limits, "time_limit": 60.0}
    interrupted = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # they are printed as notes below the table
        try:
            comparison = compare(
                instances,
                chosen,
                seeds=list(seeds),
                workers=workers,
                store=store,
                retry_failed=retry_failed,
                memory_limit_mb=memory_limit,
                progress=not (quiet or as_json),
                **limits,
            )
        except StudyInterrupted as stopped:
            interrupted, comparison = stopped, stopped.comparison
    if out is not None:
        write_results(comparison.results, out)
    if export is not None:
        export_frame(comparison.frame, export)
    if report is not None:
        comparison.report(report)
    if as_json:
        print_json([compact(result) for result in comparison.results])
    else:
        show(comparison, summary)
        for path in (export, report):
            if path is not None:
                typer.echo(f"wrote {path}")
    for skipped in comparison.skipped:
        tell(f"skipped: {skipped}", "yellow")
    if interrupted is not None:
        tell(f"counterpoint: {interrupted}", "yellow")
    if interrupted is not None:
        raise typer.Exit(130)
    ran = {result.instance_hash for result in comparison.results}
    untouched = any(instance.content_hash not in ran for instance in instances)
    raise typer.Exit(exit_status(comparison.results, len(errors)) or int(untouched))


def check_writable(path: Path) -> None:
    """Raise OSError now, not after hours of solving, if a file cannot be written at `path`; makes its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder; expected a file to write", str(path))
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise PermissionError(errno.EACCES, "cannot be written", str(path))


def show(comparison: Any, summary: bool) -> None:
    """Print the runs and, for a comparison, the summary of each method."""
    if not comparison.results:
        typer.echo("nothing ran")
        return
    frame = comparison.frame
    if not summary:
        print_results(comparison.results)
        return
    print_table(
        ("instance", "method", "seed", "objective", "gap %", "to", "bound", "status", "stopped by", "wall s"),
        (
            (
                row.instance,
                row.method,
                row.seed,
                row.objective,
                percent(row.gap_to_reference),
                f"{row.reference_kind} {row.reference:g}" if row.reference == row.reference else "-",
                row.bound,
                row.status,
                row.termination + (" (late)" if row.is_late else ""),
                f"{row.wall_s:.2f}",
            )
            for row in frame.itertuples()
        ),
        num_keys=3,
    )
    print_table(
        (
            "method", "runs", "solved", "proved", "failed", "mean gap %", "95 % interval", "median gap %", "wall s",
            "cpu s", "wins", "ties", "losses",
        ),
        (
            (
                row.method,
                row.runs,
                row.solved,
                row.optimal,
                row.failed,
                percent(row.mean_gap),
                f"{percent(row.gap_low)} .. {percent(row.gap_high)}" if row.gap_low == row.gap_low else "-",
                percent(row.median_gap),
                f"{row.wall_s:.2f}",
                f"{row.cpu_s:.2f}",
                row.wins,
                row.ties,
                row.losses,
            )
            for row in comparison.summary().reset_index().itertuples()
        ),
        title="Summary by method",
    )  # fmt: skip
    facts = comparison.machine
    typer.echo(f"Times: geometric means shifted by 1 s, on {printable(facts['processor'])}, {facts['cores']} cores.")
    for line in comparison.verdict():
        typer.echo(line)
    for line in comparison.warnings:
        typer.echo(f"note: {line}")


def write_results(results: Sequence[Any], folder: Path) -> None:
    """Write each result as JSON into the folder, under names that cannot leave it."""
    from counterpoint.opt.studies.folders import safe_name

    taken: set[str] = set()
    for result in results:
        name = safe_name(f"{result.instance_name}--{result.method}--{result.seed}", taken)
        result.save(folder / f"{name}.json")


def compact(result: Any) -> dict[str, Any]:
    """Return a result for programs: everything but the instance and the solution."""
    from counterpoint.opt.codec import encode_result

    data = encode_result(result)
    for key in ("type", "version", "instance", "solution"):
        data.pop(key)
    return {**data, "gap": result.gap, "is_late": result.is_late}
