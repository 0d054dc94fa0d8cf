"""Watching which kernels are called, and running code on a device that holds no numbers: who waits is found out.

The meta device stands in for a GPU where there is none. Whoever asks it for a number gets an error, as a GPU would make
it wait; and so does whoever mixes it with the CPU.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "unique2", "is_nonzero", "equal", "item")
COPIES = ("copy_", "_to_copy")


class Watched(TorchDispatchMode):
    """Notes the kernels that are called; refuses masks of truth values as indices, and tensors of two devices.

    Copies from one device to another are noted as ``"across"``: unless their memory is pinned, they wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.calls = Calls(self.names)

    def __enter__(self) -> "Watched":
        self.calls.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self.calls.__exit__(*error)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = str(function).split(".")[1]
        self.names.append(name)
        if name in ("index", "index_put_"):
            assert all(i is None or i.dtype != torch.bool for i in args[1]), "indexed by a mask: its size is data"
        tensors = [x for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor) and x.dim() > 0]
        devices = {x.device.type for x in tensors}
        if name in COPIES:
            to = torch.device((kwargs or {}).get("device") or tensors[0].device) if tensors else None
            if to is not None and {*devices, to.type} != {to.type}:
                self.names.append("across")
        else:
            assert len(devices) < 2, f"{name} is given tensors of {sorted(devices)}"
        return function(*args, **(kwargs or {}))


class Calls(TorchFunctionMode):
    """Notes tensors made of Python's numbers as ``"across"``: to a device they are copied, from memory not pinned."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self.names = names

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        if function in (torch.tensor, torch.as_tensor) and made.device.type != "cpu":
            self.names.append("across")
        return made


class Generator(torch.Generator):
    """A generator that says it is the meta device's, which has none."""

    def __new__(cls, device: Any = "cpu") -> "Generator":
        made: Generator = super().__new__(cls)
        made.place = torch.device(device)
        return made

    @property
    def device(self) -> torch.device:
        return self.place


class NothingDrawn(TorchFunctionMode):
    """Draws on the meta device without a generator."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if isinstance(kwargs.get("generator"), Generator) and kwargs["generator"].place.type == "meta":
            del kwargs["generator"]
        return function(*args, **kwargs)


@contextmanager
def on_meta(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Let code run on the device that is given; there is nothing to pin, and generators are stand-ins."""
    monkeypatch.setattr(torch, "Generator", Generator)
    monkeypatch.setattr(
        Tensor, "pin_memory", lambda self: torch.empty_like(self, device="meta")
    )  # goes over without waiting
    with NothingDrawn():
        yield "meta"


def assert_nothing_waits(watched: Watched) -> None:
    """Fail if a kernel that waits for the device was called, or something copied to or from it."""
    assert watched.names
    assert not {*WAITING, "across"} & {*watched.names}
