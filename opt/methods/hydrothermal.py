"""The policies for hydrothermal systems: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "hydrothermal"
_RULES = "counterpoint.solvers.rules.hydrothermal"
_REPLAN = "counterpoint.solvers.replan.hydrothermal"
_AC = frozenset({"ac"})  # operated by CasADi and Ipopt


def _policy(
    name: str, target: str, summary: str, *, options: str = "", is_random: bool = False, network: str = "",
    needs: tuple[str, ...] = (),
) -> Method:  # fmt: skip
    return Method(
        name,
        PROBLEM,
        target,
        summary,
        options=options,
        handles=_AC,
        is_random=is_random,
        needs=("highspy", "scipy", "simpy", *needs),
        extra="learn",
        kind="sequential",
        network=network,
    )


METHODS: tuple[Method, ...] = (
    _policy("myopic", f"{_RULES}:myopic", "dispatches at least cost now, as if water were worth nothing"),
    _policy("hoard", f"{_RULES}:hoard", "keeps as much water as it can"),
    _policy("keep-level", f"{_RULES}:keep_level", "holds storages where they are: run-of-river"),
    _policy("random", f"{_RULES}:random", "lets plants turbine a random share of what they could", is_random=True),
    _policy(
        "water-value",
        f"{_RULES}:water_value",
        "dispatches at least cost with one constant price of stored energy",
        options=f"{_RULES}:WaterValueOptions",
    ),
    _policy(
        "rolling-lp",
        f"{_REPLAN}:rolling_lp",
        "plans for mean inflows, again in every stage",
        options=f"{_REPLAN}:RollingOptions",
    ),
    _policy(
        "tree-lp",
        f"{_REPLAN}:tree_lp",
        "plans for a scenario tree of inflows, solved again in every stage",
        options=f"{_REPLAN}:TreeOptions",
    ),
    _policy(
        "sddp",
        "counterpoint.solvers.sddp.hydrothermal:sddp",
        "trains water values by stochastic dual dynamic programming, and dispatches at least cost with them",
        options="counterpoint.solvers.sddp.hydrothermal:Options",
        is_random=True,  # the seed draws the paths of the training
    ),
    _policy(
        "sddp-trained",
        "counterpoint.models.policies.hydrothermal_water_values:policy",
        "dispatches at least cost with water values out of a checkpoint (option checkpoint)",
        options="counterpoint.models.policies.hydrothermal_water_values:Options",
        network="water-values",
        needs=("torch", "safetensors"),
    ),
    *(
        _policy(
            name,
            f"counterpoint.models.policies.hydrothermal:{name.replace('-', '_')}",
            summary,
            options="counterpoint.models.policies.hydrothermal:Options",
            network=network,
            needs=("torch", "safetensors"),
        )
        for name, network, summary in (
            ("ts-ddr", "target-rule", "goes for the storages of a recurrent network (two-stage deep decision rule)"),
            ("ts-ldr", "linear-target-rule", "goes for the storages of a linear rule of inflows and storages"),
        )
    ),
    _policy(
        "ppo",
        "counterpoint.models.policies.hydrothermal_ppo:policy",
        "goes for the storages that PPO learnt for a system (option checkpoint)",
        options="counterpoint.models.policies.hydrothermal_ppo:Options",
        is_random=True,
        network="mlp",
        needs=("torch", "safetensors"),
    ),
)
