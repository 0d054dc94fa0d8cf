"""The perceptron fits any space, starts as it should, and is built again from plain options."""

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from gymnasium import spaces
from pydantic import TypeAdapter

from counterpoint.models.networks.distributions import Gaussian, JointCategorical, MaskedCategorical
from counterpoint.models.networks.mlp import Mlp, Options
from counterpoint.opt.errors import OptionError


def environment(action: Any, **observation: Any) -> Any:
    return SimpleNamespace(observation_space=spaces.Dict(observation), action_space=action, reward_dim=2)


SEEN = {"x": spaces.Box(-1, 1, (2, 3)), "kind": spaces.Discrete(4), "action_mask": spaces.MultiBinary(5)}


@pytest.mark.parametrize(
    ("action", "form"),
    [
        (spaces.Discrete(5), MaskedCategorical),
        (spaces.MultiDiscrete([2, 3]), JointCategorical),
        (spaces.Box(-1, 1, (5,)), Gaussian),
    ],
)
def test_heads_values_and_masks(action: Any, form: type) -> None:
    options = Options.of(environment(action, **SEEN), hidden=(8,))
    assert options.numbers == {"x": 6}
    assert options.choices == {"kind": 4}
    network = Mlp(options, torch.Generator().manual_seed(0))
    mask = torch.tensor([[True, False, True, True, False]]).expand(7, 5)
    seen = {"x": torch.randn(7, 2, 3), "kind": torch.arange(7) % 4, "action_mask": mask}
    distribution, value = network(seen)
    assert isinstance(distribution, form)
    assert value.shape == (7, 2)
    if isinstance(distribution, MaskedCategorical):
        assert float(distribution.probs.detach()[:, [1, 4]].max()) == 0.0
    if isinstance(distribution, JointCategorical):
        assert distribution.parts[0].probs.detach()[:, 1].tolist() == [0.0] * 7
        assert distribution.parts[1].probs.detach()[:, 2].tolist() == [0.0] * 7


def test_weights_are_orthogonal_with_the_stated_gains_and_from_the_generator_alone() -> None:
    options = Options({"x": 6}, {}, "categorical", (5,), hidden=(16,))
    state = torch.get_rng_state()
    first, again = (Mlp(options, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    for net, gain in ((first.actor, 0.01), (first.critic, 1.0)):
        assert torch.allclose(net[0].weight.T @ net[0].weight, 2 * torch.eye(6), atol=1e-5)
        last = net[-1].weight
        assert torch.allclose(last @ last.T, gain**2 * torch.eye(len(last)), atol=1e-5)
        assert float(net[0].bias.detach().abs().max()) == 0.0
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def test_a_choice_is_fed_in_one_hot() -> None:
    network = Mlp(Options({}, {"kind": 3}, "categorical", (2,), hidden=(4,)), torch.Generator().manual_seed(0))
    found = network._rows({"kind": torch.tensor([2, 0])})
    assert found.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_options_survive_json() -> None:
    options = Options.of(environment(spaces.Discrete(5), **SEEN), is_normalised=True)
    again = TypeAdapter(Options).validate_python(json.loads(json.dumps(dataclasses.asdict(options))))
    assert again == options
    assert set(Mlp(again).state_dict()) == set(Mlp(options).state_dict())
    assert "normaliser.moments.x.mean" in Mlp(again).state_dict()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": (0,)}, "size"),
        ({"numbers": {}, "choices": {}}, "observes nothing"),
        ({"normalised": ("y",)}, "'y'"),
        ({"actions": ()}, "size"),
    ],
)
def test_refusals(changes: dict[str, Any], message: str) -> None:
    good = {"numbers": {"x": 6}, "choices": {}, "head": "categorical", "actions": (5,)}
    with pytest.raises(OptionError, match=message):
        Options(**{**good, **changes})
    with pytest.raises(OptionError, match="Text"):
        Options.of(environment(spaces.Discrete(2), words=spaces.Text(3)))
    with pytest.raises(OptionError, match="expected Discrete"):
        Options.of(environment(spaces.Discrete(2, start=1), x=spaces.Discrete(3)))
