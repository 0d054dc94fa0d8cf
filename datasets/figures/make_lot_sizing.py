"""Make the lot-sizing tables of this folder; run by hand when their sources change.

    python -m counterpoint.datasets.figures.make_lot_sizing DATA

DATA is a folder with the files of github.com/gsamaro/trigeiro_fdata at the commit below. They have no licence, so none
is shipped: names, sizes, checksums and best values are facts.
"""

import csv
import hashlib
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from counterpoint.datasets.reading import read

HERE = Path(__file__).resolve().parent
ADDRESS = "https://raw.githubusercontent.com/gsamaro/trigeiro_fdata/a54b0fb/data"
BELVAUX = "Belvaux and Wolsey 2000 (optimal)"
# lower bound, upper bound, source; the instances without a file here by their sizes too
KNOWN = {
    "G53": (74634.0, 74634.0, BELVAUX),
    "G57": (136509.0, 136509.0, BELVAUX),
    "G62": (61746.0, 61746.0, BELVAUX),
    "G69": (130596.0, 130596.0, BELVAUX),
    "G72": (287929.0, 287929.0, BELVAUX),
}
SIZES = {"G62": (6, 30), "G69": (12, 30), "G72": (24, 30)}


def main(arguments: Sequence[str]) -> None:
    """Write the tables beside this file."""
    files = {file.stem: file for file in Path(arguments[0]).glob("*.DAT")}
    fetched, bounds = [], []
    for stem in sorted({*files, *KNOWN}, key=lambda s: (s[0], int(s[1:]))):
        name = f"trigeiro-{stem.lower()}"
        low, high, source = KNOWN.get(stem, ("", "", "unknown"))
        if stem not in files:
            bounds.append((name, *SIZES[stem], low, high, source, ""))
            continue
        instance = read(files[stem], format="trigeiro")
        fetched.append((name, f"{ADDRESS}/{stem}.DAT", hashlib.sha256(files[stem].read_bytes()).hexdigest()))
        bounds.append((name, instance.num_items, instance.num_periods, low, high, source, instance.content_hash))
    _csv("lot_sizing_fetched.csv", "name,url,sha256", fetched)
    _csv("lot_sizing_bounds.csv", "name,items,periods,lower,upper,source,content_hash", bounds)


def _csv(name: str, header: str, rows: Iterable[Sequence[object]]) -> None:
    with (HERE / name).open("w", encoding="utf-8", newline="") as out:
        out.write(header + "\n")
        csv.writer(out, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
