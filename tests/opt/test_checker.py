"""The job-shop checker: planted defects are named, corruptions flagged, and a slow simulation agrees."""

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest

from counterpoint.opt.errors import BoundError
from counterpoint.opt.problems import job_shop_check
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.opt.registry import Method
from counterpoint.opt.result import Outcome, Reference, SolutionStatus, Termination
from counterpoint.opt.solving import check_against_reference, run

# job 0: machine 0 for 3, machine 1 for 2; job 1: machine 1 for 4, machine 0 for 1. Best makespan 6.
TINY = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(1, 4), (0, 1)]])
GOOD = Schedule.from_starts(TINY, [0, 4, 0, 4])


def kinds(shop, schedule):
    return Counter(v.kind for v in check(shop, schedule).violations)


def change(schedule, place, **fields):
    columns = {key: getattr(schedule, key).copy() for key in ("job", "operation", "machine", "start", "end")}
    for key, value in fields.items():
        columns[key][place] = value
    return Schedule(**columns)


class TestPlantedDefects:
    def test_the_good_schedule_is_feasible(self):
        verdict = check(TINY, GOOD)
        assert verdict.is_feasible
        assert verdict.objective == 6
        assert verdict.metrics == {"makespan": 6.0, "total_flow_time": 11.0}

    def test_overlap_by_one(self):
        late = change(GOOD, 1, start=3, end=5)
        (violation,) = check(TINY, late).violations
        assert (violation.kind, violation.amount) == ("overlap", 1)
        assert violation.place == "machine 1: job 1 op 0, job 0 op 1"

    def test_precedence_by_one(self):
        shop = JobShop.from_jobs("chain", [[(0, 3), (1, 2)]])
        (violation,) = check(shop, Schedule.from_starts(shop, [0, 2])).violations
        assert (violation.kind, violation.amount) == ("precedence", 1)
        assert violation.place.startswith("job 0 op 0")

    def test_wrong_machine(self):
        verdict = check(TINY, change(GOOD, 0, machine=1))
        assert "wrong-machine" in {v.kind for v in verdict.violations}
        assert "job 0 op 0 on machine 1" in str(verdict)

    def test_machine_that_does_not_exist(self):
        assert kinds(TINY, change(GOOD, 0, machine=-7)) == {"wrong-machine": 1}

    def test_missing_operation(self):
        part = Schedule(GOOD.job[:3], GOOD.operation[:3], GOOD.machine[:3], GOOD.start[:3], GOOD.end[:3])
        verdict = check(TINY, part)
        assert verdict.objective is None
        assert [str(v) for v in verdict.violations] == ["missing-operation at job 1 op 1: by 1"]

    def test_empty_schedule_misses_everything(self):
        assert kinds(TINY, Schedule([], [], [], [], [])) == {"missing-operation": 4}

    def test_split_operation(self):
        # job 0 op 0 in two pieces, 0-1 and 1-3: pre-emption
        split = Schedule([0, 0, 0, 1, 1], [0, 0, 1, 0, 1], [0, 0, 1, 1, 0], [0, 1, 4, 0, 4], [1, 3, 6, 4, 5])
        verdict = check(TINY, split)
        assert [v.kind for v in verdict.violations] == ["split-operation"]
        assert verdict.objective is None

    def test_operation_and_job_that_do_not_exist(self):
        assert kinds(TINY, change(GOOD, 3, operation=2)) == {"unknown-operation": 1, "missing-operation": 1}
        assert kinds(TINY, change(GOOD, 3, job=9)) == {"unknown-operation": 1, "missing-operation": 1}
        assert kinds(TINY, change(GOOD, 3, job=-1)) == {"unknown-operation": 1, "missing-operation": 1}

    def test_duration_shortened_and_negative_start(self):
        assert kinds(TINY, change(GOOD, 3, end=4)) == {"duration": 1}
        assert kinds(TINY, change(GOOD, 0, start=-1, end=2)) == {"negative-start": 1}

    def test_unavailable_machine(self):
        shop = dataclasses.replace(TINY, unavailable=[(0, 4, 6)])
        assert kinds(shop, GOOD) == {"unavailable": 1}
        assert check(shop, Schedule.from_starts(shop, [0, 4, 0, 6])).is_feasible

    def test_blocking_makes_the_good_schedule_bad(self):
        # job 0 is done on machine 0 at 3 but keeps it until 4, when job 1 leaves machine 1: an exchange
        assert check(dataclasses.replace(TINY, blocking="swap"), GOOD).is_feasible
        assert kinds(dataclasses.replace(TINY, blocking="no-swap"), GOOD) == {"swap": 1}
        waits = Schedule.from_starts(TINY, [0, 5, 0, 4])
        assert kinds(dataclasses.replace(TINY, blocking="swap"), waits) == {"overlap": 1}

    def test_zero_durations_may_touch_but_not_lie_inside(self):
        shop = JobShop.from_jobs("zero", [[(0, 4)], [(0, 0)]])
        for at, feasible in ((0, True), (1, False), (3, False), (4, True)):
            assert check(shop, Schedule.from_starts(shop, [0, at])).is_feasible is feasible

    def test_reentrant_jobs_are_accepted(self):
        shop = JobShop.from_jobs("again", [[(0, 2), (0, 3), (1, 1), (0, 1)]])
        assert check(shop, Schedule.from_starts(shop, [0, 2, 5, 6])).objective == 7

    def test_tardiness_by_hand(self):
        shop = dataclasses.replace(TINY, objective="total-weighted-tardiness", due_dates=[4, 5], weights=[3, 7])
        verdict = check(shop, GOOD)  # completions 6 and 5
        assert verdict.objective == 6
        assert verdict.metrics["late_jobs"] == 1
        assert verdict.metrics["total_weighted_tardiness"] == 6

    def test_a_checker_does_not_change_what_it_judges(self):
        before = [GOOD.start.copy(), GOOD.end.copy()]
        check(TINY, GOOD)
        assert np.array_equal(before, [GOOD.start, GOOD.end])
        with pytest.raises(ValueError, match="read-only"):
            GOOD.start[0] = 1


