"""Profiles, gaps, times and traces: the numbers drawn are the numbers of the runs."""

import math

import numpy as np
import pytest
from matplotlib.figure import Figure

from counterpoint.opt.evaluation.compare import Comparison
from counterpoint.opt.plots.gaps import gaps_frame, plot_gaps
from counterpoint.opt.plots.profile import plot_profile, profile_frame
from counterpoint.opt.plots.times import plot_times, times_frame
from counterpoint.opt.plots.trace import plot_trace, trace_frame
from counterpoint.opt.result import TracePoint

OBJECTIVES = {"alpha": (100.0, 120.0, None), "beta": (110.0, 100.0, 100.0)}


@pytest.fixture
def frame(make):
    runs = [
        make.result(name, method, value, wall_s=wall)
        for (method, values), wall in zip(OBJECTIVES.items(), (2.0, 4.0), strict=True)
        for name, value in zip("abc", values, strict=True)
    ]
    return Comparison.from_results(runs).frame


def axes():
    return Figure().subplots()


def test_profile_by_hand(frame):
    data = profile_frame(frame)
    alpha = data[data["method"] == "alpha"]
    assert alpha["factor"].tolist() == pytest.approx([1.0, 1.2])
    assert alpha["share"].tolist() == pytest.approx([1 / 3, 2 / 3])
    beta = data[data["method"] == "beta"]
    assert beta["factor"].tolist() == pytest.approx([1.0, 1.1])
    assert beta["share"].tolist() == pytest.approx([2 / 3, 1])


def test_profile_of_times_counts_what_is_close_enough(frame):
    data = profile_frame(frame, measure="wall_s").set_index(["method", "factor"])["share"]
    assert data["alpha", 1.0] == pytest.approx(1 / 3)  # reached the reference on one instance
    assert data["beta", 1.0] == pytest.approx(2 / 3)
    loose = profile_frame(frame, measure="wall_s", within=0.5).set_index(["method", "factor"])["share"]
    assert loose["alpha", 1.0] == pytest.approx(2 / 3)
    assert loose["beta", 2.0] == pytest.approx(1.0)


def test_profile_is_drawn_to_its_end(frame):
    ax = plot_profile(frame, ax=axes())
    assert [line.get_label() for line in ax.lines] == ["alpha", "beta"]
    assert [line.get_ydata()[-1] for line in ax.lines] == pytest.approx([2 / 3, 1])
    assert ax.get_xlim()[0] == 1.0


def test_gaps(frame):
    data = gaps_frame(frame)
    assert data["gap_percent"].tolist() == pytest.approx([10, 0, 0, 0, 20, math.nan], nan_ok=True)
    assert data["method"].iloc[0] == "beta"  # median 0 against 20
    ax = plot_gaps(frame, ax=axes())
    assert [t.get_text() for t in ax.get_yticklabels()] == ["beta", "alpha\n(1 of 3 without)"]
    drawn = np.concatenate([c.get_offsets()[:, 0] for c in ax.collections[::2]])
    assert sorted(drawn) == pytest.approx([0, 0, 0, 10, 20])
    assert ax.get_title(loc="left") == "Gap to: best of compared"


def test_times(frame):
    assert times_frame(frame)["seconds"].tolist() == [2, 2, 2, 4, 4, 4]
    ax = plot_times(frame, ax=axes())
    assert ax.get_xscale() == "log"
    crosses = [c for c in ax.collections if len(c.get_offsets()) == 1]
    assert crosses[0].get_offsets()[0, 0] == 2.0  # the run without a solution
    assert plot_times(frame, ax=axes(), measure="cpu_s").get_title(loc="left") == "CPU time"


def test_trace(make):
    points = (TracePoint(1.0, None, 50.0), TracePoint(2.0, 100.0, 50.0), TracePoint(3.0, 90.0, 80.0))
    run = make.result("a$", "alpha_$x$", 90.0, bound=80.0, trace=points)
    data = trace_frame([run])
    assert data["wall_s"].tolist() == [1, 2, 3, 10]
    assert data["objective"].tolist() == pytest.approx([math.nan, 100, 90, 90], nan_ok=True)
    assert data["bound"].tolist() == [50, 50, 80, 80]
    ax = plot_trace([run, make.result("a$", "beta", None)], ax=axes())
    ax.figure.canvas.draw()
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["alpha_$x$"]
    plot_trace(run, ax=axes())


@pytest.mark.parametrize("name", ["$x^2", "_under", "\\alpha", "<script>", "日本", "m" * 200])
def test_hostile_method_names_do_not_break_plots(make, name):
    runs = [make.result(i, m, v) for i in "ab" for m, v in ((name, 3.0), ("other", 4.0))]
    table = Comparison.from_results(runs)
    for draw in (table.plot_gaps, table.plot_times, table.plot_profile):
        ax = draw(axes())
        ax.figure.canvas.draw()
    assert len(ax.get_legend().get_texts()) == 2


def test_empty_comparisons_are_drawn_empty():
    table = Comparison.from_results([])
    for draw in (table.plot_gaps, table.plot_times, table.plot_profile):
        draw(axes())


def test_without_axes_a_figure_is_made(make):
    from matplotlib import pyplot

    ax = Comparison.from_results([make.result("a", "alpha", 3.0)]).plot_gaps()
    assert ax.figure.number in pyplot.get_fignums()
    pyplot.close(ax.figure)
