"""Live progress of a study: a rich display for terminals, a tqdm bar for notebooks."""

import os
import sys
import time
from typing import IO, Any

from counterpoint.opt.errors import printable
from counterpoint.opt.result import relative_gap
from counterpoint.opt.studies.event import Event, Watcher

SHOWN = 12  # running cases in the table
COLUMNS = ("running", "elapsed", "objective", "bound", "gap")


def live_display(stream: IO[str] | None = None) -> Watcher | None:
    """Return a watcher that shows the running cases and the counts on a terminal.

    Nothing (None) where nobody looks: the stream (default: stderr) is closed or no terminal, or ``CI`` is set.
    In a Jupyter notebook it is a `notebook_bar`.
    """
    if "ipykernel" in sys.modules and stream is None:
        return notebook_bar()
    out = sys.stderr if stream is None else stream
    if out is None or os.environ.get("CI") or os.environ.get("TERM") == "dumb" or not out.isatty():
        return None
    return LiveDisplay(out)


def notebook_bar() -> Watcher:
    """Return a watcher that moves a tqdm bar; it draws itself as a widget in notebooks."""
    from tqdm.auto import tqdm

    bar: Any = None

    def watch(event: Event) -> None:
        nonlocal bar
        if event.kind == "opened":
            bar = tqdm(total=event.total, initial=event.done, unit="case")
        elif bar is not None:
            bar.n = event.done
            if event.case is not None:
                bar.set_postfix_str(_headline(event), refresh=False)
            bar.refresh()
            if event.kind == "closed":
                bar.close()

    return watch


class LiveDisplay:
    """The table of running cases with a line of counts; a watcher of events, redrawn four times a second."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console
        from rich.live import Live

        self.running: dict[int, tuple[Event, float]] = {}  # case -> (last event, when the case started)
        self.last: Event | None = None
        self.opened = time.monotonic()
        self.live = Live(
            get_renderable=self.render,
            console=Console(file=stream),
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __call__(self, event: Event) -> None:
        """Take in an event."""
        self.last = event
        if event.kind == "opened":
            self.opened = time.monotonic()
            self.live.start()
        elif event.kind == "closed":
            self.live.stop()
        elif event.index is not None:
            running = dict(self.running)  # a new one: the display's thread may be reading the old
            if event.kind == "finished":
                running.pop(event.index, None)
            else:
                running[event.index] = (event, time.monotonic() - event.elapsed_s)
            self.running = running

    def render(self) -> Any:
        """Return what to draw now."""
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for column in COLUMNS:
            table.add_column(column, justify="left" if column == "running" else "right", no_wrap=True)
        running = list(self.running.values())
        for event, since in running[:SHOWN]:
            limit = None if event.case is None else event.case.budget.time_limit_s
            elapsed = f"{time.monotonic() - since:.0f}" + ("" if limit is None else f"/{limit:g}") + " s"
            cells = (_number(event.objective), _number(event.bound), _gap(event))
            table.add_row(Text(str(event.case)[:60]), elapsed, *cells)  # Text: no markup from untrusted names
        lines: list[Any] = [table] if running else []
        if len(running) > SHOWN:
            lines.append(Text(f"and {len(running) - SHOWN} more"))
        return Group(*lines, Text(self.counts()))

    def counts(self) -> str:
        """Return the line of counts."""
        if self.last is None:
            return ""
        e = self.last
        text = f"{e.done}/{e.total} done, {e.failed} failed, {len(self.running)} running"
        if e.reused:
            text += f", {e.reused} from the store"
        fresh, spent = e.done - e.reused, time.monotonic() - self.opened
        if fresh and e.done < e.total:
            text += f", about {spent / fresh * (e.total - e.done):.0f} s left"
        return text


def _headline(event: Event) -> str:
    failed = f", {event.failed} failed" if event.failed else ""
    return f"{printable(str(event.case))[:40]}: {_number(event.objective)}{failed}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _gap(event: Event) -> str:
    if event.objective is None or event.bound is None:
        return "-"
    return f"{100 * relative_gap(event.objective, event.bound):.2f} %"
