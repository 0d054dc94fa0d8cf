"""The state of a training run as one safetensors file: nested dicts and lists of tensors and JSON values.

Tensors go into the file, everything else into its metadata as tagged JSON; numbers come back bit for bit (also
infinities and NaN, which a run that diverged may hold), and nothing is ever unpickled.
"""

import json
import math
import os
from collections.abc import Mapping
from typing import Any

from safetensors.torch import save
from torch import Tensor

from counterpoint.models.checkpoints import checked_suffix, read_tensors
from counterpoint.opt.codec import write_bytes
from counterpoint.opt.errors import CheckpointError

MAX_DEPTH = 40


def save_state(path: str | os.PathLike[str], state: Any) -> None:
    """Write a state; CheckpointError if it holds anything but dicts, lists, tuples, tensors and JSON values."""
    target = checked_suffix(path)
    tensors: dict[str, Tensor] = {}
    tree = _flatten(state, tensors, 0)
    write_bytes(target, save(tensors, metadata={"state": json.dumps(tree, allow_nan=False)}))


def load_state(path: str | os.PathLike[str]) -> Any:
    """Read a state; CheckpointError for a file that is none."""
    target = checked_suffix(path)
    tensors, metadata = read_tensors(target)
    try:
        return _build(json.loads(metadata["state"]), tensors, 0)
    except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError("no state of a training run in it", str(target)) from None


def _flatten(value: Any, tensors: dict[str, Tensor], depth: int) -> Any:
    """Return JSON in which each dict, list, tensor and odd float is a tagged pair."""
    if depth > MAX_DEPTH:
        raise CheckpointError("the state of a run is nested too deeply")
    if isinstance(value, Tensor):
        key = str(len(tensors))
        # clone: safetensors refuses tensors that share memory, and the run goes on while this one is held
        tensors[key] = value.detach().cpu().contiguous().clone()
        return {"tensor": key}
    if isinstance(value, Mapping):
        return {"dict": [[_flatten(x, tensors, depth + 1) for x in item] for item in value.items()]}
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [_flatten(x, tensors, depth + 1) for x in value]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise CheckpointError(f"the state of a run holds a {type(value).__name__}; expected tensors and JSON values")


def _build(tree: Any, tensors: dict[str, Tensor], depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    if not isinstance(tree, dict):
        if isinstance(tree, list):
            raise ValueError("an untagged list")
        return tree
    ((kind, body),) = tree.items()
    if kind == "tensor":
        return tensors[body]
    if kind == "dict":
        return {_build(k, tensors, depth + 1): _build(v, tensors, depth + 1) for k, v in body}
    if kind in ("list", "tuple"):
        items = [_build(x, tensors, depth + 1) for x in body]
        return items if kind == "list" else tuple(items)
    if kind == "float" and body in ("inf", "-inf", "nan"):
        return float(body)
    raise ValueError(f"unknown tag {kind!r}")
