"""Why methods refuse instances whose features they handle: known without importing any solver."""

from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.orienteering import Orienteering
from counterpoint.opt.problems.tsp import Tsp

SUBSET_DP = 20  # places between the ends: 170 MB
HELD_KARP = 16  # places: 4 MB of states
ROUTING = 5000  # places: a table of Python integers
CP_SAT_CVRP = 1000  # places: a million Python objects


def many_between(instance: Orienteering) -> str:
    """Refuse more places between the ends than fit into memory when subsets of them are counted."""
    between = instance.num_places - len(set(instance.ends))
    return f"takes at most {SUBSET_DP} places between the ends, not {between}" if between > SUBSET_DP else ""


def no_points(instance: Cvrp) -> str:
    """Refuse places that nobody knows where they are."""
    return "needs points, not only a matrix of distances" if instance.places.points is None else ""


def no_distances_by_points(instance: Orienteering) -> str:
    """Refuse distances that are not those of points."""
    return "needs distances by coordinates, not a matrix" if instance.places.metric == "explicit" else ""


def too_many_for_held_karp(instance: Tsp) -> str:
    """Refuse more places than it has memory for."""
    return _above(HELD_KARP, instance.num_places)


def too_many_for_routing(instance: Tsp | Cvrp) -> str:
    """Refuse more places than OR-Tools' routing is given as a table."""
    return _above(ROUTING, instance.num_places)


def too_many_for_cp_sat(instance: Cvrp) -> str:
    """Refuse more places than there can be arcs between."""
    return _above(CP_SAT_CVRP, instance.num_places)


def _above(most: int, places: int) -> str:
    return f"takes at most {most} places, not {places}" if places > most else ""
