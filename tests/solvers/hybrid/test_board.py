"""The board keeps the best of all parts; a part restarts only when it is behind and has had its time."""

import threading

from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.result import Termination
from counterpoint.solvers.hybrid.board import Board, Part, PartClock


def board(reported, **budget):
    def report(solution=None, *, bound=None):
        reported.append((solution, bound))

    return Board(Budget(**budget).start(), report, float)


def test_only_improvements_are_passed_on():
    reported = []
    shared = board(reported)
    for value in (9, 7, 8, 7, 6):
        shared(value)
    for bound in (3, 2, 4):
        shared(bound=bound)
    assert reported == [(9, None), (7, None), (6, None), (None, 3), (None, 4)]
    assert (shared.best, shared.value, shared.bound) == (6, 6.0, 4)


def test_ends_by_proof_gap_target_and_time():
    assert board([]).ended() is None
    proved = board([])
    proved(5, bound=5)
    assert proved.ended() is Termination.OPTIMAL
    near = board([], gap=0.3)
    near(5, bound=4)
    assert near.ended() is Termination.GAP
    hit = board([], target=5)
    hit(5)
    assert hit.ended() is Termination.TARGET
    assert board([], time_limit_s=0).ended() is Termination.TIME
    assert board([], iterations=0).ended() is None  # iterations are the parts' own


def test_many_threads_leave_the_best():
    reported = []
    shared = board(reported)

    def work(offset):
        for value in range(1000, 0, -1):
            shared(value + offset, bound=-value)

    threads = [threading.Thread(target=work, args=(k / 10,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    values = [float(solution) for solution, _ in reported if solution is not None]
    assert values == sorted(values, reverse=True)
    assert (shared.value, shared.bound) == (1.0, -1)


def test_a_part_that_is_behind_waits_for_its_time():
    now = board([])
    now(10)
    part = Part(now, patience_s=0.0, share=0.0)
    assert not part.should_stop()
    now(9)
    assert part.should_stop()
    assert part.begin() == 9
    assert not part.should_stop()
    part(8)
    assert now.value == 8.0
    assert not part.should_stop()
    patient = Part(now, patience_s=3600.0, share=0.0)
    now(7)
    assert not patient.should_stop()
    now(bound=7)
    assert patient.should_stop()


def test_part_clock_ends_a_part_but_limits_come_first():
    clock = Clock(Budget(iterations=5))
    assert PartClock(clock.budget, clock.started, lambda: False).stop(iteration=4) is None
    assert PartClock(clock.budget, clock.started, lambda: True).stop(iteration=4) is Termination.COMPLETED
    assert PartClock(clock.budget, clock.started, lambda: True).stop(iteration=5) is Termination.ITERATIONS
