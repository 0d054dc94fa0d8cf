"""CP-SAT under a budget: no work that is thrown away, no search left running by a Ctrl-C at the wrong moment."""

import dataclasses
import threading
from types import SimpleNamespace

import numpy as np

import counterpoint as ct
from counterpoint.opt import interrupts
from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.solvers.cp_sat import job_shop as cp_sat
from counterpoint.solvers.rules.job_shop import schedule


def quiet(solution=None, *, bound=None):
    """Take a report and forget it."""


def random_shop(jobs, machines, seed):
    rng = np.random.default_rng(seed)
    routes = np.array([rng.permutation(machines) for _ in range(jobs)])
    return JobShop.from_matrices(f"random-{jobs}x{machines}", routes, rng.integers(1, 100, routes.shape))


def note(monkeypatch, name, calls):
    """Note the calls of a way to a first schedule."""
    way = getattr(cp_sat, name)

    def act(*arguments):
        calls.append((name, arguments[1]))
        return way(*arguments)

    monkeypatch.setattr(cp_sat, name, act)


def test_nothing_is_tried_late_and_what_was_tried_is_used(monkeypatch):
    """5 % of the time limit are for the first schedule; by this clock each way to one takes 0.3 s."""
    calls = []
    note(monkeypatch, "dispatch", calls)
    note(monkeypatch, "insert_jobs", calls)
    monkeypatch.setattr(Clock, "elapsed_s", lambda self: 0.3 * len(calls))
    shop = random_shop(20, 10, 1)
    for limit, rules in ((0, ["lrm"]), (2, ["lrm"]), (10, ["lrm", "fdd-mwkr"])):
        calls.clear()
        found = cp_sat.first_schedule(shop, 0, Budget(time_limit_s=limit).start(), quiet)
        assert calls == [("dispatch", rule) for rule in rules]
        assert found.makespan == min(schedule(shop, rule).makespan for rule in rules)
    for rest in ({"blocking": "swap"}, {"objective": "total-weighted-tardiness", "due_dates": [9] * 20}):
        calls.clear()
        variant = dataclasses.replace(shop, **rest)
        found = cp_sat.first_schedule(variant, 0, Budget(time_limit_s=0).start(), quiet)
        assert len(calls) == 1
        assert check(variant, found).is_feasible


def test_ctrl_c_while_the_search_begins_stops_it(monkeypatch):
    class Interrupted(threading.Thread):
        def start(self):
            super().start()
            raise KeyboardInterrupt

    monkeypatch.setattr(interrupts, "threading", SimpleNamespace(Thread=Interrupted, Event=threading.Event))
    result = ct.solve(random_shop(30, 20, 1), "cp-sat", time_limit=120, threads=1)
    assert result.termination is ct.Termination.INTERRUPTED
    assert result.solution is not None
    assert result.wall_s < 60
    left = [thread for thread in threading.enumerate() if thread.name == "cp-sat"]
    for thread in left:
        thread.join(30)  # it may be about to return
    assert not any(thread.is_alive() for thread in left)
