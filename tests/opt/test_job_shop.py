"""Instances validate at the door: nothing is cut, wrapped or repaired."""

from dataclasses import replace

import numpy as np
import pytest

import counterpoint as ct
from counterpoint.opt.problems.job_shop import JobShop, Schedule

SHOP = JobShop.from_jobs("two", [[(0, 3), (1, 2)], [(1, 4)]])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "durations",
    [
        [3, 2, 1.5], [3, 2, float("nan")], [3, 2, 1e30], [3, 2, 2**70], [3, 2, "4"], [3, 2, None], [3, 2, 1j],
        [[3], [2, 1], [4]], np.array([3, 2, 2**63], np.uint64), [3, 2, -1], [3, 2, 2**41], [3, 2],
    ],
)  # fmt: skip
def test_durations_that_are_none_are_refused(durations) -> None:
    with pytest.raises(ct.InstanceError):
        replace(SHOP, option_duration=durations)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"num_machines": 1}, "machine 1 does not exist"),
        ({"num_machines": 0}, "at least one machine"),
        ({"job_offsets": [0, 0, 3]}, "job 0 has no operation"),
        ({"job_offsets": [0, 2]}, "job_offsets"),
        ({"option_offsets": [0, 1, 1, 3]}, "needs at least one machine"),
        ({"blocking": "sometimes"}, "blocking"),
        ({"objective": "profit"}, "objective"),
        ({"objective": "total-weighted-tardiness"}, "due_dates"),
        ({"due_dates": [1]}, "one value per job"),
        ({"due_dates": [1, -1]}, "due_dates"),
        ({"unavailable": [[0, 5, 5]]}, "start < end"),
        ({"unavailable": [[2, 0, 5]]}, "machine 2"),
        ({"unavailable": [0, 0, 5]}, "rows"),
        ({"blocking": "no-swap", "option_duration": [3, 0, 4]}, "durations >= 1"),
    ],
)
def test_what_is_wrong_is_named(change: dict, what: str) -> None:
    with pytest.raises(ct.InstanceError, match=what):
        replace(SHOP, **change)


def test_arrays_are_copies_and_cannot_be_changed() -> None:
    durations = np.array([3, 2, 4])
    shop = replace(SHOP, option_duration=durations)
    durations[0] = 99
    assert shop.duration.tolist() == [3, 2, 4]
    with pytest.raises(ValueError, match="read-only"):
        shop.duration[0] = 99


def test_content_hash_sees_every_field_but_the_name() -> None:
    changes = (
        {"num_machines": 3}, {"option_duration": [3, 2, 5]}, {"option_machine": [0, 1, 0]}, {"job_offsets": [0, 1, 3]},
        {"blocking": "swap"}, {"due_dates": [5, 5]}, {"due_dates": [5, 6]}, {"due_dates": [5, 5], "weights": [1, 2]},
        {"due_dates": [5, 5], "objective": "total-weighted-tardiness"}, {"unavailable": [[0, 1, 2]]},
    )  # fmt: skip
    hashes = {replace(SHOP, **change).content_hash for change in changes} | {SHOP.content_hash}
    assert len(hashes) == len(changes) + 1
    assert replace(SHOP, name="other").content_hash == SHOP.content_hash
    assert replace(SHOP, name="other") != SHOP


def test_features_and_shape() -> None:
    assert SHOP.features == frozenset()
    assert not SHOP.is_rectangular
    assert JobShop.from_matrices("m", [[0, 1], [1, 0]], [[1, 2], [3, 4]]).is_rectangular
    assert not JobShop.from_jobs("re-entrant", [[(0, 1), (0, 1)], [(1, 1), (0, 1)]]).is_rectangular
    flexible = JobShop.from_jobs("f", [[[(0, 3), (1, 2)]]], blocking="swap", unavailable=[[0, 1, 2]])
    assert flexible.features == {"flexible", "blocking-swap", "unavailability"}
    assert flexible.options_of(0) == [(0, 3), (1, 2)]
    with pytest.raises(ct.InstanceError):
        _ = flexible.machine


def test_schedule_from_starts_takes_the_chosen_option() -> None:
    flexible = JobShop.from_jobs("f", [[[(0, 3), (1, 2)], (0, 5)]])
    schedule = Schedule.from_starts(flexible, [1, 4], choice=[1, 0])
    assert (schedule.machine.tolist(), schedule.end.tolist(), schedule.makespan) == ([1, 0], [3, 9], 9)
