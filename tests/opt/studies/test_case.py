"""Keys of cases: equal exactly when the runs would be."""

from dataclasses import replace

import bad_methods
import numpy as np
import pytest

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError, UnknownNameError, UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.studies.case import Case, cases, plan
from counterpoint.opt.studies.wire import decode_order, encode_case, encode_instance

SHOP = bad_methods.shop(1)
RENAMED = JobShop.from_matrices("other", SHOP.machine.reshape(3, 3), SHOP.duration.reshape(3, 3))
QUICK = bad_methods.method("quick")
BASE = Case(SHOP, QUICK, 0, Budget(5.0, threads=1))


def test_every_part_changes_the_key():
    others = [
        replace(BASE, instance=bad_methods.shop(2)),
        replace(BASE, instance=RENAMED),
        replace(BASE, method=bad_methods.method("improve")),
        replace(BASE, method=replace(QUICK, version=2)),
        replace(BASE, method=replace(QUICK, name="other")),
        replace(BASE, method=replace(QUICK, preset={"seconds": 2.0})),
        replace(BASE, seed=1),
        replace(BASE, options={"seconds": 1.0}),
        replace(BASE, budget=Budget(6.0, threads=1)),
        replace(BASE, budget=Budget(5.0, iterations=3, threads=1)),
        replace(BASE, budget=Budget(5.0, target=3.0, threads=1)),
        replace(BASE, budget=Budget(5.0, gap=0.1, threads=1)),
    ]
    keys = {case.key for case in [BASE, *others]}
    assert len(keys) == len(others) + 1
    assert all(len(key) == 64 and set(key) <= set("0123456789abcdef") for key in keys)


def test_equal_runs_have_equal_keys():
    assert replace(BASE).key == BASE.key
    assert Case(SHOP, "spt:scheme=active").key != Case(SHOP, "spt").key
    assert replace(BASE, options={"seconds": "1"}).key == replace(BASE, options={"seconds": 1.0}).key


def test_one_budget_written_differently_is_one_key():
    """Python users write 10, the command line makes 10.0 of it: the store must know the case again."""
    keys = {
        Case(SHOP, QUICK, 0, Budget(t, iterations=i)).key for t in (10, 10.0, np.int64(10)) for i in (5, np.int64(5))
    }
    assert len(keys) == 1


def test_threads_count_only_where_they_are_used():
    parallel = replace(BASE, method=replace(QUICK, is_parallel=True))
    assert replace(BASE, budget=Budget(5.0, threads=2)).key == BASE.key
    assert replace(parallel, budget=Budget(5.0, threads=2)).key != parallel.key


def test_key_of_hostile_names():
    names = ["", "\0", "'; DROP TABLE results; --", "\ud800", "a\nb"]
    shops = [JobShop.from_matrices(name, SHOP.machine.reshape(3, 3), SHOP.duration.reshape(3, 3)) for name in names]
    assert len({replace(BASE, instance=shop).key for shop in shops}) == len(names)


def test_grid_in_order():
    made = cases([SHOP, RENAMED], ["spt", "lpt"], seeds=2)
    assert [(c.instance.name, c.label, c.seed) for c in made] == [
        (name, label, seed) for name in ("shop-1", "other") for label in ("spt", "lpt") for seed in (0, 1)
    ]
    assert [c.seed for c in cases([SHOP], ["spt"], seeds=[7, 3])] == [7, 3]


def test_methods_that_run_on_get_a_limit():
    anytime = replace(QUICK, is_anytime=True)
    assert cases([SHOP], [anytime])[0].budget.time_limit_s == 60.0
    assert cases([SHOP], [anytime], budget=Budget(iterations=9))[0].budget.time_limit_s is None
    assert cases([SHOP], [QUICK])[0].budget.time_limit_s is None


def test_pairs_that_cannot_run_are_named():
    flexible = JobShop.from_jobs("flexible", [[[(0, 3), (1, 2)]]])
    made, skipped = plan([SHOP, flexible], [QUICK, "spt"])
    assert [(c.instance.name, c.label) for c in made] == [("shop-1", "quick"), ("shop-1", "spt"), ("flexible", "spt")]
    assert [(s.instance.name, s.method) for s in skipped] == [("flexible", "quick")]
    assert "flexible" in skipped[0].reason
    assert str(skipped[0]).startswith("quick on flexible: ")
    with pytest.raises(UnsupportedError, match="flexible"):
        cases([SHOP, flexible], [QUICK])


def test_a_missing_package_is_a_reason():
    _, skipped = plan([SHOP], [replace(QUICK, needs=("no_such_package",), extra="learn")])
    assert "pip install 'counterpoint[learn]'" in skipped[0].reason


@pytest.mark.parametrize(
    ("method", "error"),
    [("no-such-method", UnknownNameError), ("spt:no_such=1", OptionError), ("spt:scheme=nonsense", OptionError)],
)
def test_mistakes_raise(method, error):
    with pytest.raises(error):
        plan([SHOP], [method])


@pytest.mark.parametrize("seed", [1.5, "1", None, 2**63, -(2**63) - 1])
def test_seeds_that_cannot_be_kept(seed):
    with pytest.raises(OptionError, match="seed"):
        plan([SHOP], ["spt"], [seed])


def test_travels_whole():
    case = Case(SHOP, "spt:scheme=active", 5, Budget(2.5, 7, 3.0, 0.25, 1))
    order = decode_order(encode_case(case, encode_instance(SHOP), 512, [0]))
    assert order.case.instance == SHOP
    assert (order.case.chosen, order.label) == (case.chosen, "spt:scheme=active")
    assert (order.case.seed, order.case.budget, order.case.built) == (5, case.budget, case.built)
    assert (order.memory_limit_mb, order.cores) == (512, [0])
