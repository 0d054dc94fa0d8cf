"""Held resources (end-at-start): swaps, chains of moves, and who must wait for a cycle to turn."""

import numpy as np
import pytest
import torch

from counterpoint.opt.errors import InstanceError, UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched.cp_environment import CpEnvironment
from counterpoint.simulators.cp.encoding import Encoding
from counterpoint.simulators.cp.job_shop import decode, encode


def blocking(jobs):
    return JobShop.from_jobs("blocking", jobs, blocking="swap")


def play(environment, *actions):
    for action in actions:
        _, count = environment.step_ranked(torch.tensor([[action]]))
        assert int(count) == 1, f"{action} is illegal"


def legal(environment):
    return torch.nonzero(environment.observe()["action_mask"][0]).flatten().tolist()


def test_a_swap_moves_both_at_one_instant():
    environment = CpEnvironment([encode(blocking([[(0, 2), (1, 3)], [(1, 4), (0, 1)]]))], 1)
    play(environment, 0, 1)  # both start at 0; job 0 would move at 2, but must wait for job 1
    assert environment.problems.facts["time"][0, 0] == 4
    play(environment, 0)
    assert bool(environment.is_done)  # job 1's move was forced
    assert environment.solution(0)[0].tolist() == [0, 4, 0, 4]


def test_a_held_machine_is_not_free():
    """Job 0 waits on machine 0 for machine 1 until 5; job 2 may enter machine 0 only then."""
    environment = CpEnvironment([encode(blocking([[(0, 1), (1, 2)], [(1, 5)], [(0, 3)]]))], 1)
    play(environment, 0, 1)
    assert environment.earliest(0).tolist() == [0, 5, 0, 5]
    play(environment, 2)  # enters machine 0, and so moves job 0 on to machine 1
    assert environment.solution(0)[0].tolist() == [0, 5, 0, 5]


def test_who_waits_for_a_cycle_from_outside_must_let_it_turn():
    jobs = [[(0, 2), (1, 3)], [(1, 2), (0, 3)], [(2, 2), (0, 1)]]  # jobs 0 and 1 swap; job 2 wants machine 0 too
    environment = CpEnvironment([encode(blocking(jobs))], 1)
    play(environment, 0, 1, 2)
    assert legal(environment) == [0, 1]  # all three could move at 2 by their bounds, job 2 not before the swap
    play(environment, 1)
    assert legal(environment) == [2]
    assert environment.problems.facts["time"][0, 0] == 5
    play(environment, 2)
    assert environment.makespan.tolist() == [6]


@pytest.mark.parametrize("seed", range(40))
def test_random_episodes_never_get_stuck_and_end_in_what_the_checker_accepts(seed):
    rng = np.random.default_rng(seed)
    machines = int(rng.integers(2, 6))
    jobs = [
        [(int(m), int(rng.integers(1, 10))) for m in rng.integers(0, machines, int(rng.integers(1, 8)))]
        for _ in range(int(rng.integers(2, 8)))
    ]
    shop = blocking(jobs)
    environment = CpEnvironment([encode(shop)], 16)
    generator = torch.Generator().manual_seed(seed)
    while not bool(environment.is_done.all()):
        mask = environment.observe()["action_mask"]
        assert mask.any(1)[~environment.is_done].all()
        ranked = torch.rand(mask.shape, generator=generator).masked_fill(~mask, 2.0).argsort(1)
        environment.step_ranked(ranked)
    for row in range(16):
        verdict = check(shop, decode(shop, *environment.solution(row)))
        assert verdict.is_feasible, verdict
        assert verdict.objective == environment.makespan[row]


def test_what_cannot_be_stated_is_refused():
    with pytest.raises(UnsupportedError, match="swap"):
        encode(JobShop.from_jobs("x", [[(0, 1)]], blocking="no-swap"))
    with pytest.raises(UnsupportedError, match="without options"):
        encode(JobShop.from_jobs("x", [[[(0, 1), (1, 2)], (0, 1)]], blocking="swap"))
    with pytest.raises(UnsupportedError, match="durations >= 1"):
        encode(JobShop.from_jobs("x", [[(0, 0), (1, 1)]], blocking="swap"))
    with pytest.raises(UnsupportedError, match="windows"):
        encode(JobShop.from_jobs("x", [[(0, 1)]], unavailable=[(0, 1, 2)]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"chain_offsets": [0, 1]}, "chain_offsets"),
        ({"option_offsets": [0, 1, 3]}, "option_offsets"),
        ({"chain_offsets": [0, 0, 2]}, "every chain"),
        ({"duration": [1, -1]}, "negative"),
        ({"is_held": [0, 1]}, "is_held"),
        ({"is_held": [1, 0], "duration": [0, 1]}, "held resources"),
    ],
)
def test_an_encoding_is_checked(change, message):
    given = {"chain_offsets": [0, 2], "option_offsets": [0, 1, 2], "resource": [0, 1], "duration": [1, 2],
             "is_held": [0, 0]} | change  # fmt: skip
    arrays = {name: np.array(values, bool if name == "is_held" else np.int64) for name, values in given.items()}
    with pytest.raises(InstanceError, match=message):
        Encoding(**arrays)
