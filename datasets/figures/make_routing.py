"""Make the tables of routing in this folder; run by hand when their sources change.

    python -m counterpoint.datasets.figures.make_routing DATA

DATA is a folder with ``tsplib/*.tsp`` and ``atsp/*.atsp`` (github.com/rhgrant10/tsplib95 commit 57e7347, Apache-2.0),
``cvrplib/*.vrp`` and ``*.sol`` (github.com/PyVRP/Instances commit 1445e12, MIT) and ``tsplib_optima.txt``, lines of
``name : optimum`` (github.com/mastqe/tsplib commit 7755413: facts). The instances of SHIPPED are written as our reader
takes them in; of all, name, value and content hash.
"""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from counterpoint.datasets.reading import read
from counterpoint.datasets.routing.solutions import parse_routes
from counterpoint.datasets.routing.tsplib import write_tsplib
from counterpoint.datasets.routing.vrplib import write_vrplib
from counterpoint.datasets.text import data_lines
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.cvrp import check

HERE = Path(__file__).resolve().parent
SHIPPED = (
    "att48", "bays29", "berlin52", "br17", "eil51", "ftv33", "gr96", "kroa100", "ry48p", "ulysses22", "x-n101-k25",
)  # fmt: skip
TSPLIB = "TSPLIB: proven optimum"
CVRPLIB = "CVRPLIB by PyVRP/Instances: best known"
ASYMMETRIC = {  # all proven
    "br17": 39, "ft53": 6905, "ft70": 38673, "ftv33": 1286, "ftv35": 1473, "ftv38": 1530, "ftv44": 1613, "ftv47": 1776,
    "ftv55": 1608, "ftv64": 1839, "ftv70": 1950, "ftv170": 2755, "kro124p": 36230, "p43": 5620, "rbg323": 1326,
    "rbg358": 1163, "rbg403": 2465, "rbg443": 2720, "ry48p": 14422,
}  # fmt: skip


def main(arguments: Sequence[str]) -> None:
    """Write both tables."""
    data = Path(arguments[0])
    optima = {**_optima((data / "tsplib_optima.txt").read_text()), **ASYMMETRIC}
    hashes: dict[str, str] = {}
    texts = []
    for file in sorted([*data.glob("tsplib/*.tsp"), *data.glob("atsp/*.atsp")]):
        try:
            instance = read(file)
        except InstanceError as error:
            print(f"without a hash: {error}")
            continue
        name = file.stem.lower()
        hashes[name] = instance.content_hash
        if name in SHIPPED:
            texts.append(f"instance {name}\n{write_tsplib(instance)}")
    rows: list[Sequence[object]] = [
        (name, "tsp", value, value, TSPLIB, hashes.get(name, "")) for name, value in sorted(optima.items())
    ]
    for file in sorted(data.glob("cvrplib/*.vrp")):
        routes, cost = parse_routes(data_lines(file.with_suffix(".sol").read_bytes()))
        instance = read(file)
        found = check(instance, routes)
        if cost is None or found.objective != cost or found.violations:
            raise ValueError(f"{file}: the solution costs {found.objective}, not {cost}; {found.violations}")
        name = file.stem.lower()
        rows.append((name, "cvrp", "", int(cost), CVRPLIB, instance.content_hash))
        if name in SHIPPED:
            texts.append(f"instance {name}\n{write_vrplib(instance)}")
    (HERE / "routing.txt").write_text("".join(texts), encoding="utf-8")
    with (HERE / "routing_bounds.csv").open("w", encoding="utf-8", newline="") as out:
        out.write("name,problem,lower,upper,source,content_hash\n")
        csv.writer(out, lineterminator="\n").writerows(rows)


def _optima(text: str) -> dict[str, int]:
    """Return name -> value; what follows the value (the metric it holds for) is left out."""
    pairs = (line.split(":") for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): int(value.split()[0]) for name, value in pairs}


if __name__ == "__main__":
    main(sys.argv[1:])
