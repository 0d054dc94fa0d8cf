"""Pigment sequencing as a changeover flow in HiGHS, started from the better of two rules' plans."""

import math
from dataclasses import dataclass

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.pigment_sequencing import PigmentSequencing, ProductionSequence
from counterpoint.opt.problems.pigment_sequencing_check import check
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.mip.highs import MipResult, solve_model
from counterpoint.solvers.mip.model import FloatArray
from counterpoint.solvers.mip.pigment_sequencing_model import Model, build, sequence_of, start_values
from counterpoint.solvers.rules.pigment_sequencing import best_by_rules

TOLERANCE = 1e-6  # relative, of HiGHS' objectives and bounds


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the changeover flow.

    Parameters
    ----------
    depth : int
        Orders that a cut on the stock looks ahead, at most; 0 for the plain model.
    start : bool
        Whether HiGHS gets the rules' plan to start from.

    Raises
    ------
    OptionError
        If the depth is negative.
    """

    depth: int = 3
    start: bool = True

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise OptionError(f"depth must be >= 0, not {self.depth}")


def solve(instance: PigmentSequencing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Build the model (see `pigment_sequencing_model`), solve it, decode.

    Parameters
    ----------
    instance : PigmentSequencing
    budget : Budget
        `iterations` limits the nodes.
    seed : int
    options : Options
    report : Report

    Returns
    -------
    Outcome
        Bounds are rounded up, since every objective of the family is a whole number.
    """
    clock = budget.start()
    sequence, cost = best_by_rules(instance)
    report(sequence, bound=0.0)
    stopped = clock.stop(objective=cost, bound=0.0)
    if stopped is not None:
        return Outcome(sequence, float(cost), stopped, bound=0.0, message="by a rule")
    model = build(instance, options.depth)
    held = _Held(instance, model, sequence, cost, report)
    result = solve_model(
        model.linear,
        time_limit_s=clock.remaining_s(),
        threads=budget.threads_or_all(),
        seed=seed,
        gap=budget.gap,
        target=budget.target,
        max_nodes=budget.iterations,
        start=start_values(instance, model, sequence) if options.start else None,
        on_incumbent=held.take,
        on_bound=held.raise_bound,
    )
    if result.values is not None:
        held.take(result.values)
    if result.bound is not None:
        held.raise_bound(result.bound)
    termination, message = _why(held, result, clock)
    return Outcome(
        held.sequence,
        float(held.cost),
        termination,
        bound=held.bound,
        solver=result.solver,
        message=message,
        iterations=result.nodes,
    )


class _Held:
    """The best sequence and bound so far; passes improvements on."""

    def __init__(
        self, instance: PigmentSequencing, model: Model, sequence: ProductionSequence, cost: int, report: Report
    ) -> None:
        self.instance, self.model, self.report = instance, model, report
        self.sequence, self.cost, self.bound = sequence, cost, 0.0

    def take(self, values: FloatArray) -> None:
        sequence = sequence_of(self.model, values)
        verdict = check(self.instance, sequence)
        if verdict.is_feasible and verdict.objective is not None and verdict.objective < self.cost:
            self.sequence, self.cost = sequence, round(verdict.objective)
            self.report(sequence)

    def raise_bound(self, bound: float) -> None:
        rounded = float(math.ceil(bound - TOLERANCE * max(1.0, abs(bound))))
        if rounded > self.bound:
            self.bound = rounded
            self.report(bound=rounded)


def _why(held: _Held, result: MipResult, clock: Clock) -> tuple[Termination, str]:
    """Why it stopped, in view of what is really held: HiGHS' claim is not taken for granted."""
    reached = clock.stop(objective=held.cost, bound=held.bound)
    if reached in (Termination.OPTIMAL, Termination.GAP, Termination.TARGET):
        return reached, result.message
    if result.termination is Termination.INFEASIBLE:
        return Termination.ERROR, "HiGHS finds no solution, but a feasible sequence is held"
    if result.termination is Termination.OPTIMAL:
        if result.objective is not None and abs(result.objective - held.cost) <= TOLERANCE * max(1.0, held.cost):
            return Termination.COMPLETED, (
                f"optimal within HiGHS' tolerances; the bound of {held.bound:g} is all that counts as proved"
            )
        return Termination.ERROR, (
            f"HiGHS claims the optimum {result.objective:g}, but the sequence is worth {held.cost}: "
            "costs may be too large for double precision; use a coarser unit of cost or dp-lagrangian"
        )
    return result.termination, result.message
