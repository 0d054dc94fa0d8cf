"""What the registry says of each lot-sizing method is so: it runs, verified, on every variant it claims, or refuses."""

from itertools import product

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.problems.lot_sizing import LotSizing

METHODS = [m.name for m in ct.methods("lot-sizing")]


def optimum(instance: LotSizing) -> float | None:
    """Every set of setups, the lots of each by a linear programme; None if there is no plan."""
    from scipy.optimize import linprog

    n, t = instance.demand.shape
    flow = np.eye(t) - np.eye(t, k=-1)
    balance = np.kron(np.eye(n), np.hstack([-np.eye(t), flow, -flow]))  # per item: lots, stock, backlog
    first = np.zeros((n, t))
    first[:, 0] = instance.initial_stock
    late = np.zeros((n, t)) if instance.backlog_cost is None else instance.backlog_cost
    cost = np.concatenate([instance.unit_cost, instance.holding_cost, late], axis=1).ravel()
    use = np.kron(instance.unit_time, np.hstack([np.eye(t), np.zeros((t, 2 * t))]))
    best = None
    for bits in product((0, 1), repeat=n * t):
        setups = np.array(bits).reshape(n, t)
        most = np.full((n, t), 0.0 if instance.backlog_cost is None else np.inf)
        most[:, -1] = 0
        upper = np.concatenate([np.where(setups, np.inf, 0.0), np.full((n, t), np.inf), most], axis=1).ravel()
        room = None if instance.capacity is None else instance.capacity - instance.setup_time @ setups
        if room is not None and room.min() < 0:
            continue
        found = linprog(
            cost, A_eq=balance, b_eq=(first - instance.demand).ravel(),
            bounds=np.column_stack([np.zeros_like(upper), upper]),
            A_ub=None if room is None else use, b_ub=room,
        )  # fmt: skip
        if found.success:
            total = found.fun + (instance.setup_cost * setups).sum()
            best = total if best is None else min(best, total)
    return best


def small_instance(rng: np.random.Generator, features: frozenset[str]) -> LotSizing:
    n = 2 if "several-items" in features else 1
    t = 3 if n == 2 else int(rng.integers(2, 6))
    some = lambda high: rng.integers(0, high, (n, t))  # noqa: E731
    demand = some(12) * (rng.random((n, t)) < 0.7)
    tight = demand.sum() / t
    return LotSizing(
        "small",
        demand,
        some(40),
        some(4),
        some(5),
        some(6) if "backlogging" in features else None,
        rng.integers(0, 8, n) * (rng.random() < 0.5),
        rng.choice([0.5, 1.0, 2.0], n),
        rng.integers(1, 4, n) if "setup-times" in features else 0,
        np.maximum(rng.uniform(0.8, 2.5) * tight + rng.integers(0, 9, t), 1) if "capacity" in features else None,
    )


@pytest.fixture(scope="module")
def cases() -> list[tuple[LotSizing, float | None]]:
    """Three of each combination of variants, with their optima by enumeration; some have no plan."""
    rng = np.random.default_rng(77)
    capacities = ([], ["capacity"], ["capacity", "setup-times"])
    kinds = [
        frozenset([*items, *late, *capacity])
        for items, late, capacity in product(([], ["several-items"]), ([], ["backlogging"]), capacities)
    ]
    instances = [small_instance(rng, kind) for kind in kinds for _ in range(3)]
    return [(instance, optimum(instance)) for instance in instances]


def test_the_cases_are_of_every_kind(cases) -> None:
    assert len({instance.features for instance, _ in cases}) == 12
    assert {best is None for _, best in cases} == {True, False}


@pytest.mark.parametrize("name", METHODS)
def test_the_registry_tells_the_truth(name: str, cases) -> None:
    method = next(m for m in ct.methods("lot-sizing") if m.name == name)
    ran = 0
    for instance, best in cases:
        if method.unsupported(instance):
            with pytest.raises(ct.UnsupportedError, match=name):
                ct.solve(instance, name)
            continue
        result = ct.solve(instance, name, time_limit=10, threads=1, seed=3)
        ran += 1
        assert result.termination is not ct.Termination.ERROR, (instance, result.message)
        if best is None:
            assert result.solution is None, instance
            assert result.termination is ct.Termination.INFEASIBLE or not method.is_exact, (instance, result)
            continue
        slack = 1e-6 * max(1, best)
        assert result.termination is not ct.Termination.INFEASIBLE, instance
        assert result.objective is None or result.objective >= best - slack, instance
        assert result.bound is None or (method.uses_bound and result.bound <= best + slack), instance
        if result.solution_status is ct.SolutionStatus.OPTIMAL or method.is_exact:
            assert result.objective == pytest.approx(best, abs=slack), (instance, result)
        if instance.capacity is None:
            assert result.objective is not None, instance
        if not method.is_random:
            assert ct.solve(instance, name, time_limit=10, threads=1, seed=4).solution == result.solution, instance
    assert ran >= 1
