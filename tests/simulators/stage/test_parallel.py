"""The same numbers from any number of workers, whatever happens to them."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import fields
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from tests.hydro_systems import cascade
from tests.random_hydro_systems import random_state, random_system

from counterpoint.simulators.stage.highs import HighsStage
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.model import OPTIMAL, StageResults
from counterpoint.simulators.stage.parallel import StagePool

WAYS = [(1, False), (2, False), (5, False), (2, True)]


def same(a: StageResults, b: StageResults) -> bool:
    return all(
        np.array_equal(getattr(a, f.name), getattr(b, f.name), equal_nan=True)
        for f in fields(StageResults)
        if getattr(a, f.name) is not None
    )


def problems(count: int = 200):
    system = cascade()
    storage, inflow = random_state(system, count, 0)
    return stage_models(system)[0], storage, inflow


def test_results_do_not_depend_on_the_workers() -> None:
    """Bit for bit, call after call, with cuts and targets, though optima are not unique."""
    model, storage, inflow = problems()
    make = partial(HighsStage, model, weights=(1.0,), theta_lower=(0.0,))
    cuts = np.zeros(2, int), np.array([50.0, 80.0]), np.array([[-1.0, -2.0], [-3.0, -0.5]])
    history: list[list[StageResults]] = []
    for workers, uses_processes in WAYS:
        with StagePool(make, workers=workers, uses_processes=uses_processes) as pool:
            found = [pool.solve_many(storage[:30], inflow[:30])]  # fewer lanes than later
            pool.add_cuts(*cuts)
            found.append(pool.solve_many(storage, inflow, wants_x=True))
            found.append(pool.solve_many(storage, inflow, 0.5 * storage))
            pool.set_cuts(*(a[:1] for a in cuts))
            found.append(pool.solve_many(storage, inflow))
        history.append(found)
    for found in history[1:]:
        assert all(same(a, b) for a, b in zip(history[0], found, strict=True))
    lone = make()
    lone.add_cuts(*cuts)
    np.testing.assert_allclose(history[0][1].objective, lone.solve_many(storage, inflow).objective, rtol=1e-9)


def test_one_problem_and_none() -> None:
    model, storage, inflow = problems(1)
    with StagePool(partial(HighsStage, model), workers=2) as pool:
        assert pool.solve_many(storage, inflow).status.tolist() == [OPTIMAL]
        assert pool.solve_many(storage[:0], inflow[:0]).status.shape == (0,)
        assert pool.model is model or pool.model.num_cols == model.num_cols


def test_nonsense_is_refused() -> None:
    model, storage, inflow = problems(20)
    for options in ({"workers": 0}, {"lanes": 0}):
        with pytest.raises(ValueError, match="at least one lane"):
            StagePool(partial(HighsStage, model), **options)
    for uses_processes in (False, True):
        with StagePool(partial(HighsStage, model), workers=2, uses_processes=uses_processes) as pool:
            with pytest.raises(ValueError, match="states"):
                pool.solve_many(storage[:, :1], inflow)
            assert pool.solve_many(storage, inflow).status.tolist() == [OPTIMAL] * 20  # it still works


def test_processors_are_counted_where_nobody_tells_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS
    with StagePool(partial(HighsStage, problems(1)[0]), lanes=3) as pool:
        assert 1 <= pool.workers <= 3


def test_a_worker_that_dies_is_replaced_and_knows_the_cuts() -> None:
    model, storage, inflow = problems()
    make = partial(HighsStage, model, weights=(1.0,), theta_lower=(0.0,))
    cuts = np.zeros(1, int), np.array([500.0]), np.array([[-3.0, -5.0]])
    with StagePool(make, workers=2, uses_processes=True) as pool:
        pool.add_cuts(*cuts)
        before = pool.solve_many(storage, inflow)
        for number in worker_ids(pool):
            os.kill(number, signal.SIGKILL)
        after = pool.solve_many(storage, inflow)
        assert np.array_equal(before.objective, after.objective)
        os.kill(worker_ids(pool)[0], signal.SIGKILL)
        pool.set_cuts(*cuts)  # finds out by itself
        assert np.array_equal(before.objective, pool.solve_many(storage, inflow).objective)
        numbers = worker_ids(pool)
    assert len(numbers) == 2
    assert not any(is_alive(number) for number in numbers)


def worker_ids(pool: StagePool) -> list[int]:
    return [worker._process.pid for worker in pool._back._workers if worker is not None]


def is_alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


class SlowStage(HighsStage):
    """Takes its time over problems with targets; the first to begin with one presses Ctrl-C in a process."""

    def __init__(self, model, pressed: Path, process: int) -> None:
        super().__init__(model)
        self.pressed, self.process = pressed, process

    def solve_many(self, state, noise, target=None, *, wants_x=False):
        if target is not None:
            with suppress(FileExistsError):
                self.pressed.touch(exist_ok=False)
                os.kill(self.process, signal.SIGINT)
            time.sleep(1.0)
        return super().solve_many(state, noise, target, wants_x=wants_x)


@pytest.mark.parametrize("uses_processes", [False, True])
def test_ctrl_c_interrupts_and_the_pool_goes_on(uses_processes: bool, tmp_path: Path) -> None:
    """The call is given up; the next one gives what it would have given."""
    model, storage, inflow = problems(50)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it
    make = partial(SlowStage, model, tmp_path / "pressed", os.getpid())
    with StagePool(make, workers=2, uses_processes=uses_processes) as pool:
        expected = pool.solve_many(storage, inflow).objective
        with pytest.raises(KeyboardInterrupt):
            pool.solve_many(storage, inflow, 0.5 * storage)  # 3 seconds a worker
        np.testing.assert_allclose(pool.solve_many(storage, inflow).objective, expected, rtol=1e-9)
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed() -> None:
    program = (
        "import sys; sys.path.insert(0, '.')\n"
        "from tests.simulators.stage.test_parallel import *\n"
        "model, storage, inflow = problems()\n"
        "pool = StagePool(partial(HighsStage, model), workers=2, uses_processes=True)\n"
        "pool.solve_many(storage, inflow)\n"
        "print(*worker_ids(pool), flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        numbers = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
    assert len(numbers) == 2
    deadline = time.monotonic() + 20
    while any(is_running(number) for number in numbers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_running(number) for number in numbers)


def is_running(number: int) -> bool:
    """Whether a process is there and not a zombie that nobody has waited for."""
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_random_systems_in_parallel() -> None:
    for seed in range(4):
        system = random_system(seed)
        storage, inflow = random_state(system, 64, seed)
        make = partial(HighsStage, stage_models(system)[0])
        with StagePool(make, workers=1) as one, StagePool(make, workers=3) as three:
            assert same(one.solve_many(storage, inflow), three.solve_many(storage, inflow))
