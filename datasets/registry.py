"""Public benchmark instances by name, and what is known about an instance, recognised by its content.

Each family's own are listed, built and looked up by its module ``public`` (see FAMILIES). Names are lower case with
hyphens; underscores are taken for hyphens.
"""

from fnmatch import fnmatchcase
from functools import cache
from importlib import import_module
from typing import Any

from counterpoint.opt.errors import InstanceError, UnknownNameError
from counterpoint.opt.problems.table import problem as problem_named
from counterpoint.opt.result import Reference

FAMILIES = (  # problem, module with names(), build(name), references() and names_by_content()
    ("job-shop", "counterpoint.datasets.job_shop.public"),
    ("lot-sizing", "counterpoint.datasets.lot_sizing.public"),
    ("pigment-sequencing", "counterpoint.datasets.pigment_sequencing.public"),
    ("stochastic-lot-sizing", "counterpoint.datasets.stochastic_lot_sizing.public"),
    ("hydrothermal", "counterpoint.datasets.hydrothermal.public"),
    ("tsp", "counterpoint.datasets.tsp.public"),
    ("cvrp", "counterpoint.datasets.cvrp.public"),
)


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
    family = _families().get(instance.problem)
    if family is None:
        return None
    name = family.names_by_content().get(instance.content_hash)
    known: Reference | None = None if name is None else family.references()[name]
    return known


def reference(name: str) -> Reference:
    """Return the best known bounds under this name, also of instances that are not shipped (``tai-10-10-1``).

    >>> reference("abz8").upper_bound
    667.0
    """
    known = references()
    if canonical(name) not in known:
        raise UnknownNameError("benchmark", name, known)
    return known[canonical(name)]


def benchmark(name: str) -> Any:
    """Return a public instance by name.

    Parameters
    ----------
    name : str
        E.g. ``"ta41"``, ``"la01"``, ``"dmu80"``, ``"la01-blocking-swap"``, ``"mk01"``, ``"trigeiro-g53"``.

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
        if key in references():
            raise InstanceError(
                f"of {key} only the bounds are known here ({references()[key].source}); read its file with read()"
            )
        raise UnknownNameError("benchmark", name, benchmarks())
    return next(family for family in _families().values() if key in family.names()).build(key)


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
    names = _all_names(problem)
    return names if pattern is None else tuple(n for n in names if fnmatchcase(n, canonical(pattern)))


def canonical(name: str) -> str:
    """Return the spelling used here: lower case, hyphens, ``yn1`` for ``yn01``."""
    text = name.strip().lower().replace("_", "-")
    return f"yn{text[3:]}" if text.startswith("yn0") else text


@cache
def _families() -> dict[str, Any]:
    """Return the module of public instances of each problem that has any."""
    return {problem: import_module(module) for problem, module in FAMILIES}


@cache
def _all_names(problem: str | None = None) -> tuple[str, ...]:
    return tuple(sorted(n for key, family in _families().items() if problem in (None, key) for n in family.names()))


@cache
def references() -> dict[str, Reference]:
    """Return what is known of public instances by name, not shipped ones included; of some shipped ones nothing is."""
    return {name: known for family in _families().values() for name, known in family.references().items()}
