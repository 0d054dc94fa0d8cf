"""`counterpoint check`: verify written results, or a solution against an instance, without any solver."""

from pathlib import Path
from typing import Annotated

import typer

from counterpoint.opt.cli import arguments as arg

EXAMPLES = "Examples:\n\ncounterpoint check runs/a\n\ncounterpoint check --instance ft10.txt my-schedule.json"


def check(
    files: Annotated[
        list[Path],
        typer.Argument(help="Result files, folders of them, or solution files with --instance.", show_default=False),
    ],
    instance: Annotated[
        str | None, typer.Option("--instance", "-i", help="Instance the solutions are for.", show_default=False)
    ] = None,
    json: arg.AsJson = False,
) -> None:
    """Verify results: recompute each objective and name every violation."""
    from counterpoint.opt.cli.inputs import complain
    from counterpoint.opt.cli.output import print_json, print_table
    from counterpoint.opt.errors import CounterpointError, InstanceError
    from counterpoint.opt.verifying import Verdict, verify_file

    verdicts, bad = [], 0
    files = [file for path in files for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    if not files:
        raise InstanceError("no .json file in the folder: nothing to check")
    for path in files:
        try:
            verdicts.append(verify_file(path, instance))
        except CounterpointError as error:  # the other files still get their verdict
            verdicts.append(Verdict(False, None, str(error)))
            bad += 1
            complain([error])
    if json:
        print_json(
            [
                {
                    "file": str(path),
                    "ok": v.is_confirmed,
                    "objective": v.check.objective if v.check else None,
                    "violations": [str(x) for x in v.check.violations] if v.check else [],
                    "message": v.message,
                }
                for path, v in zip(files, verdicts, strict=True)
            ]
        )
    else:
        print_table(
            ("file", "verdict", "objective", "what"),
            (
                (path, "confirmed" if v.is_confirmed else "REFUSED", v.check.objective if v.check else None, v.message)
                for path, v in zip(files, verdicts, strict=True)
            ),
        )
    raise typer.Exit(2 if bad else 0 if all(v.is_confirmed for v in verdicts) else 1)
