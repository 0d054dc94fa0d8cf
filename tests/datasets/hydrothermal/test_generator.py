"""Random hydrothermal systems: sizes, means, reproducibility, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import counterpoint as ct
from counterpoint.datasets.generating import generators
from counterpoint.opt.errors import OptionError

KINDS = ("single-bus", "transport", "dc", "ac")


def river(**parameters):
    return ct.generate("hydrothermal", **parameters)


def test_it_is_the_problems_generator():
    assert [g.name for g in generators("hydrothermal")] == ["river"]


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS), sizes=st.tuples(st.integers(1, 7), st.integers(0, 6), st.integers(1, 9)),
    stages=st.integers(1, 60), openings=st.integers(1, 6), seed=st.integers(0, 10**9),
)  # fmt: skip
def test_as_large_as_asked_for_and_valid(kind, sizes, stages, openings, seed):
    h, g, b = sizes
    system = river(network=kind, reservoirs=h, thermal=g, buses=b, stages=stages, openings=openings, seed=seed)
    assert (system.num_reservoirs, system.num_generators, system.num_buses) == (h, h + g, b)
    assert (system.horizon, system.reported_stages, system.network_kind) == (stages, stages, kind)
    assert system.inflows.rows.shape == (min(stages, 52), openings, h)
    assert (system.inflows.rows > 0).all()
    assert np.isinf(system.network.deficit_limit).all()
    assert (system.generators.min_power == 0).all()
    assert (system.network.demand > 0).all()


def test_every_bus_is_reached():
    for seed in range(20):
        system = river(buses=8, seed=seed)
        reached = {0}
        ends = list(zip(system.network.from_bus.tolist(), system.network.to_bus.tolist(), strict=True))
        for _ in range(8):
            reached |= {x for pair in ends if reached & set(pair) for x in pair}
        assert reached == set(range(8))
        assert len({frozenset(pair) for pair in ends}) == len(ends)


def test_transport_has_a_branch_each_way_at_a_cost():
    grid = river(network="transport", buses=5, seed=2).network
    ends = set(zip(grid.from_bus.tolist(), grid.to_bus.tolist(), strict=True))
    assert ends == {(b, a) for a, b in ends}
    assert (grid.flow_cost > 0).all()
    assert (grid.reverse_rating == 0).all()


def test_inflows_have_their_season_and_their_spread():
    system = river(reservoirs=1, stages=52, openings=2000, spread=0.4, seed=5)
    mean = system.inflows.rows[:, :, 0].mean(1)
    season = 1 + 0.7 * np.sin(2 * np.pi * np.arange(52) / 52)
    assert mean / mean.mean() == pytest.approx(season, rel=0.06)
    assert np.log(system.inflows.rows[:, :, 0]).std(1) == pytest.approx(0.4, abs=0.03)
    assert (river(spread=0.0, openings=3).inflows.rows.std(1) < 1e-12).all()


def test_water_can_supply_its_share():
    for share in (0.2, 0.8):
        system = river(
            reservoirs=4, thermal=5, cascade=0.0, hydro_share=share, stages=52, openings=400, spread=0.1, seed=1
        )
        power = (system.inflows.rows.mean((0, 1)) * system.power_per_flow).sum()
        assert power / system.network.demand.sum(1).mean() == pytest.approx(share, rel=0.03)


def test_cascades_come_when_asked_for():
    assert not river(reservoirs=9, cascade=0.0).reservoirs.turbined_to.any()
    full = river(reservoirs=9, cascade=1.0).reservoirs
    assert full.turbined_to.sum() == 8
    assert (full.spilled_to <= full.turbined_to).all()


def test_the_seed_decides():
    assert river(seed=4) == river(seed=4)
    assert len({river(seed=s).content_hash for s in range(10)}) == 10
    assert river(seed=4).name == "river-3x3-4"


@pytest.mark.parametrize(
    "parameters",
    [
        {"reservoirs": 0}, {"buses": 0}, {"stages": 0}, {"openings": 0}, {"thermal": -1}, {"reservoirs": 10**6},
        {"cascade": 1.5}, {"hydro_share": 0.0}, {"spread": -1.0}, {"network": "copper"}, {"seed": "x"}, {"depth": 3},
        {"stages": 10**9}, {"seed": -1},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(parameters):
    with pytest.raises(OptionError):
        river(**parameters)
