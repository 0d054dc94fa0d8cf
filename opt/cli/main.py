"""The command `counterpoint`: assembles the verbs and turns errors into one line and an exit status.

Exit status: 0 success, 1 some case failed, 2 bad usage or bad input, 130 interrupted.
"""

import os
import signal
import sys
from importlib import import_module

import typer

VERBS = (
    "solve", "compare", "evaluate", "train", "label", "check", "generate", "fetch", "convert", "problems", "methods",
    "benchmarks", "report",
)  # fmt: skip

app = typer.Typer(
    name="counterpoint",
    help="Solve planning problems with exact solvers, heuristics and learned policies, judged by one checker.",
    epilog="Start with: counterpoint compare ft06 ft10 -m cp-sat -m tabu -m spt -t 10",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(show: bool) -> None:
    if show:
        from counterpoint import __version__

        typer.echo(f"counterpoint {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", help="Show the version.", callback=_version, is_eager=True),
) -> None:
    pass


for _verb in VERBS:
    _module = import_module(f"counterpoint.opt.cli.{_verb}")
    app.command(_verb, epilog=_module.EXAMPLES)(getattr(_module, _verb))


def main() -> None:
    """Run the command line."""
    from counterpoint.opt.cli.output import tell
    from counterpoint.opt.errors import CounterpointError, printable

    # a scheduler's SIGTERM ends a run the way Ctrl-C does: the best is kept, the store is closed
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app()
    except CounterpointError as error:
        tell(f"counterpoint: {error}", "red")
        sys.exit(2)
    except KeyboardInterrupt:
        tell("counterpoint: interrupted")
        sys.exit(130)
    except SystemExit as ended:  # typer turns Ctrl-C into a status without a word
        if isinstance(getattr(ended.__context__, "__cause__", None), KeyboardInterrupt):
            tell("counterpoint: interrupted")
        raise
    except BrokenPipeError:  # the reader of our pipe has gone (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:  # a file or folder that cannot be read or written
        where = "" if error.filename is None else f"{printable(str(error.filename))}: "
        tell(f"counterpoint: {where}{error.strerror or error}", "red")
        sys.exit(2)


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt
