"""Random hydrothermal systems of weekly stages: cascades, a grid, inflows with a season. Not after anything published.

A stage is feasible whatever the storage: nothing must run, and what is not supplied is paid for at every bus.
"""

from typing import Any, Literal

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import HM3_PER_HOUR, Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray, Generators, Inflows, IntArray, Network, Reservoirs

WEEK, SEASONS, BASE = 168.0, 52, 100.0  # hours, stages a year, MW
MOST = 2000


def river(
    *,
    reservoirs: int = 3,
    thermal: int = 4,
    buses: int = 3,
    network: Literal["single-bus", "transport", "dc", "ac"] = "dc",
    stages: int = 12,
    openings: int = 5,
    seed: int = 0,
    cascade: float = 0.6,
    hydro_share: float = 0.5,
    spread: float = 0.5,
) -> Hydrothermal:
    """Build a system.

    Parameters
    ----------
    reservoirs, thermal, buses : int
    network : {"single-bus", "transport", "dc", "ac"}
        With one bus there is no grid.
    stages : int
        Weeks, all of them reported; the year has 52.
    openings : int
        Joint inflows a week, equally likely.
    seed : int
    cascade : float
        Probability that a reservoir lies above another one.
    hydro_share : float
        Of the demand, what mean inflows can supply.
    spread : float
        Standard deviation of the logarithm of inflows around their season.
    """
    if seed < 0:
        raise InstanceError(f"seed must be at least 0, not {seed}")
    if min(reservoirs, buses, stages, openings) < 1 or thermal < 0:
        raise InstanceError("expected at least one reservoir, bus, stage and opening")
    if max(reservoirs, thermal, buses, openings) > MOST:
        raise InstanceError(f"expected at most {MOST} reservoirs, thermal plants, buses and openings")
    if not (0 <= cascade <= 1 and 0 < hydro_share <= 10 and 0 <= spread <= 3):
        raise InstanceError("expected a cascade in [0, 1], a hydro_share in (0, 10] and a spread in [0, 3]")
    rng = np.random.default_rng([seed, 60])
    below = np.array([int(rng.integers(r)) if r and rng.random() < cascade else -1 for r in range(reservoirs)])
    own = rng.uniform(5.0, 50.0, reservoirs)  # mean inflow, m3/s
    through = own.copy()
    for r in range(reservoirs - 1, 0, -1):  # what lies above has the higher number
        if below[r] >= 0:
            through[below[r]] += through[r]
    built = _reservoirs(rng, below, through)
    mean_power = float((built.production * np.minimum(through, built.max_turbined)).sum() / BASE)
    demand = _demand(rng, buses, mean_power / hydro_share)
    return Hydrothermal(
        name=f"river-{reservoirs}x{buses}-{seed}",
        horizon=stages,
        reported_stages=stages,
        network_kind=network,
        reservoirs=built,
        generators=_generators(rng, built, thermal, buses, float(demand.sum(1).max())),
        network=_network(rng, demand, network),
        inflows=_inflows(rng, own, openings, spread, min(stages, SEASONS)),
        volume_per_flow=HM3_PER_HOUR * WEEK,
        stage_hours=WEEK,
        base_power=BASE,
    )


def _reservoirs(rng: np.random.Generator, below: IntArray, through: FloatArray) -> Reservoirs:
    """Reservoirs that hold an hour to half a year of what flows through."""
    n = len(below)
    limit = HM3_PER_HOUR * WEEK * through * 10 ** rng.uniform(-2.0, 1.4, n)
    into = np.zeros((n, n), bool)
    into[np.flatnonzero(below >= 0), below[below >= 0]] = True
    spills = into & (rng.random(n) < 0.7)[:, None]
    zeros = np.zeros(n)
    return Reservoirs(
        names=tuple(f"reservoir {r}" for r in range(n)),
        min_volume=zeros,
        max_volume=limit,
        initial_volume=limit * rng.random(n),
        min_turbined=zeros,
        max_turbined=through * rng.uniform(1.2, 2.0, n),
        min_volume_cost=zeros,
        min_turbined_cost=zeros,
        spill_cost=np.full(n, 0.001),
        production=rng.uniform(0.3, 3.0, n),
        generator=np.arange(n),
        turbined_to=into,
        spilled_to=spills,
    )


