"""The adapter to HiGHS: known answers, statuses, limits, streaming, threads, Ctrl-C."""

import sys
import textwrap
import threading
from pathlib import Path

import highspy
import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog, milp
from tests.busy_machine import soon
from tests.ctrl_c import Ended, press_ctrl_c, wrapped

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.result import Termination
from counterpoint.solvers.mip import highs
from counterpoint.solvers.mip.highs import TERMINATIONS, solve_model
from counterpoint.solvers.mip.model import INFINITY, Columns, LinearModel, Rows


def model_of(cost, matrix, lower, upper, *, bounds=(0, 10), integer=True, **rest) -> LinearModel:
    n = len(cost)
    kinds = np.broadcast_to(integer, n)
    matrix = sparse.csr_array(np.asarray(matrix, float).reshape(-1, n))
    return LinearModel(cost, np.full(n, bounds[0]), np.full(n, bounds[1]), kinds, matrix, lower, upper, **rest)


def knapsacks(items=45, rows=25, seed=0) -> LinearModel:
    """A multi-dimensional knapsack that takes HiGHS some seconds."""
    rng = np.random.default_rng(seed)
    weight = rng.integers(1, 1000, (rows, items)).astype(float)
    value = rng.integers(1, 1000, items)
    return model_of(value, weight, np.full(rows, -np.inf), weight.sum(1) // 2, bounds=(0, 1), sense="max")


def test_small_mip_that_one_release_answers_wrongly() -> None:
    """The number of threads may change from run to run, which HiGHS' scheduler alone does not allow."""
    model = model_of([2, 3], [[1, 1]], [4.5], [np.inf], integer=[False, True])
    for threads in (1, 2, 1, 2):
        result = solve_model(model, threads=threads)
        assert (result.objective, result.bound, result.termination) == (9.0, 9.0, Termination.OPTIMAL)
        assert result.values.tolist() == [4.5, 0.0]
        assert result.solver == f"highs {highspy.Highs().version()}"


def test_random_mips_agree_with_scipy() -> None:
    """Bounds, equalities, both senses, offsets: SciPy carries a HiGHS of its own behind another interface."""
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(60):
        n, m = int(rng.integers(1, 6)), int(rng.integers(0, 5))
        cost, matrix = rng.integers(-5, 6, n).astype(float), rng.integers(-4, 5, (m, n)).astype(float)
        lower = np.where(rng.random(m) < 0.5, -np.inf, rng.integers(-6, 7, m))
        upper = np.where(rng.random(m) < 0.3, np.inf, np.where(np.isfinite(lower), lower, 0) + rng.integers(0, 5, m))
        integer, offset, sense = rng.random(n) < 0.6, float(rng.integers(-3, 4)), str(rng.choice(["min", "max"]))
        sign = 1 if sense == "min" else -1
        model = model_of(cost, matrix, lower, upper, bounds=(-3, 4), integer=integer, offset=offset, sense=sense)
        result = solve_model(model)
        constraints = [] if m == 0 else [(matrix, lower, upper)]
        expected = milp(sign * cost, constraints=constraints, bounds=([-3] * n, [4] * n), integrality=integer)
        if expected.x is None:
            assert result.termination is Termination.INFEASIBLE
        else:
            assert result.termination is Termination.OPTIMAL
            assert result.objective == pytest.approx(sign * expected.fun + offset, abs=1e-6)
            assert result.bound == pytest.approx(result.objective, abs=1e-5)
            assert model.violation(result.values) < 1e-6
        seen.add(result.termination)
    assert seen == {Termination.OPTIMAL, Termination.INFEASIBLE}


def test_linear_program_without_integers_has_a_bound_too() -> None:
    result = solve_model(model_of([-1, -2], [[1, 1]], [-np.inf], [7.5], integer=False))
    expected = linprog([-1, -2], A_ub=[[1, 1]], b_ub=[7.5], bounds=(0, 10))
    assert result.objective == pytest.approx(expected.fun)
    assert result.bound == pytest.approx(-15)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (model_of([1, 1], [[1, 1]], [25], [np.inf]), Termination.INFEASIBLE),
        (model_of([1, 1], [[1, 1]], [5], [4]), Termination.INFEASIBLE),  # HiGHS refuses such rows as an error
        (model_of([1, 1], [[1, 1]], [4.5], [np.inf], bounds=(0, np.inf), sense="max"), Termination.UNBOUNDED),
        (
            model_of([1, 0], [[0, 2]], [1], [1], bounds=(0, np.inf), sense="max"),  # unbounded, were 2 z = 1 possible
            Termination.INFEASIBLE,
        ),
        (model_of([1, -1], np.zeros((0, 2)), [], [], bounds=(0, 1), integer=False), Termination.OPTIMAL),
    ],
)
def test_statuses(model: LinearModel, expected: Termination) -> None:
    result = solve_model(model)
    assert result.termination is expected
    assert (result.values is None) == (expected is not Termination.OPTIMAL)


def test_what_is_not_in_the_table_of_statuses_is_an_error() -> None:
    known = set(highspy.HighsModelStatus.__members__)
    errors = {
        "kNotset", "kLoadError", "kModelError", "kPresolveError", "kSolveError", "kPostsolveError", "kUnknown",
        "kUnboundedOrInfeasible",
    }  # fmt: skip
    assert known - errors == {status.name for status in TERMINATIONS}


