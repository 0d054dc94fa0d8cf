"""The reference simulator of a hydrothermal system in SimPy: one scenario, one policy, readable.

Written from the definitions in `opt/problems/hydrothermal`. The weather reveals the inflow of a stage, the operator
asks the policy and orders every reservoir to turbine and to spill, and a reservoir closes its stage when all that is
upstream has let its water go. It solves nothing: it checks what is decided, and works out what follows.
"""

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import simpy

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_parts import FloatArray
from counterpoint.opt.problems.hydrothermal_run import COSTS, Dispatch, Observation, Scenario, Trajectory
from counterpoint.simulators.hydrothermal_network import Excess, name_of, network_excesses

Process = simpy.events.ProcessGenerator
TOLERANCE = 1e-6  # of every balance and limit, relative to the number it is about where that is above 1
NEEDS = {"single-bus": (), "transport": ("flow",), "dc": ("angle",), "ac": ("angle", "voltage", "reactive")}


def simulate(instance: Hydrothermal, scenario: Scenario, policy: Policy) -> Trajectory:
    """Run `policy` through the reported stages of `scenario`.

    Parameters
    ----------
    instance : Hydrothermal
    scenario : Scenario
        Of all stages of the horizon.
    policy : Policy
        ``act`` gets an `Observation` and returns a `Dispatch`.

    Returns
    -------
    Trajectory

    Raises
    ------
    OptionError
        If the policy decides what cannot be: with the stage (from 0), what, where and by how much.
    """
    shape = (instance.horizon, instance.num_reservoirs)
    if scenario.inflow.shape != shape:
        raise InstanceError(f"the scenario is of {scenario.inflow.shape} stages and reservoirs, the system of {shape}")
    system = _System(instance, scenario, policy)
    system.world.run(until=system.world.process(system.operate()))
    return system.trajectory()


class _System:
    """A run in progress."""

    def __init__(self, instance: Hydrothermal, scenario: Scenario, policy: Policy) -> None:
        self.instance, self.scenario, self.policy = instance, scenario, policy
        self.world = simpy.Environment()
        reservoirs = range(instance.num_reservoirs)
        self.revealed = simpy.Store(self.world)  # the inflows of a stage
        self.orders = [simpy.Store(self.world) for _ in reservoirs]  # to turbine and to spill
        self.arrivals = [simpy.Store(self.world) for _ in reservoirs]  # volumes from upstream
        self.closed = simpy.Store(self.world)
        self.storage = instance.reservoirs.initial_volume.tolist()
        self.storages: list[list[float]] = []
        self.dispatches: list[Dispatch] = []
        self.stage_costs: list[list[float]] = []
        self.events: list[tuple[int | str, ...]] = []
        self.world.process(self.weather())
        for reservoir in reservoirs:
            self.world.process(self.hold(reservoir))

    @property
    def stage(self) -> int:
        """The stage that is being operated, from 0."""
        return int(self.world.now)

    def weather(self) -> Process:
        """Reveal the inflows of a stage when it begins."""
        for inflow in self.scenario.inflow[: self.instance.reported_stages]:
            for reservoir, amount in enumerate(inflow.tolist()):
                self.events.append((self.stage, "inflow", reservoir, f"{amount:g}"))
            yield self.revealed.put(inflow)
            yield self.world.timeout(1)

    def operate(self) -> Process:
        """Decide, order, wait until every reservoir has closed the stage, and pay."""
        for _ in range(self.instance.reported_stages):
            inflow = yield self.revealed.get()
            dispatch = self.decide(inflow)
            self.dispatches.append(dispatch)
            for reservoir, order in enumerate(zip(dispatch.turbined.tolist(), dispatch.spilled.tolist(), strict=True)):
                yield self.orders[reservoir].put((float(inflow[reservoir]), *order))
            for _ in self.orders:
                yield self.closed.get()
            self.pay(dispatch)
            yield self.world.timeout(1)

    def hold(self, reservoir: int) -> Process:
        """Carry out an order a stage: let water go, take what comes, store the rest."""
        parts, factor = self.instance.reservoirs, self.instance.volume_per_flow
        turbined_to = np.flatnonzero(parts.turbined_to[reservoir]).tolist()
        spilled_to = np.flatnonzero(parts.spilled_to[reservoir]).tolist()
        num_above = int(parts.turbined_to[:, reservoir].sum() + parts.spilled_to[:, reservoir].sum())
        while True:
            inflow, turbined, spilled = yield self.orders[reservoir].get()
            for below in turbined_to:
                yield self.arrivals[below].put(factor * turbined)
            for below in spilled_to:
                yield self.arrivals[below].put(spilled)
            volume = self.storage[reservoir] + factor * (inflow - turbined) - spilled
            for _ in range(num_above):
                volume += yield self.arrivals[reservoir].get()
            self.store(reservoir, volume, spilled)
            yield self.closed.put(reservoir)

    def store(self, reservoir: int, volume: float, spilled: float) -> None:
        """Note the storage at the end of the stage; refuse one that cannot be."""
        limit = float(self.instance.reservoirs.max_volume[reservoir])
        self.refuse(Excess("storage below 0", "reservoirs", np.array([-volume]), limit), reservoir)
        self.refuse(Excess(f"storage above {limit:g}", "reservoirs", np.array([volume - limit]), limit), reservoir)
        self.storage[reservoir] = min(max(volume, 0.0), limit)
        if spilled > TOLERANCE * max(1.0, limit):
            self.events.append((self.stage, "spill", reservoir, f"{spilled:g}"))
        self.events.append((self.stage, "store", reservoir, f"{self.storage[reservoir]:g}"))

    def decide(self, inflow: FloatArray) -> Dispatch:
        """Ask the policy, and refuse what is not allowed."""
        storage = np.array(self.storage)
        storage.setflags(write=False)
        given = self.policy.act(Observation(self.stage, storage, inflow))
        dispatch = _dispatch_of(self.instance, given, self.stage)
        for excess in (*_operation_excesses(self.instance, self.stage, dispatch),
                       *network_excesses(self.instance, self.stage, dispatch)):  # fmt: skip
            self.refuse(excess)
        return dispatch

    def refuse(self, excess: Excess, first: int = 0) -> None:
        """Raise if a limit is broken by more than the tolerance; places are numbered from `first`."""
        allowed = TOLERANCE * np.maximum(1.0, np.abs(excess.scale))
        if not (excess.amounts <= allowed).all():
            worst = int(np.argmax(excess.amounts - allowed))
            where = name_of(self.instance, excess.places, first + worst)
            raise OptionError(f"stage {self.stage}: {excess.what} at {where} by {excess.amounts[worst]:g}")

    def pay(self, dispatch: Dispatch) -> None:
        """Close the books of a stage, and log what was not supplied."""
        instance, reservoirs, network = self.instance, self.instance.reservoirs, self.instance.network
        storage = np.array(self.storage)
        short = reservoirs.min_volume_cost * np.maximum(reservoirs.min_volume - storage, 0.0)
        slow = reservoirs.min_turbined_cost * np.maximum(reservoirs.min_turbined - dispatch.turbined, 0.0)
        is_transport = instance.network_kind == "transport"
        cost = {
            "generation": instance.generators.cost @ dispatch.generation,
            "deficit": (network.deficit_cost * dispatch.deficit).sum(),
            "spill": reservoirs.spill_cost @ dispatch.spilled,
            "flow": network.flow_cost @ np.asarray(dispatch.flow) if is_transport else 0.0,
            "shortfall": (short + slow).sum(),
        }
        self.stage_costs.append([float(cost[key]) for key in COSTS])
        self.storages.append(self.storage.copy())
        for bus, amount in enumerate(dispatch.deficit.sum(1).tolist()):
            if amount > TOLERANCE * max(1.0, float(instance.demand(self.stage)[bus])):
                self.events.append((self.stage, "deficit", bus, f"{amount:g}"))

    def trajectory(self) -> Trajectory:
        """Return what happened."""
        stage_cost, storage = np.array(self.stage_costs), np.array(self.storages)
        for array in (stage_cost, storage):
            array.setflags(write=False)
        paid = self.instance.discount ** np.arange(len(stage_cost)) @ stage_cost
        costs = dict(zip(COSTS, paid.tolist(), strict=True))
        return Trajectory(sum(costs.values()), storage, tuple(self.dispatches), stage_cost, costs, tuple(self.events))


