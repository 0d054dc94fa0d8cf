"""Make the tables of pigment sequencing in this folder; run by hand when their sources change.

    python -m counterpoint.datasets.figures.make_pigment_sequencing DATA

DATA is a folder with the .psp files of CSPLib problem 058 (github.com/csplib/csplib commit 2b13c59,
``Problems/prob058/data/pspInstances.zip``; CC BY 4.0). The instances are written as our reader takes them in, the
values as the files state them, unless CORRECTED.
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from counterpoint.datasets.pigment_sequencing.psp import read_psp, stated_bounds, write_psp
from counterpoint.datasets.text import data_lines

HERE = Path(__file__).resolve().parent
FILE = "CSPLib 058: value in the file"
CORRECTED = {  # bounds that we proved where the file's value does not fit its data
    "pigment15c": (1370, 1370, "proved by four methods of this package; the file says 1141"),
    "pigment30c": (1707, 1707, "proved by four methods of this package; the file says 1471"),
    "psp-150-4": (18171, 18171, "proved by dp-lagrangian; the file says 18098"),
    "psp-200-4": (20724, 20724, "proved by dp-lagrangian; the file says 20800"),
}
BY_NAME = (  # files we do not ship
    ("psp-150-1", 15, 150, 17717, 18011, FILE, ""),
    ("psp-150-2", 15, 150, 25076, 26032, FILE, ""),
)


def main(arguments: Sequence[str]) -> int:
    """Write both tables."""
    texts, rows = [], []
    for file in sorted(Path(arguments[0]).glob("*.psp")):
        name = file.stem.lower().replace("_", "-")
        lines = data_lines(file.read_bytes())
        instance, stated = read_psp(lines, name), stated_bounds(lines)
        if stated is None:
            raise ValueError(f"{file} states no value")
        texts.append(f"instance {name}\n{write_psp(instance)}")
        figures = CORRECTED.get(name, (*stated, FILE))
        rows.append((name, instance.num_items, instance.num_periods, *figures, instance.content_hash))
    header = ("name", "items", "periods", "lower_bound", "upper_bound", "source", "content_hash")
    (HERE / "pigment_sequencing.txt").write_text("".join(texts))
    with (HERE / "pigment_sequencing_bounds.csv").open("w", newline="") as file_out:
        writer = csv.writer(file_out, lineterminator="\n")
        writer.writerows([header, *rows, *BY_NAME])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
