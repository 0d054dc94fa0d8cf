"""Carlier's branch and bound against all permutations, with and without delays."""

import itertools

import numpy as np
import pytest

from counterpoint.solvers.bounds.carlier import one_machine
from counterpoint.solvers.bounds.one_machine import jackson_preemptive


def worth(order: tuple[int, ...], head: np.ndarray, duration: np.ndarray, tail: np.ndarray, delay: np.ndarray) -> int:
    start: dict[int, int] = {}
    now = 0
    for j in order:
        now = max([now, int(head[j]), *(s + int(delay[i, j]) for i, s in start.items() if delay[i, j] >= 0)])
        start[j] = now
        now += int(duration[j])
    return max(start[j] + int(duration[j] + tail[j]) for j in order)


def brute(head: np.ndarray, duration: np.ndarray, tail: np.ndarray, delay: np.ndarray) -> int:
    n = len(head)
    allowed = (
        order
        for order in itertools.permutations(range(n))
        if all(delay[order[b], order[a]] < 0 for a in range(n) for b in range(a + 1, n))
    )
    return min(worth(order, head, duration, tail, delay) for order in allowed)


def random_problem(seed: int, *, has_delays: bool) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    head, tail = rng.integers(0, 25, n), rng.integers(0, 25, n)
    duration = rng.integers(0 if seed % 3 else 1, 9, n)
    delay = np.full((n, n), -1, np.int64)
    if has_delays:
        for _ in range(int(rng.integers(0, n + 1))):
            i, j = sorted(rng.integers(0, n, 2).tolist())
            if i != j:
                delay[i, j] = duration[i] + rng.integers(0, 12)
        for k, i, j in itertools.product(range(n), repeat=3):  # closed under paths, as a shop's delays are
            if delay[i, k] >= 0 and delay[k, j] >= 0:
                delay[i, j] = max(delay[i, j], delay[i, k] + delay[k, j])
        for i, j in itertools.product(range(n), repeat=2):
            if delay[i, j] >= 0:
                head[j] = max(head[j], head[i] + delay[i, j])
        for i, j in itertools.product(range(n), repeat=2):
            if delay[n - 1 - i, n - 1 - j] >= 0:
                a, b = n - 1 - i, n - 1 - j
                tail[a] = max(tail[a], delay[a, b] - duration[a] + duration[b] + tail[b])
    return head, duration, tail, delay


def test_optimal_without_delays() -> None:
    for seed in range(400):
        problem = random_problem(seed, has_delays=False)
        sequence, value, bound = one_machine(*problem[:3])
        assert sorted(sequence.tolist()) == list(range(len(sequence)))
        assert value == bound == brute(*problem) == worth(tuple(sequence.tolist()), *problem), seed


def test_feasible_and_nearly_always_optimal_with_delays() -> None:
    optimal = 0
    for seed in range(400):
        problem = random_problem(seed, has_delays=True)
        sequence, value, bound = one_machine(*problem)
        order, best = tuple(sequence.tolist()), brute(*problem)
        delay = problem[3]
        assert all(delay[order[b], order[a]] < 0 for a in range(len(order)) for b in range(a + 1, len(order))), seed
        assert bound <= best <= value == worth(order, *problem), seed
        optimal += value == best
    assert optimal >= 390


def test_carlier_example() -> None:
    # Carlier 1982, section 2: Schrage 53, preemptive 49, optimum 50
    head = np.array([10, 13, 11, 20, 30, 0, 30])
    duration = np.array([5, 6, 7, 4, 3, 6, 2])
    tail = np.array([7, 26, 24, 21, 8, 17, 0])
    none = np.zeros(0, np.int64)
    assert jackson_preemptive(head, duration, tail, none, none) == 49
    assert one_machine(head, duration, tail)[1:] == (50, 50)


@pytest.mark.parametrize("n", [50, 100, 200])
def test_large_problems_close(n: int) -> None:
    # Carlier's own experiment: heads and tails uniform up to n k, durations 1..50; closed in a few nodes
    for seed in range(5):
        rng = np.random.default_rng([n, seed])
        spread = 15 * n
        problem = rng.integers(1, spread, n), rng.integers(1, 51, n), rng.integers(1, spread, n)
        _, value, bound = one_machine(*problem, node_limit=5000)
        assert value == bound


def test_node_limit_still_gives_a_sequence() -> None:
    head, duration, tail = np.array([0, 1, 2]), np.array([4, 4, 4]), np.array([0, 9, 3])
    sequence, value, bound = one_machine(head, duration, tail, node_limit=0)
    assert sorted(sequence.tolist()) == [0, 1, 2]
    assert bound <= value
