"""Public instances that are not shipped: where they lie on this machine, and how they get there.

They are looked for in ``$COUNTERPOINT_DATA/job_shop/fjs`` and then in the user's cache folder; `fetch` downloads
what is missing into the first of the two that is configured, and checks each file's SHA-256.
"""

import dataclasses
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from counterpoint.datasets.figures import figure_rows
from counterpoint.datasets.reading import read
from counterpoint.opt.errors import CounterpointError, InstanceError, UnknownNameError

SETS: dict[str, Callable[[str], bool]] = {
    "fjsp": lambda name: True,
    "brandimarte": lambda name: name.startswith("mk"),
    "hurink": lambda name: name.endswith("data"),
}


def fetch(name: str, *, on_file: Callable[[str, int, int], None] | None = None) -> list[Path]:
    """Download a public set, or one instance of it, unless it is there already.

    Parameters
    ----------
    name : str
        ``"fjsp"`` (all flexible job shops known here), ``"brandimarte"``, ``"hurink"`` or an instance's name.
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
    wanted = [row for row in table if SETS[name](row[0])] if name in SETS else [r for r in table if r[0] == name]
    if not wanted:
        raise UnknownNameError("set to fetch", name, [*SETS, *(row[0] for row in table)])
    files = []
    for done, (key, url, sha256) in enumerate(wanted):
        if on_file is not None:
            on_file(key, done, len(wanted))
        files.append(_present(_file_name(url), sha256) or _download(key, url, sha256))
    return files


def read_fetched(name: str) -> Any:
    """Read a fetched instance; InstanceError that says how to fetch it if it is not there."""
    url, sha256 = next((row[1], row[2]) for row in _table() if row[0] == name)
    file = _present(_file_name(url), sha256)
    if file is None:
        wrong = [folder / _file_name(url) for folder in folders() if (folder / _file_name(url)).is_file()]
        if wrong:
            raise InstanceError(
                f"this is not the public {name}: its checksum differs; remove it and run: counterpoint fetch fjsp",
                file=str(wrong[0]),
            )
        raise InstanceError(f"{name} is public but not shipped; run: counterpoint fetch fjsp")
    return dataclasses.replace(read(file, format="fjs-1"), name=name)


def folders() -> list[Path]:
    """Return the folders of fetched flexible job shops, the one that is written to first."""
    from platformdirs import user_cache_path

    own = os.environ.get("COUNTERPOINT_DATA")
    return [base / "job_shop" / "fjs" for base in ([Path(own)] if own else []) + [user_cache_path("counterpoint")]]


def _table() -> tuple[tuple[str, ...], ...]:
    return figure_rows("job_shop_fetched.csv")


def _file_name(url: str) -> str:
    return url.rsplit("/", 1)[1]


def _present(file_name: str, sha256: str) -> Path | None:
    for folder in folders():
        file = folder / file_name
        if file.is_file() and hashlib.sha256(file.read_bytes()).hexdigest() == sha256:
            return file
    return None


def _download(name: str, url: str, sha256: str) -> Path:
    import pooch

    folder = folders()[0]
    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(url, known_hash=f"sha256:{sha256}", fname=_file_name(url), path=folder))
    except (OSError, ValueError) as error:  # what requests and pooch raise
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise CounterpointError(
            f"could not fetch {name} from {url}: {reason}; check the network, or put the file into {folder}"
        ) from None