def liar(instance, budget, seed, options, report):
    report(GOOD)
    return Outcome(GOOD, 5.0, Termination.OPTIMAL, bound=None)


def boaster(instance, budget, seed, options, report):
    return Outcome(GOOD, 6.0, Termination.OPTIMAL, bound=7.0)


def cheat(instance, budget, seed, options, report):
    return Outcome(Schedule.from_starts(instance, [0, 3, 0, 3]), 5.0, Termination.OPTIMAL, bound=5.0)


class TestWrongClaims:
    def go(self, name, instance=TINY):
        from counterpoint.opt.budget import Budget

        method = Method(name, "job-shop", "none:none", "a liar")
        loaded = {"liar": liar, "boaster": boaster, "cheat": cheat}[name]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Method, "load", lambda self: loaded)
            return run(instance, method, Budget(1.0), 0, None)

    def test_wrong_claimed_makespan(self):
        result = self.go("liar")
        assert result.termination is Termination.ERROR
        assert (result.objective, result.claimed_objective) == (6, 5)
        assert "claimed objective 5, but the checker finds 6" in result.message
        assert result.solution_status is not SolutionStatus.OPTIMAL

    def test_bound_above_the_checked_objective(self):
        result = self.go("boaster")
        assert result.termination is Termination.ERROR
        assert "bound 7 contradicts" in result.message

    def test_infeasible_solution_is_not_held(self):
        result = self.go("cheat")
        assert result.termination is Termination.ERROR
        assert result.objective is None
        assert result.solution_status is SolutionStatus.INFEASIBLE
        assert "overlap" in result.message

    def test_objective_below_a_proven_bound(self, monkeypatch):
        from counterpoint.datasets import registry

        known = Reference("tiny", 7.0, 8.0, "by hand")
        monkeypatch.setattr(registry, "best_known", lambda instance: known)
        with pytest.raises(BoundError, match="below the proven bound 7 of tiny"):
            check_against_reference(TINY, 6.0, None)
        with pytest.raises(BoundError, match="above the known solution 8 of tiny"):
            check_against_reference(TINY, 9.0, 8.5)
        check_against_reference(TINY, 7.0, 7.0)
        check_against_reference(TINY, None, None)

        def honest(instance, budget, seed, options, report):
            return Outcome(GOOD, 6.0, Termination.COMPLETED)

        monkeypatch.setitem(globals(), "liar", honest)
        result = self.go("liar")
        assert result.termination is Termination.ERROR
        assert "below the proven bound" in result.message


