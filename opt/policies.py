"""`policy`: something that decides, by the name of a method or from a checkpoint."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from counterpoint.opt.errors import CheckpointError, MissingPackageError, OptionError, printable
from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.opt.loading import load_instance
from counterpoint.opt.options import build_options, checked_seed, split_spec
from counterpoint.opt.problems.table import problem, resolve
from counterpoint.opt.registry import Method, methods
from counterpoint.opt.registry import method as find_method
from counterpoint.opt.result import Result


@dataclass(frozen=True, slots=True)
class ConstructivePolicy:
    """A learned policy of a static problem: it solves instances, by building solutions step by step."""

    method: str
    problem: str
    options: Mapping[str, Any]
    seed: int
    card: Mapping[str, Any]

    def solve(self, instance: Any, **limits: Any) -> Result:
        """Solve an instance with this policy; the keywords are those of `counterpoint.solve`."""
        from counterpoint.opt.solving import solve

        return solve(instance, self.method, **{"seed": self.seed, **limits, "options": self.options})


def policy(what: str | os.PathLike[str], instance: Any = None, *, seed: int = 0, options: Any = None) -> Any:
    """Return a policy.

    Parameters
    ----------
    what : str or path
        A checkpoint (``*.safetensors``), loaded without executing anything in it, or the name of a method, with options
        if you like.
    instance : Instance, path or str, optional
        Needed for a method's name, and for a sequential problem's policy, which is built for an instance.
    seed : int
        For policies that draw at random.
    options : mapping, optional
        The method's options.

    Returns
    -------
    Policy or ConstructivePolicy
        Of a sequential problem an object with ``start`` and ``act``; of a static one an object with ``solve``.

    Raises
    ------
    CheckpointError, OptionError, UnknownNameError, UnsupportedError, MissingPackageError
    """
    instance = None if instance is None else load_instance(instance)
    given = dict(options or {})
    if _is_file(what):
        chosen, card = _of_checkpoint(what)
        given["checkpoint"] = os.fspath(what)
        if instance is not None and instance.problem != chosen.problem:
            raise CheckpointError(f"a policy for {chosen.problem}, not for {instance.problem}", os.fspath(what))
        if problem(chosen.problem).kind == "static":
            build_options(chosen, given)  # a wrong option is told now
            return ConstructivePolicy(chosen.name, chosen.problem, given, checked_seed(seed), card)
    else:
        if instance is None:
            raise OptionError(f"policy {printable(str(what))!r} needs an instance to be built for")
        name, inline = split_spec(str(what))
        chosen, given = find_method(instance.problem, name), {**inline, **given}
    if instance is None:
        raise OptionError(f"a policy for {chosen.problem} is built for an instance: pass one")
    chosen.require(instance, "sequential")
    if (seed := checked_seed(seed)) < 0:
        raise OptionError(f"the seed of a policy must be at least 0, not {seed}")
    built = build_options(chosen, given)
    with plain_interrupts():
        return chosen.load()(instance, seed, built)


def _is_file(what: str | os.PathLike[str]) -> bool:
    """Whether `what` names a checkpoint, not a method with a checkpoint among its options."""
    if isinstance(what, os.PathLike):
        return True
    path = Path(what)
    return path.suffix == ".safetensors" and (path.exists() or "=" not in what.partition(":")[2])


def _of_checkpoint(path: str | os.PathLike[str]) -> tuple[Method, Mapping[str, Any]]:
    """Return the method that uses such a checkpoint, and its card."""
    try:
        load = resolve("counterpoint.models.checkpoints:load_policy")
    except ImportError:
        raise MissingPackageError("checkpoints need torch: pip install 'counterpoint[learn]'") from None
    card: Mapping[str, Any] = load(path).card
    for candidate in methods():
        if candidate.network == card["network"]["name"] and candidate.problem == card["problem"]:
            return candidate, card
    name = printable(str(card["network"]["name"]))
    raise CheckpointError(f"no method here uses a network named {name!r}", os.fspath(path))
