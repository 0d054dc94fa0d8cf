"""The chart of a plant's run shows what happened."""

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.plots.stochastic_lot_sizing import plot_plant
from counterpoint.opt.problems.stochastic_lot_sizing import draw_scenarios
from counterpoint.simulators.stochastic_lot_sizing import simulate

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.mark.parametrize("name", ["idle", "random", "priority"])
def test_bars_marks_and_costs_are_the_runs(name: str) -> None:
    plant = ct.benchmark("plant-6x3")
    scenario = draw_scenarios(plant, 1, 0)[0]
    run = simulate(plant, scenario, ct.policy(name, plant))
    ax = plot_plant(plant, scenario, run)
    machines, stock, costs = (panel for panel in ax.figure.axes if panel is not ax)
    assert sum(bar.get_width() for bar in machines.patches) == (run.choice > 0).sum()
    before = np.vstack([scenario.setup, run.choice[:-1]])
    marks = sum(len(lines.get_segments()) for lines in machines.collections)
    assert marks == ((run.choice > 0) & (run.choice != before)).sum()
    picture = stock.images[0].get_array()
    assert picture.shape == (6, 100, 3)
    red = np.asarray(picture)[..., 0] > np.asarray(picture)[..., 2] + 0.3
    assert np.array_equal(red, (run.lost > 0).T)
    labels = [text.get_text() for text in costs.get_legend().get_texts()]
    assert f"lost sales {run.costs['lost sales']:,.5g}" in labels
    assert f"setup {run.costs['setup']:,.5g}" in labels
    plt.close(ax.figure)
