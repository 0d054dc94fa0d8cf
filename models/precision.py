"""In which numbers networks multiply matrices: float32, or bfloat16 where the processor has instructions for it.

Softmax, sums and what is kept between layers stay in float32 (`torch.autocast`).
"""

from typing import Literal

import torch

from counterpoint.opt.errors import OptionError

Precision = Literal["auto", "float32", "bfloat16"]
PRECISIONS = ("auto", "float32", "bfloat16")


def check_precision(precision: str) -> None:
    """Raise OptionError if there is none of this name."""
    if precision not in PRECISIONS:
        raise OptionError(f"precision must be one of {', '.join(PRECISIONS)}, not {precision!r}")


def autocast(precision: Precision, device: torch.device) -> torch.autocast:
    """Return the context that computes so; ``auto`` is bfloat16 where `is_bfloat16_fast`."""
    is_short = precision == "bfloat16" or (precision == "auto" and is_bfloat16_fast(device))
    return torch.autocast(device.type, torch.bfloat16, enabled=is_short)


def is_bfloat16_fast(device: torch.device) -> bool:
    """Return whether a device multiplies bfloat16 itself: AVX512-BF16 or AMX on a CPU, Ampere or later on a GPU."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= 8
    if device.type == "cpu":
        # private, but all that torch 2.9 to 2.13 have; what is not known counts as slow
        known = (getattr(torch.cpu, name, None) for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))
        return any(asked is not None and asked() for asked in known)
    return False
