"""Jackson's preemptive schedule against a simulation of one time unit after the other, and a known case."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.solvers.bounds.one_machine import jackson_preemptive

operation = st.tuples(st.integers(0, 15), st.integers(1, 6), st.integers(0, 15))
window = st.tuples(st.integers(0, 25), st.integers(1, 5))


def simulate(operations: list[tuple[int, int, int]], closed: set[int]) -> int:
    """In every unit of time the machine is open, work on the ready operation with the largest tail."""
    left = [p for _, p, _ in operations]
    value, now = 0, 0
    while any(left):
        ready = [i for i, (r, _, _) in enumerate(operations) if r <= now and left[i]]
        if ready and now not in closed:
            i = max(ready, key=lambda i: operations[i][2])
            left[i] -= 1
            if not left[i]:
                value = max(value, now + 1 + operations[i][2])
        now += 1
    return value


def preemptive_optimum(operations: list[tuple[int, int, int]]) -> int:
    """By duality, the largest least head + work + least tail over subsets (Carlier 1982, theorem 3)."""
    best = 0
    for mask in range(1, 2 ** len(operations)):
        chosen = [operation for i, operation in enumerate(operations) if mask >> i & 1]
        heads, durations, tails = zip(*chosen, strict=True)
        best = max(best, min(heads) + sum(durations) + min(tails))
    return best


def run(operations: list[tuple[int, int, int]], windows: list[tuple[int, int]]) -> int:
    head, duration, tail = (np.array(column, np.int64) for column in zip(*operations, strict=True))
    before = head.copy(), duration.copy(), tail.copy()
    start, end = np.array(windows, np.int64).reshape(-1, 2).T.copy()
    value = int(jackson_preemptive(head, duration, tail, start, end))
    assert all(np.array_equal(a, b) for a, b in zip(before, (head, duration, tail), strict=True))
    return value


@settings(max_examples=300, deadline=None)
@given(st.lists(operation, min_size=1, max_size=8), st.lists(window, max_size=4))
def test_equals_unit_by_unit_simulation(operations: list[tuple[int, int, int]], raw: list[tuple[int, int]]) -> None:
    windows: list[tuple[int, int]] = []
    for start, length in sorted(raw):  # sorted, touching allowed, not overlapping
        begin = max([start, *(end for _, end in windows)])
        windows.append((begin, begin + length))
    closed = {t for a, b in windows for t in range(a, b)}
    assert run(operations, windows) == simulate(operations, closed)


@settings(max_examples=100, deadline=None)
@given(st.lists(operation, min_size=1, max_size=7))
def test_equals_best_subset(operations: list[tuple[int, int, int]]) -> None:
    assert run(operations, []) == preemptive_optimum(operations)


def test_carlier_example() -> None:
    # Carlier 1982, section 2: seven jobs; the optimum without preemption is 50
    heads, durations, tails = [10, 13, 11, 20, 30, 0, 30], [5, 6, 7, 4, 3, 6, 2], [7, 26, 24, 21, 8, 17, 0]
    assert run(list(zip(heads, durations, tails, strict=True)), []) == 49


def test_no_operations() -> None:
    none = np.zeros(0, np.int64)
    assert jackson_preemptive(none, none, none, none, none) == 0
