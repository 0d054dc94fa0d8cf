"""Live progress of a training run: a rich bar on terminals, tqdm in notebooks, nothing where nobody looks."""

import os
import sys
from collections.abc import Mapping
from typing import Any

FIRST = ("cost", "return", "loss")  # figures shown first, where there are any
SHOWN = 4


def live_progress(title: str) -> Any:
    """Return a watcher to call with (iteration, iterations, figures), with ``close()``; None where nobody looks."""
    if "ipykernel" in sys.modules:
        return _Notebook(title)
    out = sys.stderr
    if out is None or os.environ.get("CI") or os.environ.get("TERM") == "dumb" or not out.isatty():
        return None
    return _Terminal(title)


def headline(figures: Mapping[str, float]) -> str:
    """Return the few figures worth a glance, as text.

    >>> headline({"samples": 100.0, "cost": 3.25})
    'cost 3.25  samples 100'
    """
    keys = sorted(figures, key=lambda key: (key not in FIRST, FIRST.index(key) if key in FIRST else 0))
    return "  ".join(f"{key} {figures[key]:.4g}" for key in keys[:SHOWN])


class _Terminal:
    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}", markup=False),
            console=Console(file=sys.stderr),
        )
        self.task = self.bar.add_task(title, total=None, figures="")
        self.kept: dict[str, float] = {}
        self.bar.start()

    def __call__(self, iteration: int, total: int, figures: Mapping[str, float]) -> None:
        self.kept |= figures  # evaluations are rarer than iterations: show the last
        self.bar.update(self.task, completed=iteration, total=total, figures=headline(self.kept))

    def close(self) -> None:
        self.bar.stop()


class _Notebook:
    def __init__(self, title: str) -> None:
        from tqdm.auto import tqdm

        self.bar: Any = tqdm(desc=title, unit="iteration")
        self.kept: dict[str, float] = {}

    def __call__(self, iteration: int, total: int, figures: Mapping[str, float]) -> None:
        self.kept |= figures
        self.bar.total, self.bar.n = total, iteration
        self.bar.set_postfix_str(headline(self.kept))

    def close(self) -> None:
        self.bar.close()
