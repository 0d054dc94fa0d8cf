"""PPO for the graph network: advantages by hand, bit-for-bit resumption, and it learns."""

import pytest
import torch

from counterpoint.models.networks.job_shop_gnn import Decisions, Options
from counterpoint.models.policies.job_shop_gnn_rollout import Notes
from counterpoint.models.training.job_shop_ppo import Config, advantages, build, select
from counterpoint.opt.errors import OptionError

SMALL = Config(
    iterations=25, sizes=((4, 3),), shops=8, samples=4, network=Options(16, 1), validation=32, learning_rate=3e-3
)


def notes_of(row: list[int], value: list[float], bound: list[float]) -> Notes:
    nothing = Decisions(*[torch.zeros(0)] * 6)
    zeros = torch.zeros(len(row))
    return Notes(nothing, zeros.long(), zeros, torch.tensor(value), torch.tensor(bound), torch.tensor(row))


def test_advantages_by_hand() -> None:
    """Row 0: bounds 1, 1.2, then 1.5 at the end; row 1: one decision at 1, 1.25 at the end; row 2: none."""
    notes = notes_of([0, 1, 0], [-0.4, -0.1, -0.2], [1.0, 1.0, 1.2])
    cost = torch.tensor([1.5, 1.25, 2.0])
    last = -0.3 - -0.2
    first = -0.2 + -0.2 - -0.4
    expected = torch.tensor([first + 0.5 * last, -0.25 + 0.1, last])
    torch.testing.assert_close(advantages(notes, cost, 0.5), expected)
    # with lambda 1: what it came to, less what was expected
    torch.testing.assert_close(advantages(notes, cost, 1.0), torch.tensor([-0.5 + 0.4, -0.15, -0.1]))


def test_select_keeps_the_candidates_of_the_decisions() -> None:
    given = Decisions(
        torch.arange(7.0).unsqueeze(1), torch.arange(7), torch.arange(7), torch.tensor([0, 0, 1, 1, 1, 2, 2]),
        torch.tensor([2, 3, 2]), torch.arange(6.0).view(3, 2),
    )  # fmt: skip
    zeros = torch.zeros(3)
    few, chosen = select(Notes(given, torch.tensor([1, 4, 5]), zeros, zeros, zeros, zeros), torch.tensor([0, 2]))
    assert few.features.flatten().tolist() == [0, 1, 5, 6]
    assert few.decision.tolist() == [0, 0, 1, 1]
    assert few.count.tolist() == [2, 2]
    assert few.state.tolist() == [[0, 1], [4, 5]]
    assert chosen.tolist() == [1, 2]


@pytest.mark.parametrize("is_flexible", [False, True])
def test_it_learns(is_flexible: bool) -> None:
    config = Config(**{**{name: getattr(SMALL, name) for name in SMALL.__slots__}, "is_flexible": is_flexible})
    trainer = build(config, 0)
    before = trainer.evaluate()
    for _ in range(config.iterations):
        metrics = trainer.step()
    after = trainer.evaluate()
    assert metrics["samples"] > 0
    assert after["greedy_gap_percent"] < 0.8 * before["greedy_gap_percent"]


def test_resumption_is_bit_for_bit() -> None:
    one = build(SMALL, 5)
    for _ in range(3):
        one.step()
    other = build(SMALL, 6)
    other.load_state_dict(one.state_dict())
    for _ in range(3):
        first, second = one.step(), other.step()
        assert {**first, "cpu_s": 0} == {**second, "cpu_s": 0}
    for key, tensor in one.policy()[0].items():
        assert torch.equal(tensor, other.policy()[0][key])


def test_the_card_builds_the_network_again(tmp_path) -> None:
    from counterpoint.models.checkpoints import save_policy
    from counterpoint.models.policies.job_shop_gnn import load_network

    trainer = build(SMALL, 0)
    save_policy(tmp_path / "it.safetensors", *trainer.policy())
    network, scheme = load_network(str(tmp_path / "it.safetensors"))
    assert scheme == "nondelay"
    assert all(torch.equal(x, network.state_dict()[key]) for key, x in trainer.network.state_dict().items())


def test_settings_are_checked() -> None:
    for wrong, message in (
        ({"shops": 0}, "shops must be at least 1"), ({"lam": 1.5}, "lam must lie"),
        ({"learning_rate": 0.0}, "learning_rate must be"), ({"sizes": ()}, "sizes must list"),
        ({"entropy_weight": -1.0}, "entropy_weight must be"),
    ):  # fmt: skip
        with pytest.raises(OptionError, match=message):
            Config(**wrong)
