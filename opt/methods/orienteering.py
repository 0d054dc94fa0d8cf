"""The methods for orienteering: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "orienteering"
ALL = frozenset({"asymmetric", "path"})
REFUSALS = "counterpoint.opt.methods.refusals"
WARM_UP = "counterpoint.solvers.warm_up.orienteering"

METHODS: tuple[Method, ...] = (
    Method(
        "local-search",
        PROBLEM,
        "counterpoint.solvers.local_search.orienteering:solve",
        "visits out, others in, 2-opt and Or-opt, annealed again and again; one core",
        options="counterpoint.solvers.local_search.orienteering:Options",
        handles=ALL,
        is_anytime=True,
        is_random=True,
        uses_bound=True,
        needs=("numba",),
        warm_up=f"{WARM_UP}:local_search",
    ),
    Method(
        "pyvrp",
        PROBLEM,
        "counterpoint.solvers.adapters.pyvrp_orienteering:solve",
        "PyVRP with prizes weighed in length, the best of several weights; one core",
        options="counterpoint.solvers.adapters.pyvrp_orienteering:Options",
        handles=ALL,
        is_anytime=True,
        is_random=True,
        needs=("pyvrp", "numba"),
        extra="routing",
        warm_up=f"{WARM_UP}:greedy",
    ),
    Method(
        "cp-sat",
        PROBLEM,
        "counterpoint.solvers.cp_sat.orienteering:solve",
        "constraint programming: a circuit that leaves places out (OR-Tools CP-SAT)",
        options="counterpoint.solvers.cp_sat.orienteering:Options",
        handles=ALL,
        is_exact=True,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("ortools", "numba"),
        warm_up=f"{WARM_UP}:greedy",
    ),
    Method(
        "subset-dp",
        PROBLEM,
        "counterpoint.solvers.dynamic_programming.orienteering:solve",
        "exact: the shortest way through every subset; at most 20 places between the ends",
        handles=ALL,
        refuses=f"{REFUSALS}:many_between",
        is_exact=True,
        uses_bound=True,
        needs=("numba",),
        warm_up=f"{WARM_UP}:dynamic_programming",
    ),
    Method(
        "bq",
        PROBLEM,
        "counterpoint.models.policies.orienteering:solve",
        "learned: a transformer builds the walk place by place; needs distances by coordinates",
        options="counterpoint.models.policies.orienteering:Options",
        handles=frozenset({"path"}),
        refuses=f"{REFUSALS}:no_distances_by_points",
        is_random=True,
        needs=("torch", "safetensors"),
        extra="learn",
        network="bq-orienteering",
    ),
    Method(
        "greedy-insertion",
        PROBLEM,
        "counterpoint.solvers.rules.orienteering:solve",
        "rule: the most prize per length of the detour first, while it fits",
        handles=ALL,
        needs=("numba",),
        warm_up=f"{WARM_UP}:greedy",
    ),
)
