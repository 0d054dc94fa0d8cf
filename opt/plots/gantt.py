"""The Gantt chart of a job shop: machines as rows, jobs as colours, and why it takes as long as it does."""

from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.evaluation.critical_path import by_operation, critical_operations
from counterpoint.opt.plots.canvas import INK, axes, literal, plain, title
from counterpoint.opt.plots.job_colours import ink_on, job_colours, lighten
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check

if TYPE_CHECKING:
    import pandas as pd

BAR = 0.78  # of a row's height
MAX_LABELS = 800
ALARM = "#B00020"


def plot_gantt(
    instance: JobShop,
    schedule: Schedule,
    ax: Any = None,
    *,
    critical: bool = True,
    labels: bool = True,
    legend: bool = True,
) -> Any:
    """Draw a schedule.

    Each bar is an operation, labelled with its job where that fits. Outlined bars lie on the critical path
    (to the makespan; if tardiness is the objective, to the completion of the job that costs most). Pale
    bars: the job is done but blocks its machine. Hatched: the machine is unavailable. A red line leads
    from a late job's due date to its completion. The dashed line is the makespan.

    Parameters
    ----------
    instance : JobShop
    schedule : Schedule
        Also an incomplete or infeasible one; then the title says so and no critical path is drawn.
    ax : Axes, optional
        Default: a new figure whose height fits the number of machines.
    critical, labels, legend : bool

    Returns
    -------
    Axes

    Raises
    ------
    InstanceError
        If there is no schedule.
    """
    frame = gantt_frame(instance, schedule)
    ax = axes(ax, (10.0, float(np.clip(0.34 * instance.num_machines + 1.4, 2.6, 9.5))))
    colour = job_colours(int(max(instance.num_jobs, frame["job"].max() + 1 if len(frame) else 1)))
    horizon = float(max(frame["leave"].max(), 1)) if len(frame) else 1.0
    _scale(ax, instance, horizon)
    marks = {"unavailable": _windows(ax, instance, horizon), "job blocks the machine": _blocked(ax, frame, colour)}
    _bars(ax, frame, colour)
    outlined = frame[frame["is_critical"]] if critical else frame.iloc[:0]
    marks["critical path"] = _outline(ax, outlined)
    marks["late job: due date to completion"] = _late(ax, instance, frame)
    fits = _labels(ax, frame, horizon, colour) if labels else 1.0
    end = float(frame["end"].max()) if len(frame) else 0.0
    ax.axvline(end, color=INK, linestyle="--", linewidth=0.9)
    flaws = len(check(instance, schedule).violations)
    verdict = f"INFEASIBLE ({flaws} violation{'s' if flaws > 1 else ''}), " if flaws else ""
    title(ax, f"{plain(instance.name)}: {verdict}{_headline(instance, frame, end)}")
    if legend:
        _legend(ax, marks, colour if fits < 0.5 and instance.num_jobs <= 20 else None)
    return ax


def gantt_frame(instance: JobShop, schedule: Schedule) -> "pd.DataFrame":
    """Return what the Gantt chart shows, a row per record of the schedule.

    Columns: ``job``, ``operation``, ``machine``, ``start``, ``end``, ``leave`` (when the job leaves the machine;
    after ``end`` if it blocks it), ``is_critical``, ``tardiness`` (of the job, in its last operation's row, else 0).
    """
    import pandas as pd

    if schedule is None:
        raise InstanceError("there is no schedule to draw: the run found none")
    frame = pd.DataFrame({key: getattr(schedule, key) for key in ("job", "operation", "machine", "start", "end")})
    frame["leave"], frame["is_critical"], frame["tardiness"] = frame["end"], False, 0
    try:
        _, start, end = by_operation(instance, schedule)
    except InstanceError:
        return frame
    op = instance.job_offsets[schedule.job] + schedule.operation
    last = instance.job_offsets[1:] - 1
    if instance.blocking != "none":
        leave = end.copy()
        inner = np.setdiff1d(np.arange(instance.num_operations), last)
        leave[inner] = np.maximum(end[inner], start[inner + 1])
        frame["leave"] = leave[op]
    goal = None
    if instance.due_dates is not None:
        late = np.maximum(end[last] - instance.due_dates, 0)
        tardiness = np.zeros(instance.num_operations, np.int64)
        tardiness[last] = late
        frame["tardiness"] = tardiness[op]
        if instance.objective != "makespan" and instance.weights is not None and late.any():
            goal = int(np.argmax(instance.weights * late))
    if check(instance, schedule).is_feasible:  # otherwise nothing is known to wait for anything
        frame["is_critical"] = np.isin(op, critical_operations(instance, schedule, job=goal))
    return frame


def _headline(instance: JobShop, frame: "pd.DataFrame", end: float) -> str:
    text = f"makespan {end:.0f}"
    if instance.due_dates is None or frame.empty:
        return text
    late = frame[frame["tardiness"] > 0]
    weights = np.ones(instance.num_jobs) if instance.weights is None else instance.weights
    total = float((weights[late["job"]] * late["tardiness"]).sum())
    return f"{text}, weighted tardiness {total:.0f}, {len(late)} of {instance.num_jobs} jobs late"


