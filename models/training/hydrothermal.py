"""TS-DDR on a hydrothermal system: a recurrent rule that sets target storages, judged on scenarios of its own.

Source: see `models.algorithms.ts_ddr`. Deviations: the rule knows the stage; targets are shares of what turbining can
do; the scenarios of an update are stratified; each can be put back to what was published (``knows_stage=false``,
``map="reachable"``, ``ts_ddr={is_stratified=false}``).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Literal

import torch

from counterpoint.models.algorithms.ts_ddr import Solve
from counterpoint.models.algorithms.ts_ddr_config import TsDdrConfig
from counterpoint.models.algorithms.ts_ddr_trainer import TsDdrTrainer
from counterpoint.models.checkpoints import load_into, load_policy
from counterpoint.models.networks.target_reach import Map, Reach
from counterpoint.models.networks.target_rule import NETWORKS, Options, TargetRule
from counterpoint.models.training.hydrothermal_stages import Stages, greatest_cost, linear_models
from counterpoint.models.training.hydrothermal_validation import Validation
from counterpoint.opt.errors import OptionError
from counterpoint.opt.loading import load_instance
from counterpoint.opt.problems.hydrothermal import Hydrothermal

OperatedUnder = Literal["", "single-bus", "transport", "dc", "soc", "ac"]


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    iterations : int
        Updates.
    case : str
        File or public case that holds the system.
    network_kind : str
        What stages obey in training; empty: what the system does. Fewer details train faster: ``soc`` is the cone
        relaxation of a system under ``ac``, as a linear program.
    start_from : str
        A checkpoint of such a rule to go on from, ``*.safetensors``; empty: none.
    width, layers : int
        Of the LSTM.
    hidden : tuple of int
        Widths of the perceptron's layers.
    knows_stage : bool
        Tell the perceptron how much of the horizon is over, and the season.
    map : {"turbined", "reachable", "box"}
        What a target is a share of: what turbining can do, [0, all that can be held], or [0, the reservoir's maximum]
        (penalty form only).
    counts_turbines : bool
        Count on water that only turbines bring from upstream; off where the network cannot always take its power.
    scenarios : int
        To evaluate on, always the same.
    workers : int
        That solve stages; 0: as many as there are processors. Results do not depend on it.
    ts_ddr : TsDdrConfig
        Given as a whole, with its own defaults for what is left out.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    iterations: int = 1200
    case: str = "bolivia-dc"
    network_kind: OperatedUnder = ""
    start_from: str = ""
    width: int = 64
    layers: int = 1
    hidden: tuple[int, ...] = (128, 128)
    knows_stage: bool = True
    map: Map = "turbined"
    counts_turbines: bool = True
    scenarios: int = 64
    workers: int = 0
    ts_ddr: TsDdrConfig = field(default_factory=TsDdrConfig)

    def __post_init__(self) -> None:
        for key in ("iterations", "scenarios"):
            if getattr(self, key) < 1:
                raise OptionError(f"{key} must be at least 1, not {getattr(self, key)}")
        if self.workers < 0:
            raise OptionError(f"workers must be at least 1, or 0 for all processors, not {self.workers}")
        if self.map == "box" and self.ts_ddr.form == "strict":
            raise OptionError("map box makes targets that cannot be met: take ts_ddr form penalty, or another map")


def build(config: Config, seed: int, device: str) -> TsDdrTrainer:
    """Return the trainer.

    Raises
    ------
    InstanceError, UnknownNameError, OptionError
        If there is no such system, or it cannot be trained on like this.
    CheckpointError
        If `start_from` is no rule of this form.
    """
    return trainer_of(config, system_of(config.case), seed, device, "recurrent", "ts-ddr")


def trainer_of(
    config: Config, instance: Hydrothermal, seed: int, device: str, kind: Literal["recurrent", "linear"], name: str
) -> TsDdrTrainer:
    """Return the trainer for a system at hand."""
    if not device.startswith("cpu"):
        raise OptionError("stages are solved on the CPU, and so is all the rest: train with device=cpu")
    network = config.network_kind or instance.network_kind
    if network == "soc" and instance.network_kind != "ac":
        raise OptionError(f"network_kind soc relaxes a system under ac, and this one is under {instance.network_kind}")
    if network == "ac" and config.ts_ddr.form == "penalty":
        raise OptionError("the penalty form is for linear networks: set network_kind=soc, or ts_ddr form strict")
    if network != "soc":
        instance = replace(instance, network_kind=network)
    models = None if network == "ac" else linear_models(instance)
    options = Options.of(
        instance, kind=kind, width=config.width, layers=config.layers, hidden=config.hidden,
        knows_stage=config.knows_stage, map=config.map, counts_turbines=config.counts_turbines,
    )  # fmt: skip
    rule = TargetRule(options, torch.Generator().manual_seed(seed))
    if config.start_from:
        load_into(rule, load_policy(config.start_from), config.start_from)
    penalty = 0.0
    if models is not None and config.ts_ddr.form == "penalty":
        penalty = config.ts_ddr.penalty or greatest_cost(models)
    card = {
        "problem": instance.problem,
        "algorithm": name,
        "network": {"name": NETWORKS[kind], "options": asdict(options)},
        "system": {"name": instance.name, "hash": instance.content_hash, "trained_under": network},
        "form": config.ts_ddr.form,
        "penalty": penalty,
    }
    return TsDdrTrainer(
        instance,
        rule,
        Reach(instance, config.map, counts_turbines=config.counts_turbines),
        fresh_stages(partial(Stages, instance, config.workers or None, models=models)),
        config.ts_ddr,
        penalty=penalty,
        iterations=config.iterations,
        seed=seed + 1,  # the weights have the seed itself
        card=card,
        evaluation=Validation.draw(instance, config.scenarios),
    )


def fresh_stages(make: Callable[..., Stages]) -> Callable[[float | None], Solve]:
    """Return a function that gives, for a penalty, what solves the stages and remembers nothing yet."""
    held: dict[float | None, Stages] = {}

    def fresh(penalty: float | None) -> Solve:
        if penalty not in held:
            for stages in held.values():
                stages.close()
            held.clear()
            held[penalty] = make(penalty=penalty)
        held[penalty].fresh()
        return held[penalty]

    return fresh


def system_of(case: str) -> Hydrothermal:
    """Return the system to train on."""
    if not case:
        raise OptionError("case must name a file or a public case of a hydrothermal system")
    instance = load_instance(case)
    if not isinstance(instance, Hydrothermal):
        raise OptionError(f"case is a {instance.problem}, not a {Hydrothermal.problem}")
    return instance
