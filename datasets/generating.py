"""`generate`: random instances of a problem, by the name of a generator and its parameters.

To add a generator: a function with typed keyword parameters in ``generators/<family>.py``, and one line here.
"""

import difflib
import inspect
from dataclasses import dataclass
from typing import Any, get_type_hints

from counterpoint.opt.errors import InstanceError, OptionError, UnknownNameError, printable
from counterpoint.opt.problems.table import problem as problem_named
from counterpoint.opt.problems.table import resolve


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator: its name, problem, what it makes, and the lazy name of its function."""

    name: str
    problem: str
    summary: str
    function: str


_AT = "counterpoint.datasets.generators."

GENERATORS = (  # the first of a problem is its default
    Generator("uniform", "job-shop", "durations U{1..99}, machines in random order", f"{_AT}job_shop:uniform"),
    Generator("taillard", "job-shop", "Taillard's, from a time and a machine seed", f"{_AT}job_shop:from_taillard"),
    Generator("demirkol", "job-shop", "Demirkol's, with one set of machines or two", f"{_AT}job_shop:from_demirkol"),
    Generator("flexible", "job-shop", "operations with several machines", f"{_AT}job_shop:flexible"),
    Generator("re-entrant", "job-shop", "jobs that visit machines again", f"{_AT}job_shop:re_entrant"),
    Generator(
        "interrupted", "interrupted-job-shop", "blocking shops, random shutdowns", f"{_AT}interrupted_job_shop:uniform"
    ),
    Generator("plant", "stochastic-lot-sizing", "the published plants' rules", f"{_AT}stochastic_lot_sizing:published"),
    Generator("river", "hydrothermal", "cascades, seasonal lognormal inflows, a grid", f"{_AT}hydrothermal:river"),
    Generator("trigeiro", "lot-sizing", "items under a capacity, with setup times", f"{_AT}lot_sizing:trigeiro"),
    Generator("single-item", "lot-sizing", "one item, costs vary over time", f"{_AT}lot_sizing:single_item"),
    Generator(
        "pigment",
        "pigment-sequencing",
        "orders, costs uniform, as in CSPLib 058",
        f"{_AT}pigment_sequencing:uniform",
    ),
    Generator("uniform", "tsp", "places uniform in the unit square, Euclidean", f"{_AT}tsp:uniform"),
    Generator("matrix", "tsp", "asymmetric, with the triangle inequality, as MatNet's", f"{_AT}tsp:matrix"),
    Generator("uniform", "cvrp", "unit square, demands 1..9, published capacities", f"{_AT}cvrp:uniform"),
    Generator("uniform", "orienteering", "unit square, prizes grow with the way", f"{_AT}orienteering:uniform"),
    Generator("uniform", "knapsack", "values and weights U{1..998}", f"{_AT}knapsack:uniform"),
)


def generate(problem: str, *, generator: str | None = None, seed: int = 0, **parameters: Any) -> Any:
    """Build a random instance; the same arguments always give the same one.

    Parameters
    ----------
    problem : str
    generator : str, optional
        A generator's name (see `generators`); default: the problem's first.
    seed : int
    **parameters
        The generator's own (sizes, ranges, variants; text such as ``"10"`` is converted). For job shops also
        ``blocking``, ``due_date_tightness``, ``max_weight`` and ``windows_per_machine``.

    Returns
    -------
    Instance

    Raises
    ------
    UnknownNameError
        For an unknown problem or generator.
    OptionError
        For a parameter that is unknown, missing, of the wrong type or out of range.

    Examples
    --------
    >>> generate("job-shop", jobs=6, machines=4, seed=1)
    <JobShop 'uniform-6x4-1': 6 jobs, 4 machines, 24 operations>
    """
    problem_named(problem)
    known = generators(problem)
    chosen = next((g for g in known if generator in (None, g.name)), None)
    if chosen is None:
        raise UnknownNameError("generator", str(generator), (g.name for g in known))
    function = resolve(chosen.function)
    given = _checked(chosen.name, function, {"seed": seed, **parameters})
    try:
        return function(**given)
    except InstanceError as error:  # a shop that cannot be, e.g. more operations than supported
        raise OptionError(f"generator {chosen.name}: {error.message}") from None


def generators(problem: str | None = None) -> tuple[Generator, ...]:
    """Return the generators, of one problem if given; the first is the default."""
    return tuple(g for g in GENERATORS if problem in (None, g.problem))


def _checked(name: str, function: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments converted to the types of the function's parameters."""
    from pydantic import ConfigDict, TypeAdapter, ValidationError  # 0.1 s of import, only needed here

    signature, hints = inspect.signature(function), get_type_hints(function)
    for key in given:
        if key not in signature.parameters:
            close = difflib.get_close_matches(key, list(signature.parameters), n=1)
            hint = f"did you mean {close[0]}?" if close else f"it takes: {', '.join(signature.parameters)}"
            raise OptionError(f"generator {name} has no parameter {printable(key)!r}; {hint}")
    needed = [key for key, p in signature.parameters.items() if p.default is p.empty and key not in given]
    if needed:
        raise OptionError(f"generator {name} needs {', '.join(needed)}")
    checked = {}
    for key, value in given.items():
        if isinstance(value, bool) and hints[key] is not bool:
            raise OptionError(f"generator {name}, parameter {key}: expected a number, not {value}")
        try:
            adapter = TypeAdapter(hints[key], config=ConfigDict(allow_inf_nan=False))
            checked[key] = adapter.validate_python(value)
        except ValidationError as error:
            raise OptionError(f"generator {name}, parameter {key}: {printable(error.errors()[0]['msg'])}") from None
    return checked
