"""A small network that scores, one by one, the jobs that may enter a machine and those that are coming.

Flat features (`simulators/batched/interrupted_job_shop_candidates`), two hidden layers of rectifiers, one number each:
small enough to be evaluated inside the compiled simulator, thousands of episodes a second.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.interrupted_job_shop_candidates import FEATURES
from counterpoint.simulators.batched.interrupted_job_shop_play import PATIENCE

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the network.

    Parameters
    ----------
    first, second : int
        Widths of the hidden layers.
    """

    first: int = 16
    second: int = 16

    def __post_init__(self) -> None:
        if not 1 <= min(self.first, self.second) <= max(self.first, self.second) <= 1024:
            raise OptionError(f"widths must lie in 1..1024, not {asdict(self)}")


class CandidateScores(nn.Module):
    """Scores of candidates.

    Parameters
    ----------
    options : Options
    """

    def __init__(self, options: Options | None = None) -> None:
        super().__init__()
        self.options = options or Options()
        self.first = nn.Linear(FEATURES, self.options.first)
        self.second = nn.Linear(self.options.first, self.options.second)
        self.last = nn.Linear(self.options.second, 1, bias=False)
        with torch.no_grad():
            self.last.weight.mul_(0.1)  # at first all are nearly alike

    def forward(self, features: Tensor) -> Tensor:
        """Return the scores [...] of features [..., FEATURES]; those that cannot enter now are worth less."""
        hidden = self.second(self.first(features).relu()).relu()
        scores: Tensor = self.last(hidden).squeeze(-1) - PATIENCE * (features[..., 0] == 0)
        return scores

    def weights(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return what the compiled simulator reads: matrices [in, out], biases, and the last layer."""
        first, second = (
            (np.ascontiguousarray(x.weight.detach().cpu().numpy().T), x.bias.detach().cpu().numpy().copy())
            for x in (self.first, self.second)
        )
        return (*first, *second, self.last.weight.detach().cpu().numpy()[0].copy())

    def card(self) -> dict[str, Any]:
        """Return the facts a checkpoint's card needs to rebuild it."""
        return {"name": "interrupted-job-shop-scores", "options": asdict(self.options)}
