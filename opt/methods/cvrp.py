"""The methods for cvrp: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "cvrp"
ALL = frozenset({"asymmetric", "under-way"})
REFUSALS = "counterpoint.opt.methods.refusals"

METHODS: tuple[Method, ...] = (
    Method(
        "local-search",
        PROBLEM,
        "counterpoint.solvers.local_search.cvrp:solve",
        "ruin and recreate: strings of neighbouring routes out and back in, annealed again and again; one core",
        options="counterpoint.solvers.local_search.cvrp:Options",
        handles=ALL,
        is_anytime=True,
        is_random=True,
        needs=("numba",),
        warm_up="counterpoint.solvers.warm_up.cvrp:local_search",
    ),
    Method(
        "pyvrp",
        PROBLEM,
        "counterpoint.solvers.adapters.pyvrp_cvrp:solve",
        "iterated local search (PyVRP); one core",
        handles=ALL,
        is_anytime=True,
        is_random=True,
        needs=("pyvrp",),
        extra="routing",
    ),
    Method(
        "hygese",
        PROBLEM,
        "counterpoint.solvers.adapters.hygese_cvrp:solve",
        "hybrid genetic search (HGS-CVRP through hygese); tells nothing before its end; one core",
        options="counterpoint.solvers.adapters.hygese_cvrp:Options",
        is_anytime=True,
        is_random=True,
        needs=("hygese",),
        extra="routing",
    ),
    Method(
        "or-tools-routing",
        PROBLEM,
        "counterpoint.solvers.or_tools.cvrp:solve",
        "guided local search (OR-Tools routing)",
        handles=ALL,
        refuses=f"{REFUSALS}:too_many_for_routing",
        is_anytime=True,
        needs=("ortools",),
    ),
    Method(
        "cp-sat",
        PROBLEM,
        "counterpoint.solvers.cp_sat.cvrp:solve",
        "constraint programming: circuits through the depot (OR-Tools CP-SAT); proofs up to some 20 customers",
        options="counterpoint.solvers.cp_sat.cvrp:Options",
        handles=ALL,
        refuses=f"{REFUSALS}:too_many_for_cp_sat",
        is_exact=True,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("ortools", "numba"),
        warm_up="counterpoint.solvers.warm_up.cvrp:local_search",
    ),
    Method(
        "bq",
        PROBLEM,
        "counterpoint.models.policies.cvrp:solve",
        "learned: a transformer builds the routes customer by customer; needs coordinates",
        options="counterpoint.models.policies.cvrp:Options",
        handles=frozenset({"under-way"}),
        refuses=f"{REFUSALS}:no_points",
        is_anytime=True,
        is_random=True,
        needs=("torch", "safetensors"),
        extra="learn",
        network="bq-cvrp",
    ),
    *(
        Method(
            rule,
            PROBLEM,
            "counterpoint.solvers.rules.cvrp:solve",
            f"rule: {summary}",
            options="counterpoint.solvers.rules.cvrp:Options",
            preset={"rule": rule},
            handles=handles,
            refuses=f"{REFUSALS}:no_points" if rule == "sweep" else "",
        )
        for rule, summary, handles in (
            ("savings", "join the two routes whose joining saves most (Clarke and Wright)", ALL),
            ("nearest-neighbour", "go to the nearest customer whose demand still fits", ALL),
            ("sweep", "customers by their angle around the depot; needs points", frozenset({"asymmetric"})),
        )
    ),
)
