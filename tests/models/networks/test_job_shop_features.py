"""Features against values worked out by hand, and what they must not depend on."""

import math

import pytest
import torch

from counterpoint.models.networks.job_shop_features import NUM_DYNAMIC, State, Tables, choices_of, static_features
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.batched.job_shop import Shops, advance, candidates, empty

TINY = [[(0, 3), (1, 2)], [(0, 1), (1, 4)]]  # mean duration 2.5


def described(shops: Shops, moves: tuple[int, ...] = ()):
    """Return the choices of every row after some moves in each."""
    tables, partial = Tables.of(shops), empty(shops)
    load = tables.load.clone()
    for job in moves:
        at = torch.full((len(load),), job)
        machine, work = partial.machine.gather(1, at[:, None]), partial.duration.gather(1, at[:, None]) * tables.unit
        advance(shops, partial, at)
        load.scatter_add_(1, machine, -work)
    mask = candidates(partial, "active")
    return choices_of(tables, State.of(partial, load, torch.arange(len(load)), mask, 1))


def test_tables_count_in_mean_durations() -> None:
    tables = Tables.of(Shops.of([JobShop.from_jobs("tiny", TINY)]))
    assert tables.unit.item() == pytest.approx(0.4)
    assert tables.load.tolist() == [pytest.approx([1.6, 2.4])]
    assert tables.remaining.tolist() == pytest.approx([2.0, 0.8, 2.0, 1.6])


def test_first_choice_by_hand() -> None:
    """Both jobs wait for machine 0; durations 1.2 and 0.4, work 2.0 each, lower bound 2.4 (machine 1's load)."""
    choices = described(Shops.of([JobShop.from_jobs("tiny", TINY)]))
    assert choices.operation.tolist() == [0, 2]
    assert choices.count.tolist() == [2]
    first, second = choices.features.tolist()
    assert len(first) == NUM_DYNAMIC
    sinh = [[math.sinh(x) for x in row[:16]] for row in (first, second)]
    expected = {  # column of the squashed ones -> job 0, job 1
        0: (0, 0),  # start
        1: (0, 0),  # idle time of the machine before it
        3: (0.4, 0.4),  # slack of the job to the bound: 2.4 - 2.0
        4: (0, 0),  # work against the candidates' mean
        6: (0 - 1.2, 0 - 0.4),  # when the next machine is free, from this one's end
        7: (0, 0),  # the next machine is the bottleneck
        9: (2.4 - 1.6, 2.4 - 1.6),  # slack of this machine
        10: (1.6, 1.6),  # waiting for it
        11: (1.2 + 2.0 - 2.4, 0.4 + 2.0 - 2.4),  # the other one, delayed, against the bound
        12: (0.8, 0),
        13: (1.2, 0.4),  # delay of the other one
        15: (-1.2, -0.4),  # the other's start from this one's end
    }
    for column, values in expected.items():
        assert [row[column] for row in sinh] == pytest.approx(values, abs=1e-5), column
    assert [row[16:20] for row in (first, second)] == [
        pytest.approx([0, 1.2, 0.8, 0.8]),  # start, duration, end against the earliest, next duration
        pytest.approx([0, 0.4, 0.0, 1.6]),
    ]


def test_a_move_changes_the_state() -> None:
    """After job 1 the other one waits for machine 0 till 0.4 alone; after both, job 1 holds machine 1."""
    choices = described(Shops.of([JobShop.from_jobs("tiny", [*TINY, [(0, 2), (1, 1)]])]), (1,))
    # durations 3, 2 and 1, 4 and 2, 1: unit 6/13; job 1's first operation ends at 1 and job 0 and 2 start then
    assert choices.operation.tolist() == [0, 4]
    assert choices.features[:, 17].tolist() == pytest.approx([18 / 13, 12 / 13])  # durations
    delay = [math.sinh(x) for x in choices.features[:, 13].tolist()]
    assert delay == pytest.approx([18 / 13, 12 / 13], rel=1e-5)


@pytest.fixture
def shops() -> Shops:
    generator = torch.Generator().manual_seed(5)
    machine = torch.rand(6, 5, 4, generator=generator).argsort(2)
    return Shops(machine, torch.randint(1, 100, (6, 5, 4), generator=generator), torch.full((6, 5), 4), 4)


@pytest.mark.parametrize("moves", [(), (0, 3, 3, 1)])
def test_free_of_scale(shops: Shops, moves: tuple[int, ...]) -> None:
    scaled = Shops(shops.machine, shops.duration * 1_000_003, shops.length, shops.num_machines)
    a, b = described(shops, moves), described(scaled, moves)
    torch.testing.assert_close(a.features, b.features, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(static_features(shops), static_features(scaled), rtol=1e-4, atol=1e-5)


def test_names_of_jobs_and_machines_do_not_matter(shops: Shops) -> None:
    jobs, machines = torch.tensor([3, 0, 4, 2, 1]), torch.tensor([2, 0, 3, 1])
    renamed = Shops(machines[shops.machine[:, jobs]], shops.duration[:, jobs], shops.length, 4)
    torch.testing.assert_close(static_features(renamed), static_features(shops)[:, jobs])
    plain, other = described(shops), described(renamed)
    for row in range(6):
        mine, theirs = (x.features[x.row == row] for x in (plain, other))
        at = [plain.operation[plain.row == row] // 4 % 5, jobs[other.operation[other.row == row] // 4 % 5]]
        assert sorted(at[0].tolist()) == sorted(at[1].tolist())
        torch.testing.assert_close(mine[at[0].argsort()], theirs[at[1].argsort()])


def test_states_side_by_side_are_as_alone(shops: Shops) -> None:
    together = described(shops)
    for b in range(6):
        alone = described(Shops(shops.machine[b : b + 1], shops.duration[b : b + 1], shops.length[b : b + 1], 4))
        torch.testing.assert_close(together.features[together.row == b], alone.features)
