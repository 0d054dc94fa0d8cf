"""Public benchmark instances by name, and what is known about an instance, recognised by its content.

The 242 classical job shops (ft, la, abz, orb, swv, yn; ta and dmu rebuilt from their seeds) and their variants
``...-blocking-swap`` need no network. Flexible ones (``mk01``, ``la01-edata``) are read from the folders that
`counterpoint.datasets.fetching` knows. Names are lower case with hyphens; underscores are taken for hyphens.
"""

import dataclasses
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from counterpoint.datasets.figures import figure_rows, figure_text
from counterpoint.datasets.text import data_lines
from counterpoint.opt.errors import InstanceError, UnknownNameError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.table import problem as problem_named
from counterpoint.opt.result import Reference

BLOCKING = "-blocking-swap"


def best_known(instance: Any) -> Reference | None:
    """Return the best known bounds of a public instance, recognised by its content; None if unknown.

    A user's own file called ft10 is not mistaken for the public one, and the public one is recognised under any
    file name. O(1) after the first call, which reads a table of about 1,000 rows.

    Parameters
    ----------
    instance : Instance

    Returns
    -------
    Reference or None
        Proven lower bound, achieved upper bound and who says so.
    """
    name = _names_by_content().get(instance.content_hash)
    return None if name is None else _references()[name]


def reference(name: str) -> Reference:
    """Return the best known bounds under this name, also of instances that are not shipped (``tai-10-10-1``).

    >>> reference("abz8").upper_bound
    667.0
    """
    known = _references()
    if canonical(name) not in known:
        raise UnknownNameError("benchmark", name, known)
    return known[canonical(name)]


def benchmark(name: str) -> Any:
    """Return a public instance by name.

    Parameters
    ----------
    name : str
        E.g. ``"ta41"``, ``"la01"``, ``"dmu80"``, ``"la01-blocking-swap"``, ``"mk01"``.

    Returns
    -------
    Instance

    Raises
    ------
    UnknownNameError
        With close names.
    InstanceError
        If the instance must be fetched first; the message says how.

    Examples
    --------
    >>> benchmark("ft06")
    <JobShop 'ft06': 6 jobs, 6 machines, 36 operations>
    """
    key = canonical(name)
    if key not in benchmarks():
        if key in _references():
            raise InstanceError(
                f"of {key} only the bounds are known here ({_references()[key].source}); read its file with read()"
            )
        raise UnknownNameError("benchmark", name, benchmarks())
    if key.endswith(BLOCKING):
        return dataclasses.replace(_classic(key.removesuffix(BLOCKING)), name=key, blocking="swap")
    if key in _classic_names():
        return _classic(key)
    from counterpoint.datasets.fetching import read_fetched

    return read_fetched(key)


def benchmarks(pattern: str | None = None, problem: str | None = None) -> tuple[str, ...]:
    """Return the names `benchmark` takes, sorted, those that need `fetch` first included.

    Parameters
    ----------
    pattern : str, optional
        A glob pattern such as ``"ta0*"``.
    problem : str, optional

    Examples
    --------
    >>> benchmarks("ft??")
    ('ft06', 'ft10', 'ft20')
    """
    if problem is not None:
        problem_named(problem)
    if problem not in (None, "job-shop"):
        return ()
    names = _all_names()
    return names if pattern is None else tuple(n for n in names if fnmatchcase(n, canonical(pattern)))


def canonical(name: str) -> str:
    """Return the spelling used here: lower case, hyphens, ``yn1`` for ``yn01``."""
    text = name.strip().lower().replace("_", "-")
    return f"yn{text[3:]}" if text.startswith("yn0") else text


@cache
def _all_names() -> tuple[str, ...]:
    fetched = [row[0] for row in figure_rows("job_shop_fetched.csv")]
    classic = _classic_names()
    return tuple(sorted([*classic, *(name + BLOCKING for name in classic), *fetched]))


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


@cache
def _references() -> dict[str, Reference]:
    rows = figure_rows("job_shop_bounds.csv")
    return {name: Reference(name, float(low), float(high), source) for name, _, _, low, high, source, _ in rows}


@cache
def _names_by_content() -> dict[str, str]:
    lines = figure_text("job_shop_bounds.csv").splitlines()[1:]
    return {line[-64:]: line[: line.index(",")] for line in lines if not line.endswith(",")}
