"""How many threads torch uses on the CPU: one, unless told otherwise.

On networks as small as ours more threads only wait for each other: on a busy machine two took 15 times as long.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_threads(count: int = 1) -> Iterator[None]:
    """Let torch use `count` threads inside; afterwards as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
