"""The methods for lot-sizing: one entry each; the mixed-integer ones stand in `lot_sizing_mip`."""

from counterpoint.opt.methods.lot_sizing_mip import MIP
from counterpoint.opt.registry import Method

WARM_UP = "counterpoint.solvers.warm_up.lot_sizing"
UNCAPACITATED = frozenset({"several-items", "backlogging"})
RULES = (
    ("lot-for-lot", "each period makes its own demand"),
    ("eoq", "the economic order quantity whenever stock runs short"),
    ("poq", "lots for as many periods as the economic order quantity lasts"),
    ("silver-meal", "lots of least average cost per period"),
    ("least-unit-cost", "lots of least average cost per unit"),
    ("part-period", "lots whose holding cost balances their setup cost"),
)

SINGLE_ITEM = (
    Method(
        "wagner-whitin",
        "lot-sizing",
        "counterpoint.solvers.dynamic_programming.lot_sizing:solve",
        "dynamic programming in O(T log T), optimal where items share no capacity",
        options="counterpoint.solvers.dynamic_programming.lot_sizing:Options",
        handles=UNCAPACITATED,
        is_exact=True,
        uses_bound=True,
        needs=("numba",),
        warm_up=f"{WARM_UP}:wagner_whitin",
    ),
    *(
        Method(
            rule,
            "lot-sizing",
            "counterpoint.solvers.rules.lot_sizing:solve",
            f"lot-sizing rule: {summary}",
            options="counterpoint.solvers.rules.lot_sizing:Options",
            preset={"rule": rule},
            handles=UNCAPACITATED | ({"capacity", "setup-times"} if rule == "lot-for-lot" else set()),
            needs=("numba",),
            warm_up=f"{WARM_UP}:rules",
        )
        for rule, summary in RULES
    ),
)
METHODS = (*SINGLE_ITEM, *MIP)
