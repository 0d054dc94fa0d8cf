"""The mixed-integer methods for lot-sizing: one entry each."""

from counterpoint.opt.registry import Method

ALL = frozenset({"backlogging", "capacity", "setup-times", "several-items"})
WARM_UP = "counterpoint.solvers.warm_up.lot_sizing:prices"
OPTIONS = "counterpoint.solvers.mip.lot_sizing_run:Options"

MIP: tuple[Method, ...] = (
    *(
        Method(
            name,
            "lot-sizing",
            f"counterpoint.solvers.mip.{target}",
            summary,
            options=OPTIONS,
            handles=ALL,
            is_exact=True,
            is_anytime=True,
            uses_bound=True,
            is_random=True,
            is_parallel=True,
            needs=("highspy", "numba", *more),
            warm_up=WARM_UP,
        )
        for name, target, summary, more in (
            (
                "mip-facility-location",
                "lot_sizing:solve_facility_location",
                "fix-and-optimise, then the facility-location model to HiGHS",
                (),
            ),
            (
                "mip-standard",
                "lot_sizing:solve_standard",
                "fix-and-optimise, then the standard model to HiGHS",
                (),
            ),
            (
                "mip-ls-cuts",
                "lot_sizing:solve_ls_cuts",
                "fix-and-optimise, then the standard model with (l,S) inequalities to HiGHS",
                (),
            ),
            ("mip-pyomo", "lot_sizing_pyomo:solve", "the standard model written in Pyomo, for readers", ("pyomo",)),
        )
    ),
    Method(
        "fix-and-optimise",
        "lot-sizing",
        "counterpoint.solvers.mip.lot_sizing_fix_and_optimise:solve",
        "small programs over windows of items and periods, from prices of the capacity and a core's relaxation",
        options="counterpoint.solvers.mip.lot_sizing_fix_and_optimise:Options",
        handles=ALL,
        is_anytime=True,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("highspy", "numba"),
        warm_up=WARM_UP,
    ),
    Method(
        "relax-and-fix",
        "lot-sizing",
        "counterpoint.solvers.mip.lot_sizing_relax_and_fix:solve",
        "setups made whole a few periods at a time, from first to last",
        options="counterpoint.solvers.mip.lot_sizing_relax_and_fix:Options",
        handles=ALL,
        uses_bound=True,
        is_random=True,
        is_parallel=True,
        needs=("highspy", "numba"),
        warm_up=WARM_UP,
    ),
    Method(
        "lp-rounding",
        "lot-sizing",
        "counterpoint.solvers.mip.lot_sizing_rounding:solve",
        "setups of the facility-location relaxation, rounded at a dozen thresholds",
        handles=ALL,
        uses_bound=True,
        needs=("highspy", "numba"),
        warm_up=WARM_UP,
    ),
    Method(
        "left-shift",
        "lot-sizing",
        "counterpoint.solvers.mip.lot_sizing_start:solve",
        "lot-for-lot, moved to earlier periods where capacity is short; needs no solver",
        handles=ALL,
        needs=("numba",),
        warm_up=WARM_UP,
    ),
)
