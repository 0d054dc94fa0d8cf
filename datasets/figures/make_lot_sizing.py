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
BELVAUX = "Belvaux and Wolsey 2000 by the catalogue of Lemoine-OR"
OURS = "Counterpoint 2026-11: mip-facility-location (HiGHS 1.13.1)"
# lower bound, upper bound, source; the instances without a file here by their sizes too
KNOWN = {
    "F1": (40854, 40854, OURS),
    "F2": (39734, 39734, OURS),
    "F3": (37739, 37739, OURS),
    "F4": (33897, 33897, OURS),
    "F5": (29420, 29420, OURS),
    "F6": (39308, 39308, OURS),
    "F7": (33354, 33354, OURS),
    "F8": (25798, 25798, OURS),
    "F9": (43571, 43571, OURS),
    "F10": (31208, 31208, OURS),
    "F11": (36700, 36700, OURS),
    "F12": (33975, 33975, OURS),
    "F14": (42587, 42587, OURS),
    "F15": (40774, 40774, OURS),
    "F16": (37340, 37340, OURS),
    "F18": (44788, 44788, OURS),
    "F19": (31691, 31691, OURS),
    "F20": (38056, 38056, OURS),
    "G52": (60855, 60855, OURS),
    "G53": (74634, 74634, BELVAUX),
    "G54": (85952, 85952, OURS),
    "G56": (157235, 157235, OURS),
    "G57": (136509, 136509, BELVAUX),
    "G59": (166103, 166104, OURS),
    "G62": (61746, 61746, BELVAUX),
    "G69": (130596, 130596, BELVAUX),
    "G72": (287929, 287929, BELVAUX),
}
SIZES = {"G62": (6, 30), "G69": (12, 30), "G72": (24, 30)}


def main(arguments: Sequence[str]) -> None:
    """Write the tables beside this file."""
    files = {file.stem: file for file in Path(arguments[0]).glob("*.DAT")}
    fetched: list[Sequence[object]] = []
    bounds: list[Sequence[object]] = []
    for stem in sorted({*files, *KNOWN}, key=lambda s: (s[0], int(s[1:]))):
        name = f"trigeiro-{stem.lower()}"
        low, high, source = KNOWN[stem]
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
