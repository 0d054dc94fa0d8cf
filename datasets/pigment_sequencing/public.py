"""Public pigment-sequencing instances: 21 of CSPLib problem 058, shipped under CC BY 4.0 (see figures/README.md).

``pigment15a`` .. ``pigment30c`` and ``psp-100-1`` .. ``psp-200-4``; of two more only bounds are known.
"""

from functools import cache

from counterpoint.datasets.figures import figure_rows, figure_text
from counterpoint.datasets.pigment_sequencing.psp import read_psp
from counterpoint.datasets.text import data_lines
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing
from counterpoint.opt.result import Reference


@cache
def names() -> tuple[str, ...]:
    """Return the names that `build` takes."""
    return tuple(_sections())


def build(name: str) -> PigmentSequencing:
    """Return the instance of this name."""
    return read_psp(data_lines(_sections()[name].encode()), name)


@cache
def references() -> dict[str, Reference]:
    """Return what is known by name."""
    rows = figure_rows("pigment_sequencing_bounds.csv")
    return {name: Reference(name, float(low), float(high), source) for name, _, _, low, high, source, _ in rows}


@cache
def names_by_content() -> dict[str, str]:
    """Return the name of each content hash."""
    return {row[-1]: row[0] for row in figure_rows("pigment_sequencing_bounds.csv") if row[-1]}


@cache
def _sections() -> dict[str, str]:
    """Return name -> text in the .psp format."""
    parts = figure_text("pigment_sequencing.txt").split("instance ")[1:]
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}
