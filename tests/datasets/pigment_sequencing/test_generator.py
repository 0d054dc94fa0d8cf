"""The generator: sizes, ranges, reproducibility, and what it refuses."""

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.errors import OptionError


@pytest.mark.parametrize(
    ("items", "periods", "utilisation", "orders"), [(10, 100, 0.95, 95), (1, 7, 1, 7), (3, 9, 0.01, 1)]
)
def test_as_many_orders_as_asked_for(items, periods, utilisation, orders):
    for seed in range(5):
        made = ct.generate("pigment-sequencing", items=items, periods=periods, utilisation=utilisation, seed=seed)
        assert (made.num_items, made.num_periods, made.num_orders) == (items, periods, orders)


def test_costs_are_within_their_ranges_and_reach_both_ends():
    made = ct.generate("pigment-sequencing", items=40, periods=10, stocking_min=3, stocking_max=5, changeover_min=1,
                       changeover_max=4)  # fmt: skip
    off = made.changeover_cost[~np.eye(40, dtype=bool)]
    assert set(off.tolist()) == {1, 2, 3, 4}
    assert set(made.stocking_cost.tolist()) == {3, 4, 5}


def test_due_dates_lie_everywhere():
    made = [ct.generate("pigment-sequencing", items=5, periods=20, seed=s, utilisation=0.5) for s in range(60)]
    due = sum(one.orders.sum(axis=0) for one in made)
    assert due.sum() == 600
    assert due.min() >= 10  # 30 expected of each period
    assert (sum(one.orders.sum(axis=1) for one in made) >= 80).all()  # 120 of each item


def test_the_seed_decides():
    a, b, c = (ct.generate("pigment-sequencing", items=4, periods=12, seed=s) for s in (1, 1, 2))
    assert a == b
    assert a.content_hash != c.content_hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items": 0}, "items must be at least 1"), ({"periods": 0}, "periods must be at least 1"),
        ({"utilisation": 0}, "utilisation"), ({"utilisation": 1.1}, "utilisation"), ({"seed": -1}, "seed"),
        ({"stocking_min": 11}, "stocking_min"), ({"changeover_min": -1}, "changeover_min"),
        ({"items": 10**6, "periods": 10**6}, "items x periods"), ({"colour": 1}, "no parameter"),
    ],
)  # fmt: skip
def test_what_is_refused(change, message):
    with pytest.raises(OptionError, match=message):
        ct.generate("pigment-sequencing", **{"items": 3, "periods": 5, **change})
