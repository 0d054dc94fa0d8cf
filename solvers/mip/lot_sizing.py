"""The lot-sizing models as arrays to HiGHS: one function for each formulation."""

from dataclasses import replace

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.lot_sizing import LotSizing
from counterpoint.opt.result import Outcome, Termination
from counterpoint.solvers.dynamic_programming import lot_sizing as wagner_whitin
from counterpoint.solvers.mip.lot_sizing_facility_location import FacilityLocationModel, is_too_large
from counterpoint.solvers.mip.lot_sizing_ls_cuts import TightModel
from counterpoint.solvers.mip.lot_sizing_net import NetData
from counterpoint.solvers.mip.lot_sizing_run import Options, run_formulation
from counterpoint.solvers.mip.lot_sizing_standard import StandardModel


def solve_standard(instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Solve the standard model by HiGHS; `iterations` counts nodes of branch and bound."""
    return run_formulation(instance, budget, seed, options, report, lambda net, _: StandardModel(net))


def solve_facility_location(
    instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report
) -> Outcome:
    """Solve the facility-location model by HiGHS; `iterations` counts nodes of branch and bound.

    Where that model would be too large: Wagner-Whitin if there is no capacity, else the standard model, saying so.
    """
    if not is_too_large(instance):
        return run_formulation(instance, budget, seed, options, report, lambda net, _: FacilityLocationModel(net))
    if instance.capacity is None:
        done = wagner_whitin.solve(instance, budget, seed, wagner_whitin.Options(), report)
        return replace(done, message="too large for the facility-location model, and without a capacity: Wagner-Whitin")
    done = solve_standard(instance, budget, seed, options, report)
    message = "too large for the facility-location model: the standard one"
    return replace(done, message=f"{message}; {done.message}" if done.message else message)


def solve_ls_cuts(instance: LotSizing, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Separate (l,S) inequalities at the root, then leave the tightened model to HiGHS; `iterations` are its nodes."""

    def build(net: NetData, clock: Clock) -> TightModel:
        shape = TightModel(net, clock)
        if shape.termination is Termination.INTERRUPTED:
            raise KeyboardInterrupt  # HiGHS' adapter swallowed it, for callers that would return at once
        report(bound=shape.root_bound)
        return shape

    return run_formulation(instance, budget, seed, options, report, build)