def twin_kinds(shop, s):
    """Judge a schedule by a slow simulation, unit by unit of time; returns the kinds of violation.

    Written from the definitions in `job_shop` alone, sharing no code with the checker.
    """
    wanted = [(j, k) for j in range(shop.num_jobs) for k in range(shop.job_offsets[j + 1] - shop.job_offsets[j])]
    records = list(zip(s.job.tolist(), s.operation.tolist(), strict=True))
    found = set()
    if any(r not in wanted for r in records):
        found.add("unknown-operation")
    if any(records.count(w) == 0 for w in wanted):
        found.add("missing-operation")
    if any(records.count(w) > 1 for w in wanted):
        found.add("split-operation")
    if found:
        return found, None
    at = {r: (int(s.machine[i]), int(s.start[i]), int(s.end[i])) for i, r in enumerate(records)}
    leave = {}
    for n, (j, k) in enumerate(wanted):
        machine, start, end = at[j, k]
        durations = dict(shop.options_of(n))
        if machine not in durations:
            found.add("wrong-machine")
        elif end - start != durations[machine]:
            found.add("duration")
        if start < 0:
            found.add("negative-start")
        following = at.get((j, k + 1))
        leave[j, k] = end
        if following is not None:
            if following[1] < end:
                found.add("precedence")
            if shop.blocking != "none":
                leave[j, k] = max(end, following[1])
    first = min(start for _, start, _ in at.values())
    last = max([*(end for _, _, end in at.values()), *leave.values()])

    def inside(moment, start, end):  # a moment between two units of time
        return start < moment < end

    for m in {machine for machine, _, _ in at.values()}:
        here = [r for r in wanted if at[r][0] == m]
        closed = [(a, b) for machine, a, b in shop.unavailable.tolist() if machine == m]
        for t in range(first, last + 1):
            present = [r for r in here if at[r][1] <= t < leave[r]]
            passing = [r for r in here if at[r][1] == leave[r] == t]
            if len(present) > 1 or any(inside(t, at[r][1], leave[r]) for r in present for _ in passing):
                found.add("overlap")
            working = [r for r in here if at[r][1] <= t < at[r][2]]
            brief = [r for r in here if at[r][1] == at[r][2] == t]
            if any(a <= t < b for a, b in closed for _ in working) or any(
                inside(t, a, b) for a, b in closed for _ in brief
            ):
                found.add("unavailable")
    if not found and shop.blocking == "no-swap":
        for t in range(first, last + 1):
            if not can_move(at, leave, t):
                found.add("swap")
    ends = {j: max(end for (i, _), (_, _, end) in at.items() if i == j) for j in range(shop.num_jobs)}
    if shop.objective == "makespan":
        return found, max(ends.values())
    done = {j: at[max(r for r in wanted if r[0] == j)][2] for j in ends}
    return found, sum(int(shop.weights[j]) * max(0, done[j] - int(shop.due_dates[j])) for j in ends)


def can_move(at, leave, t):
    """Whether some order of the moves at instant t lets each job enter a machine that is free by then."""
    occupied = {at[r][0] for r in at if at[r][1] < t <= leave[r]}
    leavers = {r for r in at if leave[r] == t and (r[0], r[1] + 1) not in at}
    occupied -= {at[r][0] for r in leavers}
    moves = [((j, k - 1), (j, k)) for j, k in at if at[j, k][1] == t]
    moves = [(at[a][0] if a in at else None, at[b][0]) for a, b in moves]
    for order in itertools.permutations(moves):
        now = set(occupied)
        for origin, target in order:
            if target in now and target != origin:
                break
            now.discard(origin)
            now.add(target)
        else:
            return True
    return not moves


def agree(shop, schedule):
    expected, objective = twin_kinds(shop, schedule)
    verdict = check(shop, schedule)
    got = {v.kind for v in verdict.violations}
    if np.any(schedule.end < schedule.start):  # what such a record occupies is nobody's business
        assert got
        assert expected
        return False
    if got - {"swap"}:
        got.discard("swap")  # the twin looks for exchanges only where all else is well
    assert got == expected, (shop, schedule.start, schedule.end, schedule.machine)
    if not expected:
        assert verdict.objective == objective
    return not expected


