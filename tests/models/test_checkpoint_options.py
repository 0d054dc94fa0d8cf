"""A card whose options name a network that cannot be built is refused in one line."""

from dataclasses import asdict

import pytest

from counterpoint.models.checkpoints import load_network, save_policy
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.opt.errors import CheckpointError

OPTIONS = Options({"stock": 2}, {}, "categorical", (3,))


@pytest.mark.parametrize(
    "change",
    [{"hidden": [2**20, 2**20]}, {"numbers": {"a.b": 1}, "normalised": ["a.b"]}, {"hidden": "a"}, {"actions": []}],
)
def test_options_that_no_network_can_have(tmp_path, change) -> None:
    file = tmp_path / "policy.safetensors"
    network = {"name": "mlp", "options": {**asdict(OPTIONS), **change}}
    card = {"problem": "none", "algorithm": "none", "network": network}
    save_policy(file, dict(Mlp(OPTIONS).state_dict()), card)
    with pytest.raises(CheckpointError, match="options are wrong") as caught:
        load_network(file, "mlp", Mlp, lambda **given: Options(**given))
    assert "\n" not in str(caught.value)
