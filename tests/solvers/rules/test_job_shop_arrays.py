"""The kernels' view of an instance: windows merged where they overlap, room on each machine."""

from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.solvers.rules.job_shop_arrays import arrays_of, merged_windows

SHOP = JobShop.from_jobs(
    "windows",
    [[[(0, 2), (2, 1)], [(0, 1)]]],
    num_machines=3,
    unavailable=[(2, 5, 9), (0, 3, 5), (2, 1, 4), (0, 5, 6), (2, 6, 7), (2, 8, 12)],
)


def test_windows_that_overlap_are_merged_and_those_that_touch_are_not() -> None:
    assert merged_windows(SHOP).tolist() == [[0, 3, 5], [0, 5, 6], [2, 1, 4], [2, 5, 12]]


def test_offsets_by_machine() -> None:
    arrays = arrays_of(SHOP)
    assert arrays.window_offsets.tolist() == [0, 2, 2, 4]
    assert arrays.window_start.tolist() == [3, 5, 1, 5]
    assert arrays.window_end.tolist() == [5, 6, 4, 12]
    assert arrays.block_offsets.tolist() == [0, 4, 4, 7]  # two windows and two options, none, two and one


def test_no_windows() -> None:
    arrays = arrays_of(JobShop.from_jobs("none", [[(1, 3)]]))
    assert arrays.window_offsets.tolist() == [0, 0, 0]
    assert len(arrays.window_start) == 0
