"""A folder of labelled instances: ``labels.json`` says of what, shards of 1,000 hold them.

Each shard is one safetensors file that names what the folder's description says, its number and its digest. Files are
untrusted, as checkpoints are (`models.checkpoints`), and appear whole or not at all.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from counterpoint.models.checkpoints import digest, read_tensors
from counterpoint.opt.codec import load_json, write_text
from counterpoint.opt.errors import CheckpointError, InstanceError, OptionError
from counterpoint.opt.evaluation.machine import machine

TYPE, VERSION = "counterpoint-labels", 1
SHARD = 1000  # instances; the last shard may have fewer
KINDS = (torch.float32, torch.int64)
NAMES, NUMBERS = ("problem", "network"), ("size", "effort", "seed")
ADVICE = "delete it, and `counterpoint label` makes it again"

Facts = dict[str, Any]  # problem, network (whom it is for), size, effort, seed


def described(folder: Path) -> Facts | None:
    """Return what the labels in a folder are; None if nothing says.

    Raises
    ------
    CheckpointError
        If the description is none of ours.
    """
    path = folder / "labels.json"
    if not path.exists():
        return None
    try:
        held = load_json(path.read_bytes())
    except InstanceError as error:
        raise CheckpointError(error.message, str(path)) from None
    form = {"type": TYPE, "version": VERSION, "shard": SHARD}
    if not isinstance(held, dict) or any(held.get(key) != value for key, value in form.items()):
        raise CheckpointError(f"expected an object of type {TYPE!r}, version {VERSION}, shard {SHARD}", str(path))
    facts = {key: held.get(key) for key in (*NAMES, *NUMBERS)}
    if not all(isinstance(facts[key], str) for key in NAMES) or not all(type(facts[key]) is int for key in NUMBERS):
        raise CheckpointError(f"expected names: {', '.join(NAMES)}; whole numbers: {', '.join(NUMBERS)}", str(path))
    return facts


def describe(folder: Path, facts: Facts) -> None:
    """Write what a new folder will hold.

    Raises
    ------
    OptionError
        If it holds something else.
    CheckpointError
        If it holds shards of nobody knows what.
    """
    held = described(folder)
    if held is not None:
        compare(folder, held, facts)
        return
    if any(folder.glob("shard-*.safetensors")):
        raise CheckpointError("it holds shards, but no labels.json says of what; choose another folder", str(folder))
    full = {"type": TYPE, "version": VERSION, **facts, "shard": SHARD, "machine": machine()}
    write_text(folder / "labels.json", json.dumps(full, indent=1) + "\n")


def compare(folder: Path, held: Facts, wanted: Facts) -> None:
    """Refuse labels that are not those wanted: OptionError says what differs."""
    for key, value in wanted.items():
        if held[key] != value:
            raise OptionError(f"the labels in {folder} are of {key} {held[key]!r}, not {value!r}; use another folder")


def shard_path(folder: Path, number: int) -> Path:
    """Return where a shard is."""
    return folder / f"shard-{number:05d}.safetensors"


def shards(folder: Path, facts: Facts) -> Iterator[dict[str, Tensor]]:
    """Yield all shards of a folder; they have tensors of the same names, types and rows.

    Raises
    ------
    CheckpointError
    """
    form = None
    for path in sorted(folder.glob("shard-*.safetensors")):
        number = path.stem.removeprefix("shard-")
        if not number.isdecimal() or path != shard_path(folder, int(number)):
            raise CheckpointError("no name of a shard; expected shard-00000.safetensors and so on", str(path))
        shard = load_shard(folder, int(number), facts)
        found = {name: (tensor.dtype, tensor.shape[1:]) for name, tensor in shard.items()}
        form = form or found
        if found != form:
            raise CheckpointError("its tensors are of other names, types or shapes than the first shard's", str(path))
        yield shard


def load_shard(folder: Path, number: int, facts: Facts) -> dict[str, Tensor]:
    """Read a shard; CheckpointError if it is not the one that its name and its folder say."""
    path = shard_path(folder, number)
    try:
        tensors, metadata = read_tensors(path)
    except CheckpointError as error:
        raise CheckpointError(f"{error}; {ADVICE}") from None
    try:
        marks = load_json(metadata.get("labels", "").encode())
    except InstanceError as error:
        raise CheckpointError(f"its description is {error.message}; {ADVICE}", str(path)) from None
    marks = marks if isinstance(marks, dict) else {}
    for key, value in {**facts, "shard": number}.items():
        if marks.get(key) != value:
            raise CheckpointError(f"it is of {key} {marks.get(key)!r}, not {value!r}; {ADVICE}", str(path))
    if marks.get("sha256") != digest(tensors):
        raise CheckpointError(f"its tensors are not those that were written (SHA-256 differs); {ADVICE}", str(path))
    if reason := _unsound(tensors, None):
        raise CheckpointError(f"{reason}; {ADVICE}", str(path))
    return {name: tensors[name] for name in sorted(tensors)}  # files are read in no order


def packed(tensors: Mapping[str, Tensor], facts: Facts, number: int, count: int) -> bytes:
    """Return a shard of `count` instances as its file holds it.

    Raises
    ------
    TypeError
        For tensors that `load_shard` would refuse.
    """
    plain = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    if reason := _unsound(plain, count):
        raise TypeError(f"labels of {facts['problem']}: {reason}")
    marks = {**facts, "shard": number, "sha256": digest(plain)}
    return save(plain, metadata={"labels": json.dumps(marks)})  # one entry: the order of several would vary


def _unsound(tensors: Mapping[str, Tensor], count: int | None) -> str:
    lengths = {len(tensor) if tensor.ndim else 0 for tensor in tensors.values()}
    if len(lengths) != 1 or 0 in lengths or (count is not None and count not in lengths):
        return "expected tensors of equally many rows, one an instance"
    for name, tensor in tensors.items():
        if tensor.dtype not in KINDS or not bool(torch.isfinite(tensor).all()):
            return f"expected finite float32 or int64 numbers in {name!r}"
    return ""


def joined(parts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return labels one after the other; OptionError where an older version made some of another form."""
    forms = [{name: rows.shape[1:] for name, rows in part.items()} for part in parts]
    if any(form != forms[0] for form in forms):
        raise OptionError("some of these labels were made by another version: begin with a new folder")
    return {name: torch.cat([part[name] for part in parts]) for name in forms[0]}
