"""The lake's batched twin walks as its reference does, and both as worked out by hand."""

from typing import Any

import numpy as np
import pytest
import torch

from counterpoint.opt.errors import InstanceError, OptionError
from counterpoint.simulators.batched.frozen_lake import FrozenLakeEnvironment
from counterpoint.simulators.frozen_lake import FrozenLake, random_lake, simulate

LEFT, DOWN, RIGHT, UP = range(4)


def small(slips: list[float] | None = None, **more: Any) -> FrozenLake:
    """Cells 0 1 / 2 3 with a hole at 1 and the goal at 3; everybody slips down unless said otherwise."""
    return FrozenLake(("FH", "FF"), np.tile(slips or [0.0, 1.0, 0.0, 0.0], (4, 1)), **more)


class Script:
    """Walks in directions written down."""

    def __init__(self, *directions: int) -> None:
        self.left = list(directions)

    def start(self, episode: int) -> None:
        pass

    def act(self, observation: Any) -> int:
        return self.left.pop(0)


def test_rewards_and_moves_by_hand() -> None:
    lake = small(discount=0.5)
    assert lake.pays.tolist() == [1 / 3, 1 / 2 - 1 / 4, 1 / 2, 1.0]
    assert lake.neighbour.tolist() == [[0, 2, 1, 0], [0, 3, 1, 1], [2, 2, 3, 0], [2, 3, 3, 1]]
    assert lake.is_end.tolist() == [False, True, False, True]
    # up into the wall and no slip: 2/3; then left into it, slip down to 2: (1/3 + 1/2) / 2; then the goal, 1/4, at once
    walk = simulate(lake, [(0.9, 0.0), (0.1, 0.5), (0.1, 0.5)], Script(UP, LEFT, RIGHT))
    assert walk.cost == pytest.approx(-(2 / 3 + 5 / 12 + 1 / 4))
    assert walk.events == (("move", 0, 0), ("move", 1, 0), ("slip", 1, 2), ("move", 2, 3))
    assert simulate(lake, [(0.1, 0.0)] * 3, Script(RIGHT)).cost == -1 / 4  # the hole ends it, unslipped


@pytest.mark.parametrize("seed", range(5))
def test_walks_as_the_reference(seed: int) -> None:
    """50 walks of up to 60 steps with the same moves and the same chances: the same cells, ends and rewards."""
    rng = np.random.default_rng(seed)
    lake = random_lake(int(rng.integers(3, 9)), seed=seed)
    walks, steps = 50, 60
    directions, chances = rng.integers(0, 4, (walks, steps)), rng.random((walks, steps, 2))
    environment = FrozenLakeEnvironment(lake, walks)
    total, worth = torch.zeros(walks, dtype=torch.float64), torch.ones(walks, dtype=torch.float64)
    ended = torch.zeros(walks, dtype=torch.bool)
    cells = [[] for _ in range(walks)]
    for t in range(steps):
        post = environment.post(torch.tensor(directions[:, t]))["cell"]
        step = environment.exogenous(torch.tensor(chances[:, t]))
        for walk in (~ended).nonzero().flatten().tolist():
            cells[walk] += [int(post[walk]), int(step.final_observation["cell"][walk])]
        total += torch.where(ended, 0.0, worth * step.reward[:, 0].double())
        worth *= lake.discount
        ended |= step.terminated
    assert int(ended.sum()) > 0
    for walk in range(walks):
        run = simulate(lake, chances[walk].tolist(), Script(*directions[walk].tolist()))
        assert float(total[walk]) == pytest.approx(-run.cost, abs=1e-5)
        moved = [cell for kind, _, cell in run.events if kind == "move"]
        assert cells[walk][::2] == moved
        assert cells[walk][-1] == run.events[-1][2]


def test_a_walk_is_cut_off_and_begins_again() -> None:
    environment = FrozenLakeEnvironment(small(horizon=3), 2)
    stay = torch.tensor([UP, UP])
    never = torch.tensor([[0.9, 0.0], [0.9, 0.0]], dtype=torch.float64)
    for expected in (False, False, True, False):
        environment.post(stay)
        step = environment.exogenous(never)
        assert step.truncated.tolist() == [expected] * 2
        assert not bool(step.terminated.any())
    environment.post(torch.tensor([DOWN, RIGHT]))
    step = environment.exogenous(never)
    assert step.terminated.tolist() == [False, True]
    assert step.final_observation is not None
    assert step.final_observation["cell"].tolist() == [2, 1]
    assert step.observation["cell"].tolist() == [2, 0]
    assert environment.period.tolist() == [2, 0]


def test_walks_start_in_the_corner_or_in_every_cell_where_none_ends() -> None:
    lake = small()
    corner, anywhere = FrozenLakeEnvironment(lake, 400), FrozenLakeEnvironment(lake, 400, starts_anywhere=True)
    before = corner.generator.get_state()
    assert corner.reset()["cell"].tolist() == [0] * 400
    assert torch.equal(corner.generator.get_state(), before)  # nothing is drawn where nothing is to choose
    first = anywhere.reset(1)["cell"]
    assert {*first.tolist()} == {0, 2}
    assert 150 < int((first == 2).sum()) < 250
    assert torch.equal(anywhere.reset(1)["cell"], first)
    assert not torch.equal(anywhere.reset()["cell"], first)
    step = anywhere.step(torch.full((400,), RIGHT))  # into the hole or the goal: every walk ends and another begins
    assert bool(step.terminated.all())
    assert {*step.final_observation["cell"].tolist()} == {1, 3}
    assert {*step.observation["cell"].tolist()} == {0, 2}


def test_slips_go_where_the_cells_chances_say() -> None:
    environment = FrozenLakeEnvironment(small([0.1, 0.2, 0.3, 0.4]), 1)
    for chance, cell in ((0.05, 2), (0.25, 2), (0.35, 3), (0.59, 3), (0.61, 0)):
        environment.reset()
        environment.post(torch.tensor([DOWN]))
        step = environment.exogenous(torch.tensor([[0.0, chance]], dtype=torch.float64))
        assert step.final_observation is not None
        assert step.final_observation["cell"].tolist() == [cell]


def test_state_goes_back() -> None:
    environment = FrozenLakeEnvironment(random_lake(), 8)
    environment.reset(3)
    move = torch.arange(8) % 4
    environment.step(move)
    held = environment.state_dict()
    first = [environment.step(move).observation["cell"].tolist() for _ in range(9)]
    environment.load_state_dict(held)
    assert [environment.step(move).observation["cell"].tolist() for _ in range(9)] == first


def test_maps_are_drawn_by_the_rules() -> None:
    lake = random_lake(8, seed=1)
    assert lake.rows == random_lake(8, seed=1).rows != random_lake(8, seed=2).rows
    holes = np.mean([random_lake(8, seed=s).is_hole.mean() for s in range(200)])
    assert 0.12 < holes < 0.2  # fewer than a fifth: lakes without a way are drawn again
    assert np.array_equal(lake.slip_direction, random_lake(8, seed=2).slip_direction)


def test_refusals() -> None:
    even = np.full((4, 4), 0.25)
    for rows, slips in ((("FF", "F"), even), (("FH", "HF"), even), (("FF", "FF"), even[:2]), (("FF", "FF"), even * 2)):
        with pytest.raises(InstanceError):
            FrozenLake(rows, slips)
    with pytest.raises(InstanceError):
        random_lake(8, frozen=0.01)
    with pytest.raises(OptionError):
        FrozenLakeEnvironment(small(), 0)
    with pytest.raises(ValueError, match="direction 7"):
        simulate(small(), [(0.9, 0.9)], Script(7))
