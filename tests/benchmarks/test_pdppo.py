"""The ablation of post-decision PPO runs on a generated plant, and its intervals are Student's."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "pdppo.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_pdppo", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_intervals_by_hand(script: ModuleType) -> None:
    """1, 2, 3: deviation 1, Student's 97.5 % with 2 degrees of freedom 4.3027, over the root of 3."""
    assert script.interval([1.0, 2.0, 3.0]) == "2.0 +- 2.5"
    assert script.interval([7.0]) == "7.0"


def test_differences_are_of_the_same_seed(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    costs = dict.fromkeys(script.ARMS, (10.0, 20.0))
    costs |= {"pdppo-corrected": (9.0, 19.0), "pdppo-faithful": (12.0, 24.0)}
    script.summarise(
        [{"method": arm, "seed": seed, "cost": cost} for arm, both in costs.items() for seed, cost in enumerate(both)]
    )
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()[1:]}
    assert lines["pdppo-corrected"].endswith("-1.0 +- 0.0")
    assert "14.0 +- 63.5" in lines["pdppo-corrected"]
    assert lines["pdppo-faithful"].endswith("3.0 +- 12.7")


def test_every_arm_starts_from_the_same_network(script: ModuleType) -> None:
    config = script.ppo.Config(iterations=1, num_envs=8, generated=script.ppo.Generated(4, 2), scenarios=4)
    trainers = [script.trainer_of(arm, config, 3, "cpu") for arm in script.ARMS]
    first = trainers[0].network.state_dict()
    for trainer in trainers[1:]:
        assert all(bool((trainer.network.state_dict()[key] == x).all()) for key, x in first.items())
    assert [t.form.shock_weight for t in trainers[1:3]] == [0.0, 0.5]


def test_quick(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--quick"]) == 0
    out = capsys.readouterr().out
    assert "plant-4x2-0: static assignment" in out
    assert all(f"{arm:16} seed 0" in out for arm in script.ARMS)
