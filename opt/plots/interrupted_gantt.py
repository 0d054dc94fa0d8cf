"""The Gantt chart of an interrupted job shop: machines as rows, jobs as colours, down-times hatched."""

from typing import Any

import numpy as np

from counterpoint.opt.plots.canvas import INK, axes, literal, plain, tidy, title
from counterpoint.opt.plots.job_colours import ink_on, job_colours, lighten
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Scenario, Trajectory
from counterpoint.opt.problems.interrupted_job_shop_check import down_windows

BAR = 0.78  # of a row's height
MAX_LABELS = 400


def plot_interrupted_gantt(
    instance: InterruptedJobShop, scenario: Scenario, run: Trajectory, ax: Any = None, *, labels: bool = True
) -> Any:
    """Draw a run.

    Full bars: a job's operation from start to end, interruptions included. Pale bars: the job is done but holds the
    machine. Hatched: the machine is down. The dashed line is the makespan.

    Parameters
    ----------
    instance : InterruptedJobShop
    scenario : Scenario
        The one it was run in.
    run : Trajectory
    ax : Axes, optional
    labels : bool
        Write jobs into bars that are wide enough.

    Returns
    -------
    Axes
    """
    shop = instance.shop
    ax = axes(ax, (10.0, float(np.clip(0.34 * shop.num_machines + 1.4, 2.6, 9.5))))
    colour = job_colours(shop.num_jobs)
    machine, job = shop.machine, shop.job_of
    is_last = np.zeros(shop.num_operations, bool)
    is_last[shop.job_offsets[1:] - 1] = True
    leave = np.where(is_last, run.end, np.r_[run.start[1:], 0])
    pale = lighten(colour, 0.75)
    ax.barh(machine, leave - run.end, BAR, run.end, color=pale[job], zorder=2)
    ax.barh(machine, run.end - run.start, BAR, run.start, color=colour[job], edgecolor="white", linewidth=0.4, zorder=3)
    for m in range(shop.num_machines):
        windows = [(begin, end - begin) for begin, end in down_windows(instance, scenario, run, m) if begin < run.cost]
        if windows:
            begin, length = np.array(windows).T
            ax.barh(m, length, 1.0, begin, color="none", edgecolor=INK, hatch="////", linewidth=0, alpha=0.6, zorder=4)
    wide = np.flatnonzero(run.end - run.start > 0.02 * run.cost)
    if labels and len(wide) <= MAX_LABELS:
        literal(
            ax.text(
                (run.start[i] + run.end[i]) / 2, machine[i], str(job[i]), ha="center", va="center", fontsize=7,
                color=ink_on(colour[job[i]]), zorder=5,
            )
            for i in wide.tolist()
        )  # fmt: skip
    ax.axvline(run.cost, color=INK, linestyle="--", linewidth=0.9)
    ax.set_yticks(range(shop.num_machines), [f"machine {m}" for m in range(shop.num_machines)])
    ax.set_ylim(shop.num_machines - 0.4, -0.6)
    ax.set_xlim(0, run.cost * 1.02)
    ax.set_xlabel("time")
    tidy(ax)
    title(ax, f"{plain(instance.name)}: makespan {run.cost:g}")
    return ax
