"""The network and the generators of a case, from what PowerModels.jl and MATPOWER keep of them.

Format: PowerModels.jl's network data (Coffrin, Bent, Sundar, Ng and Lubin 2018, PSCC), in per unit, with
HydroPowerModels.jl's ``cost_deficit`` per MW. What is out of service is left out. What has no place in a
`Hydrothermal` (quadratic costs, DC lines, storage) is refused by name, not dropped.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from counterpoint.datasets.hydrothermal.tables import TINY
from counterpoint.opt.codec import expect, real
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal_parts import Generators, Network

WIDEST = 1.0472  # radians, of the angle between a branch's ends where a file gives no limit that PowerModels takes
UNLIMITED = 1e4  # per unit, where a file gives no rating: more than any system carries
ISOLATED, REFERENCE = 4, 3  # of bus_type
Element = Mapping[str, Any]


class Grid(NamedTuple):
    """What a PowerModels.json says, and at which place the generator of each index is."""

    network: Network
    generators: Generators
    base_power: float
    generator_at: dict[int, int]
    idle: frozenset[int]  # generators out of service


def grid_of(data: Any, *, load_scale: float = 1.0) -> Grid:
    """Return the network and its generators; InstanceError with the place inside the data."""
    found = expect(data, dict, "an object")
    if found.get("per_unit") is not True:
        raise InstanceError("expected data in per unit (per_unit: true)", place=("per_unit",))
    base = number(found, "baseMVA", (), low=TINY)
    for key in ("dcline", "storage", "switch"):
        if found.get(key):
            raise InstanceError("a hydrothermal system has no place for these", place=(key,))
    buses = _elements(found, "bus", is_needed=True)
    buses = {i: bus for i, bus in buses.items() if number(bus, "bus_type", ("bus", str(i)), default=1.0) != ISOLATED}
    at = {i: n for n, i in enumerate(buses)}
    gone = {i for i in _elements(found, "bus") if i not in at}
    generators, generator_at, idle = _generators(found, at, gone)
    if not at:
        raise InstanceError("expected a bus in service", place=("bus",))
    return Grid(_network(found, buses, at, gone, base, load_scale), generators, base, generator_at, frozenset(idle))


def number(
    element: Element, key: str, place: tuple[str | int, ...], *, default: float | None = None, low: float | None = None
) -> float:
    """Return a finite number of at least `low`; denormal ones are 0; without a default it must be there."""
    value = element.get(key, default)
    if value is None:
        raise InstanceError(f"expected the field {key}", place=place)
    found = float(real(expect(value, int | float, "a number", (*place, key)), (*place, key)) or 0.0)
    found = 0.0 if abs(found) < TINY else found
    if low is not None and found < low:
        what = "a number of at least 0" if low == 0.0 else "a positive number"
        raise InstanceError(f"expected {what}, not {found:g}", place=(*place, key))
    return found


def index(element: Element, key: str, place: tuple[str | int, ...]) -> int:
    """Return a whole number that identifies something."""
    if key not in element:
        raise InstanceError(f"expected the field {key}", place=place)
    found: int = expect(element[key], int, "a whole number", (*place, key))
    return found


def _elements(data: Element, key: str, *, is_needed: bool = False) -> dict[int, Element]:
    """Return the elements of a table by their index, in its order."""
    if is_needed and key not in data:
        raise InstanceError(f"expected the table {key}")
    table = expect(data.get(key, {}), dict, "an object", (key,))
    found = {}
    for name, element in table.items():
        if not (name.isascii() and name.isdecimal() and len(name) < 10 and str(int(name)) == name):
            raise InstanceError("expected a number as the name of an element", place=(key, name))
        expect(element, dict, "an object", (key, name))
        if element.get("index", int(name)) != int(name):
            raise InstanceError(f"index says otherwise than the name {name}", place=(key, name, "index"))
        found[int(name)] = element
    return dict(sorted(found.items()))


def _in_service(
    data: Element, key: str, status: str, ends: tuple[str, ...], at: dict[int, int], gone: set[int]
) -> dict[int, Element]:
    """Return what is in service, at buses that are."""
    found = {}
    for i, element in _elements(data, key).items():
        place = (key, str(i))
        state = number(element, status, place, default=1.0)
        if state not in (0.0, 1.0):
            raise InstanceError("expected 0 or 1", place=(*place, status))
        buses = [index(element, end, place) for end in ends]
        for end, bus in zip(ends, buses, strict=True):
            if bus not in at and bus not in gone:
                raise InstanceError(f"there is no bus {bus}", place=(*place, end))
        if state and all(bus in at for bus in buses):
            found[i] = element
    return found


def _names(elements: dict[int, Element], kind: str) -> tuple[str, ...]:
    names = []
    for i, element in elements.items():
        name = expect(element.get("name", ""), str, "text", (kind, str(i), "name")).strip()
        names.append(name or f"{kind} {i}")
    return tuple(names)


def _generators(
    data: Element, at: dict[int, int], gone: set[int]
) -> tuple[Generators, dict[int, int], set[int]]:  # fmt: skip
    found = _in_service(data, "gen", "gen_status", ("gen_bus",), at, gone)

    def all_of(key: str, default: float | None = None) -> list[float]:
        return [number(g, key, ("gen", str(i)), default=default) for i, g in found.items()]

    for i, generator in found.items():
        number(generator, "pmax", ("gen", str(i)), low=0.0)
    built = Generators(
        names=_names(found, "gen"),
        bus=np.array([at[g["gen_bus"]] for g in found.values()], np.int64),
        cost=np.array([_cost(g, ("gen", str(i))) for i, g in found.items()]),
        min_power=np.array(all_of("pmin", 0.0)),
        max_power=np.array(all_of("pmax")),
        min_reactive=np.array(all_of("qmin", 0.0)),
        max_reactive=np.array(all_of("qmax", 0.0)),
    )
    return built, {i: n for n, i in enumerate(found)}, set(_elements(data, "gen")) - set(found)


def _cost(generator: Element, place: tuple[str | int, ...]) -> float:
    """Return the cost per unit of power; costs that are not proportional to it are refused."""
    cost = expect(generator.get("cost", []), list, "a list of numbers", (*place, "cost"))
    if cost and number(generator, "model", place, default=2.0) != 2.0:
        raise InstanceError("piecewise linear costs have no place here; expected model 2", place=(*place, "model"))
    if number(generator, "ncost", place, default=float(len(cost))) != len(cost):
        raise InstanceError(f"expected {len(cost)} as the list cost has", place=(*place, "ncost"))
    terms = [number({"c": c}, "c", (*place, "cost")) for c in cost]
    if any(terms[:-2]):
        raise InstanceError("quadratic costs have no place here", place=(*place, "cost"))
    if terms and terms[-1]:
        raise InstanceError(
            "a cost whatever is generated has no place here: no decision changes it", place=(*place, "cost")
        )
    return terms[-2] if len(terms) > 1 else 0.0


def _network(
    data: Element, buses: dict[int, Element], at: dict[int, int], gone: set[int], base: float, load_scale: float
) -> Network:
    demand, reactive, conductance, susceptance = np.zeros((4, len(at)))
    for i, load in _in_service(data, "load", "status", ("load_bus",), at, gone).items():
        demand[at[load["load_bus"]]] += load_scale * number(load, "pd", ("load", str(i)))
        reactive[at[load["load_bus"]]] += load_scale * number(load, "qd", ("load", str(i)), default=0.0)
    for i, shunt in _in_service(data, "shunt", "status", ("shunt_bus",), at, gone).items():
        conductance[at[shunt["shunt_bus"]]] += number(shunt, "gs", ("shunt", str(i)))
        susceptance[at[shunt["shunt_bus"]]] += number(shunt, "bs", ("shunt", str(i)))
    references = [at[i] for i, bus in buses.items() if bus.get("bus_type") == REFERENCE]
    if len(references) != 1:
        raise InstanceError(f"expected one reference bus (bus_type 3), not {len(references)}", place=("bus",))
    branches = _in_service(data, "branch", "br_status", ("f_bus", "t_bus"), at, gone)

    def all_of(key: str, default: float | None = None, low: float | None = None) -> Any:
        return np.array([number(e, key, ("branch", str(i)), default=default, low=low) for i, e in branches.items()])

    def of_buses(key: str, default: float) -> Any:
        return np.array([number(bus, key, ("bus", str(i)), default=default, low=0.0) for i, bus in buses.items()])

    rating = all_of("rate_a", 0.0, 0.0)
    rating[rating == 0.0] = UNLIMITED
    tap = all_of("tap", 1.0, 0.0)
    tap[tap == 0.0] = 1.0  # MATPOWER's way to say that there is no transformer
    low, high = _angles(all_of("angmin", -WIDEST), all_of("angmax", WIDEST))
    deficit = number(data, "cost_deficit", (), low=0.0) * base
    return Network(
        names=_names(buses, "bus"),
        demand=demand[None],
        reactive_demand=reactive[None],
        deficit_cost=np.full((len(at), 1), deficit),
        deficit_limit=np.full((1, len(at), 1), np.inf),
        shunt_conductance=conductance,
        shunt_susceptance=susceptance,
        min_voltage=of_buses("vmin", 0.9),
        max_voltage=of_buses("vmax", 1.1),
        reference=references[0],
        from_bus=np.array([at[e["f_bus"]] for e in branches.values()], np.int64),
        to_bus=np.array([at[e["t_bus"]] for e in branches.values()], np.int64),
        rating=rating,
        reverse_rating=rating,
        flow_cost=np.zeros(len(rating)),
        resistance=all_of("br_r"),
        reactance=all_of("br_x"),
        from_conductance=all_of("g_fr", 0.0),
        from_susceptance=all_of("b_fr", 0.0),
        to_conductance=all_of("g_to", 0.0),
        to_susceptance=all_of("b_to", 0.0),
        tap=tap,
        shift=all_of("shift", 0.0),
        min_angle=low,
        max_angle=high,
    )


def _angles(low: Any, high: Any) -> tuple[Any, Any]:
    """Return limits of angles as PowerModels reads them: beyond a right angle, or both 0, stand for none."""
    is_open = (low == 0.0) & (high == 0.0)
    return (
        np.where(is_open | (low <= -np.pi / 2), -WIDEST, low),
        np.where(is_open | (high >= np.pi / 2), WIDEST, high),
    )
