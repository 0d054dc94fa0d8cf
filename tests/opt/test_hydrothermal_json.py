"""Hydrothermal systems, scenarios and runs as JSON: there and back, and what is refused."""

import copy
import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hydro_dispatches import RandomOperator, with_generators_everywhere
from tests.hydro_systems import SYSTEMS, cascade, subsystems

from counterpoint.datasets.generating import generate
from counterpoint.datasets.reading import read, write
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal_check import check
from counterpoint.opt.problems.hydrothermal_json import decode, encode
from counterpoint.opt.problems.hydrothermal_run import draw_scenarios
from counterpoint.simulators.hydrothermal import simulate


def there_and_back(value):
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


@pytest.mark.parametrize("make", SYSTEMS)
def test_systems_there_and_back(make, tmp_path):
    system = make()
    assert there_and_back(system) == system
    assert there_and_back(system).content_hash == system.content_hash
    write(system, tmp_path / "system.json")
    assert read(tmp_path / "system.json") == system


@pytest.mark.parametrize("kind", ["single-bus", "transport", "dc", "ac"])
def test_runs_there_and_back(kind):
    system = generate("hydrothermal", network=kind, buses=3, thermal=6, stages=3)
    system = with_generators_everywhere(system, np.random.default_rng(1)) if kind == "ac" else system
    scenario = draw_scenarios(system, 1, 1)[0]
    run = simulate(system, scenario, RandomOperator(system, 1))
    again = there_and_back(run)
    assert again == run
    assert again.events == run.events
    assert (again.stage_cost == run.stage_cost).all()
    assert there_and_back(scenario) == scenario
    assert check(there_and_back(system), there_and_back(scenario), again).is_feasible


def test_no_limit_is_null():
    data = encode(cascade())
    assert data["network"]["deficit_limit"][0] == [[0.0, 0.0], [0.1, None], [0.3, None]]
    assert decode(data).network.deficit_limit[0, 1, 1] == np.inf
    data["network"]["rating"][0] = None
    with pytest.raises(InstanceError, match=r"network.rating\[0\]: expected numbers, not null|not null"):
        decode(data)


def changed(data, place, value):
    """A copy with another value at a place; Ellipsis takes it away."""
    data = copy.deepcopy(data)
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return data


@pytest.mark.parametrize(
    ("place", "value", "where"),
    [
        (("horizon",), 2.0, "horizon"),
        (("horizon",), ..., "missing fields: horizon"),
        (("spare",), 1, "unknown fields: spare"),
        (("version",), 2, "version"),
        (("network_kind",), 3, "network_kind"),
        (("network_kind",), "tube", "network_kind"),
        (("discount",), None, "discount"),
        (("discount",), True, "discount"),
        (("name",), None, "name"),
        (("network",), [], "network"),
        (("network", "rating"), ..., "network: missing or unknown fields: rating"),
        (("network", "more"), [], "network: missing or unknown fields: more"),
        (("network", "reference"), 1.5, "network.reference"),
        (("network", "demand", 0), [1.0], r"network.demand\[1\]"),
        (("network", "demand", 0, 1), "x", r"network.demand\[0\]\[1\]"),
        (("network", "deficit_limit", 0, 1, 0), -1.0, "network.deficit_limit"),
        (("network", "deficit_limit", 0, 1, 0), 1e999, "network.deficit_limit"),
        (("network", "from_bus", 0), 0.5, r"network.from_bus\[0\]"),
        (("network", "names", 0), 5, r"network.names\[0\]"),
        (("reservoirs", "turbined_to", 0, 0), 0, r"reservoirs.turbined_to\[0\]"),
        (("reservoirs", "turbined_to", 0), [True], r"reservoirs.turbined_to\[0\]"),
        (("reservoirs", "max_volume", 0), -5.0, r"reservoirs.max_volume\[0\]"),
        (("inflows", "rows", 0), 1.0, r"inflows.rows\[0\]"),
        (("inflows", "rows"), [], "inflows"),
        (("inflows", "first"), "none", "inflows.first"),
        (("volume_per_flow",), 0.0036, "a week must not be modelled as an hour"),
        (("generators", "cost", 0), None, "generators.cost"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(place, value, where):
    with pytest.raises(InstanceError, match=where):
        decode(changed(encode(cascade()), place, value))


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("cost",), None),
        (("costs", "deficit"), ...),
        (("costs", "deficit"), None),
        (("dispatch", 0, "turbined"), None),
        (("dispatch", 0, "angle"), ...),
        (("dispatch", 0, "deficit"), [0.0]),
        (("dispatch", 0), []),
        (("storage", 0), [1.0]),
        (("events", 0), [0, "thunder", 0, "1"]),
        (("events", 0, 3), 1.0),
        (("stage_cost", 0, 0), "1"),
    ],
)
def test_wrong_runs_are_refused(place, value):
    system = generate("hydrothermal", stages=2)
    run = simulate(system, draw_scenarios(system, 1, 1)[0], RandomOperator(system, 1))
    with pytest.raises(InstanceError):
        decode(changed(encode(run), place, value))


def test_wrong_scenarios_are_refused():
    data = encode(draw_scenarios(subsystems(), 1, 0)[0])
    for place, value in ((("opening",), [0]), (("opening", 0), 0.5), (("inflow", 0), [1.0]), (("inflow",), None)):
        with pytest.raises(InstanceError):
            decode(changed(data, place, value))
    for junk in (None, [], "x", {}, {"type": "hydrothermal"}, {"type": "hydrothermal-scenario"}):
        with pytest.raises(InstanceError):
            decode(junk)


SCRAPS = st.sampled_from([None, True, -1, 0, 1, 2.5, 1e300, "x", "", [], [1], {}, {"a": 1}, [[]], 10**30])


def places(data, path=()):
    """Every place in the data."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


SMALL = encode(cascade())
PLACES = list(places(SMALL))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), SCRAPS)
def test_damaged_data_is_a_valid_system_or_an_instance_error(place, scrap):
    data = changed(SMALL, place, scrap)
    try:
        system = decode(data)
    except InstanceError:
        return
    assert decode(encode(system)) == system
    assert (system.reservoirs.max_volume >= 0).all()
    assert system.inflows.rows.shape[2] == system.num_reservoirs
    draw_scenarios(system, 1, 0)


def test_a_file_that_was_changed_is_noticed(tmp_path):
    path = tmp_path / "cascade.json"
    write(cascade(), path)
    path.write_text(path.read_text().replace('"cost": [0.0, 0.0, 30.0', '"cost": [0.0, 0.0, 31.0'))
    with pytest.raises(InstanceError, match="changed"):
        read(path)
    system = dataclasses.replace(cascade(), name="other")
    write(system, path)
    assert read(path).name == "other"