def disturb(shop, schedule, rng):
    """Change some decisions; often, but not always, for the worse."""
    columns = {key: getattr(schedule, key).copy() for key in ("job", "operation", "machine", "start", "end")}
    for _ in range(rng.integers(0, 3)):
        i = int(rng.integers(len(columns["job"])))
        kind = rng.integers(4)
        if kind <= 1:  # move it
            by = int(rng.integers(-3, 4))
            columns["start"][i] += by
            columns["end"][i] += by
        elif kind == 2:
            columns["machine"][i] = rng.integers(shop.num_machines)
        else:
            key = str(rng.choice(["job", "operation", "start", "end"]))
            columns[key][i] += int(rng.choice([-1, 1]))
    return Schedule(**columns)


def count_agreements(make, total, seed):
    rng = np.random.default_rng(seed)
    feasible = 0
    for _ in range(total // 4):
        shop = make.shop(rng)
        good = make.schedule(shop, rng)
        assert agree(shop, good), "the constructor builds feasible schedules"
        feasible += 1
        for _ in range(3):
            feasible += agree(shop, disturb(shop, good, rng))
    return feasible


def test_slow_twin_agrees_on_2000(make):
    feasible = count_agreements(make, 2_000, seed=1)
    assert 800 < feasible < 1_800  # both answers are common


@pytest.mark.slow
def test_slow_twin_agrees_on_20000(make):
    assert count_agreements(make, 20_000, seed=2) > 8_000


def test_slow_twin_agrees_on_exchanges(make):
    """Random starts of unit jobs under "no-swap": exchanges and chains of moves at one instant are frequent."""
    rng = np.random.default_rng(3)
    seen = Counter()
    for _ in range(1_500):
        jobs = [[(int(m), 1) for m in rng.permutation(3)[: rng.integers(2, 4)]] for _ in range(3)]
        shop = JobShop.from_jobs("units", jobs, num_machines=3, blocking="no-swap")
        start = np.concatenate([np.sort(rng.choice(5, size=len(job), replace=False)) for job in jobs])
        schedule = Schedule.from_starts(shop, start)
        agree(shop, schedule)
        seen.update({v.kind for v in check(shop, schedule).violations} or {"fine"})
    assert seen["swap"] > 20
    assert seen["fine"] > 30


def corruptions(make, total, seed):
    """Change one field of one record of valid schedules; skip the few changes that are another valid decision."""
    rng = np.random.default_rng(seed)
    flagged = Counter()
    while sum(flagged.values()) < total:
        shop = make.shop(rng)
        good = make.schedule(shop, rng)
        for _ in range(8):
            i = int(rng.integers(len(good.job)))
            field = str(rng.choice(["job", "operation", "machine", "start", "end"]))
            value = int(getattr(good, field)[i]) + int(rng.choice([-2, -1, 1, 2]))
            bad = change(good, i, **{field: value})
            op = shop.job_offsets[good.job[i]] + good.operation[i]
            if field == "machine" and (value, good.end[i] - good.start[i]) in shop.options_of(op):
                continue  # another machine that takes as long: a different decision, not a corrupt record
            assert not check(shop, bad).is_feasible, (shop, field, value)
            flagged[field] += 1
    return flagged


def test_every_single_corruption_is_flagged_1500(make):
    assert min(corruptions(make, 1_500, seed=4).values()) > 200


@pytest.mark.slow
def test_every_single_corruption_is_flagged_10000(make):
    assert sum(corruptions(make, 10_000, seed=5).values()) >= 10_000


def test_the_twin_would_notice_a_broken_checker(make, monkeypatch):
    """Each part of the checker switched off in turn: the twin must disagree somewhere."""
    for part in (
        "_duration_violations", "_precedence_violations", "_overlap_violations", "_window_violations",
        "_swap_violations", "_record_violations",
    ):  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setattr(job_shop_check, part, lambda *a: ())
            judge = test_slow_twin_agrees_on_exchanges if part == "_swap_violations" else test_slow_twin_agrees_on_2000
            with pytest.raises((AssertionError, IndexError)):
                judge(make)