def test_limits() -> None:
    model = knapsacks()
    assert solve_model(model, max_nodes=1).termination is Termination.ITERATIONS
    short = soon(lambda: solve_model(knapsacks(items=300, rows=80), time_limit_s=0.5), 5)
    assert short.termination is Termination.TIME
    assert short.bound >= short.objective
    optimum = solve_model(model).objective
    assert solve_model(model, target=optimum - 1000).termination is Termination.TARGET
    loose = solve_model(model, gap=0.1)
    assert loose.bound - loose.objective <= 0.1 * loose.objective


def test_incumbents_and_bounds_come_in_the_calling_thread_and_improve() -> None:
    model, incumbents, bounds, threads = knapsacks(), [], [], set()

    def take(values) -> None:
        assert model.violation(values) < 1e-6
        threads.add(threading.get_ident())
        incumbents.append(float(model.cost @ values))

    result = solve_model(model, max_nodes=300, time_limit_s=100, on_incumbent=take, on_bound=bounds.append)
    assert threads == {threading.get_ident()}
    assert incumbents == sorted(incumbents)
    assert len(incumbents) >= 2
    assert incumbents[-1] == result.objective
    assert bounds == sorted(bounds, reverse=True)
    assert len(bounds) >= 2


def test_error_of_the_callers_function_stops_the_solver_and_is_raised() -> None:
    def fail(values) -> None:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        solve_model(knapsacks(), time_limit_s=100, on_incumbent=fail)


def test_start_is_used_whole_or_in_part() -> None:
    model = knapsacks()
    best = solve_model(model, max_nodes=300)
    part = best.values.copy()
    part[:3] = np.nan
    for start in (best.values, part):
        again = solve_model(model, max_nodes=0, start=np.round(start))
        assert again.objective >= best.objective - 1e-6
    worthless = np.full(model.num_cols, 1.0)  # breaks every row
    assert solve_model(model, max_nodes=0, start=worthless).values is None


def test_same_seed_gives_the_same_run() -> None:
    model = knapsacks(items=30, rows=10)
    first, second = (solve_model(model, seed=5) for _ in range(2))
    assert first.values.tolist() == second.values.tolist()
    assert first.nodes == second.nodes


def test_two_solves_in_two_threads_of_one_process() -> None:
    """highspy's own interrupt handling refuses the second: its locks belong to the class."""
    model, found = knapsacks(items=30, rows=10), []
    expected = solve_model(model).objective
    workers = [threading.Thread(target=lambda: found.append(solve_model(model).objective)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [expected, expected]


def test_model_refuses_what_does_not_fit() -> None:
    with pytest.raises(InstanceError, match="row_lower"):
        model_of([1, 1], [[1, 1]], [1, 2], [1])
    with pytest.raises(InstanceError, match="NaN"):
        model_of([1, 1], [[1, 1]], [np.nan], [1])
    with pytest.raises(InstanceError, match="finite"):
        model_of([1, np.inf], [[1, 1]], [1], [1])


def test_rows_add_up_repeated_columns() -> None:
    columns, rows = Columns(), Rows()
    x = columns.add(3, 0, [1, 2, 3], integer=True, cost=[1, 1, 0])
    columns.charge([0, 0, 2], [1, 1, 5])
    rows.add([(x[[0, 1]], 1), (x[[0, 2]], 2), (x[[1, 2]], [-1, -2])], lower=[0, -1])
    rows.add_scattered(2, [0, 1, 1], x, [1, 1, 1], upper=4)
    model = rows.finish(columns, offset=7)
    assert model.matrix.toarray().tolist() == [[3, -1, 0], [0, 1, 0], [1, 0, 0], [0, 1, 1]]
    assert model.cost.tolist() == [3, 1, 5]
    assert model.row_lower.tolist() == [0, -1, -INFINITY, -INFINITY]
    assert model.row_upper.tolist() == [INFINITY, INFINITY, 4, 4]
    assert model.violation(np.array([0, 0.5, 3.5])) == 0.5


def test_ctrl_c_keeps_the_incumbent() -> None:
    """SIGINT to a process in the middle of branch and bound: back at once (and its exit), with what was found."""
    script = textwrap.dedent("""
        import sys
        sys.path[:0] = sys.argv[1:]
        import numpy as np
        from test_highs import knapsacks, solve_model
        model = knapsacks(items=120, rows=60)
        def take(values):
            print("incumbent", flush=True)
        result = solve_model(model, time_limit_s=90, on_incumbent=take)
        print("ended", result.termination, result.objective is not None, result.bound >= result.objective, flush=True)
    """)
    folders = str(Path(__file__).parent), str(Path(__file__).parents[3])

    def act() -> Ended:
        return press_ctrl_c([sys.executable, "-c", script, *folders], "incumbent", 1.0)

    ended = soon(act, 5.0, took=lambda ended: ended.after_s)
    assert ended.out.splitlines()[-1] == "ended interrupted True True"
    assert ended.status == 0


def test_ctrl_c_in_compiled_code_of_the_caller_keeps_the_incumbent() -> None:
    """What takes the incumbents in may run kernels, and the interrupt strikes while they hand back a result."""
    struck = []

    def take(values) -> None:
        if not struck:
            struck.append(1)
            raise wrapped()

    result = solve_model(knapsacks(items=120, rows=60), time_limit_s=90, on_incumbent=take)
    assert result.termination is Termination.INTERRUPTED
    assert result.values is not None


def test_an_end_whose_event_is_lost_to_ctrl_c_is_seen(monkeypatch) -> None:
    """The interrupt may strike between the queue's answer and its use."""
    hear = highs._Run._hear

    def struck(run):
        if hear(run) == "end":
            raise KeyboardInterrupt
        return "nothing"

    monkeypatch.setattr(highs._Run, "_hear", struck)
    assert solve_model(knapsacks(items=20, rows=5)).termination is Termination.OPTIMAL
