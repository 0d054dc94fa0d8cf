"""Fans, convergence and paired differences show the numbers they are given."""

import numpy as np
import pandas as pd
import pytest

import counterpoint as ct
from counterpoint.opt.plots.convergence import plot_convergence
from counterpoint.opt.plots.fans import fans_frame, plot_fans
from counterpoint.opt.plots.paired_costs import paired_costs_frame, plot_paired_costs

plt = pytest.importorskip("matplotlib.pyplot")


def test_fans_are_quantiles_over_scenarios() -> None:
    values = np.arange(21.0)[:, None] * np.array([1.0, 10.0])
    table = fans_frame({"steps": values, "flat": np.ones((3, 2))})
    steps = table.loc[table["name"] == "steps"]
    assert steps[[0.05, 0.25, 0.5, 0.75, 0.95]].to_numpy().tolist() == [[1, 5, 10, 15, 19], [10, 50, 100, 150, 190]]
    ax = plot_fans({"steps": values, "$x$": np.ones((3, 2))}, label="level")
    assert [line.get_label() for line in ax.lines] == ["steps", "$x$"]
    assert ax.lines[0].get_ydata().tolist() == [10.0, 100.0]
    assert len(ax.collections) == 4
    plt.close(ax.figure)


@pytest.mark.parametrize("wrong", [np.ones(3), np.ones((0, 4))])
def test_fans_of_nothing_are_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="scenarios x times"):
        fans_frame({"a": wrong})


def test_convergence_shows_bound_and_simulations() -> None:
    frame = pd.DataFrame({"iteration": range(1, 31), "bound": np.linspace(1, 10, 30), "simulation": np.full(30, 12.0)})
    ax = plot_convergence(frame)
    assert ax.lines[-1].get_ydata()[-1] == 10.0
    assert set(ax.lines[0].get_ydata()) == {12.0}
    assert "bound 10 after 30 iterations" in ax.get_title(loc="left")
    plt.close(ax.figure)


def test_paired_differences_are_scenario_by_scenario() -> None:
    found = ct.evaluate(["priority", "idle"], ct.benchmark("plant-2x1"), scenarios=40, seed=1, progress=False)
    table = paired_costs_frame(found, "priority", "idle")
    assert np.array_equal(table["difference"], found.costs("priority") - found.costs("idle"))
    ax = plot_paired_costs(found, "priority", "idle")
    assert sum(bar.get_height() for bar in ax.containers[0]) == 40
    assert f"lower in {(table['difference'] < 0).sum()} of 40" in ax.get_title(loc="left")
    plt.close(ax.figure)
