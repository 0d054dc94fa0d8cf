"""The policies for interrupted blocking job shops: one entry each."""

from counterpoint.opt.methods.job_shop import RULES
from counterpoint.opt.registry import Method

ALL = frozenset({"interruptions", "busy-failures", "restart"})
_RULES = "counterpoint.solvers.rules.interrupted_job_shop"

METHODS = (
    Method(
        "gnn",
        "interrupted-job-shop",
        "counterpoint.models.policies.interrupted_job_shop:policy",
        "learned: a graph network decides who enters a free machine",
        options="counterpoint.models.policies.interrupted_job_shop:Options",
        handles=ALL,
        is_random=True,
        needs=("torch", "safetensors", "simpy"),
        extra="learn",
        kind="sequential",
        network="interrupted-job-shop",
    ),
    Method(
        "scores",
        "interrupted-job-shop",
        "counterpoint.models.policies.interrupted_job_shop_scores:policy",
        "learned: a small network scores who may enter, who is coming, and waiting",
        options="counterpoint.models.policies.interrupted_job_shop_scores:Options",
        handles=ALL,
        needs=("torch", "safetensors", "simpy", "numba"),
        extra="learn",
        kind="sequential",
        network="interrupted-job-shop-scores",
    ),
    Method(
        "roll-out",
        "interrupted-job-shop",
        "counterpoint.models.policies.interrupted_job_shop_roll_out:policy",
        "tries every decision in sampled futures, with the learned scores deciding after it",
        options="counterpoint.models.policies.interrupted_job_shop_roll_out:Options",
        handles=ALL,
        is_random=True,
        needs=("torch", "safetensors", "simpy", "numba"),
        extra="learn",
        kind="sequential",
    ),
    Method(
        "roll-out-rule",
        "interrupted-job-shop",
        "counterpoint.solvers.replan.interrupted_job_shop_roll_out:policy",
        "tries every decision in sampled futures, with a dispatching rule deciding after it",
        options="counterpoint.solvers.replan.interrupted_job_shop_roll_out:Options",
        handles=ALL,
        is_random=True,
        needs=("simpy", "numba"),
        extra="learn",
        kind="sequential",
    ),
    Method(
        "replan-cp-sat",
        "interrupted-job-shop",
        "counterpoint.solvers.replan.interrupted_job_shop:policy",
        "CP-SAT plans what is known, and again at every shutdown and repair",
        options="counterpoint.solvers.replan.interrupted_job_shop:Options",
        handles=ALL,
        is_random=True,
        needs=("ortools", "simpy"),
        extra="learn",
        kind="sequential",
    ),
    *(
        Method(
            rule,
            "interrupted-job-shop",
            f"{_RULES}:policy",
            f"dispatching rule: {summary}",
            options=f"{_RULES}:Options",
            preset={"rule": rule},
            handles=ALL,
            is_random=rule == "random",
            needs=("simpy",),
            extra="learn",
            kind="sequential",
        )
        for rule, summary in RULES
    ),
    Method(
        "best-random",
        "interrupted-job-shop",
        f"{_RULES}:best_random",
        "the best of many random runs, repeated; only where machines never fail",
        options=f"{_RULES}:BestOptions",
        is_random=True,
        needs=("simpy",),
        extra="learn",
        kind="sequential",
    ),
)
