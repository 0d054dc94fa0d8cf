"""Folders of HydroPowerModels.jl: what the numbers mean, and what each mistake is called."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from tests.hydro_folders import INFLOWS, branch, gen, grid, hydro, plant, put_case
from tests.hydro_systems import case3

from counterpoint.datasets.hydrothermal.powermodels import CaseOptions, read_case
from counterpoint.datasets.hydrothermal.public import case
from counterpoint.datasets.reading import read
from counterpoint.datasets.registry import benchmark
from counterpoint.opt.errors import InstanceError, OptionError

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("COUNTERPOINT_DATA", ROOT.parent / "shared" / "data")) / "hydrothermal"
needs_files = pytest.mark.skipif(not (DATA / "bolivia").is_dir(), reason=f"needs {DATA} (set COUNTERPOINT_DATA)")


@pytest.fixture
def put(tmp_path):
    return lambda **changes: put_case(tmp_path / "tiny", **changes)


def test_a_folder_is_one_case_named_after_it(put):
    system = read(put())
    assert system.name == "tiny"
    assert system == read_case(put())
    assert (system.network_kind, system.horizon, system.reported_stages) == ("dc", 2, 2)
    assert (system.base_power, system.discount, system.sampler) == (100.0, 1.0, "pcg64")
    assert read_case(put(), name="mine").name == "mine"


def test_inflow_columns_are_plant_by_plant(put):
    rows = read(put()).inflows.rows
    assert rows.shape == (2, 3, 2)
    assert rows[0].tolist() == [[1, 10], [2, 20], [3, 30]]
    assert rows[1].tolist() == [[4, 40], [5, 50], [6, 60]]
    assert (read(put()).inflows.probability == 1 / 3).all()


def test_probabilities_may_stand_beside(put):
    system = read(put(scenarioprobability="0.2,0.3,0.5\n1,0,0\n"))
    assert system.inflows.probability.tolist() == [[0.2, 0.3, 0.5], [1, 0, 0]]


def test_k_follows_from_the_hours_of_a_stage(put):
    assert read(put()).volume_per_flow == pytest.approx(0.6048, abs=1e-15)
    assert read(put(hydro_={**hydro(), "stage_hours": 1})).volume_per_flow == 0.0036
    without = {"Hydrogenerators": hydro()["Hydrogenerators"]}
    assert read(put(hydro_=without)).stage_hours == 1.0  # as HydroPowerModels.jl takes it
    assert read(put(hydro_={**hydro(), "K": 0.6048})).volume_per_flow == pytest.approx(0.6048)
    for key in ("K", "volume_per_flow"):
        with pytest.raises(InstanceError, match="a week must not be modelled as an hour"):
            read(put(hydro_={**hydro(), key: 0.0036}))


def test_what_is_out_of_service_is_left_out(put):
    system = read(put())
    assert system.network.names == ("bus 2", "bus 7", "LAST")
    assert system.generators.names == ("gen 1", "gen 2", "gen 3")
    assert system.network.from_bus.tolist() == [0, 1]
    assert system.network.to_bus.tolist() == [1, 2]
    assert system.network.demand.tolist() == [[0.0, 0.0, 0.75]]


def test_numbers_of_the_grid_are_per_unit(put):
    system = read(put())
    grid_ = system.network
    assert system.generators.bus.tolist() == [0, 1, 2]
    assert system.generators.cost.tolist() == [1500.0, 10.0, 0.0]
    assert system.generators.max_power.tolist() == [0.5, 0.4, 0.3]
    assert system.generators.min_reactive.tolist() == [-0.5] * 3
    assert grid_.deficit_cost.tolist() == [[6000.0]] * 3  # 60 per MW are 6000 per unit
    assert np.isinf(grid_.deficit_limit).all()
    assert grid_.reactive_demand[0] == pytest.approx([0, 0, 0.15])
    assert grid_.reference == 0
    assert grid_.rating.tolist() == [0.5, 1e4]  # 0 is no limit
    assert grid_.reverse_rating.tolist() == [0.5, 1e4]
    assert grid_.tap.tolist() == [1.0, 1.0]
    assert grid_.from_susceptance.tolist() == [0.0, 0.1]
    assert grid_.to_susceptance.tolist() == [0.0, 0.15]
    assert grid_.shunt_susceptance.tolist() == [0.0, 0.2, 0.0]
    assert grid_.shunt_conductance.tolist() == [0.0, 0.01, 0.0]
    assert grid_.min_voltage.tolist() == [0.9, 0.9, 0.95]
    assert grid_.max_angle.tolist() == [1.0472, 1.0472]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((-0.5, 0.25), (-0.5, 0.25)),
        ((0.0, 0.25), (0.0, 0.25)),
        ((0.0, 0.0), (-1.0472, 1.0472)),  # MATPOWER's way to say that there is no limit; not ends of one angle
        ((-2 * np.pi, 2 * np.pi), (-1.0472, 1.0472)),
        ((-np.pi / 2, 0.3), (-1.0472, 0.3)),
        ((None, None), (-1.0472, 1.0472)),
    ],
)
def test_limits_of_angles_are_those_that_powermodels_takes(put, given, expected):
    data = grid()
    for key, value in zip(("angmin", "angmax"), given, strict=True):
        data["branch"]["1"][key] = value
        if value is None:
            del data["branch"]["1"][key]
    network = read(put(grid_=data)).network
    assert (network.min_angle[0], network.max_angle[0]) == expected


def test_numbers_of_the_plants(put):
    water = read(put()).reservoirs
    assert water.names == ("UP", "reservoir 7")
    assert water.generator.tolist() == [2, 1]
    assert water.max_volume.tolist() == [12.0, 0.0]
    assert water.initial_volume.tolist() == [0.0, 0.0]  # denormals are what memory held
    assert water.spill_cost.tolist() == [0.0, 0.0]
    assert water.production.tolist() == [1.0, 2.5]
    assert water.min_turbined.tolist() == [0.0, 0.5]
    assert water.min_turbined_cost.tolist() == [0.0, 3.0]
    assert water.turbined_to.tolist() == [[False, True], [False, False]]
    assert water.spilled_to.tolist() == [[False, True], [False, False]]


def test_options_stand_in_a_file_and_arguments_go_before_it(put):
    toml = 'network = "ac"\nhorizon = 5\nreported_stages = 3\nload_scale = 0.6\ndiscount = 0.9\n'
    toml += 'sampler = "stablerng-lehmer"'
    system = read(put(case=toml))
    assert (system.network_kind, system.horizon, system.reported_stages) == ("ac", 5, 3)
    assert (system.discount, system.sampler) == (0.9, "stablerng-lehmer")
    assert system.network.demand[0, 2] == pytest.approx(0.45)
    assert system.network.reactive_demand[0, 2] == pytest.approx(0.09)  # not the active alone
    other = read_case(put(case=toml), network="single-bus", horizon=4, load_scale=1.0)
    assert (other.network_kind, other.horizon, other.reported_stages) == ("single-bus", 4, 3)
    assert other.network.demand[0, 2] == 0.75


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"network": "copper"}, "network"),
        ({"sampler": "dice"}, "sampler"),
        ({"horizon": 0}, "horizon"),
        ({"horizon": 1.5}, "horizon"),
        ({"reported_stages": True}, "reported_stages"),
        ({"load_scale": -1.0}, "load_scale"),
        ({"load_scale": float("nan")}, "load_scale"),
        ({"discount": 0}, "discount"),
        ({"discount": 1.5}, "discount"),
    ],
)
def test_options_that_cannot_be_are_refused_by_name(options, name):
    with pytest.raises(OptionError, match=f"^{name}: expected"):
        CaseOptions(**options)


@pytest.mark.parametrize(
    "text", ["horizon = ", "speed = 3", "horizon = 0", 'load_scale = "much"', "discount = nan", "\xff"]
)
def test_a_wrong_case_toml_is_refused_by_name(put, text):
    with pytest.raises(InstanceError, match=r"case.toml:1: "):
        read(put(case=text))


def edited(data, place, value):
    """The data with another value; Ellipsis takes the field away."""
    inner = data
    for key in place[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return data


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("per_unit",), False, "expected data in per unit"),
        (("per_unit",), ..., "expected data in per unit"),
        (("baseMVA",), 0, "expected a positive number"),
        (("cost_deficit",), ..., "expected the field cost_deficit"),
        (("cost_deficit",), -1, "at least 0"),
        (("bus",), ..., "expected the table bus"),
        (("bus",), {}, "expected a bus in service|there is no bus 2"),
        (("bus", "2", "bus_type"), 1, "expected one reference bus .*, not 0"),
        (("bus", "7", "bus_type"), 3, "expected one reference bus .*, not 2"),
        (("bus", "2", "index"), 3, "index says otherwise"),
        (("bus", "x"), {}, "expected a number as the name"),
        (("bus", "2"), 5, "expected an object"),
        (("bus", "2", "vmin"), -0.9, "at least 0"),
        (("gen", "1", "pmax"), -0.5, r"gen.1.pmax: expected a number of at least 0, not -0.5"),
        (("gen", "1", "pmax"), ..., "expected the field pmax"),
        (("gen", "1", "pmax"), "0.5", "expected a number"),
        (("gen", "1", "pmin"), 0.6, "min_power exceeds max_power at gen 1"),
        (("gen", "1", "gen_bus"), 3, "there is no bus 3"),
        (("gen", "1", "gen_bus"), 2.5, "expected a whole number"),
        (("gen", "1", "gen_status"), 2, "expected 0 or 1"),
        (("gen", "1"), gen(2, [3, 1500, 0], 0.5), r"gen.1.cost: quadratic costs have no place"),
        (("gen", "1"), gen(2, [1500, 7], 0.5), r"gen.1.cost: a cost whatever is generated"),
        (("gen", "1"), gen(2, [0, 0, 1, 5], 0.5, model=1), r"gen.1.model: piecewise linear costs"),
        (("gen", "1", "ncost"), 3, "expected 2 as the list cost has"),
        (("gen", "1", "cost"), 5, "expected a list"),
        (("gen", "2", "gen_status"), 0, "its generator 2 is out of service"),
        (("gen", "2", "pmin"), 0.1, "must be allowed to stand still"),
        (("branch", "1"), branch(2, 2, 0.1, 0.1, 1), "a branch must join two buses"),
        (("branch", "1", "rate_a"), -1, r"branch.1.rate_a: expected a number of at least 0"),
        (("branch", "1", "br_x"), 0, "without reactance"),
        (("branch", "1", "br_x"), ..., "expected the field br_x"),
        (("branch", "1", "t_bus"), ..., "expected the field t_bus"),
        (("branch", "1", "angmin"), 2, "min_angle exceeds max_angle"),
        (("branch", "1", "tap"), -1, "at least 0"),
        (("load", "1", "load_bus"), 99, "there is no bus 99"),
        (("load", "1", "pd"), None, "expected"),
        (("shunt", "1", "gs"), ..., "expected the field gs"),
        (("dcline",), {"1": {}}, "dcline: a hydrothermal system has no place"),
        (("storage",), {"1": {}}, "storage: a hydrothermal system has no place"),
    ],
)
def test_what_is_wrong_with_a_grid_is_said_with_file_and_line(put, place, value, message):
    with pytest.raises(InstanceError, match=message) as caught:
        read(put(grid_=edited(grid(), place, value)))
    assert caught.value.file.startswith(str(put()))


def test_the_line_is_that_of_the_field(put):
    folder = put(grid_=edited(grid(), ("gen", "1", "pmax"), -0.5))
    lines = (folder / "PowerModels.json").read_text().splitlines()
    with pytest.raises(InstanceError) as caught:
        read(folder)
    assert lines[caught.value.line - 1].strip().startswith('"pmax": -0.5')


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("Hydrogenerators",), ..., "expected the list Hydrogenerators"),
        (("Hydrogenerators",), [], "expected at least one reservoir"),
        (("Hydrogenerators", 0), 3, "expected an object"),
        (("Hydrogenerators", 0, "index"), 7, "two plants have one index"),
        (("Hydrogenerators", 0, "index"), ..., "expected the field index"),
        (("Hydrogenerators", 0, "index_grid"), 2, "two plants drive one generator"),
        (("Hydrogenerators", 0, "index_grid"), 9, "there is no generator 9"),
        (("Hydrogenerators", 0, "index_grid"), 4, "its generator 4 is out of service"),
        (("Hydrogenerators", 0, "max_volume"), -1, r"max_volume: expected a number of at least 0, not -1"),
        (("Hydrogenerators", 0, "max_volume"), ..., "expected the field max_volume"),
        (("Hydrogenerators", 0, "initial_volume"), 13, "initial_volume exceeds max_volume at UP"),
        (("Hydrogenerators", 0, "final_volume"), 1, "a volume that must be left has no place here"),
        (("Hydrogenerators", 0, "downstream_turn"), [41], "expected the index of a plant"),
        (("Hydrogenerators", 1, "downstream_turn"), [40], "water flows in a circle"),
        (("Hydrogenerators", 0, "downstream_turn"), 7, "expected a list of plants"),
        (("Hydrogenerators", 0, "production_factor"), "1", "expected a number"),
        (("Hydrogenerators", 0, "name"), 3, "expected text"),
        (("stage_hours",), 0, "expected a positive number"),
    ],
)
def test_what_is_wrong_with_the_plants_is_said_with_file_and_line(put, place, value, message):
    with pytest.raises(InstanceError, match=message) as caught:
        read(put(hydro_=edited(hydro(), place, value)))
    assert caught.value.file.endswith("hydro.json")
    assert caught.value.line >= 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"inflows": None}, r"inflows.csv:1: the folder needs this file"),
        ({"inflows": ""}, r"inflows.csv:1: expected rows of numbers"),
        ({"inflows": "1,2,3,4\n1,2,3\n"}, r"inflows.csv:2: expected 4 columns, not 3"),
        ({"inflows": "1,2\n1,x\n"}, r"inflows.csv:2: 'x' is no finite number"),
        ({"inflows": "1,nan\n"}, r"inflows.csv:1: 'nan' is no finite number"),
        ({"inflows": "1,1e999\n"}, r"inflows.csv:1: '1e999' is no finite number"),
        ({"inflows": "1,2,3\n"}, r"inflows.csv:1: expected as many columns for each of 2 plants, not 3"),
        ({"inflows": "1,\n"}, r"inflows.csv:1: '' is no finite number"),
        ({"scenarioprobability": "1,0,0\n"}, r"has 1 x 3 numbers; expected 2 x 3"),
        ({"scenarioprobability": "1,0\n1,0\n"}, r"has 2 x 2 numbers; expected 2 x 3"),
        ({"scenarioprobability": "0.2,0.3,0.4\n1,0,0\n"}, r"expected probabilities that add up to 1"),
        ({"scenarioprobability": "1.5,-0.5,0\n1,0,0\n"}, r"probability"),
    ],
)
def test_wrong_tables_are_said_with_file_and_line(put, files, message):
    with pytest.raises(InstanceError, match=message):
        read(put(**files))


@pytest.mark.parametrize("name", ["PowerModels.json", "hydro.json"])
def test_a_file_that_is_missing_or_no_json_is_named(put, name):
    folder = put()
    (folder / name).write_text('{"a": 1,\n "a": NaN}')
    with pytest.raises(InstanceError, match=rf"{name}:2: "):
        read(folder)
    (folder / name).write_bytes(b"\xff\xfe")
    with pytest.raises(InstanceError, match=rf"{name}:1: not UTF-8"):
        read(folder)
    (folder / name).unlink()
    with pytest.raises(InstanceError, match=rf"{name}:1: the folder needs this file"):
        read(folder)


@pytest.mark.parametrize("name", ["scenarioprobability.csv", "case.toml"])
def test_a_link_that_leads_nowhere_is_not_read_as_if_nothing_were_there(put, name):
    folder = put()
    (folder / name).symlink_to("nowhere")
    with pytest.raises(InstanceError, match=rf"{name}:1: the folder needs this file"):
        read(folder)


def test_any_other_folder_is_no_case(tmp_path):
    (tmp_path / "some.txt").write_text("x")
    with pytest.raises(InstanceError, match=r"this is a folder; expected a file, or a folder that is a case \(Hydro"):
        read(tmp_path)


def test_two_plants_swapped_are_another_system_and_not_the_same_by_accident(put):
    swapped = {**hydro(), "Hydrogenerators": hydro()["Hydrogenerators"][::-1]}
    assert read(put(hydro_=swapped)).reservoirs.names == ("reservoir 7", "UP")
    assert read(put(hydro_=swapped)).content_hash != read(put()).content_hash


def test_one_plant_more_needs_columns_more(put):
    data = hydro()
    data["Hydrogenerators"].append(plant(99, 1, max_volume=1.0))
    system = read(put(hydro_=data))  # 6 columns are 2 scenarios of 3 plants now
    assert system.inflows.rows[0].tolist() == [[1, 3, 20], [2, 10, 30]]
    data["Hydrogenerators"].append(plant(100, 5, max_volume=1.0))
    with pytest.raises(InstanceError, match="out of service"):
        read(put(hydro_=data))


def test_spaces_a_mark_at_the_start_and_crlf_do_not_matter(put):
    folder = put(inflows="\ufeff 1 , 2,3, 10,20,30\r\n\r\n4,5,6,40,50,60")
    assert read(folder) == read(put(inflows=INFLOWS))


@needs_files
def test_the_published_folders_are_the_shipped_systems():
    options = {"load_scale": 0.6, "horizon": 126, "reported_stages": 96, "sampler": "stablerng-lehmer"}
    for kind in ("dc", "ac"):
        assert read_case(DATA / "bolivia", name=f"bolivia-{kind}", network=kind, **options) == benchmark(
            f"bolivia-{kind}"
        )
    found, mine = read(DATA / "case3"), case("case3", CaseOptions())
    assert found.network.deficit_cost[0, 0] == pytest.approx(10010.0)  # the copy in DecisionRules.jl
    assert mine.network.deficit_cost[0, 0] == 100_000.0
    assert (found.reservoirs.max_volume == mine.reservoirs.max_volume).all()
    assert (found.inflows.rows == mine.inflows.rows).all()


def test_case3_is_that_of_the_tests_but_for_its_names():
    mine, theirs = benchmark("case3"), case3()
    for part in ("reservoirs", "generators", "network", "inflows"):
        for key in getattr(theirs, part).__dataclass_fields__:
            if key != "names":
                assert np.array_equal(getattr(getattr(mine, part), key), getattr(getattr(theirs, part), key)), key


def test_json_of_a_grid_may_be_in_any_order(put):
    data = grid()
    turned = {key: dict(reversed(value.items())) if isinstance(value, dict) else value for key, value in data.items()}
    assert json.dumps(turned) != json.dumps(data)
    assert read(put(grid_=dict(reversed(turned.items())))) == read(put())
