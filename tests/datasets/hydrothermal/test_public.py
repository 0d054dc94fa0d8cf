"""The shipped systems: sizes and numbers of the sources, and the published costs that follow from them."""

import os
from pathlib import Path

import numpy as np
import pytest

from counterpoint.datasets.figures import figure_text
from counterpoint.datasets.hydrothermal.public import brazil, build, names, two_objectives
from counterpoint.datasets.reading import read, write
from counterpoint.datasets.registry import benchmark, benchmarks, best_known
from counterpoint.opt.errors import OptionError, UnknownNameError

ROOT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("COUNTERPOINT_DATA", ROOT.parent / "shared" / "data")) / "hydrothermal"


def test_names():
    assert benchmarks(problem="hydrothermal") == tuple(sorted(names()))
    assert {"bolivia-ac", "bolivia-dc", "brazil-120", "brazil-3", "brazil-60", "case3"} == set(names())
    with pytest.raises(UnknownNameError):
        build("bolivia")


@pytest.mark.parametrize("name", names())
def test_systems_are_whole_and_survive_a_file(name, tmp_path):
    system = benchmark(name)
    assert system.name == name
    assert benchmark(name.upper().replace("-", "_")) == system
    assert best_known(system) is None
    write(system, tmp_path / "system.json")
    assert read(tmp_path / "system.json") == system


def test_the_shipped_figures_are_small():
    assert len(figure_text("hydrothermal.json")) < 400_000


def test_bolivia_has_the_sizes_and_totals_of_its_files():
    system = benchmark("bolivia-dc")
    assert (system.num_buses, system.num_branches, system.num_generators, system.num_reservoirs) == (28, 31, 34, 11)
    assert (system.horizon, system.reported_stages, system.discount) == (126, 96, 1.0)
    assert (system.stage_hours, system.sampler) == (168.0, "stablerng-lehmer")
    assert system.volume_per_flow == pytest.approx(0.6048, abs=1e-15)
    assert system.demand(0).sum() == pytest.approx(4.825, abs=5e-4)
    driven = system.generators.max_power[system.reservoirs.generator].sum()
    assert 100 * driven == pytest.approx(426.9, abs=0.05)
    assert 100 * system.generators.max_power.sum() == pytest.approx(933.6, abs=0.05)
    assert (system.network.deficit_cost == 6000.0).all()
    assert (system.reservoirs.initial_volume == 0).all()
    assert (system.reservoirs.spill_cost == 0).all()
    costs = np.delete(system.generators.cost, system.reservoirs.generator)
    assert (costs.min(), costs.max()) == (1404.0, 4244.0)
    assert (system.generators.cost[system.reservoirs.generator] == 10.0).all()


def test_bolivia_has_its_plants_and_rivers():
    water = benchmark("bolivia-dc").reservoirs
    assert water.names[:10] == ("SIS", "COR", "KAN", "MIG", "ZON", "CHU", "ACH", "TAQ1", "TAQ2", "CHJ")
    assert len(water.names) == 11
    assert water.generator.tolist() == list(range(23, 34))
    assert water.max_volume.tolist() == [0.1, 137.99, 0.042, 16.76, 10.35, 0.32, 9.72, 0.07, 0.04, 0.0, 2.93]
    assert water.production[:3].tolist() == [6.9953, 5.117, 9.677]
    turbined, spilled = ([(water.names[a], water.names[b]) for a, b in np.argwhere(m)]
                         for m in (water.turbined_to, water.spilled_to))  # fmt: skip
    assert turbined == [("COR", "SIS"), ("ZON", "CHU"), ("TAQ1", "TAQ2")]
    assert spilled == [("ZON", "CHU"), ("TAQ1", "TAQ2")]


def test_bolivian_inflows_are_48_weeks_of_15_joint_rows():
    rows = benchmark("bolivia-dc").inflows.rows
    assert rows.shape == (48, 15, 11)
    mean = [0.61, 7.34, 0.48, 2.61, 4.18, 6.42, 0.30, 4.68, 3.78, 0.96, 2.42]
    assert rows.mean((0, 1)) == pytest.approx(mean, abs=0.006)
    assert rows[0, :3, 0] == pytest.approx([2.511995176219288, 1.5219775304828789, 1.201635404772053], abs=0)
    assert rows[0, 0, 1] == 20.287328815178604  # the sixteenth column is the second plant's first


def test_ac_differs_in_its_network_alone():
    dc, ac = benchmark("bolivia-dc"), benchmark("bolivia-ac")
    assert (dc.network_kind, ac.network_kind) == ("dc", "ac")
    assert ac.content_hash != dc.content_hash
    for part in ("reservoirs", "generators", "network", "inflows"):
        assert all(
            np.array_equal(getattr(getattr(dc, part), key), getattr(getattr(ac, part), key))
            for key in getattr(dc, part).__dataclass_fields__
            if getattr(getattr(dc, part), key) is not None
        )
    grid = ac.network
    assert (grid.resistance / grid.reactance).mean() == pytest.approx(0.26, abs=0.005)
    assert grid.reactive_demand.sum() > 0


