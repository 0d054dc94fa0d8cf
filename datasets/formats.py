"""The file formats there are: one line each; readers and writers are imported when used.

To add a format: a reader and a writer in one file, and one line here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterpoint.datasets.text import Line
from counterpoint.opt.errors import UnknownNameError
from counterpoint.opt.problems.table import resolve

Sniff = Callable[[Sequence[Line]], bool]


@dataclass(frozen=True, slots=True)
class Format:
    """A text format of one problem family.

    Parameters
    ----------
    name, problem, summary : str
    extensions : tuple of str
        Lower case, with the dot; they choose a format for writing, and unless as general as ``.txt`` also for reading.
    looks_right : callable or None
        Tells from the lines of a file whether it could be of this format; None: only if asked for by name.
    reader, writer : str
        Lazy names ``module:attribute``: reader(lines, name) -> instance, writer(instance) -> text.
    holds : frozenset of str
        The features of an instance (see its family) that the format has a place for.
    """

    name: str
    problem: str
    summary: str
    extensions: tuple[str, ...]
    looks_right: Sniff | None
    reader: str
    writer: str
    holds: frozenset[str] = frozenset()

    def read(self, lines: Sequence[Line], name: str) -> Any:
        """Parse the lines of a file."""
        return resolve(self.reader)(lines, name)

    def write(self, instance: Any) -> str:
        """Return the text of an instance."""
        text: str = resolve(self.writer)(instance)
        return text


def _has_header_of(*sizes: int) -> Sniff:
    """Match files whose first line holds that many numbers."""

    def looks_right(lines: Sequence[Line]) -> bool:
        tokens = lines[0].raw.split()
        return len(tokens) in sizes and all(re.fullmatch(rb"-?[0-9]+(\.[0-9]+)?", token) for token in tokens)

    return looks_right


def _is_pairs(lines: Sequence[Line]) -> bool:
    return _has_header_of(2)(lines) and not (_has_end_marks(lines) or _has_keywords(lines) or _is_trigeiro(lines))


def _is_flexible(lines: Sequence[Line]) -> bool:
    return _has_header_of(2, 3)(lines) and not (_has_end_marks(lines) or _has_keywords(lines) or _is_trigeiro(lines))


def _is_trigeiro(lines: Sequence[Line]) -> bool:
    """True if one number each follows the header: machines and capacity. No job stands on a line of one number."""
    alone = [len(line.raw.split()) == 1 and line.raw[:1] in b"-.0123456789" for line in lines[1:3]]
    return _has_header_of(2)(lines) and alone == [True, True]


def _has_end_marks(lines: Sequence[Line]) -> bool:
    """True if some job ends with ``-1 -1``; no other format has negative numbers."""
    return any(re.search(rb"-1[ \t]+-1$", line.raw) for line in lines[1:])


def _has_keywords(lines: Sequence[Line]) -> bool:
    words = {line.raw.lower() for line in lines if line.raw[:1].isalpha()}
    return not words.isdisjoint((b"times", b"machines")) or any(word.startswith(b"nb of jobs") for word in words)


def _is_psp(lines: Sequence[Line]) -> bool:
    """Match two lines of one whole number and a third that begins with one."""
    return (
        len(lines) > 2
        and all(re.fullmatch(rb"-?[0-9]+", line.raw) for line in lines[:2])
        and re.match(rb"-?[0-9]+(\s|$)", lines[2].raw) is not None
    )


def _is_dzn(lines: Sequence[Line]) -> bool:
    return any(re.match(rb"(Periods|Items|Demands|StockingCosts|SetupCosts)\s*=", line.raw) for line in lines)


def _is_keyworded(*kinds: str) -> Sniff:
    """Match files of TSPLIB's kind of these types; none given: of any type that has no line of its own below."""

    def looks_right(lines: Sequence[Line]) -> bool:
        kind = _type_of(lines)
        return kind in kinds if kinds else kind is not None and kind not in ("CVRP", "OP")

    return looks_right


