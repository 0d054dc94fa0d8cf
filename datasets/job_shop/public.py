"""Public job shops: what `datasets.registry` asks of every family.

The 242 classical ones (ft, la, abz, orb, swv, yn; ta and dmu rebuilt from their seeds) and their variants
``...-blocking-swap`` need no network. Flexible ones (``mk01``, ``la01-edata``) are read from the folders that
`counterpoint.datasets.fetching` knows.
"""

import dataclasses
from functools import cache

from counterpoint.datasets.figures import figure_rows, figure_text
from counterpoint.datasets.text import data_lines
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.result import Reference

BLOCKING = "-blocking-swap"


@cache
def names() -> tuple[str, ...]:
    """Return the names that `build` takes, those that must be fetched first included."""
    fetched = [row[0] for row in figure_rows("job_shop_fetched.csv")]
    classic = _classic_names()
    return (*classic, *(name + BLOCKING for name in classic), *fetched)


def build(name: str) -> JobShop:
    """Return the instance of this name; InstanceError that says how to fetch it if it is not there."""
    if name.endswith(BLOCKING):
        return dataclasses.replace(_classic(name.removesuffix(BLOCKING)), name=name, blocking="swap")
    if name in _classic_names():
        return _classic(name)
    from counterpoint.datasets.fetching import read_fetched

    shop: JobShop = read_fetched(name)
    return shop


@cache
def references() -> dict[str, Reference]:
    """Return what is known by name, also of instances that are not shipped (``tai-10-10-1``)."""
    rows = figure_rows("job_shop_bounds.csv")
    return {name: Reference(name, float(low), float(high), source) for name, _, _, low, high, source, _ in rows}


@cache
def names_by_content() -> dict[str, str]:
    """Return the name of each content hash."""
    lines = figure_text("job_shop_bounds.csv").splitlines()[1:]
    return {line[-64:]: line[: line.index(",")] for line in lines if not line.endswith(",")}


@cache
def _classic_names() -> frozenset[str]:
    seeded = [row[0] for table in ("taillard", "demirkol") for row in figure_rows(f"job_shop_{table}.csv")]
    return frozenset([*seeded, *_sections()])


@cache
def _sections() -> dict[str, str]:
    """Return name -> text in the standard format of the instances that are shipped as they are."""
    parts = figure_text("job_shop_classic.txt").split("instance ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def _classic(name: str) -> JobShop:
    from counterpoint.datasets.generators.job_shop_public import demirkol, taillard
    from counterpoint.datasets.job_shop.standard import read_standard

    if name in _sections():
        return read_standard(data_lines(_sections()[name].encode()), name)
    if name.startswith("ta"):
        row = next(row for row in figure_rows("job_shop_taillard.csv") if row[0] == name)
        jobs, machines, time_seed, machine_seed = map(int, row[1:])
        return taillard(jobs=jobs, machines=machines, time_seed=time_seed, machine_seed=machine_seed, name=name)
    row = next(row for row in figure_rows("job_shop_demirkol.csv") if row[0] == name)
    jobs, machines, seed, two_sets = map(int, row[1:])
    return demirkol(jobs=jobs, machines=machines, seed=seed, two_sets=two_sets == 1, name=name)
