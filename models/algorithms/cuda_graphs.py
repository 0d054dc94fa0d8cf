"""Replaying a function's kernels as one CUDA graph: no Python and no launches between them.

Not run on a GPU when it was written: the machine had none. The eager path runs the same functions.
"""

from collections.abc import Callable, Sequence

import torch

from counterpoint.opt.errors import OptionError

WARM_UPS = 3


def check_device(device: torch.device) -> None:
    """Raise OptionError where there are no CUDA graphs."""
    if device.type != "cuda":
        raise OptionError(f"use_cuda_graphs needs a CUDA device, not {device.type}")


def captured(
    function: Callable[[], None], device: torch.device, generators: Sequence[torch.Generator]
) -> Callable[[], None]:
    """Return a callable that does what `function` does, as one graph.

    Parameters
    ----------
    function : callable
        Works on tensors that stay where they are, and changes them in place; never waits for the device.
    device : torch.device
        OptionError if it is no CUDA device.
    generators : sequence of torch.Generator
        All that `function` draws from; each replay goes on where the last one ended.

    Notes
    -----
    `function` runs four times meanwhile: the caller must put its state back.
    """
    check_device(device)
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(WARM_UPS):
            function()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        graph.register_generator_state(generator)
    with torch.cuda.graph(graph):
        function()
    return graph.replay
