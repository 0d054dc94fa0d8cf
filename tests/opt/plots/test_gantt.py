"""The Gantt chart: the numbers behind it, and what is drawn where."""

import dataclasses

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.plots.gantt import gantt_frame, plot_gantt
from counterpoint.opt.plots.job_colours import ink_on, job_colours
from counterpoint.opt.problems.job_shop import JobShop, Schedule

SHOP = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]])
GOOD = Schedule.from_starts(SHOP, [0, 4, 0, 4])


def draw(shop, schedule, **options):
    ax = Figure(figsize=(8, 3)).subplots()
    assert plot_gantt(shop, schedule, ax=ax, **options) is ax
    return ax


def rectangles(ax, index=0):
    """(left, right, row) of each rectangle of a collection."""
    found = []
    for path in ax.collections[index].get_paths():
        x, y = path.vertices[:4, 0], path.vertices[:4, 1]
        found.append((float(x.min()), float(x.max()), round(float(y.mean()))))
    return found


class TestFrame:
    def test_by_hand(self):
        frame = gantt_frame(SHOP, GOOD)
        assert frame["leave"].tolist() == [3, 6, 4, 5]
        assert frame["is_critical"].tolist() == [False, True, True, False]
        assert frame["tardiness"].tolist() == [0, 0, 0, 0]

    def test_blocking_and_due_dates(self):
        shop = dataclasses.replace(
            SHOP, blocking="swap", objective="total-weighted-tardiness", due_dates=[4, 2], weights=[1, 9]
        )
        frame = gantt_frame(shop, GOOD)
        assert frame["leave"].tolist() == [4, 6, 4, 5]
        assert frame["tardiness"].tolist() == [0, 2, 0, 3]
        # what holds up job 1, which costs most: its first operation, then the exchange with job 0
        assert frame["is_critical"].tolist() == [False, True, True, True]

    def test_records_in_any_order(self):
        order = np.array([3, 1, 0, 2])
        shuffled = Schedule(*(getattr(GOOD, key)[order] for key in ("job", "operation", "machine", "start", "end")))
        assert gantt_frame(SHOP, shuffled)["is_critical"].tolist() == [False, True, False, True]

    def test_an_incomplete_schedule_has_no_critical_path(self):
        part = Schedule([0, 7], [0, 0], [0, 1], [0, 1], [3, 2])
        assert not gantt_frame(SHOP, part)["is_critical"].any()
        draw(SHOP, part)

    def test_an_infeasible_schedule_says_so_and_has_no_critical_path(self):
        overlapping = Schedule.from_starts(SHOP, [0, 4, 0, 3])
        assert not gantt_frame(SHOP, overlapping)["is_critical"].any()
        title = draw(SHOP, overlapping).get_title(loc="left")
        assert title == "tiny: INFEASIBLE (1 violation), makespan 6"

    def test_nothing_to_draw(self):
        with pytest.raises(InstanceError, match="the run found none"):
            gantt_frame(SHOP, None)
        draw(SHOP, Schedule([], [], [], [], []))


class TestDrawing:
    def test_bars_lie_where_the_schedule_says(self):
        ax = draw(SHOP, GOOD)
        assert rectangles(ax) == [(0, 3, 0), (4, 6, 1), (0, 4, 1), (4, 5, 0)]
        assert rectangles(ax, 1) == [(4, 6, 1), (0, 4, 1)]  # outlines of the critical path
        assert sorted(t.get_text() for t in ax.texts) == ["0", "0", "1", "1"]
        assert ax.get_title(loc="left") == "tiny: makespan 6"
        assert ax.lines[0].get_xdata()[0] == 6

    def test_options(self):
        ax = draw(SHOP, GOOD, critical=False, labels=False, legend=False)
        assert len(ax.collections) == 1
        assert not ax.texts
        assert ax.get_legend() is None

    def test_blocked_time_and_windows(self):
        shop = dataclasses.replace(SHOP, blocking="swap", unavailable=[(0, 6, 9), (1, 100, 101)])
        ax = draw(shop, GOOD, critical=False)
        windows, blocked, bars = (rectangles(ax, i) for i in range(3))
        assert windows == [(6, pytest.approx(6.12), 0)]  # cut at the edge of the picture
        assert blocked == [(3, 4, 0)]
        assert len(bars) == 4
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["unavailable", "job blocks the machine"]

    def test_late_jobs(self):
        shop = dataclasses.replace(SHOP, due_dates=[4, 9], objective="total-weighted-tardiness")
        ax = draw(shop, GOOD)
        assert ax.get_title(loc="left") == "tiny: makespan 6, weighted tardiness 2, 1 of 2 jobs late"

    @pytest.mark.parametrize(
        "name", ["$x^2$", "$\\frac{", "a_b$", "_hidden", "\\", "<b>&", "日本", "x" * 500, "\x00\n"]
    )
    def test_names_are_shown_as_they_are(self, name):
        shop = JobShop.from_jobs(name, [[(0, 1)]])
        ax = draw(shop, Schedule.from_starts(shop, [0]))
        ax.figure.canvas.draw()
        assert not ax.title.get_parse_math() or not ax._left_title.get_parse_math()
        assert len(ax.get_title(loc="left")) <= 91

    def test_nothing_global_changes(self):
        before = dict(mpl.rcParams)
        draw(SHOP, GOOD)
        assert dict(mpl.rcParams) == before

    def test_large_shops_are_drawn_in_few_objects(self):
        rng = np.random.default_rng(0)
        machines = np.array([rng.permutation(20) for _ in range(100)])
        shop = JobShop.from_matrices("large", machines, rng.integers(1, 99, (100, 20)))
        serial = np.concatenate([[0], np.cumsum(shop.duration)[:-1]])
        ax = draw(shop, Schedule.from_starts(shop, serial))
        assert len(ax.get_children()) < 900
        assert len(rectangles(ax)) == 2000


def test_colours():
    assert len({tuple(c) for c in job_colours(24)}) == 24
    assert job_colours(100).shape == (100, 3)
    assert job_colours(100).min() >= 0
    assert job_colours(100).max() <= 1
    assert ink_on(np.ones(3)) == "black"
    assert ink_on(np.zeros(3)) == "white"
