"""The perfect-information bound: exact where it should be, never above what any decisions reach."""

import subprocess
import sys

import numpy as np
import pytest
from tests.interrupted_search import best_makespan
from tests.interrupted_shops import RandomPolicy, random_instance, random_shop

import counterpoint as ct
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Scenario, draw_scenarios
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.cp_sat.interrupted_job_shop import perfect_information


def test_without_failures_it_is_the_exact_optimum() -> None:
    instance = InterruptedJobShop.of(ct.benchmark("ft06"), 0.0)
    assert perfect_information(instance, draw_scenarios(instance, 1, 0)[0], 60.0) == 63


def test_by_hand() -> None:
    shop = JobShop.from_jobs("by hand", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]], blocking="swap")
    scenario = Scenario(np.array([[2], [99]]), np.array([[4], [1]]))
    # at best job 0 works 0..2 and 6..7, the jobs swap at 7, job 0 ends at 9
    assert perfect_information(InterruptedJobShop(shop, 0.1), scenario, 10.0) == 9


@pytest.mark.parametrize("fail_when", ["always", "busy"])
def test_never_above_the_best_of_all_decisions(fail_when: str) -> None:
    """And equal to it wherever failures go by the clock and work resumes: the model is exact there."""
    for seed in range(6):
        rng = np.random.default_rng(seed)
        instance = InterruptedJobShop(
            random_shop(rng, jobs=2, machines=3),
            0.1,
            repair_mean=4,
            fail_when=fail_when,  # type: ignore[arg-type]
        )
        scenario = draw_scenarios(instance, 1, seed)[0]
        best = best_makespan(instance, scenario)
        bound = perfect_information(instance, scenario, 20.0)
        assert bound <= best
        if fail_when == "always":
            assert bound == best, seed


def test_never_above_any_policy_in_any_variant() -> None:
    for seed in range(25):
        rng = np.random.default_rng(seed)
        instance = random_instance(rng)
        scenario = draw_scenarios(instance, 1, seed)[0]
        bound = perfect_information(instance, scenario, 0.3)
        for k in range(4):
            assert bound <= simulate(instance, scenario, RandomPolicy(k, 0.2 * k)).cost


def test_ctrl_c_still_reaches_python_after_every_use_of_cp_sat() -> None:
    """CP-SAT's own handler leaves SIGINT at its default, which would kill a notebook's kernel at the next Ctrl-C."""
    code = """
import signal
import counterpoint as ct
from counterpoint.opt.problems.interrupted_job_shop import draw_scenarios
from counterpoint.solvers.cp_sat.interrupted_job_shop import perfect_information

plant = ct.generate("interrupted-job-shop", jobs=2, machines=2, seed=0)
perfect_information(plant, draw_scenarios(plant, 1, 0)[0], 5.0)
ct.evaluate("replan-cp-sat", plant, scenarios=1, progress=False)
ct.solve("ft06", "cp-sat", time_limit=1, threads=1)
ct.solve("ft06", "cp-guided", time_limit=1, threads=1)
ct.solve("pigment15a", "cp-sat", time_limit=1, threads=1)
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("caught")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "caught\n", done.stderr
