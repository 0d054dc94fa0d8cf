"""The problems there are: one line each; their parts are imported when used."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from counterpoint.opt.errors import UnknownNameError

TOLERANCE = 1e-6  # on objectives and bounds that come back from solvers as floats


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem family and where its parts live.

    Parameters
    ----------
    name, summary : str
    kind : {"static", "sequential"}
        Whether methods return a solution or a policy.
    sense : {"min", "max"}
    default_method : str
    is_integral : bool
        Objectives are whole numbers, so that a bound less than one away proves nothing yet.
    parts : tuple of (str, str)
        Lazy names ``module:attribute`` of ``instance``, ``check``, ``plot`` and ``encode``/``decode`` (JSON); of a
        static problem ``solution``, ``reference`` (best-known bounds of a named instance) and, if the field has a file
        format for solutions, ``read_solution`` (path -> solution); of a sequential one
        ``scenarios``, ``simulate`` and ``bound`` (see `interfaces`: DrawScenarios, Simulate, PerfectInformation), and
        if there is one ``expected_bound`` (`ExpectedBound`).
    """

    name: str
    summary: str
    kind: Literal["static", "sequential"]
    sense: Literal["min", "max"]
    default_method: str
    is_integral: bool
    parts: tuple[tuple[str, str], ...]

    def slack(self, objective: float) -> float:
        """How far a bound may be off an objective and still meet it: rounding of floats, never a whole unit."""
        return TOLERANCE if self.is_integral else TOLERANCE * max(1.0, abs(objective))

    def load(self, part: str) -> Any:
        """Import one part."""
        return resolve(dict(self.parts)[part])


