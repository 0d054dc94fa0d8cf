"""The chart of a production sequence: the numbers behind it, and what is drawn where."""

import pytest
from matplotlib.figure import Figure

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.plots.pigment_sequencing import plot_production_sequence, sequence_frame
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing, ProductionSequence

CASE = PigmentSequencing("a$b", [[0, 1, 0, 0, 1], [1, 0, 0, 0, 1]], 2, [[0, 5], [3, 0]])
PLAN = ProductionSequence([1, 0, 1, -1, 0])


def draw(sequence=PLAN, **options):
    ax = Figure(figsize=(8, 3)).subplots()
    assert plot_production_sequence(CASE, sequence, ax=ax, **options) is ax
    return ax


def test_the_frame_by_hand():
    frame = sequence_frame(CASE, PLAN)
    assert len(frame) == 10
    assert frame[frame["is_made"]][["item", "period"]].to_numpy().tolist() == [[0, 1], [0, 4], [1, 0], [1, 2]]
    assert frame[frame["is_due"]][["item", "period"]].to_numpy().tolist() == [[0, 1], [0, 4], [1, 0], [1, 4]]
    assert frame[frame["is_changeover"]]["period"].tolist() == [1, 4, 2]
    assert frame[frame["stock"] > 0][["item", "period", "stock"]].to_numpy().tolist() == [[1, 2, 1], [1, 3, 1]]


def test_a_box_per_unit_and_its_item_in_it():
    ax = draw()
    boxes = sorted(tuple(p.vertices[:4, 0].min() for _ in "x") for p in ax.collections[0].get_paths())
    assert [x for (x,) in boxes] == [-0.5, 0.5, 1.5, 3.5]
    assert [(t.get_position()[0], t.get_text()) for t in ax.texts] == [(1, "0"), (4, "0"), (0, "1"), (2, "1")]
    assert not draw(labels=False).texts


def test_the_title_splits_the_cost_and_shows_the_name_literally():
    text = draw().get_title(loc="left")
    assert text == "a$b: cost 15 = stocking 4 + changeovers 11 (3)"


def test_an_infeasible_sequence_says_so_and_shows_what_is_late():
    ax = draw(ProductionSequence([0, 1, -1, 0, 1]))
    assert "INFEASIBLE (1 violation)" in ax.get_title(loc="left")
    assert [t.get_text() for t in ax.get_legend().get_texts()][-1] == "units late"
    assert len(draw().get_legend().get_texts()) == 3
    assert draw(legend=False).get_legend() is None


def test_what_cannot_be_drawn():
    for wrong in (None, ProductionSequence([1, 0]), ProductionSequence([7, 0, 1, -1, 0])):
        with pytest.raises(InstanceError):
            draw(wrong)
