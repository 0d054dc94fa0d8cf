"""CP-SAT under a budget: no work that is thrown away, no search left running by a Ctrl-C at the wrong moment."""

import threading
import time
from types import SimpleNamespace

import numpy as np

import counterpoint as ct
from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.solvers.cp_sat import job_shop as cp_sat
from counterpoint.solvers.cp_sat import search


def quiet(solution=None, *, bound=None):
    """Take a report and forget it."""


def random_shop(jobs, machines, seed):
    rng = np.random.default_rng(seed)
    routes = np.array([rng.permutation(machines) for _ in range(jobs)])
    return JobShop.from_matrices(f"random-{jobs}x{machines}", routes, rng.integers(1, 100, routes.shape))


def test_rules_are_not_run_late_and_what_was_run_is_used(monkeypatch):
    """5 % of the time limit are for the first schedule: 0.1 s here, which the first rule uses up."""
    rule, calls = cp_sat.dispatch, []

    def slow(instance, name):
        calls.append(name)
        time.sleep(0.3)
        return rule(instance, name)

    monkeypatch.setattr(cp_sat, "dispatch", slow)
    shop = random_shop(20, 10, 0)
    inserted = cp_sat.first_schedule(shop, 0, Budget(time_limit_s=0).start(), quiet)
    assert calls == []
    found = cp_sat.first_schedule(shop, 0, Budget(time_limit_s=2).start(), quiet)
    assert calls == ["lrm"]
    assert found == rule(shop, "lrm")
    assert found.makespan < inserted.makespan


def test_ctrl_c_while_the_search_begins_stops_it(monkeypatch):
    class Interrupted(threading.Thread):
        def start(self):
            super().start()
            raise KeyboardInterrupt

    monkeypatch.setattr(search, "threading", SimpleNamespace(Thread=Interrupted, Event=threading.Event))
    result = ct.solve(random_shop(30, 20, 1), "cp-sat", time_limit=60, threads=1)
    assert result.termination is ct.Termination.INTERRUPTED
    assert result.solution is not None
    assert result.wall_s < 30
    left = [thread for thread in threading.enumerate() if thread.name == "cp-sat"]
    for thread in left:
        thread.join(5)  # it may be about to return
    assert not any(thread.is_alive() for thread in left)