def _type_of(lines: Sequence[Line]) -> str | None:
    """Return the first word after ``TYPE``; "" if only other keywords of TSPLIB are there, None if none is."""
    found = None
    for line in lines[:60]:
        match = re.match(rb"(TYPE|DIMENSION)\s*:\s*(\S*)", line.raw, re.IGNORECASE)
        if match is not None and match[1].upper() == b"TYPE":
            return match[2].decode("ascii", "replace").upper()
        found = "" if match is not None else found
    return found


def _is_kp(lines: Sequence[Line]) -> bool:
    """Match two lines of one whole number each and then lines of two."""
    sizes = [len(line.raw.split()) for line in lines[:4]]
    return sizes in ([1, 1, 2], [1, 1, 2, 2]) and all(
        re.fullmatch(rb"-?[0-9]+", token) for line in lines[:4] for token in line.raw.split()
    )


_AT = "counterpoint.datasets.job_shop."
_LOTS = "counterpoint.datasets.lot_sizing."
_PIGMENTS = "counterpoint.datasets.pigment_sequencing."
_ROUTES = "counterpoint.datasets.routing."
_PACKS = "counterpoint.datasets.knapsack."

FORMATS = (
    Format(
        "standard", "job-shop", "OR-Library and JSPLIB: n m, then pairs machine duration, 0-based",
        (".txt", ".jsp", ".data"), _is_pairs, f"{_AT}standard:read_standard", f"{_AT}standard:write_standard",
    ),
    Format(
        "ragged", "job-shop", "as standard, for jobs of any operations; fewer mistakes can be noticed",
        (), None, f"{_AT}standard:read_ragged", f"{_AT}standard:write_standard",
    ),
    Format(
        "taillard", "job-shop", "Taillard's Times and Machines matrices, 1-based",
        (), _has_keywords, f"{_AT}taillard:read_taillard", f"{_AT}taillard:write_taillard",
    ),
    Format(
        "dacol-teppan", "job-shop", "re-entrant: pairs, each job ends with -1 -1, 0-based",
        (), _has_end_marks, f"{_AT}dacol_teppan:read_dacol_teppan", f"{_AT}dacol_teppan:write_dacol_teppan",
    ),
    Format(
        "fjs", "job-shop", "flexible job shops; machines counted from 0 or 1, told from the content",
        (".fjs",), _is_flexible, f"{_AT}fjs:read_fjs", f"{_AT}fjs:write_fjs_1",
        frozenset({"flexible"}),
    ),
    Format(
        "fjs-0", "job-shop", "flexible job shops, machines counted from 0",
        (), None, f"{_AT}fjs:read_fjs_0", f"{_AT}fjs:write_fjs_0",
        frozenset({"flexible"}),
    ),
    Format(
        "fjs-1", "job-shop", "flexible job shops, machines counted from 1",
        (), None, f"{_AT}fjs:read_fjs_1", f"{_AT}fjs:write_fjs_1",
        frozenset({"flexible"}),
    ),
    Format(
        "trigeiro", "lot-sizing", "Trigeiro's capacitated lot-sizing with setup times",
        (".dat",), _is_trigeiro, f"{_LOTS}trigeiro:read_trigeiro", f"{_LOTS}trigeiro:write_trigeiro",
        frozenset({"several-items", "capacity", "setup-times"}),
    ),
    Format(
        "psp", "pigment-sequencing", "CSPLib 058: periods, items, due dates, stocking cost, changeover costs, optimum",
        (".psp",), _is_psp, f"{_PIGMENTS}psp:read_psp", f"{_PIGMENTS}psp:write_psp",
    ),
    Format(
        "dzn", "pigment-sequencing", "MiniZinc data of CSPLib 058 and the University of Udine",
        (".dzn",), _is_dzn, f"{_PIGMENTS}dzn:read_dzn", f"{_PIGMENTS}dzn:write_dzn",
        frozenset({"stocking-costs-per-item"}),
    ),
    Format(
        "tsplib", "tsp", "TSPLIB95 of type TSP or ATSP: coordinates or a matrix",
        (".tsp", ".atsp"), _is_keyworded(), f"{_ROUTES}tsplib:read_tsplib", f"{_ROUTES}tsplib:write_tsplib",
        frozenset({"asymmetric"}),
    ),
    Format(
        "vrplib", "cvrp", "VRPLIB and TSPLIB95 of type CVRP: with CAPACITY and DEMAND_SECTION",
        (".vrp",), _is_keyworded("CVRP"), f"{_ROUTES}vrplib:read_vrplib", f"{_ROUTES}vrplib:write_vrplib",
        frozenset({"asymmetric"}),
    ),
    Format(
        "oplib", "orienteering", "OPLib, as TSPLIB95 with COST_LIMIT and NODE_SCORE_SECTION",
        (".oplib",), _is_keyworded("OP"), f"{_ROUTES}oplib:read_oplib", f"{_ROUTES}oplib:write_oplib",
        frozenset({"asymmetric"}),
    ),
    Format(
        "kp", "knapsack", "Pisinger's and kplib's: items, capacity, then value and weight of each",
        (".kp",), _is_kp, f"{_PACKS}kp:read_kp", f"{_PACKS}kp:write_kp",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class JsonFormat:
    """Somebody else's JSON, which is not tagged with a type.

    Parameters
    ----------
    problem, summary : str
    looks_right : callable
        Tells from the data whether they could be of this format.
    reader : str
        Lazy name ``module:attribute``: reader(data, name) -> instance.
    """

    problem: str
    summary: str
    looks_right: Callable[[Any], bool]
    reader: str

    def read(self, data: Any, name: str) -> Any:
        """Build the instance."""
        return resolve(self.reader)(data, name)


def _is_plant_setting(data: Any) -> bool:
    return isinstance(data, dict) and "machine_production" in data and "type" not in data


JSON_FORMATS = (
    JsonFormat(
        "stochastic-lot-sizing", "settings of the published plants", _is_plant_setting,
        "counterpoint.datasets.stochastic_lot_sizing.settings:decode_setting",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FolderFormat:
    """A case that is a folder of files.

    Parameters
    ----------
    name, problem, summary : str
    marks : tuple of str
        Names of files; a folder that holds one of them is read as one case, so that what it misses can be told.
    reader : str
        Lazy name ``module:attribute``: reader(folder) -> instance, named after the folder.
    """

    name: str
    problem: str
    summary: str
    marks: tuple[str, ...]
    reader: str

    def read(self, folder: Path) -> Any:
        """Build the instance."""
        return resolve(self.reader)(folder)


_HYDRO = "counterpoint.datasets.hydrothermal."

FOLDER_FORMATS = (
    FolderFormat(
        "hydropowermodels", "hydrothermal", "HydroPowerModels.jl: PowerModels.json, hydro.json, inflows.csv",
        ("PowerModels.json", "inflows.csv"), f"{_HYDRO}powermodels:read_case",
    ),
    FolderFormat(
        "subsystems", "hydrothermal", "msppy's regions that exchange energy: hydro.csv, demand.csv, exchange.csv, ...",
        ("hydro.csv", "exchange.csv"), f"{_HYDRO}subsystems:read_subsystems",
    ),
)  # fmt: skip


def folder_format(folder: Path, problem: str | None = None, name: str | None = None) -> FolderFormat | None:
    """Return the format of a folder that is one case: that of this name, or told by its marks; None if it is none."""
    for candidate in FOLDER_FORMATS:
        is_marked = any((folder / mark).is_file() for mark in candidate.marks)
        if problem in (None, candidate.problem) and (is_marked if name is None else name == candidate.name):
            return candidate
    return None


def formats(problem: str | None = None) -> tuple[Format, ...]:
    """Return the text formats, of one problem if given; ``json`` holds every instance and is not among them."""
    return tuple(f for f in FORMATS if problem in (None, f.problem))


def format_named(name: str) -> Format:
    """Return the text format of this name; UnknownNameError otherwise."""
    for candidate in FORMATS:
        if candidate.name == name:
            return candidate
    raise UnknownNameError("format", name, ("json", *(f.name for f in (*FORMATS, *FOLDER_FORMATS))))
