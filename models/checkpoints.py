"""Checkpoints: tensors in safetensors, facts in a JSON card; nothing in them is ever executed.

A policy is one file ``x.safetensors`` whose metadata holds the card, so that tensors and card can never be of
different runs; ``x.json`` beside it is a copy for readers. Files are untrusted: sizes are bounded before anything is
read, the JSON is strict, tensors must be finite and of plain types, and whatever is wrong ends in one
`CheckpointError`. Written files appear whole or not at all.
"""

import hashlib
import json
import os
import stat
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from counterpoint.opt.codec import load_json, write_bytes, write_text
from counterpoint.opt.errors import CheckpointError, InstanceError, OptionError
from counterpoint.opt.options import validated

TYPE, VERSION = "counterpoint-policy", 1
MAX_BYTES = 2**30  # of a file
MAX_HEADER_BYTES = 2**23  # names, shapes and the card
PLAIN = (torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool)
NEEDED = {"problem": str, "algorithm": str, "network": dict}  # of every card


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A policy as it was saved.

    Parameters
    ----------
    tensors : dict of str to Tensor
    card : dict
        ``problem``, ``algorithm``, ``network`` (``name`` and ``options``), and what else its maker noted:
        configuration, seed, versions, training curve, evaluation.
    """

    tensors: dict[str, Tensor]
    card: dict[str, Any]


def save_policy(path: str | os.PathLike[str], tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write a policy and its card; `card` must hold ``problem``, ``algorithm`` and ``network``.

    Raises
    ------
    CheckpointError
        If it could not be loaded again: a fact missing, a number that is not finite.
    """
    target = checked_suffix(path)
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    full = {"type": TYPE, "version": VERSION, **card, "sha256": digest(plain)}
    try:
        text = json.dumps(full, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the card is not plain JSON: {error}", str(target)) from None
    _check_card(full, str(target))
    _check_tensors(plain, str(target))
    write_bytes(target, save(plain, metadata={"card": text}))
    write_text(target.with_suffix(".json"), json.dumps(full, indent=1, allow_nan=False) + "\n")


def load_policy(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a policy; CheckpointError, in one line, for anything but a sound one."""
    target = checked_suffix(path)
    tensors, metadata = read_tensors(target)
    if set(metadata) != {"card"}:
        raise CheckpointError("no card in it; expected a policy that Counterpoint saved", str(target))
    try:
        card = load_json(metadata["card"].encode())
    except InstanceError as error:
        raise CheckpointError(f"its card is {error.message}", str(target)) from None
    _check_card(card, str(target))
    _check_tensors(tensors, str(target))
    if card["sha256"] != digest(tensors):
        raise CheckpointError("its tensors are not those its card was written for (SHA-256 differs)", str(target))
    return Checkpoint(tensors, card)


def load_into(module: nn.Module, checkpoint: Checkpoint, file: str | None = None) -> None:
    """Copy a checkpoint's tensors into a module whose names, shapes and types must be the same."""
    wanted = module.state_dict()
    for name in sorted({*wanted} ^ {*checkpoint.tensors}):
        side = "lacks" if name in wanted else "has an unknown"
        raise CheckpointError(f"it {side} tensor {name!r}; it is of another network", file)
    for name, tensor in wanted.items():
        found = checkpoint.tensors[name]
        if found.shape != tensor.shape or found.dtype != tensor.dtype:
            raise CheckpointError(
                f"tensor {name!r} is {_form(found)}, but the network its card names has {_form(tensor)}", file
            )
    module.load_state_dict(checkpoint.tensors)


def load_network(
    path: str | os.PathLike[str], name: str, network: Callable[[Any], nn.Module], options: Callable[..., Any]
) -> tuple[Any, dict[str, Any]]:
    """Read a policy and build its network: ``network(options(**what the card says))``, ready to evaluate, and the card.

    Raises
    ------
    CheckpointError
        If the card names another network than `name`, or options that it cannot have.
    """
    found = load_policy(path)
    described, file = found.card["network"], os.fspath(path)
    if described["name"] != name:
        raise CheckpointError(f"its network is {described['name']!r}; expected {name!r}", file)
    try:
        built = network(options(**described.get("options", {})))
    except CheckpointError:
        raise
    except (TypeError, ValueError, KeyError, RuntimeError, MemoryError, OptionError) as error:
        said = str(error).partition("\n")[0][:200]
        raise CheckpointError(f"its network's options are wrong: {said}", file) from None
    load_into(built, found, file)
    return built.eval(), found.card


def described(cls: Any, owner: str = "the network") -> Callable[..., Any]:
    """Return what makes a frozen dataclass out of what a card, untrusted, says; for `load_network`.

    It raises OptionError if a field is unknown, missing or of the wrong type.
    """

    def options(**card: Any) -> Any:
        return validated(cls, card, owner=owner, noun="option", free=[f.name for f in fields(cls)])

    return options


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file and its metadata, with its sizes bounded before it is parsed."""
    try:
        raw = _bounded(path)
        (length,) = struct.unpack("<Q", raw[:8])
        if length > min(MAX_HEADER_BYTES, len(raw) - 8):
            raise CheckpointError(f"its header claims {length} bytes", str(path))
        header = load_json(raw[8 : 8 + length].rstrip())
        if not isinstance(header, dict):
            raise CheckpointError("its header is no object", str(path))
        metadata = header.get("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
            raise CheckpointError("its metadata are no texts", str(path))
        return load(raw), metadata
    except InstanceError as error:
        raise CheckpointError(f"its header is {error.message}", str(path)) from None
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror}", str(path)) from None
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"not a safetensors file: {str(error)[:120]}", str(path)) from None


def checked_suffix(path: str | os.PathLike[str]) -> Path:
    """Return the path if it names a safetensors file; pickles are refused by name, unopened."""
    target = Path(path)
    if target.suffix != ".safetensors":
        raise CheckpointError("expected a file named *.safetensors; no other format is read", str(path))
    return target


def digest(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 (hex) of names, types, shapes and contents."""
    total = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        total.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        total.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return total.hexdigest()


def _bounded(path: Path) -> bytes:
    """Read a regular file of at most `MAX_BYTES` (a pipe or device could be endless)."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise CheckpointError("is no regular file", str(path))
        if found.st_size > MAX_BYTES:
            raise CheckpointError(f"has {found.st_size} bytes, more than the {MAX_BYTES} supported", str(path))
        raw = file.read()
    if len(raw) < 8:
        raise CheckpointError("is too short for a safetensors file", str(path))
    return raw


def _check_card(card: Any, file: str) -> None:
    if not isinstance(card, dict) or card.get("type") != TYPE:
        raise CheckpointError(f"its card is not of type {TYPE!r}", file)
    if type(card.get("version")) is not int or card["version"] != VERSION:  # True == 1 == 1.0
        raise CheckpointError(f"its card is of version {card.get('version')!r}; expected {VERSION}", file)
    for key, kind in {**NEEDED, "sha256": str}.items():
        if not isinstance(card.get(key), kind):
            raise CheckpointError(f"its card lacks {key!r}", file)
    network = card["network"]
    if not isinstance(network.get("name"), str) or not isinstance(network.get("options", {}), dict):
        raise CheckpointError("its card's 'network' needs a 'name' and 'options'", file)


def _check_tensors(tensors: Mapping[str, Tensor], file: str) -> None:
    for name, tensor in tensors.items():
        if tensor.dtype not in PLAIN:
            raise CheckpointError(f"tensor {name!r} is of type {tensor.dtype}, which no policy has", file)
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(f"tensor {name!r} holds NaN or infinity", file)


def _form(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"