def _demand(rng: np.random.Generator, buses: int, total: float) -> FloatArray:
    """Demand by week and bus, 10 % higher in winter than in the mean, and less in summer."""
    share = rng.dirichlet(np.full(buses, 2.0))
    season = 1.0 + 0.1 * np.cos(2 * np.pi * np.arange(SEASONS) / SEASONS)
    demand: FloatArray = total * season[:, None] * share
    return demand


def _generators(rng: np.random.Generator, built: Reservoirs, thermal: int, buses: int, peak: float) -> Generators:
    """Plants of the reservoirs, then thermal ones that together make two thirds to all of the peak."""
    n = len(built.names)
    size = rng.dirichlet(np.full(thermal, 3.0)) * peak * rng.uniform(0.67, 1.0) if thermal else np.zeros(0)
    high = np.concatenate([built.production * built.max_turbined / BASE, size])
    reactive = 0.5 * high + 0.2 * peak
    return Generators(
        names=(*(f"plant {r}" for r in range(n)), *(f"thermal {g}" for g in range(thermal))),
        bus=rng.integers(buses, size=n + thermal),
        cost=np.concatenate([np.zeros(n), np.sort(rng.uniform(10.0, 100.0, thermal)) * BASE]),
        min_power=np.zeros(n + thermal),
        max_power=high,
        min_reactive=-reactive,
        max_reactive=reactive,
    )


def _network(rng: np.random.Generator, demand: FloatArray, network: str) -> Network:
    """A random tree of lines and a third more lines; under ``transport`` one branch each way, at a small cost."""
    weeks, buses = demand.shape
    tree = [(int(rng.integers(b)), b) for b in range(1, buses)]
    more = [tuple(sorted(rng.choice(buses, 2, replace=False).tolist())) for _ in range(buses // 3)] if buses > 2 else []
    lines = np.array(sorted({*tree, *more}), np.int64).reshape(-1, 2)
    is_directed = network == "transport"
    ends = np.vstack([lines, lines[:, ::-1]]) if is_directed else lines
    e = len(ends)
    peak = float(demand.sum(1).max())
    rating = peak * rng.uniform(0.15, 0.6, e)
    reactance = rng.uniform(0.05, 0.3, e) / peak
    none, at_bus = np.zeros(e), np.zeros(buses)
    same: dict[str, Any] = dict.fromkeys(("from_conductance", "to_conductance", "shift"), none)
    return Network(
        names=tuple(f"bus {b}" for b in range(buses)),
        demand=demand,
        reactive_demand=0.1 * demand,
        deficit_cost=np.full((buses, 1), 1000.0 * BASE),
        deficit_limit=np.full((weeks, buses, 1), np.inf),
        shunt_conductance=at_bus,
        shunt_susceptance=at_bus,
        min_voltage=at_bus + 0.9,
        max_voltage=at_bus + 1.1,
        reference=0,
        from_bus=ends[:, 0],
        to_bus=ends[:, 1],
        rating=rating,
        reverse_rating=none if is_directed else rating,
        flow_cost=none + 0.1 if is_directed else none,
        resistance=reactance * rng.uniform(0.05, 0.3, e),
        reactance=reactance,
        from_susceptance=none + 0.01 * peak,
        to_susceptance=none + 0.01 * peak,
        tap=none + 1.0,
        min_angle=none - np.pi / 3,
        max_angle=none + np.pi / 3,
        **same,
    )


def _inflows(rng: np.random.Generator, mean: FloatArray, openings: int, spread: float, weeks: int) -> Inflows:
    """Lognormal around a season, half of the deviation common to all reservoirs; means are those given."""
    season = 1.0 + 0.7 * np.sin(2 * np.pi * np.arange(weeks) / SEASONS)
    common = rng.standard_normal((weeks, openings, 1))
    deviation = np.sqrt(0.5) * (common + rng.standard_normal((weeks, openings, len(mean))))
    rows = season[:, None, None] * mean * np.exp(spread * deviation - spread**2 / 2)
    return Inflows(rows, np.full((weeks, openings), 1.0 / openings))
