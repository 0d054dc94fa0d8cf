"""The chart of a hydrothermal run, and the tables beside it, show what happened."""

import numpy as np
import pytest
from tests.hydro_systems import cascade, case3, subsystems

import counterpoint as ct
from counterpoint.opt.plots.hydrothermal import plot_hydrothermal, stages_frame, storage_frame

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.mark.parametrize("make", [cascade, case3, subsystems])
@pytest.mark.parametrize("policy", ["myopic", "random"])
def test_panels_add_up_to_the_run(make: object, policy: str) -> None:
    assert callable(make)
    system = make()
    [episode] = ct.simulate(policy, system, seed=2)
    run = episode.trajectory
    table = stages_frame(system, episode.scenario, run)
    # lossless networks without shunts: what is generated and what is not supplied make the demand
    assert np.allclose(table[["hydro", "thermal", "deficit"]].sum(axis=1), table["demand"])
    water = system.reservoirs.production * np.array([one.turbined for one in run.dispatch])
    assert np.allclose(table["hydro"], water.sum(1))
    assert np.allclose(table["stored"], run.storage.sum(1))
    discount = system.discount ** np.arange(len(table))
    assert (table["cost"] * discount).sum() == pytest.approx(run.cost)
    assert np.array_equal(storage_frame(system, run).to_numpy(), run.storage)
    ax = plot_hydrothermal(system, episode.scenario, run)
    storage, power, costs = (panel for panel in ax.figure.axes if panel is not ax)
    tops = [patch.get_data().values for patch in storage.patches]
    assert np.allclose(tops[-1], run.storage.sum(1))
    assert np.allclose(power.patches[2].get_data().values, table[["hydro", "thermal", "deficit"]].sum(axis=1))
    assert np.allclose(costs.patches[-1].get_data().values, table["cost"])
    assert storage.get_ylim()[1] >= table["inflow"].max()
    plt.close(ax.figure)
