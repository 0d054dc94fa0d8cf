"""The methods for pigment sequencing: one entry each."""

from counterpoint.opt.registry import Method

ALL = frozenset({"stocking-costs-per-item"})
WARM_UP = "counterpoint.solvers.warm_up.pigment_sequencing"

METHODS = (
    Method(
        "dp-lagrangian",
        "pigment-sequencing",
        "counterpoint.solvers.dynamic_programming.pigment_sequencing:solve",
        "annealing, Lagrangian bound, then exact dynamic programming in ever wider beams; one core",
        options="counterpoint.solvers.dynamic_programming.pigment_sequencing:Options",
        handles=ALL,
        is_exact=True,
        is_anytime=True,
        uses_bound=True,
        needs=("numba",),
        warm_up=f"{WARM_UP}:dynamic_programming",
    ),
    Method(
        "mip-changeover-flow",
        "pigment-sequencing",
        "counterpoint.solvers.mip.pigment_sequencing:solve",
        "time-indexed changeover flow with cuts on the stock, as arrays to HiGHS",
        options="counterpoint.solvers.mip.pigment_sequencing:Options",
        handles=ALL,
        is_exact=True,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("highspy",),
    ),
    Method(
        "cp-sat",
        "pigment-sequencing",
        "counterpoint.solvers.cp_sat.pigment_sequencing:solve",
        "constraint programming: who is made when, changeovers as a flow (OR-Tools CP-SAT)",
        options="counterpoint.solvers.cp_sat.pigment_sequencing:Options",
        handles=ALL,
        is_exact=True,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("ortools",),
    ),
    Method(
        "simulated-annealing",
        "pigment-sequencing",
        "counterpoint.solvers.local_search.pigment_sequencing:solve",
        "swaps and insertions of units, heated again and again; one core",
        options="counterpoint.solvers.local_search.pigment_sequencing:Options",
        handles=ALL,
        is_anytime=True,
        is_random=True,
        needs=("numba",),
        warm_up=f"{WARM_UP}:annealing",
    ),
    *(
        Method(
            rule,
            "pigment-sequencing",
            "counterpoint.solvers.rules.pigment_sequencing:solve",
            f"rule, going back in time: {summary}",
            options="counterpoint.solvers.rules.pigment_sequencing:Options",
            preset={"rule": rule},
            handles=ALL,
        )
        for rule, summary in (
            ("edd", "earliest due date first"),
            ("nearest", "the cheapest changeover first"),
        )
    ),
    Method(
        "exhaustive",
        "pigment-sequencing",
        "counterpoint.solvers.exhaustive.pigment_sequencing:solve",
        "dynamic programming over all states; a twin for tests, small instances only",
        handles=ALL,
        is_exact=True,
        uses_bound=True,
    ),
)
