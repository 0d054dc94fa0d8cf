"""The chart of a plan shows every lot, stock, backlog and the split of the cost, in whatever room it is given."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import counterpoint as ct
from counterpoint.opt.plots.lot_sizing import LATE, LOT, STOCK, plot_lot_sizing
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan
from counterpoint.opt.reports.figures import render, solution_figure

LATE_PLAN = LotSizing("<b>$x$</b>", [10, 20, 30], 100, 1, backlog_cost=2)
MANY = LotSizing("many", np.full((14, 6), 5), 10, 1, setup_time=2, capacity=100)


def drawn(instance, plan, size=(10.0, 4.0), **options):
    figure = Figure(figsize=size, layout="constrained")
    ax = plot_lot_sizing(instance, plan, ax=figure.subplots(), **options)
    assert ax.figure is figure
    figure.draw_without_rendering()
    return figure


def steps(ax, colour):
    """Values of the filled outlines of one colour."""
    from matplotlib.colors import to_rgb

    return [
        p.get_data().values.tolist() for p in ax.patches if hasattr(p, "get_data") and p.get_fc()[:3] == to_rgb(colour)
    ]


def test_a_plan_by_hand():
    figure = drawn(LATE_PLAN, ProductionPlan([0, 40, 20], [1, 1, 1]))
    panel, split = figure.axes[1:]
    assert steps(panel, STOCK) == [[0, 10, 0]]
    assert steps(panel, LATE) == [[-10, 0, 0]]
    bars = {(round(p.get_x() + p.get_width() / 2), p.get_height()) for p in panel.patches if hasattr(p, "get_x")}
    assert bars == {(0, 0), (1, 40), (2, 20)}
    [idle] = [line for line in panel.lines if line.get_label() == "setup, no lot"]
    assert idle.get_xdata().tolist() == [0]
    assert panel.get_title(loc="left") == "<b>$x$</b>: cost 330"
    texts = [t.get_text() for t in split.get_legend().get_texts()]
    assert texts == ["setup 300 (91 %)", "holding 10 (3 %)", "backlog 20 (6 %)"]
    assert render(figure, "svg") == render(figure, "svg")  # no formula was made of the name


def test_capacity_use_is_stacked_below():
    plan = ProductionPlan(np.full((14, 6), 5.0))
    use = drawn(MANY, plan, (10.0, 9.0)).axes[-2]
    assert use.get_ylabel() == "time used"
    assert [p.get_data().values.tolist() for p in use.patches] == [[70] * 6, [98] * 6, [100] * 6]
    assert [t.get_text() for t in use.get_legend().get_texts()] == ["lots", "setups", "capacity"]


@pytest.mark.parametrize(
    ("size", "most", "shown"), [((10.0, 9.0), 12, 12), ((10.0, 9.0), 5, 5), ((6.0, 2.6), 12, 2), ((3.0, 2.0), 12, 1)]
)
def test_as_many_items_as_fit(size, most, shown):
    figure = drawn(MANY, ProductionPlan(np.full((14, 6), 5.0)), size, max_items=most)
    names = [ax.get_ylabel() for ax in figure.axes if ax.get_ylabel().startswith("item")]
    assert names == [f"item {i}" for i in range(shown)]
    assert f"{shown} of 14 items" in figure.axes[1].get_title(loc="left")
    # panels stand apart and inside the figure
    boxes = [ax.get_position() for ax in figure.axes if ax.get_ylabel().startswith("item")]
    assert all(0 <= b.x0 < b.x1 <= 1 and 0 <= b.y0 < b.y1 <= 1 for b in boxes)
    assert all(a.x1 <= b.x0 or b.x1 <= a.x0 or a.y1 <= b.y0 or b.y1 <= a.y0 for a in boxes for b in boxes if a is not b)


def test_what_is_not_feasible_is_drawn_and_said():
    figure = drawn(LotSizing("short", [10, 20], 5, 1), ProductionPlan([5, 20]))
    assert steps(figure.axes[1], LATE) == [[-5, -5]]
    assert figure.axes[1].get_title(loc="left") == "short: not feasible"


def test_long_horizons_zero_costs_and_axes_placed_by_hand():
    long = LotSizing("long", np.ones(5_000), 0, 0)
    figure = drawn(long, ProductionPlan(np.r_[np.ones(4_999), 2]))
    assert steps(figure.axes[1], LOT) == [[1.0] * 1_666 + [1.5]]  # blocks of 3; the last holds 2
    assert figure.axes[1].get_xlabel() == "period (means of 3)"
    assert len(figure.axes[1].patches) < 10
    placed = Figure(figsize=(8, 4))
    plot_lot_sizing(long, ProductionPlan(np.ones(5_000)), ax=placed.add_axes((0.5, 0.2, 0.4, 0.7)))
    assert all(ax.get_position().x0 >= 0.49 for ax in placed.axes)


def test_results_show_themselves_and_wrong_shapes_are_refused():
    result = ct.solve(LATE_PLAN, "wagner-whitin")
    assert "<img" in result._repr_html_()
    assert len(solution_figure(result).axes) == 3
    with pytest.raises(ct.InstanceError, match="expected a plan of shape"):
        plot_lot_sizing(LATE_PLAN, ProductionPlan([1, 2]))
