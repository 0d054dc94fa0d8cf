"""Why methods refuse instances whose features they handle: known without importing any solver."""

from counterpoint.opt.problems.cvrp import Cvrp
from counterpoint.opt.problems.orienteering import Orienteering

SUBSET_DP = 20  # places between the ends: 170 MB


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