def _dispatch_of(instance: Hydrothermal, given: Any, stage: int) -> Dispatch:
    """Return a policy's decision as a dispatch of arrays of the right shapes; whatever else is refused by name."""
    h, g, b, e = instance.num_reservoirs, instance.num_generators, instance.num_buses, instance.num_branches
    levels = instance.network.deficit_cost.shape[1]
    shapes = {"turbined": (h,), "spilled": (h,), "generation": (g,), "deficit": (b, levels), "flow": (e,),
              "angle": (b,), "voltage": (b,), "reactive": (g,)}  # fmt: skip
    if not isinstance(given, Dispatch):
        raise OptionError(f"stage {stage}: a decision is a Dispatch, not {type(given).__name__}")
    parts: dict[str, Any] = {}
    for f in fields(Dispatch):
        value = getattr(given, f.name)
        if value is None and f.name in ("flow", "angle", "voltage", "reactive"):
            if f.name in NEEDS[instance.network_kind]:
                raise OptionError(f"stage {stage}: {instance.network_kind} needs the {f.name} of a dispatch")
            continue
        try:
            array = np.array(value, np.float64)
        except (ValueError, TypeError):
            array = np.array(np.nan)
        if array.shape != shapes[f.name] or not np.isfinite(array).all():
            raise OptionError(f"stage {stage}: {f.name} must be finite numbers of shape {shapes[f.name]}")
        array.setflags(write=False)
        parts[f.name] = array
    return Dispatch(**parts)


def _operation_excesses(instance: Hydrothermal, stage: int, dispatch: Dispatch) -> Iterator[Excess]:
    """Yield by how much each limit of plants, and of what is not supplied, is broken."""
    reservoirs, generators, network = instance.reservoirs, instance.generators, instance.network
    limits = network.deficit_limit[stage % len(network.deficit_limit)]
    yield from _within("turbined flow", "reservoirs", dispatch.turbined, 0.0, reservoirs.max_turbined)
    yield from _within("spill", "reservoirs", dispatch.spilled, 0.0, np.inf)
    yield from _within("generation", "generators", dispatch.generation, generators.min_power, generators.max_power)
    if instance.network_kind == "ac":
        reactive = np.asarray(dispatch.reactive)
        yield from _within("reactive power", "generators", reactive, generators.min_reactive, generators.max_reactive)
    for level, limit in enumerate(limits.T):
        yield from _within(f"deficit of level {level}", "buses", dispatch.deficit[:, level], 0.0, limit)
    driven = instance.power_per_flow * dispatch.turbined
    off = abs(dispatch.generation[reservoirs.generator] - driven)
    yield Excess("generation other than what is turbined gives", "reservoirs", off, driven)


def _within(what: str, places: str, amounts: FloatArray, low: Any, high: Any) -> Iterator[Excess]:
    yield Excess(f"{what} too low", places, low - amounts, low)
    bounded = np.where(np.isinf(high), 0.0, high)
    yield Excess(f"{what} too high", places, amounts - high, bounded)
