"""Nothing in a rollout or an update asks the device for a number, or makes a shape depend on data."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from counterpoint.models.algorithms.ppo import PpoTrainer
from counterpoint.models.algorithms.ppo_config import PpoConfig
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.simulators.batched.inventory import InventoryEnvironment

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "is_nonzero", "equal")


class Watched(TorchDispatchMode):
    """Notes the kernels that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(function).split(".")[1])
        if self.names[-1] in ("index", "index_put_"):  # by a mask of truth values it would be as bad
            assert all(i is None or i.dtype != torch.bool for i in args[1])
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("surrogate", ["clip", "kl"])
def test_rollout_and_update_never_wait(surrogate: Any) -> None:
    environment = InventoryEnvironment(num_envs=8, horizon=5, is_excess_legal=False)
    network = Mlp(Options.of(environment), torch.Generator().manual_seed(0))
    config = PpoConfig(steps=12, surrogate=surrogate, minibatches=2)
    learner = PpoTrainer(environment, network, config, iterations=3, seed=0, card={})
    learner.step()
    with Watched() as watched:
        learner._roll_eager()
        learner._update_eager()
    assert len(watched.names) > 300
    assert {"exponential_", "searchsorted", "_fused_adam_"} <= {*watched.names}
    assert not {*WAITING} & {*watched.names}


def test_the_watch_sees_what_it_must() -> None:
    with Watched() as watched:
        bool(torch.ones(3).sum() > 2)
        torch.ones(3).nonzero()
    assert {"_local_scalar_dense", "nonzero"} <= {*watched.names}
