"""The methods for tsp: one entry each."""

from counterpoint.opt.registry import Method

PROBLEM = "tsp"
ALL = frozenset({"asymmetric", "path"})

METHODS: tuple[Method, ...] = (
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
