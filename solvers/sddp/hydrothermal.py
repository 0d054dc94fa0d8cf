"""SDDP for hydrothermal systems: the policy that knows what stored water is worth in every stage.

Source: Pereira and Pinto 1991 (Math. Prog. 52:359-375). Water values are trained over the whole horizon on a convex
model of the stage and operated under the network that counts. Where that is ``ac``, the two differ: the policy is then
time-inconsistent (Rosemberg, Street, Garcia, Valladao, Silva and Dowson 2022, IEEE Trans. Power Syst. 37(1)), by how
much depends on the network of the cuts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Literal

from counterpoint.opt.errors import MissingPackageError, OptionError
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Observation
from counterpoint.simulators.stage.hydrothermal import stage_models
from counterpoint.simulators.stage.model import StageModel
from counterpoint.simulators.stage.operate import Cuts
from counterpoint.solvers.rules.hydrothermal import operator_of
from counterpoint.solvers.sddp import policy as trained
from counterpoint.solvers.sddp.cuts_json import read_cuts
from counterpoint.solvers.sddp.graph import PolicyGraph, linear_graph
from counterpoint.solvers.sddp.node_solver import MakeSolver
from counterpoint.solvers.sddp.policy import Policy, Progress
from counterpoint.solvers.sddp.risk import expectation_cvar
from counterpoint.solvers.sddp.stopping import bound_stalls, iterations, seconds
from counterpoint.solvers.sddp.train import train

CutNetwork = Literal["", "single-bus", "transport", "dc", "soc", "soc-cones"]
ITERATIONS, BOUND_SECONDS = 200, 20.0
STILL = 50, 1e-7  # iterations in which the bound must move by this share of it


@dataclass(frozen=True, slots=True)
class Options:
    """Options of ``sddp``.

    Parameters
    ----------
    iterations : int, optional
        At most; training also ends when the bound stands still. Default: 200, and none with a file of cuts.
    time_limit_s : float
        Wall seconds of training, looked at after every iteration; stages are built before (``soc``: some seconds).
    cuts : str
        A file of cuts to start from (see `cuts_json.write_cuts`); without `iterations` there is no training then.
    network_kind : {"", "single-bus", "transport", "dc", "soc", "soc-cones"}
        Of the stages that cuts are made of. Empty: the instance's own, under ``ac`` its cone relaxation ``soc``, as a
        linear program with tangents of the cones; ``soc-cones`` has the cones themselves (Clarabel; slow).
    forward_passes : int
        Paths in an iteration.
    risk_lambda, risk_beta : float
        ``risk_lambda * mean + (1 - risk_lambda) * CVaR`` of the worst share `risk_beta`; 1: risk neutral.
    is_multi_cut : bool
        One cut for each inflow, instead of their mean.
    cut_selection : bool
        Whether dominated cuts leave the solvers.
    lanes, workers : int
        Solvers of a stage, on which results depend, and threads, on which they do not.
    """

    iterations: int | None = None
    time_limit_s: float = 120.0
    cuts: str = ""
    network_kind: CutNetwork = ""
    forward_passes: int = 1
    risk_lambda: float = 1.0
    risk_beta: float = 1.0
    is_multi_cut: bool = False
    cut_selection: bool = True
    lanes: int = 1
    workers: int = 1

    def __post_init__(self) -> None:
        for key in ("risk_lambda", "risk_beta"):
            if not 0 <= getattr(self, key) <= 1:
                raise OptionError(f"{key} must be in 0..1, not {getattr(self, key)}")
        if self.iterations is not None and self.iterations < (0 if self.cuts else 1):
            raise OptionError(f"iterations must be at least 1, or 0 with a file of cuts, not {self.iterations}")
        if not self.time_limit_s > 0:
            raise OptionError(f"time_limit_s must be a positive number of seconds, not {self.time_limit_s}")
        self.training()

    def training(self) -> trained.Options:
        """Return what the training is called with."""
        return trained.Options(
            cuts="multi" if self.is_multi_cut else "single",
            selects_cuts=self.cut_selection,
            forward_passes=self.forward_passes,
            risk=expectation_cvar(self.risk_lambda, self.risk_beta),
            lanes=self.lanes,
            workers=self.workers,
        )


def sddp(instance: Hydrothermal, seed: int, options: Options | None = None) -> "WaterValues":
    """Train water values, or load them, and return the policy that operates by them.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C in the training.
    InstanceError
        If a stage is infeasible.
    CheckpointError
        If the file of cuts does not fit.
    """
    policy = train_values(instance, seed, options)
    if policy.termination == "interrupted":
        raise KeyboardInterrupt
    return WaterValues(instance, policy)


def train_values(
    instance: Hydrothermal,
    seed: int = 0,
    options: Options | None = None,
    *,
    on_iteration: Callable[[Progress], object] | None = None,
) -> Policy:
    """Train, or load, and return what was trained: bound, trace, cuts, to simulate with, to write down or to train on.

    Examples
    --------
    >>> import counterpoint as ct
    >>> policy = train_values(ct.benchmark("case3"), options=Options(iterations=5))
    >>> policy.trace[["iteration", "bound"]].shape
    (5, 2)
    """
    options = options or Options()
    graph, make_solver = graph_of(instance, options.network_kind)
    policy = Policy(graph, options.training(), make_solver=make_solver)
    if options.cuts:
        read_cuts(policy, options.cuts)
        policy.termination = f"cuts of {options.cuts}"
    limit = options.iterations if options.iterations is not None else 0 if options.cuts else ITERATIONS
    if limit:
        stop = (iterations(limit), seconds(options.time_limit_s), bound_stalls(*STILL))
        train(graph, stop, seed, start=policy, on_iteration=on_iteration)
    return policy


class WaterValues:
    """The policy: every stage at least cost now and, by the cuts, later.

    Parameters
    ----------
    instance : Hydrothermal
    trained : Policy
        On the horizon of the instance.

    Attributes
    ----------
    bound : float
        What no operation of the trained stages costs less than, over the whole horizon, on average, or by the risk
        measure; of operation under ``ac`` it is a bound too if the cuts are those of ``soc``. With cuts from a file it
        is one if those are of the same system, network and risk measure, which a file does not tell.
    """

    def __init__(self, instance: Hydrothermal, trained: Policy) -> None:
        self.instance, self.trained = instance, trained
        self.bound = trained.progress[-1].bound if trained.progress else trained.bound()
        self.operator = operator_of(instance)
        self.cuts = tuple(stage_cuts(trained, stage) for stage in range(instance.horizon))

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept but where the solvers stood."""

    def act(self, observation: Observation) -> Dispatch:
        """Return the operation of a stage."""
        stage = observation.stage
        return self.operator.dispatch(stage, observation.storage, observation.inflow, cuts=self.cuts[stage])

    def __repr__(self) -> str:
        return f"<WaterValues of {self.instance.name!r}: {self.trained!r}>"