def _scale(ax: Any, instance: JobShop, horizon: float) -> None:
    rows = instance.num_machines
    ax.set_xlim(0, horizon * 1.02)
    ax.set_ylim(rows - 0.5, -0.5)
    step = max(1, -(-rows // 40))
    ax.set_yticks(range(0, rows, step), [str(m) for m in range(0, rows, step)], fontsize=8 if rows <= 25 else 6)
    ax.set_ylabel("machine")
    ax.set_xlabel("time")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=True, axis="x", color="#e4e4e4", linewidth=0.6)
    ax.set_axisbelow(True)


def _rectangles(ax: Any, left: Any, width: Any, row: Any, height: float = BAR, **style: Any) -> Any:
    """Draw many rectangles as one collection; return it, or None if there is none."""
    from matplotlib.collections import PolyCollection

    x, w, y = (np.asarray(v, float) for v in (left, width, row))
    if not len(x):
        return None
    top, bottom = y - height / 2, y + height / 2
    corners = [np.stack(p, axis=1) for p in ((x, top), (x + w, top), (x + w, bottom), (x, bottom))]
    return ax.add_collection(PolyCollection(list(np.stack(corners, axis=1)), **style), autolim=False)


def _bars(ax: Any, frame: "pd.DataFrame", colour: Any) -> None:
    thin = 0.4 if len(frame) <= 400 else 0.15
    rgb = colour[frame["job"].clip(0, len(colour) - 1)]
    # an operation of no length still shows, as a line
    _rectangles(
        ax, frame["start"], frame["end"] - frame["start"], frame["machine"], facecolors=rgb, edgecolors="white",
        linewidths=thin,
    )  # fmt: skip
    none = frame[frame["end"] == frame["start"]]
    _rectangles(ax, none["start"], 0 * none["start"], none["machine"], edgecolors=INK, linewidths=0.8)


def _blocked(ax: Any, frame: "pd.DataFrame", colour: Any) -> Any:
    held = frame[frame["leave"] > frame["end"]]
    rgb = lighten(colour[held["job"].clip(0, len(colour) - 1)], 0.65)
    return _rectangles(
        ax, held["end"], held["leave"] - held["end"], held["machine"], BAR * 0.6, facecolors=rgb, edgecolors="#999999",
        linewidths=0.3,
    )  # fmt: skip


def _windows(ax: Any, instance: JobShop, horizon: float) -> Any:
    machine, start, stop = instance.unavailable[instance.unavailable[:, 1] < horizon * 1.02].T
    width = np.minimum(stop, horizon * 1.02) - start
    return _rectangles(
        ax, start, width, machine, 1.0, facecolors="#eeeeee", edgecolors="#888888", hatch="////", linewidths=0.0
    )


def _outline(ax: Any, frame: "pd.DataFrame") -> Any:
    width = 1.6 if len(frame) <= 60 else 0.9
    return _rectangles(
        ax, frame["start"], frame["end"] - frame["start"], frame["machine"], facecolors="none", edgecolors="black",
        linewidths=width, zorder=3,
    )  # fmt: skip


def _late(ax: Any, instance: JobShop, frame: "pd.DataFrame") -> Any:
    late = frame[frame["tardiness"] > 0]
    if late.empty:
        return None
    row = late["machine"] + BAR / 2
    lines = ax.hlines(row, late["end"] - late["tardiness"], late["end"], colors=ALARM, linewidth=1.6, zorder=4)
    ax.scatter(late["end"] - late["tardiness"], row, marker="|", color=ALARM, s=40, zorder=4)
    return lines


def _labels(ax: Any, frame: "pd.DataFrame", horizon: float, colour: Any) -> float:
    """Write the job into each bar that is wide enough; return the share of bars that got one."""
    if frame.empty:
        return 1.0
    box = ax.get_position()
    inches = np.array(ax.figure.get_size_inches()) * (box.width, box.height)
    rows = max(1.0, abs(np.subtract(*ax.get_ylim())))
    size = min(8.0, 72 * inches[1] / rows * BAR * 0.75)
    if size < 4:
        return 0.0
    width = (frame["end"] - frame["start"]) / (horizon * 1.02) * inches[0] * 72  # points
    needed = frame["job"].astype(str).str.len() * 0.62 * size + 2
    shown = frame[width >= needed]
    if len(shown) > MAX_LABELS or (len(frame) > 200 and len(shown) < 0.3 * len(frame)):
        return 0.0  # a few stray numbers would say less than none
    inks = [ink_on(colour[j]) for j in shown["job"].clip(0, len(colour) - 1)]
    literal(
        ax.text((a + b) / 2, m, str(j), ha="center", va="center", fontsize=size, color=ink, zorder=5, clip_on=True)
        for ink, (j, m, a, b) in zip(
            inks, shown[["job", "machine", "start", "end"]].itertuples(index=False), strict=True
        )
    )
    return len(shown) / len(frame)


def _legend(ax: Any, marks: dict[str, Any], colour: Any) -> None:
    from matplotlib.patches import Patch
    from matplotlib.transforms import ScaledTranslation

    drawn = {name: mark for name, mark in marks.items() if mark is not None}
    samples = {
        "unavailable": Patch(facecolor="#eeeeee", edgecolor="#888888", hatch="////"),
        "job blocks the machine": Patch(facecolor="#dddddd", edgecolor="#999999"),
        "critical path": Patch(facecolor="none", edgecolor="black", linewidth=1.6),
    }
    entries = {name: samples.get(name, mark) for name, mark in drawn.items()}
    if colour is not None:
        entries.update({f"job {j}": Patch(facecolor=rgb) for j, rgb in enumerate(colour)})
    if entries:
        below = ax.transAxes + ScaledTranslation(0, -0.38, ax.figure.dpi_scale_trans)  # inches under the axis
        ax.legend(
            entries.values(), entries.keys(), loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=below,
            ncols=min(6, len(entries)), frameon=False, fontsize=7, handlelength=1.6,
        )  # fmt: skip
