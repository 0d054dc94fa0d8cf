"""Lot-sizing instances validate at the door; the checker's figures are those of a hand and of a scalar twin."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import counterpoint as ct
from counterpoint.opt.problems.lot_sizing import LotSizing, ProductionPlan, backlog, capacity_use, stock
from counterpoint.opt.problems.lot_sizing_check import check
from counterpoint.opt.problems.lot_sizing_json import decode, encode

TINY = LotSizing("tiny", demand=[20, 50, 10], setup_cost=100, holding_cost=1)
# two items, all there is: backlogging, initial stock, unit costs, times and a capacity
FULL = LotSizing(
    "full",
    demand=[[10, 0, 20], [5, 5, 5]],
    setup_cost=[[30, 40, 50], [10, 10, 10]],
    holding_cost=[1, 2],
    unit_cost=[[3, 2, 1]],
    backlog_cost=[4, 6],
    initial_stock=[4, 0],
    unit_time=[1, 0.5],
    setup_time=[2, 3],
    capacity=[20, 20, 40],
)


def random_instance(rng: np.random.Generator) -> LotSizing:
    n, t = (int(x) for x in rng.integers(1, 5, 2))
    some = lambda high: rng.integers(0, high, (n, t))  # noqa: E731
    return LotSizing(
        "random",
        demand=some(10),
        setup_cost=some(30),
        holding_cost=some(5),
        unit_cost=some(5),
        backlog_cost=some(9) if rng.random() < 0.5 else None,
        initial_stock=rng.integers(0, 8, n),
        unit_time=rng.integers(0, 3, n),
        setup_time=rng.integers(0, 4, n),
        capacity=rng.integers(5, 40, t) if rng.random() < 0.5 else None,
    )


class TestInstance:
    @pytest.mark.parametrize(
        ("change", "what"),
        [
            ({"demand": [20, -1, 10]}, r"demand\[1\].*from 0 to 1e\+12, not -1"),
            ({"demand": [[20, 1, float("nan")]]}, r"demand\[0\]\[2\].*not nan"),
            ({"demand": [1, float("inf"), 2]}, "not inf"),
            ({"demand": [1, 1e13, 2]}, "not 1e\\+13"),
            ({"demand": []}, "items x periods"),
            ({"demand": 3}, "items x periods"),
            ({"demand": [[[1, 2]]]}, "items x periods"),
            ({"demand": [[1, 2], [3]]}, "rows of one length"),
            ({"demand": ["a", "b", "c"]}, "demand as numbers"),
            ({"demand": [1j, 2, 3]}, "demand as numbers"),
            ({"setup_cost": [1, 2]}, r"setup_cost as one number, 1 numbers or a matrix 1 x 3, not of shape \(2,\)"),
            ({"setup_cost": [1, 2, -3]}, r"setup_cost\[2\]"),
            ({"holding_cost": [[1], [2]]}, "holding_cost as one number"),
            ({"unit_cost": -1}, "unit_cost"),
            ({"backlog_cost": [1, 2]}, "backlog_cost"),
            ({"initial_stock": [1, 2]}, "initial_stock as one number or 1"),
            ({"initial_stock": -1}, "initial_stock"),
            ({"unit_time": [[1]]}, "unit_time"),
            ({"setup_time": -2}, "setup_time"),
            ({"capacity": [1, 2]}, "capacity as one number or 3, one for each of the periods"),
            ({"capacity": [1, 2, -3]}, r"capacity\[2\]"),
            ({"name": 3}, "name must be text"),
        ],
    )
    def test_what_is_wrong_is_named(self, change: dict, what: str) -> None:
        with pytest.raises(ct.InstanceError, match=what):
            replace(TINY, **change)

    def test_numbers_and_vectors_are_repeated(self) -> None:
        assert TINY.demand.shape == TINY.setup_cost.shape == (1, 3)
        assert FULL.holding_cost.tolist() == [[1, 1, 1], [2, 2, 2]]  # n numbers stand for the items
        assert FULL.unit_cost.tolist() == [[3, 2, 1], [3, 2, 1]]
        assert LotSizing("one", [1, 2, 3], [7, 8, 9], 1).setup_cost.tolist() == [[7, 8, 9]]
        square = LotSizing("two by two", [[1, 2], [3, 4]], [7, 8], 1)
        assert square.setup_cost.tolist() == [[7, 7], [8, 8]]
        assert replace(TINY, capacity=5).capacity.tolist() == [5, 5, 5]

    def test_features(self) -> None:
        assert TINY.features == frozenset()
        assert FULL.features == {"backlogging", "capacity", "setup-times", "several-items"}
        assert replace(FULL, capacity=None).features == {"backlogging", "several-items"}  # times bind nothing then
        assert replace(TINY, capacity=9).features == {"capacity"}

    def test_arrays_are_copies_and_cannot_be_changed(self) -> None:
        demand = np.array([[1.0, 2.0]])
        instance = LotSizing("copy", demand, 1, 1)
        demand[0, 0] = 99
        assert instance.demand.tolist() == [[1, 2]]
        with pytest.raises(ValueError, match="read-only"):
            instance.demand[0, 0] = 9

    def test_content_hash_sees_every_field_but_the_name(self) -> None:
        for key in ("demand", "setup_cost", "holding_cost", "unit_cost", "backlog_cost"):
            changed = getattr(FULL, key) + np.eye(2, 3)
            assert replace(FULL, **{key: changed}).content_hash != FULL.content_hash, key
        for key in ("initial_stock", "unit_time", "setup_time", "capacity"):
            assert replace(FULL, **{key: getattr(FULL, key) + 1}).content_hash != FULL.content_hash, key
        assert replace(FULL, capacity=None).content_hash != FULL.content_hash
        assert replace(FULL, name="other").content_hash == FULL.content_hash
        assert replace(FULL, name="other") != FULL
        assert replace(TINY, unit_cost=-0.0).content_hash == TINY.content_hash

    def test_it_shows_itself_without_letting_names_act(self) -> None:
        assert repr(FULL) == "<LotSizing 'full': 2 items, 3 periods, backlogging, capacity, setup-times>"
        assert "\x1b" not in repr(replace(FULL, name="\x1b[2J"))
        assert "<b>" not in replace(FULL, name="<b>")._repr_html_()


class TestPlan:
    @pytest.mark.parametrize(
        ("lots", "setups"),
        [
            ([1, float("nan")], None), ([1, float("inf")], None), ([1, 2], [True]), ([1, 2], [0, 2]),
            ([[1], [2, 3]], None), (["a"], None), ([[[1]]], None),
        ],
    )  # fmt: skip
    def test_what_is_no_plan_is_refused(self, lots, setups) -> None:
        with pytest.raises(ct.InstanceError):
            ProductionPlan(lots, setups)

    def test_setups_default_to_where_lots_are(self) -> None:
        plan = ProductionPlan([3, 0, 2])
        assert plan.setups.tolist() == [[True, False, True]]
        assert plan == ProductionPlan([[3, 0, 2]], [[1, 0, 1]])
        assert plan != ProductionPlan([3, 0, 2], [1, 1, 1])
        assert len({plan, ProductionPlan([[3, 0, 2]], [[1, 0, 1]])}) == 1


class TestChecker:
    def test_a_plan_by_hand(self) -> None:
        verdict = check(TINY, ProductionPlan([70, 0, 10]))
        assert verdict.is_feasible
        assert verdict.objective == 250  # two setups, 50 held once
        assert verdict.metrics == {"setup_cost": 200, "unit_cost": 0, "holding_cost": 50, "num_setups": 2}

    def test_everything_by_hand(self) -> None:
        plan = ProductionPlan([[0, 26, 0], [5, 10, 0]], [[0, 1, 1], [1, 1, 0]])
        # net stock: item 0: 4-10=-6, -6+26=20, 0; item 1: 0, 5, 0
        assert stock(FULL, plan).tolist() == [[0, 20, 0], [0, 5, 0]]
        assert backlog(FULL, plan).tolist() == [[6, 0, 0], [0, 0, 0]]
        # period 0: 5 * 0.5 + 3; period 1: 26 + 2 + 10 * 0.5 + 3; period 2: an idle setup of item 0
        assert capacity_use(FULL, plan).tolist() == [5.5, 36, 2]
        verdict = check(FULL, plan)
        assert [str(v) for v in verdict.violations] == ["capacity at period 1: by 16"]
        assert verdict.metrics == {
            "setup_cost": 40 + 50 + 10 + 10, "unit_cost": 26 * 2 + 5 * 3 + 10 * 2, "holding_cost": 20 + 5 * 2,
            "backlog_cost": 24, "num_setups": 4, "max_utilisation": 36 / 20,
        }  # fmt: skip
        assert verdict.objective == 110 + 87 + 30 + 24

    @pytest.mark.parametrize(
        ("lots", "setups", "found"),
        [
            ([[80, 0]], None, [("shape", "(1, 2), not (1, 3)", 1)]),
            ([19, 51, 10], None, [("negative-stock", "item 0 period 0", 1)]),
            ([20, 50, 0], None, [("negative-stock", "item 0 period 2", 10)]),
            ([90, -10, 0], None, [("negative-lot", "item 0 period 1", 10)]),
            ([20, 60, 0], [1, 0, 0], [("setup", "item 0 period 1", 60)]),
        ],
    )
    def test_planted_defects(self, lots, setups, found) -> None:
        verdict = check(TINY, ProductionPlan(lots, setups))
        assert [(v.kind, v.place, v.amount) for v in verdict.violations] == found

    def test_backlog_must_be_made_good_by_the_end(self) -> None:
        late = replace(TINY, backlog_cost=2)
        assert check(late, ProductionPlan([0, 0, 80])).objective == 100 + 2 * (20 + 70)
        verdict = check(late, ProductionPlan([0, 0, 79]))
        assert [(v.kind, v.place, v.amount) for v in verdict.violations] == [("unmet-demand", "item 0", 1)]

    def test_left_over_stock_is_paid_for(self) -> None:
        assert check(TINY, ProductionPlan([100, 0, 0])).objective == 100 + 80 + 30 + 20

    def test_rounding_of_solvers_passes_but_no_more(self) -> None:
        # smallest demand 10: the tolerance is 1e-5 units; of the capacity it is 5e-5
        assert check(TINY, ProductionPlan([20 - 9e-6, 50, 10 + 9e-6])).is_feasible
        assert not check(TINY, ProductionPlan([20 - 1.1e-5, 50, 10 + 1.1e-5])).is_feasible
        tight = replace(TINY, capacity=50)
        assert check(tight, ProductionPlan([20, 50 + 4e-5, 10])).is_feasible
        assert not check(tight, ProductionPlan([20, 50 + 6e-5, 10])).is_feasible

    @pytest.mark.parametrize("unit", [1e-9, 1.0, 1e3])
    def test_no_demand_is_too_small_beside_others(self, unit: float) -> None:
        """Beside one of 1e5 a demand of 100 is wanted to 1e-4, beside one of 1e9 to 2e-3; units do not matter."""
        instance = LotSizing("wide", [1e9 * unit, 100 * unit, 0], setup_cost=1, holding_cost=1)
        skipped = check(instance, ProductionPlan([1e9 * unit, 0, 0]))
        assert [(v.kind, v.place) for v in skipped.violations] == [
            ("negative-stock", "item 0 period 1"), ("negative-stock", "item 0 period 2"),
        ]  # fmt: skip
        for missing, is_feasible in ((0.9e-4, True), (1.1e-3, True), (1.1e-2, False)):
            verdict = check(instance, ProductionPlan([1e9 * unit, (100 - missing) * unit, 0]))
            # 2e9 units in all: nothing is asked to be more exact than 1e-12 of them, 2e-3
            assert verdict.is_feasible == is_feasible, missing
        narrow = LotSizing("narrow", [1e5 * unit, 100 * unit, 0], setup_cost=1, holding_cost=1)
        for missing, is_feasible in ((0.9e-4, True), (1.1e-4, False)):
            verdict = check(narrow, ProductionPlan([1e5 * unit, (100 - missing) * unit, 0]))
            assert verdict.is_feasible == is_feasible, missing

    @pytest.mark.parametrize("unit", [1e-9, 1.0, 1e3])
    def test_capacity_is_kept_to_a_millionth(self, unit: float) -> None:
        instance = LotSizing("full", [7 * unit], setup_cost=1, holding_cost=1, capacity=[7 * unit])
        assert check(instance, ProductionPlan([7 * unit * (1 + 0.9e-6)])).is_feasible
        assert not check(instance, ProductionPlan([7 * unit * (1 + 1.1e-6)])).is_feasible

    def test_a_scalar_twin_agrees(self) -> None:
        rng = np.random.default_rng(4)
        kinds = set()
        for _ in range(300):
            instance = random_instance(rng)
            lots = rng.integers(-1, 14, instance.demand.shape)
            plan = ProductionPlan(lots, rng.random(lots.shape) < 0.9)
            verdict = check(instance, plan)
            cost, broken = scalar_check(instance, plan)
            assert verdict.objective == pytest.approx(cost, abs=1e-9)
            assert {(v.kind, v.place, v.amount) for v in verdict.violations} == broken
            kinds |= {kind for kind, _, _ in broken}
        assert kinds == {"negative-lot", "setup", "negative-stock", "unmet-demand", "capacity"}


def scalar_check(instance: LotSizing, plan: ProductionPlan) -> tuple[float, set[tuple[str, str, float]]]:
    """The definitions, cell by cell."""
    cost, broken = 0.0, set()
    n, periods = instance.demand.shape
    for i in range(n):
        on_hand = instance.initial_stock[i]
        for t in range(periods):
            lot = plan.lots[i, t]
            if lot < 0:
                broken.add(("negative-lot", f"item {i} period {t}", -lot))
            if lot > 0 and not plan.setups[i, t]:
                broken.add(("setup", f"item {i} period {t}", lot))
            cost += instance.setup_cost[i, t] * bool(plan.setups[i, t]) + instance.unit_cost[i, t] * lot
            on_hand += lot - instance.demand[i, t]
            if on_hand > 0:
                cost += instance.holding_cost[i, t] * on_hand
            elif on_hand < 0 and instance.backlog_cost is None:
                broken.add(("negative-stock", f"item {i} period {t}", -on_hand))
            elif on_hand < 0:
                cost -= instance.backlog_cost[i, t] * on_hand
        if on_hand < 0 and instance.backlog_cost is not None:
            broken.add(("unmet-demand", f"item {i}", -on_hand))
    for t in range(periods):
        if instance.capacity is not None:
            used = sum(
                instance.unit_time[i] * plan.lots[i, t] + instance.setup_time[i] * bool(plan.setups[i, t])
                for i in range(n)
            )
            if used > instance.capacity[t]:
                broken.add(("capacity", f"period {t}", used - instance.capacity[t]))
    return cost, broken


class TestJson:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32))
    def test_round_trip(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        instance = random_instance(rng)
        assert decode(json.loads(json.dumps(encode(instance)))) == instance
        plan = ProductionPlan(rng.random(instance.demand.shape) * 9, rng.random(instance.demand.shape) < 0.5)
        assert decode(json.loads(json.dumps(encode(plan)))) == plan

    def test_it_is_short(self) -> None:
        assert encode(FULL)["holding_cost"] == [1, 2]
        assert encode(FULL)["unit_cost"] == [[3, 2, 1], [3, 2, 1]]
        assert encode(TINY)["setup_cost"] == 100

    @pytest.mark.parametrize(
        ("change", "what"),
        [
            ({"demand": 5}, "demand: expected a list of rows"),
            ({"demand": None}, "demand: expected a list of rows"),
            ({"demand": [[1, 2, True], [1, 2, 3]]}, r"demand\[0\]\[2\]: expected a finite number"),
            ({"demand": [[1, 2, "3"], [1, 2, 3]]}, r"demand\[0\]\[2\]"),
            ({"demand": [[1, None, 3], [1, 2, 3]]}, r"demand\[0\]\[1\].*not null"),
            ({"demand": [[1, 2, [3]], [1, 2, 3]]}, r"demand\[0\]\[2\]: expected a number, not a list"),
            ({"demand": [[1, 2, 3], 4]}, "not both"),
            ({"demand": [[1, 2, 3], [1, 2]]}, "row 1 has 2 entries, row 0 has 3"),
            ({"demand": [[1, 2, -3], [1, 2, 3]]}, r"demand\[0\]\[2\].*not -3"),
            ({"unit_time": None}, "unit_time: .*not null"),
            ({"capacity": [1, 2]}, "capacity as one number or 3"),
            ({"name": 4}, "name: expected text"),
            ({"more": 4}, "unknown fields: more"),
            ({"type": "job-shop"}, "type"),
            ({"version": 2}, "version"),
        ],
    )
    def test_what_is_wrong_is_named(self, change: dict, what: str) -> None:
        with pytest.raises(ct.InstanceError, match=what):
            decode({**encode(FULL), **change})

    @pytest.mark.parametrize(
        "change",
        [
            {"lots": 3}, {"lots": [[1, "2"]]}, {"setups": [[1, 0]]}, {"setups": [True]},
            {"setups": [[True], [True, False]]}, {"lots": [[1.0, 2.0]], "setups": [[True]]},
        ],
    )  # fmt: skip
    def test_plans_are_read_strictly(self, change: dict) -> None:
        with pytest.raises(ct.InstanceError):
            decode({**encode(ProductionPlan([1, 2])), **change})

    def test_missing_fields_are_refused(self) -> None:
        data = encode(FULL)
        del data["unit_time"]
        with pytest.raises(ct.InstanceError, match="missing fields: unit_time"):
            decode(data)
