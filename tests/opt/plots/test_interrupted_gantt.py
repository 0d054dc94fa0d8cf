"""The chart of an interrupted run shows every operation, every blocked time and every down-time."""

import numpy as np

from counterpoint.opt.plots.interrupted_gantt import plot_interrupted_gantt
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Scenario
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.rules.interrupted_job_shop import Options, policy


def test_a_run_by_hand():
    # job 0: machine 0 from 0, frozen from 2 to 5, so its work of 4 ends at 7; then machine 1 from 7 to 9
    shop = JobShop.from_jobs("<b>$x$</b>", [[(0, 4), (1, 2)], [(1, 6)]], blocking="swap")
    plant = InterruptedJobShop(shop, 0.01)
    scenario = Scenario(np.array([[2], [50]]), np.array([[3], [1]]))
    rule = policy(plant, 0, Options("spt"))
    rule.start(0)
    run = simulate(plant, scenario, rule)
    assert (run.start.tolist(), run.end.tolist()) == ([0, 7, 0], [7, 9, 6])
    ax = plot_interrupted_gantt(plant, scenario, run)
    bars = {(round(p.get_x()), round(p.get_width()), round(p.get_y() + p.get_height() / 2)) for p in ax.patches}
    assert {(0, 7, 0), (7, 2, 1), (0, 6, 1)} <= bars  # the operations
    hatched = [(p.get_x(), p.get_width()) for p in ax.patches if p.get_hatch()]
    assert hatched == [(2, 3)]  # the failure at 50 comes after the makespan
    assert sorted(t.get_text() for t in ax.texts if t.get_text().isdigit()) == ["0", "0", "1"]
