"""The methods for tsp: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "tsp"
ALL = frozenset({"asymmetric", "path"})
REFUSALS = "counterpoint.opt.methods.refusals"
WARM_UP = "counterpoint.solvers.warm_up.tsp"

METHODS: tuple[Method, ...] = (
    Method(
        "local-search",
        PROBLEM,
        "counterpoint.solvers.local_search.tsp:solve",
        "chains of 3-opt moves on neighbour lists, kicked again and again; one-tree bound; one core",
        options="counterpoint.solvers.local_search.tsp:Options",
        handles=ALL,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        needs=("numba", "scipy"),
        warm_up=f"{WARM_UP}:local_search",
    ),
    Method(
        "held-karp",
        PROBLEM,
        "counterpoint.solvers.dynamic_programming.tsp:solve",
        "dynamic programming over sets of places: exact, at most 16 places",
        handles=ALL,
        refuses=f"{REFUSALS}:too_many_for_held_karp",
        is_exact=True,
        uses_bound=True,
        needs=("numba",),
        warm_up=f"{WARM_UP}:held_karp",
    ),
    Method(
        "fast-tsp",
        PROBLEM,
        "counterpoint.solvers.local_search.tsp_fast_tsp:solve",
        "fast-tsp, in 16-bit distances; asymmetric instances doubled, paths closed by a link",
        options="counterpoint.solvers.local_search.tsp_fast_tsp:Options",
        handles=ALL,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("fast_tsp", "numba"),
        extra="routing",
        warm_up=f"{WARM_UP}:held_karp",
    ),
    Method(
        "cp-sat",
        PROBLEM,
        "counterpoint.solvers.cp_sat.tsp:solve",
        "constraint programming: one circuit of the arcs that one-trees leave (OR-Tools CP-SAT)",
        options="counterpoint.solvers.cp_sat.tsp:Options",
        handles=ALL,
        is_exact=True,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("ortools", "numba", "scipy"),
        warm_up=f"{WARM_UP}:local_search",
    ),
    Method(
        "or-tools-routing",
        PROBLEM,
        "counterpoint.solvers.or_tools.tsp:solve",
        "OR-Tools routing: cheapest arcs, then guided local search; at most 5,000 places",
        options="counterpoint.solvers.or_tools.tsp:Options",
        handles=ALL,
        refuses=f"{REFUSALS}:too_many_for_routing",
        is_anytime=True,
        is_random=True,
        needs=("ortools",),
    ),
    Method(
        "bq",
        PROBLEM,
        "counterpoint.models.policies.tsp:solve",
        "learned: a transformer builds the tour at both ends, then rebuilds parts of it",
        options="counterpoint.models.policies.tsp:Options",
        handles=ALL,
        is_anytime=True,
        is_random=True,
        needs=("torch", "safetensors"),
        extra="learn",
        network="bq-tsp",
    ),
    *(
        Method(
            rule,
            PROBLEM,
            "counterpoint.solvers.rules.tsp:solve",
            f"rule: {summary}",
            options="counterpoint.solvers.rules.tsp:Options",
            preset={"rule": rule},
            handles=ALL,
            is_random=rule == "random",
        )
        for rule, summary in (
            ("nearest-neighbour", "go to the nearest place not visited yet"),
            ("nearest-insertion", "insert the place nearest to the tour where it costs least"),
            ("farthest-insertion", "insert the place farthest from the tour where it costs least"),
            ("random", "any order"),
        )
    ),
)
