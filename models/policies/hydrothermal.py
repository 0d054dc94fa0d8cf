"""TS-DDR and TS-LDR in operation: a rule sets target storages, the stage is operated as cheaply as it gets there.

The rules shipped, for ``bolivia-dc`` and, of TS-DDR, ``bolivia-ac``, are described in their cards in
`checkpoints_shipped`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from counterpoint.models.checkpoints import described, load_network
from counterpoint.models.checkpoints_shipped import shipped
from counterpoint.models.networks.target_reach import Reach
from counterpoint.models.networks.target_rule import NETWORKS, Memory, TargetRule
from counterpoint.models.networks.target_rule import Options as RuleOptions
from counterpoint.models.threads import torch_threads
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Observation
from counterpoint.simulators.stage.operate import Operator

SHIPPED = "hydrothermal_targets*.json"  # cards beside the checkpoints


@dataclass(frozen=True, slots=True)
class Options:
    """Options of target rules.

    Parameters
    ----------
    checkpoint : str
        A file ``*.safetensors`` of ``counterpoint train hydrothermal``; empty: the one shipped for this very system.
    """

    checkpoint: str = ""


def ts_ddr(instance: Hydrothermal, seed: int, options: Options) -> Policy:
    """Build the policy of a recurrent rule; nothing is random.

    Raises
    ------
    OptionError
        If there is no checkpoint.
    CheckpointError
        If it holds no rule of this kind, or one for a system of another size.
    """
    return TargetPolicy(instance, load_rule(instance, options.checkpoint, "recurrent", "ts-ddr"))


def ts_ldr(instance: Hydrothermal, seed: int, options: Options) -> Policy:
    """Build the policy of a linear rule; see `ts_ddr`."""
    return TargetPolicy(instance, load_rule(instance, options.checkpoint, "linear", "ts-ldr"))


class TargetPolicy:
    """Operates towards the targets of a rule.

    Parameters
    ----------
    instance : Hydrothermal
    rule : TargetRule
    """

    def __init__(self, instance: Hydrothermal, rule: TargetRule) -> None:
        self.rule, self.operator = rule, Operator(instance)
        self.reach = Reach(instance, rule.options.map, counts_turbines=rule.options.counts_turbines)
        self.start(0)

    def start(self, episode: int) -> None:
        """Begin another scenario: forget the inflows seen."""
        self.memory: Memory = None

    def act(self, observation: Observation) -> Dispatch:
        """Return the operation of the stage; to be called once for every stage, in their order."""
        target = self.target(observation).numpy()
        return self.operator.dispatch(observation.stage, observation.storage, observation.inflow, target=target)

    @torch.no_grad()
    def target(self, observation: Observation) -> torch.Tensor:
        """Return what the stage should leave, float64 [H], and remember its inflow."""
        storage, inflow = torch.tensor(observation.storage)[None], torch.tensor(observation.inflow)[None]
        with torch_threads():
            told, self.memory = self.rule.read(inflow[None], observation.stage, self.memory)
            return self.reach(self.rule.decide(told[0], storage), storage, inflow)[0]


def load_rule(instance: Hydrothermal, checkpoint: str, kind: str, method: str) -> TargetRule:
    """Return the rule of a checkpoint, the shipped one for the system if empty."""
    path = checkpoint or _shipped_for(instance, kind)
    if not path:
        raise OptionError(
            f"needs checkpoint=FILE.safetensors, from counterpoint train hydrothermal --algorithm {method} "
            "--set case=...; rules are shipped for bolivia-dc and, of ts-ddr, bolivia-ac, as they are, and no others"
        )
    rule: TargetRule = load_network(path, NETWORKS[kind], TargetRule, described(RuleOptions, "the rule"))[0]
    found, cycle = rule.options, len(instance.inflows.rows)
    if found.kind != kind:
        raise CheckpointError(f"its card names a {kind} rule, but its options a {found.kind} one", path)
    if (found.reservoirs, found.cycle) != (instance.num_reservoirs, cycle):
        raise CheckpointError(
            f"for {found.reservoirs} reservoirs and inflows that repeat after {found.cycle} stages, "
            f"not {instance.num_reservoirs} and {cycle}",
            path,
        )
    return rule


def _shipped_for(instance: Hydrothermal, kind: str) -> str:
    for card in sorted(shipped("x").parent.glob(SHIPPED)):
        facts: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
        if instance.content_hash == facts["system"]["hash"] and facts["network"]["options"]["kind"] == kind:
            return str(Path(card).with_suffix(".safetensors"))
    return ""
