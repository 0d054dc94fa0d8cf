"""The methods for job shops: one entry each."""

from counterpoint.opt.registry import Method

ALL = frozenset({"flexible", "blocking-swap", "blocking-no-swap", "tardiness", "unavailability"})
RULES = (
    ("spt", "shortest processing time first"),
    ("lpt", "longest processing time first"),
    ("mwkr", "most work remaining first"),
    ("lwkr", "least work remaining first"),
    ("mopnr", "most operations remaining first"),
    ("fifo", "first come, first served"),
    ("fdd-mwkr", "least flow due date per work remaining first"),
    ("lrm", "longest remaining work behind the operation first"),
    ("srm", "shortest remaining work behind the operation first"),
    ("random", "any operation that may start next"),
)

METHODS = (
    Method(
        "hybrid",
        "job-shop",
        "counterpoint.solvers.hybrid.job_shop:solve",
        "rule, tabu search, preemptive bound, then CP-SAT with hint and tight horizon",
        options="counterpoint.solvers.hybrid.job_shop:Options",
        handles=ALL,
        is_exact=True,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("ortools", "numba"),
    ),
    Method(
        "cp-sat",
        "job-shop",
        "counterpoint.solvers.cp_sat.job_shop:solve",
        "constraint programming with interval variables (OR-Tools CP-SAT)",
        options="counterpoint.solvers.cp_sat.job_shop:Options",
        handles=ALL,
        is_exact=True,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("ortools", "numba"),
    ),
    *(
        Method(
            name,
            "job-shop",
            f"counterpoint.solvers.mip.job_shop_{file}:solve",
            summary,
            options=f"counterpoint.solvers.mip.job_shop_{file}:Options",
            preset=preset,
            handles=ALL,
            is_exact=True,
            is_anytime=True,
            uses_bound=True,
            is_random=True,
            is_parallel=True,
            needs=needs,
        )
        for name, file, summary, preset, needs in (
            ("mip-disjunctive", "disjunctive", "Manne's big-M model as arrays to HiGHS", {}, ("highspy", "numba")),
            (
                "mip-time-indexed",
                "time_indexed",
                "time-indexed model as arrays to HiGHS; small horizons only",
                {},
                ("highspy", "numba"),
            ),
            (
                "mip-disjunctive-pyomo",
                "pyomo",
                "Manne's big-M model written in Pyomo, for readers",
                {"formulation": "disjunctive"},
                ("highspy", "pyomo", "numba"),
            ),
            (
                "mip-time-indexed-pyomo",
                "pyomo",
                "time-indexed model written in Pyomo, for readers",
                {"formulation": "time-indexed"},
                ("highspy", "pyomo", "numba"),
            ),
        )
    ),
    Method(
        "tabu",
        "job-shop",
        "counterpoint.solvers.local_search.job_shop:solve",
        "tabu search on critical blocks with path relinking; one core",
        options="counterpoint.solvers.local_search.job_shop:Options",
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        needs=("numba",),
    ),
    Method(
        "shifting-bottleneck",
        "job-shop",
        "counterpoint.solvers.local_search.job_shop_bottleneck:solve",
        "shifting bottleneck with Carlier's one-machine algorithm",
        uses_bound=True,
        needs=("numba",),
    ),
    Method(
        "randomised",
        "job-shop",
        "counterpoint.solvers.rules.job_shop_randomised:solve",
        "a dispatching rule with random perturbation, best of many samples",
        options="counterpoint.solvers.rules.job_shop_randomised:Options",
        handles=frozenset({"flexible", "tardiness", "unavailability"}),
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        needs=("numba",),
    ),
    *(
        Method(
            rule,
            "job-shop",
            "counterpoint.solvers.rules.job_shop:solve",
            f"dispatching rule: {summary}",
            options="counterpoint.solvers.rules.job_shop:Options",
            preset={"rule": rule},
            handles=frozenset({"flexible", "tardiness", "unavailability"}),
            is_random=rule == "random",
            needs=("numba",),
        )
        for rule, summary in RULES
    ),
    Method(
        "exhaustive",
        "job-shop",
        "counterpoint.solvers.exhaustive.job_shop:solve",
        "enumerates all schedules that can be optimal; a twin for tests, tiny instances only",
        handles=ALL,
        is_exact=True,
        uses_bound=True,
    ),
)
