"""Folders of regions that exchange energy: what the numbers mean, and what each mistake is called."""

import pytest
from tests.hydro_folders import MONTHS, SUBSYSTEMS, put_subsystems

from counterpoint.datasets.hydrothermal.subsystems import SubsystemOptions, read_subsystems
from counterpoint.datasets.reading import read
from counterpoint.opt.errors import InstanceError, OptionError


@pytest.fixture
def put(tmp_path):
    return lambda **changes: put_subsystems(tmp_path / "regions", **changes)


def test_a_folder_is_one_case_named_after_it(put):
    system = read(put())
    assert system.name == "regions"
    assert (system.network_kind, system.horizon, system.reported_stages) == ("transport", 120, 120)
    assert (system.volume_per_flow, system.stage_hours, system.base_power) == (1.0, 0.0, 1.0)
    assert system.discount == 0.9906
    assert read_subsystems(put(), name="mine").name == "mine"


def test_regions_are_buses_with_a_reservoir_each_and_the_node_is_the_last_bus(put):
    system = read(put())
    water = system.reservoirs
    assert water.max_volume.tolist() == [100.5, 60.0]
    assert water.initial_volume.tolist() == [40.0, 10.0]
    assert water.max_turbined.tolist() == [50.0, 30.0]
    assert water.spill_cost.tolist() == [0.001, 0.001]
    assert water.production.tolist() == [1.0, 1.0]
    assert not water.turbined_to.any()
    plants = system.generators
    assert plants.bus.tolist() == [0, 1, 0, 1, 1]
    assert plants.cost.tolist() == [0.0, 0.0, 20.5, 35.0, 80.0]
    assert plants.min_power.tolist() == [0.0, 0.0, 2.0, 0.0, 0.0]
    assert plants.max_power.tolist() == [50.0, 30.0, 15.0, 10.0, 5.0]
    assert system.network.names == ("region 0", "region 1", "exchange")


def test_exchange_is_from_row_to_column_and_costs(put):
    grid = read(put()).network
    lines = list(zip(grid.from_bus.tolist(), grid.to_bus.tolist(), grid.rating.tolist(), strict=True))
    assert lines == [(0, 1, 8.0), (0, 2, 4.0), (1, 0, 5.0), (2, 1, 3.0)]
    assert grid.reverse_rating.tolist() == [0.0] * 4
    assert grid.flow_cost.tolist() == [0.001, 0.0005, 0.001, 0.0005]
    (put() / "exchange_cost.csv").unlink()
    assert read(put(exchange_cost=None)).network.flow_cost.tolist() == [0.0] * 4


def test_deficits_have_levels_of_a_share_of_the_demand(put):
    grid = read(put()).network
    assert grid.demand[3].tolist() == [43.0, 27.0, 0.0]
    assert grid.deficit_limit[3].tolist() == [
        pytest.approx([4.3, 38.7]), pytest.approx([2.7, 24.3]), [0.0, 0.0],
    ]  # fmt: skip
    assert grid.deficit_cost.tolist() == [[200.0, 500.0]] * 3


def test_inflows_of_a_year_that_misses_a_region_are_left_out_for_all(put):
    inflows = read(put()).inflows
    assert inflows.rows.shape == (12, 2, 2)
    assert inflows.rows[0].tolist() == [[90.0, 0.0], [92.0, 2.0]]  # January of 1990 and of 1992
    assert inflows.rows[11].tolist() == [[101.0, 5.5], [103.0, 7.5]]
    assert inflows.first.tolist() == [25.0, 10.0]


def test_a_lag_moves_inflows_not_demand(put):
    plain, lagged = (read_subsystems(put(), options=SubsystemOptions(inflow_lag=lag)) for lag in (0, 1))
    for t in range(1, 30):
        assert (lagged.openings(t)[0] == plain.openings(t - 1 if t > 1 else 12)[0]).all()
        assert (lagged.demand(t) == plain.demand(t)).all()
    assert (lagged.openings(0)[0] == plain.openings(0)[0]).all()


def test_prices_by_region_and_weights(put):
    options = SubsystemOptions(
        horizon=5, deficit_prices="regions", deficit_weight=0.5, thermal_weight=2.0, exchange_weight=0.0, spill_cost=0.0
    )
    system = read_subsystems(put(), options=options)
    assert system.network.deficit_cost.tolist() == [[100.0, 100.0], [250.0, 250.0], [0.0, 0.0]]
    assert system.generators.cost.tolist() == [0.0, 0.0, 41.0, 70.0, 160.0]
    assert system.network.flow_cost.tolist() == [0.0] * 4
    assert system.reservoirs.spill_cost.tolist() == [0.0, 0.0]
    three = SUBSYSTEMS["deficit.csv"].replace("0.9", "0.4") + "2,900,0.5\n"
    with pytest.raises(InstanceError, match="expected a deficit price for each of 2 regions, not 3"):
        read_subsystems(put(deficit=three), options=options)


