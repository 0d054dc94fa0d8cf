"""Public lot-sizing instances: Trigeiro's, which nobody has licensed, so none is shipped.

`counterpoint fetch trigeiro` downloads those that github.com/gsamaro/trigeiro_fdata holds; they are recognised by their
content wherever they are read from. Some more are known by their best values only.
"""

from functools import cache

from counterpoint.datasets.figures import figure_rows
from counterpoint.opt.problems.lot_sizing import LotSizing
from counterpoint.opt.result import Reference


@cache
def names() -> tuple[str, ...]:
    """Return the names that `build` takes, all of which must be fetched first."""
    return tuple(row[0] for row in figure_rows("lot_sizing_fetched.csv"))


def build(name: str) -> LotSizing:
    """Read the instance of this name; InstanceError that says how to fetch it if it is not there."""
    from counterpoint.datasets.fetching import read_fetched

    instance: LotSizing = read_fetched(name)
    return instance


@cache
def references() -> dict[str, Reference]:
    """Return what is known by name; an empty figure means that nothing is."""
    return {
        name: Reference(name, float(low) if low else None, float(high) if high else None, source)
        for name, _, _, low, high, source, _ in figure_rows("lot_sizing_bounds.csv")
    }


@cache
def names_by_content() -> dict[str, str]:
    """Return the name of each content hash of which a figure is known."""
    return {row[-1]: row[0] for row in figure_rows("lot_sizing_bounds.csv") if row[-1] and (row[3] or row[4])}