def test_case3_has_its_published_deficit_cost():
    system = benchmark("case3")
    assert (system.network.deficit_cost == 100_000.0).all()
    assert system.inflows.rows[:, :, 0].tolist()[:2] == [[120, 80, 40], [105, 70, 35]]
    assert system.inflows.probability[0].tolist() == [0.3, 0.4, 0.3]
    assert system.volume_per_flow == 0.0036


def test_brazil_has_the_tables_of_its_paper():
    system = benchmark("brazil-3")
    assert system.horizon == 3
    assert system.reservoirs.max_volume.tolist() == [200717.6, 19617.2, 51806.1, 12744.9]
    assert system.reservoirs.initial_volume.tolist() == [59419.3, 5874.9, 12859.2, 5271.5]
    assert system.reservoirs.max_turbined.tolist() == [45414.3, 13081.5, 9900.9, 7629.9]
    assert np.bincount(system.generators.bus).tolist() == [44, 18, 34, 3]
    assert system.network.deficit_cost.tolist() == [[1142.8, 2465.4, 5152.46, 5845.54]] * 5
    assert system.network.deficit_limit[0, 0] == pytest.approx(45515.0 * np.array([0.05, 0.05, 0.1, 0.8]))
    assert not system.network.deficit_limit[:, 4].any()
    grid = system.network
    lines = {(int(i), int(j)): (u, c) for i, j, u, c in
             zip(grid.from_bus, grid.to_bus, grid.rating, grid.flow_cost, strict=True)}  # fmt: skip
    assert lines == {
        (0, 1): (7379, 0.001), (0, 2): (1000, 0.001), (0, 4): (4000, 0.0005), (1, 0): (5625, 0.001),
        (2, 0): (600, 0.001), (2, 4): (2236, 0.0005), (3, 4): (99999, 0.0005), (4, 0): (3154, 0.0005),
        (4, 2): (3951, 0.0005), (4, 3): (3053, 0.0005),
    }  # fmt: skip
    assert (system.discount, system.reservoirs.spill_cost[0]) == (0.9906, 0.001)


def test_brazilian_inflows_of_the_first_month_are_fixed_and_then_82_years():
    system = benchmark("brazil-3")
    rows, probability = system.openings(0)
    assert rows.tolist() == [[39717.564, 6632.5141, 15897.183, 2525.938]]
    assert probability.tolist() == [1.0]
    february, march = (system.openings(t)[0] for t in (1, 2))
    assert february.shape == (82, 4)
    assert february[0].tolist() == [86488.31, 3310.83, 13168.57, 14719.19]  # FEB 1931
    assert march[0].tolist() == [88646.94, 3531.16, 18892.59, 23409.86]
    assert system.demand(1)[:4].tolist() == [46611.0, 11933.0, 10683.0, 6564.0]


def test_in_the_port_inflows_are_a_month_behind_demand():
    ours, theirs = benchmark("brazil-120"), benchmark("brazil-60")
    assert (theirs.openings(1)[0] == ours.openings(12)[0]).all()  # January's at the second stage
    assert theirs.openings(1)[0][0].tolist() == [56896.8, 7409.65, 14125.25, 11445.26]
    assert (theirs.openings(13)[0] == theirs.openings(1)[0]).all()
    assert (theirs.demand(1) == ours.demand(1)).all()


def test_weight_0_of_the_port_is_its_published_value():
    """Nothing but thermal minima is then worth paying for: 24508.2582 in SDDP.jl's log, exactly."""
    system = two_objectives(0.0)
    assert system.horizon * float(system.generators.cost @ system.generators.min_power) == pytest.approx(
        24508.2582, abs=5e-5
    )
    assert not system.network.deficit_cost.any()


def test_weights_and_prices_of_the_port():
    system = benchmark("brazil-60")
    prices = np.array([1142.8, 2465.4, 5152.46, 5845.54])
    assert system.network.deficit_cost[:4] == pytest.approx(np.tile(0.5 * 0.01 / 60 * prices[:, None], (1, 4)))
    assert system.generators.cost[4] == pytest.approx(0.5 * 0.1 / 60 * 21.49)
    assert (system.discount, system.network.flow_cost.any(), system.reservoirs.spill_cost.any()) == (1.0, False, False)
    assert two_objectives(0.5) == two_objectives(0.5)
    assert two_objectives(0.25).content_hash != two_objectives(0.5).content_hash
    for weight in (-0.1, 1.1, float("nan")):
        with pytest.raises(OptionError, match="weight"):
            two_objectives(weight)


@pytest.mark.skipif(not (DATA / "brazil4_history").is_dir(), reason=f"needs {DATA} (set COUNTERPOINT_DATA)")
def test_brazilian_history_is_that_of_msppy_without_1983():
    shipped = brazil().history
    for region in range(4):
        lines = (DATA / "brazil4_history" / f"hist_{region}.csv").read_text().splitlines()[1:]
        rows = [line.split(";")[1:] for line in lines if not line.startswith("1983")]
        assert np.array_equal(shipped[:, :, region].T, np.array(rows, float))
