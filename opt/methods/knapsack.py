"""The methods for knapsack: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "knapsack"

METHODS: tuple[Method, ...] = (
    Method(
        "dynamic-programming",
        PROBLEM,
        "counterpoint.solvers.dynamic_programming.knapsack:solve",
        "exact: states of an expanding core, dominated and hopeless ones dropped (minknap)",
        is_exact=True,
        is_anytime=True,
        uses_bound=True,
        needs=("numba",),
        warm_up="counterpoint.solvers.warm_up.knapsack:dynamic_programming",
    ),
    Method(
        "or-tools-knapsack",
        PROBLEM,
        "counterpoint.solvers.or_tools.knapsack:solve",
        "branch and bound (OR-Tools); cannot be interrupted, so give a time limit",
        is_exact=True,
        uses_bound=True,
        needs=("ortools",),
    ),
    Method(
        "density-greedy",
        PROBLEM,
        "counterpoint.solvers.rules.knapsack:solve",
        "rule: the most value per weight first, whatever still fits",
    ),
    Method(
        "bq",
        PROBLEM,
        "counterpoint.models.policies.knapsack:solve",
        "learned: a transformer that was taught optimal packings packs the core item by item",
        options="counterpoint.models.policies.knapsack:Options",
        is_anytime=True,
        is_random=True,
        needs=("torch", "safetensors"),
        extra="learn",
        network="bq-knapsack",
    ),
)
