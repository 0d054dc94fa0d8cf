"""Write a tidy table for other programs: CSV or Parquet, by the file's suffix."""

import os
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from counterpoint.opt.errors import MissingPackageError, OptionError, StoreError, printable

if TYPE_CHECKING:
    import pandas as pd

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def export(store: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Write the results in a store as a tidy table (without solutions).

    Parameters
    ----------
    store : path-like
        See `store.read_results`.
    path : path-like
        Ends in ``.csv`` or ``.parquet``.

    Raises
    ------
    StoreError, OptionError, MissingPackageError
    """
    from counterpoint.opt.evaluation.frame import results_frame
    from counterpoint.opt.studies.store import read_results

    export_frame(results_frame(read_results(store)), path)


def export_frame(frame: "pd.DataFrame", path: str | os.PathLike[str]) -> None:
    """Write a table; the file appears whole or not at all.

    In CSV, text that a spreadsheet would take for a formula (names and messages are untrusted) gets an
    apostrophe in front; numbers, also negative ones, stay numbers. Parquet keeps the text as it is.

    Raises
    ------
    OptionError
        For another suffix.
    MissingPackageError
        For Parquet without pyarrow.
    StoreError
        If the file cannot be written.
    """
    target = Path(path)
    suffix = check_suffix(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".counterpoint-") as folder:
            written = Path(folder) / "table"
            if suffix == ".csv":
                _neutralised(frame).to_csv(written, index=False, lineterminator="\n", encoding="utf-8")
            else:
                frame.to_parquet(written, index=False)
            os.replace(written, target)
    except OSError as error:
        raise StoreError(f"cannot write {printable(str(target))}: {error.strerror or error}") from None


def check_suffix(path: Path) -> str:
    """Return ``.csv`` or ``.parquet``; OptionError for any other name, MissingPackageError without pyarrow."""
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise OptionError(f"cannot export to {printable(path.name)!r}: the name must end in .csv or .parquet")
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        raise MissingPackageError("Parquet needs pyarrow: pip install 'counterpoint[parquet]'")
    return suffix


def neutral(value: Any) -> Any:
    """Return text that no spreadsheet takes for a formula; anything but text as it is.

    >>> neutral("=1+1"), neutral("ft06"), neutral(-1.5)
    ("'=1+1", 'ft06', -1.5)
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "\\x00").replace("\r", "\\r")  # NUL ends, and a bare CR splits, a cell for many readers
    return f"'{text}" if value.lstrip(" ").startswith(FORMULA_STARTS) else text


def _neutralised(frame: "pd.DataFrame") -> "pd.DataFrame":
    plain = frame.rename(columns=neutral)
    safe: pd.DataFrame = plain.apply(lambda column: column if column.dtype.kind in "biufcmM" else column.map(neutral))
    return safe
