"""The deterministic equivalent of a tree, against one written scenario by scenario, and solved again and again."""

import itertools

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linprog
from tests.hydro_systems import FIRST_STEPS_OPTIMUM, SYSTEMS, cascade, case3, first_steps, generators

from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.solvers.mip.hydrothermal_tree import ROOT, TreeProgram
from counterpoint.solvers.replan.inflow_tree import inflow_tree


def by_scenarios(system: Hydrothermal, stages: int, first: np.ndarray) -> float:
    """The optimum with a copy of every stage for every scenario, and copies that share a past held equal."""
    models = [stage_models(system)[t % len(system.network.demand)] for t in range(stages)]
    openings = [system.openings(t) for t in range(1, stages)]
    paths = list(itertools.product(*(range(len(rows)) for rows, _ in openings)))
    n, m = models[0].num_cols, models[0].num_rows
    cost, low, high, rows, lower, upper = [], [], [], [], [], []
    place = {(path, t): (k * stages + t) * n for k, path in enumerate(paths) for t in range(stages)}
    width = len(paths) * stages * n
    for path in paths:
        chance = np.prod([p[i] for (_, p), i in zip(openings, path, strict=True)])
        noises = [first, *(r[i] for (r, _), i in zip(openings, path, strict=True))]
        state = system.reservoirs.initial_volume
        for t, model in enumerate(models):
            cost.append(chance * system.discount**t * model.cost)
            low.append(model.col_lower)
            high.append(model.col_upper)
            block = sparse.lil_array((m, width))
            block[:, place[path, t] : place[path, t] + n] = model.matrix.toarray()
            shift = model.noise_matrix @ noises[t]
            if t:
                before = place[path, t - 1]
                block[:, before + model.state_out] = model.state_matrix.toarray()
            else:
                shift = shift + model.state_matrix @ state
            rows.append(block)
            lower.append(model.row_lower - shift)
            upper.append(model.row_upper - shift)
            twin = next(p for p in paths if p[:t] == path[:t])
            if twin != path:
                equal = sparse.lil_array((n, width))
                equal[np.arange(n), place[path, t] + np.arange(n)] = 1.0
                equal[np.arange(n), place[twin, t] + np.arange(n)] = -1.0
                rows.append(equal)
                lower.append(np.zeros(n))
                upper.append(np.zeros(n))
    matrix, least, most = sparse.csr_array(sparse.vstack(rows)), np.concatenate(lower), np.concatenate(upper)
    equal = least == most
    bounds = list(zip(np.concatenate(low), np.concatenate(high), strict=True))
    found = linprog(
        np.concatenate(cost), A_ub=-matrix[~equal], b_ub=-least[~equal], A_eq=matrix[equal], b_eq=least[equal],
        bounds=bounds,
    )  # fmt: skip
    assert found.status == 0
    assert np.isinf(most[~equal]).all()
    return float(found.fun)


def by_tree(system: Hydrothermal, stages: int, first: np.ndarray) -> float:
    tree = inflow_tree(system, 0, stages, (99,) * stages)
    models = stage_models(system)
    tree.noise[0] = first
    program = TreeProgram(models[0], tree.parent)
    nodes = [models[d % len(models)] for d in tree.depth]
    found = program.solve(nodes, tree.weight, system.reservoirs.initial_volume, tree.noise)
    return float(tree.weight @ found @ models[0].cost)


@pytest.mark.parametrize("make", SYSTEMS)
def test_the_tree_costs_what_scenarios_with_a_common_past_cost(make) -> None:
    system = make()
    for first in system.openings(0)[0][:2]:
        assert by_tree(system, 3, first) == pytest.approx(by_scenarios(system, 3, first), rel=1e-9)


def test_the_whole_tree_of_first_steps() -> None:
    system = first_steps()
    rows, chance = system.openings(0)
    assert chance @ [by_tree(system, 3, row) for row in rows] == pytest.approx(FIRST_STEPS_OPTIMUM)


def test_solving_again_forgets_nothing_and_keeps_nothing() -> None:
    """Whatever was solved before, states, inflows, stages and weights count; every node balances its water."""
    system = cascade(horizon=9)
    models, rng = stage_models(system), np.random.default_rng(0)
    tree = inflow_tree(system, 0, 4, (2, 2))
    warm = TreeProgram(models[0], tree.parent)
    for _ in range(20):
        start = int(rng.integers(0, 5))
        nodes = [models[(start + int(d)) % 2] for d in tree.depth]
        state = rng.random(2) * system.reservoirs.max_volume
        noise = tree.noise + rng.random(tree.noise.shape)
        weight = tree.weight * rng.uniform(0.5, 2.0)
        found = warm.solve(nodes, weight, state, noise)
        cold = TreeProgram(models[0], tree.parent).solve(nodes, weight, state, noise)
        assert weight @ found @ models[0].cost == pytest.approx(weight @ cold @ models[0].cost, rel=1e-9)
        for k, (model, parent) in enumerate(zip(nodes, tree.parent, strict=True)):
            before = state if parent == ROOT else found[parent, model.state_out]
            rows = model.matrix @ found[k] + model.state_matrix @ before + model.noise_matrix @ noise[k]
            assert (rows >= model.row_lower - 1e-6).all()
            assert (rows <= model.row_upper + 1e-6).all()


def test_no_plan_is_told() -> None:
    system = case3()
    least = generators(bus=[1, 2, 0], cost=[2000.0, 10000.0, 0.0], max_power=[9.0, 0.5, 0.8],
                       min_power=[9.0, 0.0, 0.0], reactive=100.0)  # fmt: skip
    object.__setattr__(system, "generators", least)
    with pytest.raises(InstanceError, match=r"no plan.*nfeasible"):
        by_tree(system, 2, system.openings(0)[0][0])