def graph_of(
    instance: Hydrothermal, network_kind: str = "", *, horizon: int | None = None
) -> tuple[PolicyGraph, MakeSolver]:
    """Return the stages of an instance as a graph, and what makes their solvers.

    Parameters
    ----------
    instance : Hydrothermal
    network_kind : str
        See `Options`.
    horizon : int, optional
        Default: the instance's.
    """
    models, make_solver = _stages(instance, network_kind)
    stages = range(instance.horizon if horizon is None else horizon)
    openings = [instance.openings(stage) for stage in stages]
    graph = linear_graph(
        [models[stage % len(models)] for stage in stages],
        [rows for rows, _ in openings],
        [chance for _, chance in openings],
        initial_state=instance.reservoirs.initial_volume,
        discount=instance.discount,
        name=instance.name,
    )
    return graph, make_solver


def expected_bound(instance: Hydrothermal, time_limit_s: float = BOUND_SECONDS) -> float:
    """Return what no policy's expected cost of the reported stages is less than: the bound of SDDP on them alone.

    Water left behind is worth nothing in it, so that it holds for every policy, whatever that keeps. Under ``ac`` it is
    that of the cone relaxation.

    Parameters
    ----------
    instance : Hydrothermal
    time_limit_s : float
        Wall seconds, after those that the stages take to build: under ``ac``, where tangents are learnt, some seconds.
    """
    graph, make_solver = graph_of(instance, horizon=instance.reported_stages)
    stop = (seconds(time_limit_s), bound_stalls(30, 1e-7), iterations(2000))
    policy = train(graph, stop, make_solver=make_solver)
    if policy.termination == "interrupted":
        raise KeyboardInterrupt
    return policy.progress[-1].bound


def _stages(instance: Hydrothermal, network_kind: str) -> tuple[tuple[StageModel, ...], MakeSolver]:
    from counterpoint.simulators.stage.dual_simplex import linear_stage

    kind = network_kind or ("soc" if instance.network_kind == "ac" else instance.network_kind)
    if kind in ("soc", "soc-cones") and find_spec("clarabel") is None:
        raise MissingPackageError(f"cuts of {kind} need clarabel: pip install 'counterpoint[power]'")
    if kind == "soc":
        from counterpoint.simulators.stage.tangents import tangent_models

        return tangent_models(instance), linear_stage
    if kind == "soc-cones":
        from counterpoint.simulators.stage.clarabel import ClarabelStage
        from counterpoint.simulators.stage.cones import conic_models

        conics = {id(conic.linear): conic for conic in conic_models(instance)}
        models = tuple(conic.linear for conic in conics.values())
        return models, lambda model, **given: ClarabelStage(conics[id(model)], **given)
    return stage_models(instance, kind), linear_stage


def stage_cuts(policy: Policy, stage: int) -> Cuts | None:
    """Return the cuts on a stage's future in money of that stage; None after the last."""
    node = policy.graph.nodes[stage]
    if not node.arcs:
        return None
    intercept, slope, lower = policy.cuts(stage)
    return node.discount * intercept, node.discount * slope, node.discount * lower
