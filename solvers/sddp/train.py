"""Stochastic dual dynamic programming (Pereira and Pinto 1991, Math. Prog. 52:359-375; Dowson 2020, Networks 76:3-23).

An iteration is a forward pass (`forward`): paths are drawn and decided with the cuts so far; and a backward pass
(`backward`): at the states that were left behind, from the last step to the first, cuts are made. The bound, of the
first nodes, never falls.
"""

import logging
import time
from collections.abc import Callable, Sequence

import numpy as np

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.simulators.stage.dual_simplex import linear_stage
from counterpoint.simulators.stage.model import FloatArray
from counterpoint.solvers.sddp.backward import make_cuts
from counterpoint.solvers.sddp.forward import Paths, Visit, path_costs, walk
from counterpoint.solvers.sddp.graph import PolicyGraph
from counterpoint.solvers.sddp.interrupts import Interrupt, held
from counterpoint.solvers.sddp.node_solver import MakeSolver
from counterpoint.solvers.sddp.policy import Options, Policy, Progress, told
from counterpoint.solvers.sddp.stopping import Stop

_log = logging.getLogger(__name__)
_LOWER_TOLERANCE = 1e-6  # relative, of costs below what was given as their lower bound
_FALL = 1e-6  # relative: a bound that falls by more is an error of numbers


def train(
    graph: PolicyGraph,
    stop: Stop | Sequence[Stop],
    seed: int = 0,
    options: Options | None = None,
    *,
    start: Policy | None = None,
    make_solver: MakeSolver = linear_stage,
    on_iteration: Callable[[Progress], object] | None = None,
) -> Policy:
    """Train a policy, or train one on.

    Parameters
    ----------
    graph : PolicyGraph
        For minimisation; to maximise, negate the costs.
    stop : callable or sequence of callables
        See `stopping`.
    seed : int
        Draws the paths; with the options it determines the result.
    options : Options, optional
        Default: `Options()`, or those of `start`.
    start : Policy, optional
        Of the same graph, to go on with: its cuts are kept.
    make_solver : callable
        Makes the stages' solvers; see `Policy`.
    on_iteration : callable, optional
        Called with each `Progress`; if it returns True, training stops.

    Returns
    -------
    Policy
        After Ctrl-C, with all that was found until then.

    Raises
    ------
    InstanceError
        If a stage has no optimum, or a path costs less than a lower bound that was given.
    """
    if start is not None and start.graph is not graph:
        raise OptionError("a training can only go on with a policy of the same graph")
    if start is not None and options is not None and options != start.options:
        raise OptionError("a training goes on with the options that it began with")
    policy = start or Policy(graph, options, make_solver=make_solver)
    rules = [stop] if callable(stop) else list(stop)
    begun, first = time.perf_counter(), len(policy.progress)
    with held() as interrupt:
        policy.termination = ""
        try:
            while not policy.termination:
                with plain_interrupts():
                    simulation = _iterate(policy, seed, interrupt)
                    policy.progress.append(_progress(policy, simulation, time.perf_counter() - begun))
                recent = policy.progress[first:]
                _log.info("%s", told(recent))
                if on_iteration is not None and on_iteration(recent[-1]):
                    policy.termination = "asked to"
                for rule in rules:
                    policy.termination = policy.termination or rule(recent, policy) or ""
        except KeyboardInterrupt:
            policy.termination = "interrupted"
    return policy


def advance(policy: Policy, seed: int) -> Progress:
    """Do one iteration, come what may, and return it: for whoever has a loop, and an eye on Ctrl-C, of their own.

    Raises
    ------
    InstanceError
        As `train` does.
    """
    begun = time.perf_counter()
    simulation = _iterate(policy, seed, Interrupt())
    policy.progress.append(_progress(policy, simulation, time.perf_counter() - begun))
    return policy.progress[-1]


def _iterate(policy: Policy, seed: int, interrupt: Interrupt) -> float:
    """Do one iteration; return the mean cost of its paths."""
    options, number = policy.options, len(policy.progress)
    longest = options.depth if not policy.graph.is_acyclic else min(options.depth, len(policy.graph.nodes))
    paths = Paths.drawn(options.forward_passes, longest, (seed, number))
    visits = walk(policy.graph, policy.solvers, paths)
    interrupt.check()
    _check_lower_bounds(policy, visits, options.forward_passes, longest)
    refresh = options.selects_cuts and (number + 1) % options.refresh == 0
    by_step: dict[int, dict[int, list[FloatArray]]] = {}
    for visit in visits:
        future = policy.future_of[visit.node]
        if future is not None:
            by_step.setdefault(visit.step, {}).setdefault(future, []).append(visit.state_out)
    for step in sorted(by_step, reverse=True):
        for at, states in by_step[step].items():
            interrupt.check()
            state = states[0] if len(states) == len(states[0]) == 1 else np.unique(np.concatenate(states), axis=0)
            make_cuts(policy.graph, policy.solvers, policy.futures[at], state, refresh=refresh)
    interrupt.check()
    return float(path_costs(visits, options.forward_passes).mean())


def _progress(policy: Policy, simulation: float, seconds: float) -> Progress:
    bound = policy.bound()
    if policy.progress:
        before = policy.progress[-1].bound
        # without the cuts that selection took away it may fall, as other states than those visited count now
        if not policy.options.selects_cuts and bound < before - _FALL * max(1.0, abs(before)):
            _log.warning("the bound fell from %.10g to %.10g: see `stability_report`", before, bound)
        bound = max(bound, before)  # both are proven
    pools = [future.pool for future in policy.futures]
    return Progress(
        iteration=len(policy.progress) + 1,
        bound=bound,
        simulation=simulation,
        problems=policy.num_solved,
        cuts=sum(pool.count * pool.num_thetas for pool in pools),
        active=sum(int(pool.active.sum()) for pool in pools),
        seconds=seconds,
    )


def _check_lower_bounds(policy: Policy, visits: Sequence[Visit], count: int, longest: int) -> None:
    """Raise if a path that ended costs less after a node than the node's `theta_lower` says that any does."""
    graph = policy.graph
    given = {at: node.theta_lower for at, node in enumerate(graph.nodes) if node.theta_lower is not None}
    if not given:
        return
    after = np.zeros(count)
    ended = np.ones(count, np.bool_)
    for visit in visits:
        if visit.step == longest - 1 and graph.nodes[visit.node].arcs:
            ended[visit.path] = False
    for visit in reversed(visits):
        node, lower = graph.nodes[visit.node], given.get(visit.node)
        least = after[visit.path][ended[visit.path]]
        if lower is not None and node.arcs and len(least):
            floor = min(lower, 0.0) if sum(p for _, p in node.arcs) < 1 - 1e-9 else lower
            if least.min() < floor - _LOWER_TOLERANCE * max(1.0, abs(floor)):
                raise InstanceError(
                    f"theta_lower is {lower:g}, but a path costs {least.min():g} after it: give a lower one, or None "
                    "to have it worked out", place=("nodes", node.name),
                )  # fmt: skip
        after[visit.path] = visit.stage_cost + node.discount * after[visit.path]
