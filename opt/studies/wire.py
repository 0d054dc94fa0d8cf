"""What driver and worker say to each other: JSON and raw bytes with a length in front; never a pickle.

A case travels to its worker as an unlinked file (so that a large instance cannot block the driver); what
the worker finds travels back over a socket as messages of a small JSON header and an uninterpreted body.
"""

import dataclasses
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from counterpoint.opt.budget import Budget
from counterpoint.opt.problems.table import problem
from counterpoint.opt.registry import Method
from counterpoint.opt.studies.case import Case

LENGTHS = struct.Struct(">II")
MAX_HEADER, MAX_BODY = 16 * 2**20, 2**30


class WireError(Exception):
    """The worker sent something that is no message."""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Return one message."""
    head = json.dumps(header).encode()
    return LENGTHS.pack(len(head), len(body)) + head + body


def unpack(buffer: bytearray) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield the complete messages at the front of `buffer` and remove them from it."""
    while len(buffer) >= LENGTHS.size:
        head, body = LENGTHS.unpack_from(buffer)
        end = LENGTHS.size + head + body
        if head > MAX_HEADER or body > MAX_BODY:
            raise WireError(f"a message of {head} and {body} bytes")
        if len(buffer) < end:
            return
        cut = LENGTHS.size + head
        try:
            header = json.loads(buffer[LENGTHS.size : cut])
        except ValueError as error:
            raise WireError(str(error)) from None
        if not isinstance(header, dict):
            raise WireError("a header that is no object")
        content = bytes(buffer[cut:end])
        del buffer[:end]
        yield header, content


def encode_case(case: Case, instance_json: bytes, memory_limit_mb: int | None, cores: list[int]) -> bytes:
    """Return the message that tells a worker what to run; `instance_json` from `encode_instance`."""
    chosen = dataclasses.asdict(case.chosen)
    chosen["handles"] = sorted(chosen["handles"])
    header = {
        "problem": case.instance.problem,
        "method": chosen,
        "label": case.label,
        "seed": case.seed,
        "budget": {**dataclasses.asdict(case.budget), "threads": case.threads},
        "options": case.given,
        "memory_limit_mb": memory_limit_mb,
        "cores": cores,
    }
    return pack(header, instance_json)


def encode_instance(instance: Any) -> bytes:
    """Return an instance as JSON bytes."""
    return json.dumps(problem(instance.problem).load("encode")(instance), allow_nan=False).encode()


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is told: the case, its label, and the limits of its process."""

    case: Case
    label: str
    memory_limit_mb: int | None
    cores: list[int]


def decode_order(message: bytes) -> Order:
    """Rebuild what `encode_case` packed."""
    ((header, body),) = unpack(bytearray(message))
    fields = header["method"]
    chosen = Method(**{**fields, "handles": frozenset(fields["handles"]), "needs": tuple(fields["needs"])})
    instance = problem(header["problem"]).load("decode")(json.loads(body))
    case = Case(instance, chosen, header["seed"], Budget(**header["budget"]), header["options"])
    return Order(case, header["label"], header["memory_limit_mb"], header["cores"])