PROBLEMS = (
    Problem(
        "job-shop",
        "job shop: classical, flexible, blocking, with unavailable machines",
        "static",
        "min",
        "hybrid",
        True,
        (
            ("instance", "counterpoint.opt.problems.job_shop:JobShop"),
            ("solution", "counterpoint.opt.problems.job_shop:Schedule"),
            ("check", "counterpoint.opt.problems.job_shop_check:check"),
            ("encode", "counterpoint.opt.problems.job_shop_json:encode"),
            ("decode", "counterpoint.opt.problems.job_shop_json:decode"),
            ("plot", "counterpoint.opt.plots.gantt:plot_gantt"),
            ("reference", "counterpoint.datasets.registry:best_known"),
        ),
    ),
    Problem(
        "interrupted-job-shop",
        "blocking job shop with swaps whose machines shut down at random",
        "sequential",
        "min",
        "mwkr",
        True,
        (
            ("instance", "counterpoint.opt.problems.interrupted_job_shop:InterruptedJobShop"),
            ("scenarios", "counterpoint.opt.problems.interrupted_job_shop:draw_scenarios"),
            ("simulate", "counterpoint.simulators.interrupted_job_shop:simulate"),
            ("check", "counterpoint.opt.problems.interrupted_job_shop_check:check"),
            ("bound", "counterpoint.solvers.cp_sat.interrupted_job_shop:perfect_information"),
            ("encode", "counterpoint.opt.problems.interrupted_job_shop_json:encode"),
            ("decode", "counterpoint.opt.problems.interrupted_job_shop_json:decode"),
            ("plot", "counterpoint.opt.plots.interrupted_gantt:plot_interrupted_gantt"),
        ),
    ),
    Problem(
        "stochastic-lot-sizing",
        "discrete lot-sizing on parallel machines under random demand",
        "sequential",
        "min",
        "static-assignment",
        False,
        (
            ("instance", "counterpoint.opt.problems.stochastic_lot_sizing:StochasticLotSizing"),
            ("scenarios", "counterpoint.opt.problems.stochastic_lot_sizing:draw_scenarios"),
            ("simulate", "counterpoint.simulators.stochastic_lot_sizing:simulate"),
            ("check", "counterpoint.opt.problems.stochastic_lot_sizing_check:check"),
            ("bound", "counterpoint.solvers.bounds.stochastic_lot_sizing:perfect_information"),
            ("expected_bound", "counterpoint.solvers.bounds.stochastic_lot_sizing:expected_bound"),
            ("encode", "counterpoint.opt.problems.stochastic_lot_sizing_json:encode"),
            ("decode", "counterpoint.opt.problems.stochastic_lot_sizing_json:decode"),
            ("plot", "counterpoint.opt.plots.stochastic_lot_sizing:plot_plant"),
        ),
    ),
    Problem(
        "hydrothermal",
        "hydrothermal dispatch: reservoirs, thermal plants and a network under uncertain inflows",
        "sequential",
        "min",
        "sddp",
        False,
        (
            ("instance", "counterpoint.opt.problems.hydrothermal:Hydrothermal"),
            ("scenarios", "counterpoint.opt.problems.hydrothermal_run:draw_scenarios"),
            ("simulate", "counterpoint.simulators.hydrothermal:simulate"),
            ("check", "counterpoint.opt.problems.hydrothermal_check:check"),
            ("bound", "counterpoint.solvers.bounds.hydrothermal:perfect_information"),
            ("expected_bound", "counterpoint.solvers.sddp.hydrothermal:expected_bound"),
            ("encode", "counterpoint.opt.problems.hydrothermal_json:encode"),
            ("decode", "counterpoint.opt.problems.hydrothermal_json:decode"),
            ("plot", "counterpoint.opt.plots.hydrothermal:plot_hydrothermal"),
        ),
    ),
    Problem(
        "lot-sizing",
        "lot-sizing: one item or several, with or without capacity, setup times and backlogging",
        "static",
        "min",
        "mip-facility-location",
        False,
        (
            ("instance", "counterpoint.opt.problems.lot_sizing:LotSizing"),
            ("solution", "counterpoint.opt.problems.lot_sizing:ProductionPlan"),
            ("check", "counterpoint.opt.problems.lot_sizing_check:check"),
            ("encode", "counterpoint.opt.problems.lot_sizing_json:encode"),
            ("decode", "counterpoint.opt.problems.lot_sizing_json:decode"),
            ("plot", "counterpoint.opt.plots.lot_sizing:plot_lot_sizing"),
            ("reference", "counterpoint.datasets.registry:best_known"),
        ),
    ),
    Problem(
        "pigment-sequencing",
        "pigment sequencing (discrete lot-sizing): one item per period, changeover costs kept through idle periods",
        "static",
        "min",
        "dp-lagrangian",
        True,
        (
            ("instance", "counterpoint.opt.problems.pigment_sequencing:PigmentSequencing"),
            ("solution", "counterpoint.opt.problems.pigment_sequencing:ProductionSequence"),
            ("check", "counterpoint.opt.problems.pigment_sequencing_check:check"),
            ("encode", "counterpoint.opt.problems.pigment_sequencing_json:encode"),
            ("decode", "counterpoint.opt.problems.pigment_sequencing_json:decode"),
            ("plot", "counterpoint.opt.plots.pigment_sequencing:plot_production_sequence"),
            ("reference", "counterpoint.datasets.registry:best_known"),
        ),
    ),
    Problem(
        "tsp",
        "travelling salesman: symmetric or asymmetric, closed tours and paths",
        "static",
        "min",
        "local-search",
        False,
        (
            ("instance", "counterpoint.opt.problems.tsp:Tsp"),
            ("solution", "counterpoint.opt.problems.tsp:Tour"),
            ("read_solution", "counterpoint.datasets.routing.solutions:read_tour"),
            ("check", "counterpoint.opt.problems.tsp:check"),
            ("encode", "counterpoint.opt.problems.tsp_json:encode"),
            ("decode", "counterpoint.opt.problems.tsp_json:decode"),
            ("plot", "counterpoint.opt.plots.routing:plot_tour"),
            ("reference", "counterpoint.datasets.registry:best_known"),
        ),
    ),
    Problem(
        "cvrp",
        "capacitated vehicle routing, also with a vehicle under way",
        "static",
        "min",
        "local-search",
        False,
        (
            ("instance", "counterpoint.opt.problems.cvrp:Cvrp"),
            ("solution", "counterpoint.opt.problems.cvrp:Routes"),
            ("read_solution", "counterpoint.datasets.routing.solutions:read_routes"),
            ("check", "counterpoint.opt.problems.cvrp:check"),
            ("encode", "counterpoint.opt.problems.cvrp_json:encode"),
            ("decode", "counterpoint.opt.problems.cvrp_json:decode"),
            ("plot", "counterpoint.opt.plots.routing:plot_routes"),
            ("reference", "counterpoint.datasets.registry:best_known"),
        ),
    ),
    Problem(
        "orienteering",
        "orienteering: prizes collected on a walk of limited length",
        "static",
        "max",
        "local-search",
        False,
        (
            ("instance", "counterpoint.opt.problems.orienteering:Orienteering"),
            ("solution", "counterpoint.opt.problems.orienteering:Walk"),
            ("check", "counterpoint.opt.problems.orienteering:check"),
            ("encode", "counterpoint.opt.problems.orienteering_json:encode"),
            ("decode", "counterpoint.opt.problems.orienteering_json:decode"),
            ("plot", "counterpoint.opt.plots.routing:plot_walk"),
            ("reference", "counterpoint.datasets.registry:best_known"),
        ),
    ),
    Problem(
        "knapsack",
        "0/1 knapsack",
        "static",
        "max",
        "dynamic-programming",
        True,
        (
            ("instance", "counterpoint.opt.problems.knapsack:Knapsack"),
            ("solution", "counterpoint.opt.problems.knapsack:Packing"),
            ("check", "counterpoint.opt.problems.knapsack:check"),
            ("encode", "counterpoint.opt.problems.knapsack_json:encode"),
            ("decode", "counterpoint.opt.problems.knapsack_json:decode"),
            ("plot", "counterpoint.opt.plots.knapsack:plot_packing"),
            ("reference", "counterpoint.datasets.registry:best_known"),
        ),
    ),
)


def resolve(target: str) -> Any:
    """Import ``module:attribute``."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def problems() -> tuple[Problem, ...]:
    """Return every problem."""
    return PROBLEMS


def problem(name: str) -> Problem:
    """Return the problem of this name; UnknownNameError otherwise."""
    for candidate in PROBLEMS:
        if candidate.name == name:
            return candidate
    raise UnknownNameError("problem", name, (p.name for p in PROBLEMS))
