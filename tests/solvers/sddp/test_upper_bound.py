"""Upper bounds meet the lower ones where policies are optimal, and lie above them before."""

import numpy as np
import pytest
from tests import policy_graphs as graphs

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.solvers.sddp.policy import Options, Policy
from counterpoint.solvers.sddp.risk import ExpectationCVaR, WorstOutcome
from counterpoint.solvers.sddp.simulate import simulate
from counterpoint.solvers.sddp.stopping import iterations
from counterpoint.solvers.sddp.train import train
from counterpoint.solvers.sddp.upper_bound import exact_cost, inner_bound


@pytest.mark.parametrize(
    ("graph", "steepest"),
    [
        (graphs.first_steps, 150.0),
        (graphs.hydro_valley, 5000.0),
        (graphs.asset_management, 10.0),
        (graphs.farm, 5000.0),
    ],
)
def test_they_close_the_gap(graph, steepest):
    policy = train(graph(), iterations(40))
    bound = policy.progress[-1].bound
    assert exact_cost(policy) == pytest.approx(bound, rel=1e-7)
    assert inner_bound(policy, steepest) == pytest.approx(bound, rel=1e-7)


@pytest.mark.parametrize("limit", [1, 3, 6])
def test_before_the_end_they_are_above(limit):
    optimum = 8333 + 1 / 3
    policy = train(graphs.first_steps(), iterations(limit), 4)
    assert policy.progress[-1].bound <= optimum + 1e-6
    assert exact_cost(policy) >= optimum - 1e-6
    assert inner_bound(policy, 150.0) >= optimum - 1e-6


def test_no_policy_at_all_has_a_cost_too():
    policy = Policy(graphs.first_steps())
    assert exact_cost(policy) >= 8333.33
    assert inner_bound(policy, 150.0) >= 8333.33


@pytest.mark.parametrize("risk", [ExpectationCVaR(0.5, 0.66), WorstOutcome()])
def test_under_risk_the_inner_bound_is_one_on_the_risk(risk):
    policy = train(graphs.hydro_valley(), iterations(40), options=Options(risk=risk))
    assert inner_bound(policy, 5000.0) == pytest.approx(policy.progress[-1].bound, rel=1e-7)
    few = train(graphs.hydro_valley(), iterations(2), options=Options(risk=risk))
    assert inner_bound(few, 5000.0) >= policy.progress[-1].bound - 1e-6


def test_the_exact_cost_is_what_simulation_estimates():
    policy = train(graphs.hydro_valley(), iterations(2))
    found = simulate(policy, 2000, seed=3)
    assert abs(found.mean - exact_cost(policy)) < 4 * found.standard_error


def test_a_steeper_cut_and_fewer_states():
    policy = train(graphs.first_steps(), iterations(10))
    with pytest.raises(OptionError, match="slopes"):
        inner_bound(policy, 1.0)
    assert inner_bound(policy, np.array([150.0]), most_states=1) >= inner_bound(policy, 150.0) - 1e-9


def test_what_they_are_not_for():
    endless = Policy(graphs.infinite_trivial())
    with pytest.raises(InstanceError, match="cycles"):
        exact_cost(endless)
    with pytest.raises(InstanceError, match="acyclic"):
        inner_bound(endless, 1.0)
    with pytest.raises(InstanceError, match="outcomes"):
        exact_cost(Policy(graphs.multistock()))
