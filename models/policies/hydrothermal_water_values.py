"""Water values out of a checkpoint of ``counterpoint train hydrothermal --algorithm sddp``: nothing is trained here."""

from dataclasses import dataclass

import torch

from counterpoint.models.checkpoints import described, load_policy
from counterpoint.opt.errors import CheckpointError, OptionError
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.hydrothermal import Hydrothermal
from counterpoint.opt.problems.hydrothermal_run import Dispatch, Observation
from counterpoint.simulators.stage.operate import Cuts, Operator

NETWORK = "water-values"


@dataclass(frozen=True, slots=True)
class CutOptions:
    """What cuts are for.

    Parameters
    ----------
    horizon, reservoirs : int
    """

    horizon: int
    reservoirs: int


@dataclass(frozen=True, slots=True)
class Options:
    """Options of ``sddp-trained``.

    Parameters
    ----------
    checkpoint : str
        A file ``*.safetensors`` of ``counterpoint train hydrothermal --algorithm sddp``; needed.
    """

    checkpoint: str = ""


def policy(instance: Hydrothermal, seed: int, options: Options) -> Policy:
    """Build the policy; nothing is random.

    Raises
    ------
    OptionError
        If there is no checkpoint.
    CheckpointError
        If it holds no water values, or those of a system of another size.
    """
    if not options.checkpoint:
        raise OptionError("needs checkpoint=FILE.safetensors, from counterpoint train hydrothermal --algorithm sddp")
    return TrainedValues(instance, load_cuts(instance, options.checkpoint))


class TrainedValues:
    """Operates every stage at least cost now and, by the cuts, later.

    Parameters
    ----------
    instance : Hydrothermal
    cuts : tuple of (intercept, slope, least) or None
        For each stage.
    """

    def __init__(self, instance: Hydrothermal, cuts: tuple[Cuts | None, ...]) -> None:
        self.cuts, self.operator = cuts, Operator(instance)

    def start(self, episode: int) -> None:
        """Begin another scenario; nothing is kept but where the solvers stood."""

    def act(self, observation: Observation) -> Dispatch:
        """Return the operation of a stage."""
        stage = observation.stage
        return self.operator.dispatch(stage, observation.storage, observation.inflow, cuts=self.cuts[stage])


def load_cuts(instance: Hydrothermal, path: str) -> tuple[Cuts | None, ...]:
    """Return the cuts of a checkpoint, by stage; None where there are none.

    Raises
    ------
    CheckpointError
        If the file is none of these, or for another size.
    """
    held = load_policy(path)
    if held.card["network"].get("name") != NETWORK:
        raise CheckpointError(f"holds a {held.card['network'].get('name')!r}, not {NETWORK}", path)
    made: CutOptions = described(CutOptions, "the water values")(**(held.card["network"].get("options") or {}))
    horizon, reservoirs = instance.horizon, instance.num_reservoirs
    if (made.horizon, made.reservoirs) != (horizon, reservoirs):
        raise CheckpointError(
            f"for {made.reservoirs} reservoirs over {made.horizon} stages, not {reservoirs} over {horizon}", path
        )
    tensors = held.tensors
    count = len(tensors["stage"]) if "stage" in tensors and tensors["stage"].ndim == 1 else -1
    shapes = {"stage": (count,), "intercept": (count,), "slope": (count, reservoirs), "lower": (horizon,)}
    kinds = {key: torch.int64 if key == "stage" else torch.float64 for key in shapes}
    found = {key: (tuple(t.shape), t.dtype) for key, t in tensors.items()}
    if found != {key: (shape, kinds[key]) for key, shape in shapes.items()}:
        raise CheckpointError(f"expected tensors of shapes {shapes}", path)
    arrays = {key: tensor.numpy() for key, tensor in tensors.items()}
    if count and not 0 <= arrays["stage"].min() <= arrays["stage"].max() < horizon:
        raise CheckpointError(f"expected stages in 0..{horizon - 1}", path)
    cuts: list[Cuts | None] = []
    for stage in range(horizon):
        mine = arrays["stage"] == stage
        kept = arrays["intercept"][mine], arrays["slope"][mine], float(arrays["lower"][stage])
        cuts.append(kept if mine.any() else None)
    return tuple(cuts)
