"""`counterpoint report`: rebuild the HTML report of a study from its store."""

from pathlib import Path
from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = "Examples:\n\ncounterpoint report runs/ta -o ta.html"


def report(
    study: Annotated[Path, typer.Argument(help="A study's folder or its store file.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to write.")] = Path("report.html"),
    title: Annotated[str | None, typer.Option("--title", help="Title of the report.", show_default=False)] = None,
    notes: Annotated[str, typer.Option("--notes", help="A paragraph to put on top.")] = "",
    export: arg.Export = None,
) -> None:
    """Write the report of a study that has run."""
    from counterpoint.opt.evaluation.compare import Comparison
    from counterpoint.opt.reports.html import write_report
    from counterpoint.opt.studies.export import export_frame

    store = study / "study.sqlite" if study.is_dir() else study
    comparison = Comparison.from_store(store)
    write_report(comparison, out, title=title, notes=notes)
    if export is not None:
        export_frame(comparison.frame, export)
    typer.echo(f"wrote {out}")
