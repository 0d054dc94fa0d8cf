"""Job insertion is feasible for every variant and any order; first schedules are the best of what they report."""

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.recording import Recorder
from counterpoint.solvers.cp_sat.job_shop import first_schedule
from counterpoint.solvers.cp_sat.job_shop_start import earliest_fit, insert_jobs, insertion_orders


def test_any_order_is_feasible_in_every_variant(small_shops):
    for index, shop in enumerate(small_shops(480, 17)):
        order = np.random.default_rng(index).permutation(shop.num_jobs).tolist()
        verdict = check(shop, insert_jobs(shop, order))
        assert verdict.is_feasible, (shop, order, verdict)


def test_larger_shops_with_blocking_are_feasible():
    rng = np.random.default_rng(3)
    routes = np.array([rng.permutation(8) for _ in range(15)])
    for blocking in ("swap", "no-swap"):
        windows = [(m, 100 + 20 * m, 150 + 20 * m) for m in range(8)]
        shop = JobShop.from_matrices(
            "x", routes, rng.integers(1, 50, routes.shape), blocking=blocking, unavailable=windows
        )
        for _ in range(10):
            assert check(shop, insert_jobs(shop, rng.permutation(15).tolist())).is_feasible


def test_a_job_takes_the_gap_that_fits():
    shop = JobShop.from_jobs("gap", [[(0, 2), (1, 4), (0, 2)], [(0, 4)]])
    assert insert_jobs(shop, [0, 1]).start.tolist() == [0, 2, 6, 2]
    with_window = JobShop.from_jobs("gap", [[(0, 2), (1, 4), (0, 2)], [(0, 4)]], unavailable=[(0, 3, 4)])
    assert insert_jobs(with_window, [0, 1]).start.tolist() == [0, 2, 6, 8]


def test_a_blocked_job_waits_for_its_swap_or_keeps_out():
    """Job 1 holds machine 0 until both can exchange machines at 6; where they may not, it comes after job 0."""
    jobs = [[(0, 1), (1, 5), (0, 2)], [(0, 1), (1, 1)]]
    swap, no_swap = (JobShop.from_jobs("crossing", jobs, blocking=b) for b in ("swap", "no-swap"))
    assert insert_jobs(swap, [0, 1]).start.tolist() == [0, 1, 6, 1, 6]
    assert insert_jobs(no_swap, [0, 1]).start.tolist() == [0, 1, 6, 8, 9]


def test_windows_are_jumped_in_turn():
    assert earliest_fit(0, 3, [(2, 4), (5, 6), (6, 8)]) == 8
    assert earliest_fit(4, 0, [(2, 4), (4, 6)]) == 4
    assert earliest_fit(3, 0, [(2, 4), (4, 6)]) == 4


def test_first_schedule_is_the_best_reported(small_shops):
    for shop in small_shops(72, 23):
        recorder = Recorder(shop)
        found = first_schedule(shop, 0, Budget().start(), recorder)
        assert recorder.rejected is None
        assert check(shop, found).objective == recorder.objective
        firsts = [check(shop, insert_jobs(shop, order)).objective for order in insertion_orders(shop, 0, 1)]
        assert recorder.objective <= min(firsts)