@pytest.mark.parametrize(
    ("option", "value"),
    [("inflow_lag", 2), ("deficit_prices", "years"), ("spill_cost", -1.0), ("thermal_weight", float("nan"))],
)
def test_options_that_cannot_be_are_refused_by_name(option, value):
    with pytest.raises(OptionError, match=f"^{option}: expected"):
        SubsystemOptions(**{option: value})


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("hydro", "UB,INITIAL", "MAX,INITIAL", r"hydro.csv:1: expected the columns UB, INITIAL, not MAX, INITIAL"),
        ("hydro", "inflow_1,0,10\n", "", r"hydro.csv:1: expected the rows StoredEnergy_i"),
        ("hydro", "inflow_1", "inflow_0", r"hydro.csv:1: expected the rows"),
        ("hydro", "100.5", "-100.5", "max_volume"),
        ("hydro", "100.5", "30", "initial_volume exceeds max_volume"),
        ("demand", "0,40,30\n", "", r"demand.csv:1: expected 12 months of 2 regions"),
        ("demand", "1,41,29", "1,41", r"demand.csv:3: expected 3 columns, not 2"),
        ("demand", "41", "4l", r"demand.csv:3: '4l' is no finite number"),
        ("deficit", "OBJ,DEPTH", "DEPTH,OBJ", r"deficit.csv:1: expected the columns OBJ, DEPTH"),
        ("deficit", "0.9", "-0.9", "deficit_limit"),
        ("exchange", "0,0,8,4", "0,1,8,4", r"exchange.csv:1: expected no exchange of a region with itself"),
        ("exchange", "2,0,3,0\n", "", r"exchange.csv:1: expected 3 rows and columns"),
        ("exchange", "5", "-5", "rating"),
        ("exchange_cost", "2,0.0005,0.0005,0.0005\n", "", r"exchange_cost.csv:1: expected 3 rows"),
        ("thermal_1", "0,0,10,35", "0,11,10,35", "min_power exceeds max_power at region 1 thermal 0"),
        ("thermal_1", "LB,UB,OBJ", "UB,LB,OBJ", r"thermal_1.csv:1: expected the columns LB, UB, OBJ"),
        ("hist_1", "1992;", "1993;", r"hist_1.csv:1: expected the years of hist_0.csv"),
        ("hist_0", "1990;", "last;", r"hist_0.csv:1: expected a year, not 'last'"),
        ("hist_0", ";101\n", "\n", r"hist_0.csv:2: expected 13 columns, not 12"),
        ("hist_0", ";", ",", r"hist_0.csv:1: expected the columns JAN"),
        ("hist_0", ";JAN", ";JAM", r"hist_0.csv:1: expected the columns JAN"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(put, name, old, new, message):
    text = SUBSYSTEMS[f"{name}.csv"]
    assert old in text
    with pytest.raises(InstanceError, match=message):
        read(put(**{name: text.replace(old, new) if old == ";" else text.replace(old, new, 1)}))


@pytest.mark.parametrize("name", [n for n in SUBSYSTEMS if n != "exchange_cost.csv"])
def test_a_file_that_is_missing_is_named(put, name):
    folder = put()
    (folder / name).unlink()
    with pytest.raises(InstanceError, match=f"{name}:1: the folder needs this file"):
        read(folder)


def test_no_year_at_all_is_no_history(put):
    none = f"{MONTHS}\n1990;" + ";".join(["NA"] * 12) + "\n"
    with pytest.raises(InstanceError, match=r"hist_0.csv:1: expected a year that misses no region"):
        read(put(hist_0=none, hist_1=none))


def test_a_link_that_leads_nowhere_is_not_read_as_if_exchange_were_free(put):
    folder = put()
    (folder / "exchange_cost.csv").unlink()
    assert not read(folder).network.flow_cost.any()
    (folder / "exchange_cost.csv").symlink_to("nowhere")
    with pytest.raises(InstanceError, match=r"exchange_cost\.csv:1: the folder needs this file"):
        read(folder)


def test_a_year_that_is_there_twice_is_refused(put):
    folder = put()
    for path in folder.glob("hist_*.csv"):
        path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(InstanceError, match=r"hist_0\.csv:1: expected every year once"):
        read(folder)
