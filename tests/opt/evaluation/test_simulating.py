"""`simulate` shows what `evaluate` judges."""

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.problems.table import problem


def test_episodes_cost_what_evaluate_says() -> None:
    plant = ct.benchmark("plant-2x1")
    found = ct.evaluate(["priority", "random"], plant, scenarios=3, seed=4, progress=False)
    for name in ("priority", "random"):
        episodes = ct.simulate(name, plant, scenarios=3, seed=4)
        assert [episode.cost for episode in episodes] == found.costs(name).tolist()
        assert all(episode.check().is_feasible for episode in episodes)


def test_scenarios_of_ones_own() -> None:
    plant = ct.benchmark("plant-2x1")
    drawn = problem(plant.problem).load("scenarios")(plant, 5, 4)
    chosen = [drawn[4], drawn[1]]
    everything = ct.evaluate("priority", plant, scenarios=5, seed=4, progress=False).costs("priority")
    mine = ct.evaluate("priority", plant, scenarios=chosen, progress=False).costs("priority")
    assert np.array_equal(mine, everything[[4, 1]])
    assert [episode.scenario for episode in ct.simulate("priority", plant, scenarios=chosen)] == chosen


@pytest.mark.parametrize("run", [ct.simulate, ct.evaluate])
def test_no_scenarios_and_static_problems_are_refused(run: object) -> None:
    assert callable(run)
    plant = ct.benchmark("plant-2x1")
    for wrong in (0, []):
        with pytest.raises(ct.OptionError, match="at least one scenario"):
            run("idle", plant, scenarios=wrong)
    with pytest.raises(ct.UnsupportedError, match="static"):
        run("spt", ct.benchmark("ft06"))


def test_an_episode_draws_itself() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    [episode] = ct.simulate("idle", "plant-2x1")
    ax = episode.plot()
    assert len(ax.figure.axes) > 1
    plt.close(ax.figure)
