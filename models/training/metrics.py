"""The log of a training run: a CSV always, TensorBoard where it is installed."""

import csv
import io
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from counterpoint.opt.codec import write_text


class MetricsLog:
    """Rows of figures, one per iteration, in ``metrics.csv``; columns may come up later than the first row.

    Opened on an existing file it goes on after `iteration`: later rows, which a run killed after its last saved state
    had written, are dropped, since that run will compute them again.
    """

    def __init__(self, folder: Path, iteration: int) -> None:
        self.path = folder / "metrics.csv"
        self.columns: list[str] = ["iteration"]
        self.rows: list[dict[str, Any]] = []
        if self.path.exists():
            with self.path.open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                self.columns = list(reader.fieldnames or self.columns)
                self.rows = [row for row in reader if _is_before(row, iteration)]
        self._rewrite()
        self.board = _board(folder, iteration)

    def add(self, iteration: int, figures: dict[str, float]) -> None:
        """Append a row; it is on disk when this returns."""
        row = {"iteration": iteration, **figures}
        self.rows.append(row)
        if new := [key for key in row if key not in self.columns]:
            self.columns += new
            self._rewrite()
        else:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.columns, restval="").writerow(row)
        if self.board is not None:
            for key, value in figures.items():
                self.board.add_scalar(key, value, iteration)

    def curve(self, keys: tuple[str, ...]) -> list[list[float]]:
        """Return ``[iteration, figures...]`` of every row that has all of `keys`."""
        return [
            [float(row[key]) for key in ("iteration", *keys)]
            for row in self.rows
            if all(row.get(key) not in (None, "") for key in keys)
        ]

    def close(self) -> None:
        """Flush what TensorBoard holds back."""
        if self.board is not None:
            self.board.close()

    def _rewrite(self) -> None:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, restval="")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(self.path, text.getvalue())


def _is_before(row: dict[str, Any], iteration: int) -> bool:
    try:
        return int(row["iteration"]) <= iteration
    except (KeyError, TypeError, ValueError):  # the last line of a killed run may be half a line
        return False


def _board(folder: Path, iteration: int) -> Any:
    """Return a TensorBoard writer; none without the package, or if COUNTERPOINT_NO_TENSORBOARD is set."""
    if os.environ.get("COUNTERPOINT_NO_TENSORBOARD") or find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(folder / "tensorboard", purge_step=iteration + 1)
