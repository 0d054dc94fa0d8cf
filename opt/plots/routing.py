"""Maps of tours, routes and walks: places where they are, lines in the order of visits.

Places without coordinates stand on a circle, in the order of their numbers; then lengths on paper mean nothing.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.plots.canvas import INK, axes, literal, plain, title
from counterpoint.opt.plots.job_colours import job_colours
from counterpoint.opt.problems import cvrp, orienteering, tsp
from counterpoint.opt.problems.cvrp import Cvrp, Routes
from counterpoint.opt.problems.orienteering import Orienteering, Walk
from counterpoint.opt.problems.places import FloatArray, IntArray, Places
from counterpoint.opt.problems.tsp import Tour, Tsp

if TYPE_CHECKING:
    import pandas as pd

    from counterpoint.opt.result import Check

LINE = "#0072B2"
UNVISITED = "#BBBBBB"
SIZE = 6.0  # inches
MAX_ARROWS = 60  # legs of which the direction is shown


def plot_tour(instance: Tsp, tour: Tour, ax: Any = None) -> Any:
    """Draw a tour or path; the square is its first place, and of a path the diamond is the last.

    Parameters
    ----------
    instance : Tsp
    tour : Tour
        Also an infeasible one; then the title says so.
    ax : Axes, optional
        Default: a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    InstanceError
        If there is no tour, or it visits places that there are not.
    """
    found = _checked(instance, tour, Tour, tsp.check)
    xy, order = layout(instance.places), tour.order
    ax = axes(ax, (SIZE, SIZE))
    _line(
        ax, xy, order if instance.ends is not None else np.r_[order, order[:1]], LINE, not instance.places.is_symmetric
    )
    _dots(ax, xy, np.arange(len(xy)), INK)
    if len(order):
        _mark(ax, xy, int(order[0]), "s")
    if instance.ends is not None and len(order):
        _mark(ax, xy, int(order[-1]), "D")
    _finish(ax, instance, f"length {found.objective:g}", found)
    return ax


def plot_routes(instance: Cvrp, solution: Routes, ax: Any = None) -> Any:
    """Draw routes, each in a colour; the square is the depot, the diamond where a vehicle under way is.

    Customers' dots grow with their demand. Parameters and errors as in `plot_tour`.
    """
    found = _checked(instance, solution, Routes, cvrp.check)
    xy = layout(instance.places)
    ax = axes(ax, (SIZE, SIZE))
    colours = job_colours(max(1, len(solution.routes)))
    frame = route_frame(instance, solution)
    for k in range(len(solution.routes)):
        legs = frame[frame["route"] == k]
        stops = np.r_[legs["from"].to_numpy(), legs["to"].to_numpy()[-1:]]
        _line(ax, xy, stops, colours[k], not instance.places.is_symmetric)
    colour = np.array([UNVISITED] * len(xy), dtype=object)
    for k, route in enumerate(solution.routes):
        for i in route.tolist():
            colour[i] = _hex(colours[k])
    customers = instance.customers
    _dots(ax, xy, customers, colour[customers].tolist(), instance.demand[customers] / instance.capacity)
    _mark(ax, xy, 0, "s")
    if instance.origin:
        _mark(ax, xy, instance.origin, "D")
    _finish(ax, instance, f"length {found.objective:g}, {len(solution.routes)} routes", found)
    return ax


def plot_walk(instance: Orienteering, walk: Walk, ax: Any = None) -> Any:
    """Draw a walk; dots grow with the prize, grey where it is left; the square is the beginning, the diamond the end.

    Parameters and errors as in `plot_tour`.
    """
    found = _checked(instance, walk, Walk, orienteering.check)
    xy, (first, last) = layout(instance.places), instance.ends
    ax = axes(ax, (SIZE, SIZE))
    _line(ax, xy, np.r_[first, walk.visits, last], LINE, not instance.places.is_symmetric)
    places = np.setdiff1d(np.arange(len(xy)), instance.ends)
    is_visited = np.isin(places, walk.visits)
    share = instance.prize / max(float(instance.prize.max()), 1e-300)
    for chosen, colour in ((~is_visited, UNVISITED), (is_visited, LINE)):
        _dots(ax, xy, places[chosen], colour, share[places[chosen]])
    _mark(ax, xy, first, "s")
    if last != first:
        _mark(ax, xy, last, "D")
    _finish(
        ax, instance, f"prize {found.objective:g}, length {found.metrics['length']:g} of {instance.max_length:g}", found
    )
    return ax


def layout(places: Places) -> FloatArray:
    """Return where places are drawn, float64 [N, 2]: east and north for degrees, a circle where nothing is known."""
    if places.points is None:
        angle = np.pi / 2 - 2 * np.pi * np.arange(len(places)) / len(places)
        return np.stack([np.cos(angle), np.sin(angle)], 1)
    return places.points[:, ::-1] if places.metric == "geo" else places.points


def route_frame(instance: Cvrp, solution: Routes) -> "pd.DataFrame":
    """Return a row per leg: route, from, to, length, and load on it, of what is still to be delivered on the route."""
    import pandas as pd

    rows: list[tuple[Any, ...]] = []
    for k, route in enumerate(solution.routes):
        stops = np.r_[instance.origin if k == 0 else 0, route, 0]
        left = np.r_[instance.demand[route][::-1].cumsum()[::-1], 0]
        lengths = instance.places.lengths(stops[:-1], stops[1:])
        rows += zip([k] * len(left), stops[:-1].tolist(), stops[1:].tolist(), lengths, left, strict=True)
    return pd.DataFrame(rows, columns=["route", "from", "to", "length", "load"])


def _checked(instance: Any, solution: Any, kind: type, check: Any) -> "Check":
    if not isinstance(solution, kind):
        raise InstanceError(f"there is no {kind.__name__.lower()} to draw")
    found: Check = check(instance, solution)
    if found.objective is None:
        raise InstanceError(f"visits places that there are not: {found.violations[0].place}")
    return found


def _line(ax: Any, xy: FloatArray, stops: IntArray, colour: Any, is_directed: bool) -> None:
    ax.plot(*xy[stops].T, color=colour, linewidth=1.1, zorder=1)
    if is_directed and 1 < len(stops) <= MAX_ARROWS:
        start, end = xy[stops[:-1]], xy[stops[1:]]
        middle, way = (start + end) / 2, (end - start) / 1e3
        for (x, y), (dx, dy) in zip(middle.tolist(), way.tolist(), strict=True):
            head = {"arrowstyle": "-|>", "color": colour, "linewidth": 0, "mutation_scale": 9}
            ax.annotate("", (x + dx, y + dy), (x - dx, y - dy), arrowprops=head, zorder=1)


def _dots(ax: Any, xy: FloatArray, places: IntArray, colour: Any, share: FloatArray | None = None) -> None:
    """Draw places; their area grows with `share` in 0..1, and falls with their number."""
    base = float(np.clip(3000 / max(1, len(xy)), 1.5, 24))
    sizes = base if share is None else base * (0.5 + 2.5 * share)
    ax.scatter(*xy[places].T, s=sizes, c=colour, linewidths=0, zorder=2)


def _mark(ax: Any, xy: FloatArray, place: int, marker: str) -> None:
    ax.scatter(*xy[[place]].T, s=55, c=INK, marker=marker, edgecolors="white", linewidths=0.8, zorder=3)


def _hex(colour: Any) -> str:
    from matplotlib.colors import to_hex

    return str(to_hex(colour))


def _finish(ax: Any, instance: Any, text: str, found: "Check") -> None:
    bad = len(found.violations)
    trouble = f", INFEASIBLE ({bad} violation{'s' * (bad > 1)})" if bad else ""
    title(ax, f"{plain(instance.name)}: {text}{trouble}")
    places: Places = instance.places
    ax.set_aspect("equal", adjustable="datalim")
    ax.set_xticks([])
    ax.set_yticks([])
    if places.points is None:
        literal([ax.set_xlabel("no coordinates: places on a circle by their numbers", fontsize="small")])
    elif places.metric == "geo":
        literal([ax.set_xlabel("longitude", fontsize="small"), ax.set_ylabel("latitude", fontsize="small")])
