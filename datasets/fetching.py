"""Public instances that are not shipped: where they lie on this machine, and how they get there.

They are looked for in ``$COUNTERPOINT_DATA`` (there ``job_shop/fjs`` or ``lot_sizing/trigeiro``) and then in the
user's cache folder; `fetch` downloads what is missing into the first of the two that is configured, and checks each
file's SHA-256.
"""

import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from counterpoint.datasets.figures import figure_rows
from counterpoint.datasets.reading import read
from counterpoint.opt.errors import CounterpointError, InstanceError, UnknownNameError


class Source(NamedTuple):
    """A set whose files lie in one folder in one format; `table` is a shipped CSV of name, address and SHA-256."""

    name: str
    table: str
    suffix: str
    folder: str
    format: str


SOURCES = (
    Source("fjsp", "job_shop_fetched.csv", ".fjs", "job_shop/fjs", "fjs-1"),
    Source("trigeiro", "lot_sizing_fetched.csv", ".dat", "lot_sizing/trigeiro", "trigeiro"),
)
SETS: dict[str, Callable[[str, Source], bool]] = {
    "fjsp": lambda name, source: source.name == "fjsp",
    "brandimarte": lambda name, source: source.name == "fjsp" and name.startswith("mk"),
    "hurink": lambda name, source: source.name == "fjsp" and name.endswith("data"),
    "trigeiro": lambda name, source: source.name == "trigeiro",
}


def fetch(name: str, *, on_file: Callable[[str, int, int], None] | None = None) -> list[Path]:
    """Download a public set, or one instance of it, unless it is there already.

    Parameters
    ----------
    name : str
        ``"fjsp"`` (all flexible job shops known here), ``"brandimarte"``, ``"hurink"``, ``"trigeiro"`` (lot-sizing)
        or an instance's name.
    on_file : callable, optional
        Called with (name, how many are done, how many there are) before each file, for progress bars.

    Returns
    -------
    list of Path
        The files, all with the right checksum.

    Raises
    ------
    UnknownNameError
    CounterpointError
        If a download fails or its checksum differs; nothing half-fetched is kept.
    """
    table = _table()
    wanted = [row for row in table if (SETS[name](row[0], _source(row[1])) if name in SETS else row[0] == name)]
    if not wanted:
        raise UnknownNameError("set to fetch", name, [*SETS, *(row[0] for row in table)])
    files = []
    for done, (key, url, sha256) in enumerate(wanted):
        if on_file is not None:
            on_file(key, done, len(wanted))
        files.append(_present(url, sha256) or _download(key, url, sha256))
    return files


def read_fetched(name: str) -> Any:
    """Read a fetched instance; InstanceError that says how to fetch it if it is not there."""
    url, sha256 = next((row[1], row[2]) for row in _table() if row[0] == name)
    source = _source(url)
    file = _present(url, sha256)
    if file is None:
        wrong = [place for place in _places(url) if place.is_file()]
        if wrong:
            raise InstanceError(
                f"this is not the public {name}: its checksum differs; remove it and run: "
                f"counterpoint fetch {source.name}",
                file=str(wrong[0]),
            )
        raise InstanceError(f"{name} is public but not shipped; run: counterpoint fetch {source.name}")
    return dataclasses.replace(read(file, format=source.format), name=name)


def folders(source: Source) -> list[Path]:
    """Return the folders of a source's files, the one that is written to first."""
    from platformdirs import user_cache_path

    own = os.environ.get("COUNTERPOINT_DATA")
    return [base / source.folder for base in ([Path(own)] if own else []) + [user_cache_path("counterpoint")]]


def _table() -> tuple[tuple[str, ...], ...]:
    return tuple(row for source in SOURCES for row in figure_rows(source.table))


def _source(url: str) -> Source:
    return next(source for source in SOURCES if url.lower().endswith(source.suffix))


def _places(url: str) -> list[Path]:
    return [folder / url.rsplit("/", 1)[1] for folder in folders(_source(url))]


def _present(url: str, sha256: str) -> Path | None:
    for file in _places(url):
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256:
            return file
    return None


def _download(name: str, url: str, sha256: str) -> Path:
    import pooch

    target = _places(url)[0]
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(url, known_hash=f"sha256:{sha256}", fname=target.name, path=target.parent))
    except (OSError, ValueError) as error:  # what requests and pooch raise
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise CounterpointError(
            f"could not fetch {name} from {url}: {reason}; check the network, or put the file into {target.parent}"
        ) from None
