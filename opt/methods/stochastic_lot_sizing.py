"""The policies for plants of parallel machines: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "stochastic-lot-sizing"
_REPLAN = "counterpoint.solvers.replan.stochastic_lot_sizing"
_RULES = "counterpoint.solvers.rules.stochastic_lot_sizing"


def _rule(
    name: str, summary: str, *, options: str = "", is_random: bool = False, needs: tuple[str, ...] = ()
) -> Method:
    return Method(
        name,
        PROBLEM,
        f"{_RULES}:{name.replace('-', '_')}",
        summary,
        options=options and f"{_RULES}:{options}",
        is_random=is_random,
        needs=("simpy", *needs),
        extra="learn",
        kind="sequential",
    )


METHODS = (
    _rule("idle", "makes nothing"),
    _rule("keep-setup", "goes on with what the machines are found set up for"),
    _rule("random", "draws among a machine's choices every period", is_random=True),
    _rule("priority", "machines go to items of low stock, with hysteresis", options="PriorityOptions"),
    _rule(
        "static-assignment",
        "one machine for ever for each item that is worth it (linear assignment)",
        options="AssignmentOptions",
        needs=("scipy",),
    ),
    Method(
        "lagrangian",
        PROBLEM,
        "counterpoint.solvers.lagrangian.stochastic_lot_sizing:policy",
        "assigns machines by the value functions of single items, the machines priced",
        options="counterpoint.solvers.lagrangian.stochastic_lot_sizing:Options",
        is_random=True,  # the seed draws the scenarios that prices are tuned on
        needs=("simpy",),
        extra="learn",
        kind="sequential",
        warm_up="counterpoint.solvers.lagrangian.stochastic_lot_sizing:warm_up",
    ),
    Method(
        "value-iteration",
        PROBLEM,
        "counterpoint.solvers.dynamic_programming.stochastic_lot_sizing_policy:policy",
        "the optimal policy, where the states can be listed: a few items",
        options="counterpoint.solvers.dynamic_programming.stochastic_lot_sizing_policy:Options",
        is_exact=True,
        needs=("simpy",),
        extra="learn",
        kind="sequential",
    ),
    *(
        Method(
            name,
            PROBLEM,
            f"{_REPLAN}:{name.replace('-', '_')}",
            summary,
            options=f"{_REPLAN}:{options}",
            is_random=name == "tree-mip",
            needs=("highspy", "numba", "simpy"),
            extra="learn",
            kind="sequential",
        )
        for name, options, summary in (
            ("rolling-mip", "RollingOptions", "plans for mean demand, again in every period"),
            ("tree-mip", "TreeOptions", "plans for demand paths or a scenario tree, drawn afresh in every period"),
        )
    ),
    Method(
        "learned",
        PROBLEM,
        "counterpoint.models.policies.stochastic_lot_sizing:policy",
        "what PPO or post-decision PPO learnt for a plant (option checkpoint)",
        options="counterpoint.models.policies.stochastic_lot_sizing:Options",
        is_random=True,
        needs=("torch", "safetensors", "simpy"),
        extra="learn",
        kind="sequential",
        network="mlp",
    ),
    Method(
        "plant-network",
        PROBLEM,
        "counterpoint.models.policies.stochastic_lot_sizing_pairs:policy",
        "a network that scores machines and items in pairs, for plants of all sizes",
        options="counterpoint.models.policies.stochastic_lot_sizing_pairs:Options",
        needs=("torch", "safetensors", "simpy"),
        extra="learn",
        kind="sequential",
        network="plant-pairs",
    ),
)
