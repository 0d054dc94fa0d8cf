"""The places of a file of TSPLIB's kind: coordinates and a metric, or a matrix in one of nine layouts."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from counterpoint.datasets.routing.numbers import stream
from counterpoint.datasets.routing.sections import Sections
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.places import MAX_MATRIX, IntArray, Places

KEYWORDS = (
    "TYPE", "DIMENSION", "EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT", "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE",
)  # fmt: skip
SECTIONS = ("NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION", "DISPLAY_DATA_SECTION")
METRICS = {
    "EUC_2D": "euc-2d", "CEIL_2D": "ceil-2d", "ATT": "att", "GEO": "geo", "MAN_2D": "man-2d", "MAX_2D": "max-2d",
}  # fmt: skip
LAYOUTS = (
    "FULL_MATRIX", "UPPER_ROW", "LOWER_ROW", "UPPER_DIAG_ROW", "LOWER_DIAG_ROW",
    "UPPER_COL", "LOWER_COL", "UPPER_DIAG_COL", "LOWER_DIAG_COL",
)  # fmt: skip


def read_places(data: Sections) -> Places:
    """Return the places of a file; InstanceError with the line if they are not all there."""
    kind = data.text("EDGE_WEIGHT_TYPE", ("EXPLICIT", *METRICS))
    data.text("NODE_COORD_TYPE", ("TWOD_COORDS", "NO_COORDS"), "TWOD_COORDS")
    data.text("DISPLAY_DATA_TYPE", ("COORD_DISPLAY", "TWOD_DISPLAY", "NO_DISPLAY"), "NO_DISPLAY")
    if kind != "EXPLICIT":
        data.text("EDGE_WEIGHT_FORMAT", ("FUNCTION",), "FUNCTION")
        _absent(data, "EDGE_WEIGHT_SECTION", f"EDGE_WEIGHT_TYPE {kind} has none")
        if "DISPLAY_DATA_SECTION" in data.sections:
            data.by_node("DISPLAY_DATA_SECTION", 2)  # checked, but the coordinates show the places as well
        return _located(data, "NODE_COORD_SECTION", lambda: _by_points(data, METRICS[kind]))
    layout = data.text("EDGE_WEIGHT_FORMAT", LAYOUTS)
    shown: list[str] = [key for key in ("DISPLAY_DATA_SECTION", "NODE_COORD_SECTION") if key in data.sections]
    if len(shown) > 1:
        raise InstanceError(f"expected one of {' and '.join(shown)}", line=data.section(shown[0]).head.number)
    matrix = _matrix(data, layout)
    points = data.by_node(shown[0], 2) if shown else None
    return _located(data, [*shown, "EDGE_WEIGHT_SECTION"][0], lambda: Places("explicit", points, matrix))


def write_places(places: Places) -> Iterator[str]:
    """Yield the lines that `read_places` reads; InstanceError for distances that are Euclidean and not rounded."""
    if places.metric == "euclidean":
        raise InstanceError("distances that are not rounded have no place in it; write it as json")
    if places.metric != "explicit":
        name = next(key for key, metric in METRICS.items() if metric == places.metric)
        yield from (f"EDGE_WEIGHT_TYPE : {name}", "NODE_COORD_SECTION", *_points(places))
        return
    yield from ("EDGE_WEIGHT_TYPE : EXPLICIT", "EDGE_WEIGHT_FORMAT : FULL_MATRIX")
    if places.points is not None:
        yield "DISPLAY_DATA_TYPE : TWOD_DISPLAY"
    yield "EDGE_WEIGHT_SECTION"
    yield from (" ".join(map(repr, row)) for row in places.matrix.tolist())
    if places.points is not None:
        yield from ("DISPLAY_DATA_SECTION", *_points(places))


def _points(places: Places) -> Iterator[str]:
    assert places.points is not None
    for node, (x, y) in enumerate(places.points.tolist(), 1):
        yield f"{node} {_short(x)} {_short(y)}"


def _short(x: float) -> str:
    text = repr(x)
    return text.removesuffix(".0")


def _by_points(data: Sections, metric: Any) -> Places:
    return Places(metric, data.by_node("NODE_COORD_SECTION", 2))


def _located(data: Sections, key: str, build: Any) -> Places:
    """Build places; give an error the line of the node that it names, or of the section."""
    try:
        places: Places = build()
    except InstanceError as error:
        if error.line is not None or key not in data.sections:
            raise
        is_node = error.place[:1] == ("points",) and len(error.place) > 1
        line = data.line_of(key, int(error.place[1])) if is_node else data.section(key).head.number
        raise InstanceError(error.message, line=line) from None
    return places


def _absent(data: Sections, key: str, why: str) -> None:
    if key in data.sections:
        raise InstanceError(f"{key} is not expected: {why}", line=data.section(key).head.number)


def _matrix(data: Sections, layout: str) -> Any:
    """Return the matrix [N, N] of the weights, int64 if all are written as whole numbers."""
    n, section = data.dimension(), data.section("EDGE_WEIGHT_SECTION")
    if n > MAX_MATRIX:
        raise InstanceError(f"a matrix of {n} places; expected at most {MAX_MATRIX}", line=section.head.number)
    count = {"FULL": n * n, "DIAG": n * (n + 1) // 2}.get(layout[6:10] if "DIAG" in layout else layout[:4])
    count = n * (n - 1) // 2 if count is None else count
    values, is_whole = stream(section.body, f"weights in EDGE_WEIGHT_SECTION ({layout})")
    if len(values) != count:
        last = (section.body or [section.head])[-1]
        raise InstanceError(f"{len(values)} weights; expected {count} ({layout} of {n} places)", line=last.number)
    if layout == "FULL_MATRIX":
        matrix = values.reshape(n, n).copy()
    else:
        matrix = np.zeros((n, n))
        rows, columns = _cells(layout, n)
        matrix[rows, columns] = matrix[columns, rows] = values
    np.fill_diagonal(matrix, 0.0)  # whatever stands there, so also what would not be exact
    if is_whole and (np.abs(values) < 2.0**53).all():
        return matrix.astype(np.int64)
    return matrix


def _cells(layout: str, n: int) -> tuple[IntArray, IntArray]:
    """Return rows and columns of a triangle in the order of the file; a column-wise one is its mirror image by rows."""
    offset = 0 if "DIAG" in layout else 1
    is_upper = layout.startswith("UPPER") == layout.endswith("ROW")
    return np.triu_indices(n, offset) if is_upper else np.tril_indices(n, -offset)
