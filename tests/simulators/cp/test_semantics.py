"""The compiled environment against a slow twin, written from the published semantics and from nothing else."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched.cp_environment import CpEnvironment, View
from counterpoint.simulators.cp.job_shop import decode, encode

WINDOW = 5


class Interval:
    """IntervalVar(start.lb, start.ub, duration) on a machine."""

    def __init__(self, machine, duration):
        self.machine, self.duration = machine, duration
        self.lb, self.ub = 0, math.inf

    @property
    def is_fixed(self):
        return self.lb == self.ub


class Operation:
    """A variable whose value is one of its intervals; a classical operation has one."""

    def __init__(self, options):
        self.options = [Interval(m, d) for m, d in options]
        self.chosen = None

    @property
    def lb(self):
        return min(o.lb for o in self.options) if self.chosen is None else self.chosen.lb

    @property
    def end_lb(self):
        return min(o.lb + o.duration for o in ([self.chosen] if self.chosen else self.options))


class Twin:
    """Constraint objects, propagated one by one until nothing changes; lists, no cleverness."""

    def __init__(self, jobs):
        self.jobs = [[Operation(op) for op in job] for job in jobs]
        self.next = [0] * len(jobs)
        self.created = [min(len(job), 2 * WINDOW) for job in jobs]
        self.propagate()

    def propagate(self):
        changed = True
        while changed:
            changed = False
            created = [op for job, k in zip(self.jobs, self.created, strict=True) for op in job[:k]]
            fixed = [op.chosen for op in created if op.chosen]
            for job, k in zip(self.jobs, self.created, strict=True):
                for a, b in pairwise(job[:k]):  # EndBeforeStart
                    for option in b.options if b.chosen is None else ():
                        if option.lb < a.end_lb:
                            option.lb = a.end_lb
                            changed = True
            for op in created:  # NoOverlap
                for option in op.options if op.chosen is None else ():
                    for f in fixed:
                        is_in_the_way = option.lb < f.lb + f.duration and option.lb + option.duration > f.lb
                        if f.machine == option.machine and is_in_the_way:
                            option.lb = f.lb + f.duration
                            changed = True

    def nexts(self):
        return {j: self.jobs[j][k] for j, k in enumerate(self.next) if k < len(self.jobs[j])}

    @property
    def values(self):
        return sorted({o.lb for op in self.nexts().values() for o in op.options})

    @property
    def time(self):
        return self.values[0] if self.values else None

    def mask(self, width):
        nexts = self.nexts()
        legal = []
        for j in range(len(self.jobs)):
            options = nexts[j].options if j in nexts else []
            legal += [o.lb == self.time for o in options] + [False] * (width - len(options))
        return [*legal, len(self.values) >= 2]

    def act(self, action, width):
        """Apply an action known to be legal."""
        if action == len(self.jobs) * width:
            second = self.values[1]
            for op in self.nexts().values():
                for o in op.options:
                    o.lb = max(o.lb, second)
        else:
            j = action // width
            op = self.nexts()[j]
            op.chosen = op.options[action % width]
            op.chosen.ub = op.chosen.lb
            assert op.chosen.is_fixed
            self.next[j] += 1
            self.created[j] = min(len(self.jobs[j]), self.created[j] + 1)
        self.propagate()

    def step(self, actions, width):
        now, taken = self.time, []
        for action in actions:
            if self.time != now or not self.mask(width)[action]:
                break
            self.act(action, width)
            taken.append(action)
        return taken

    @property
    def makespan(self):
        return max(op.end_lb for job in self.jobs for op in job)

    def observe(self, width):
        """Windows of raw features, token ids, padding and indices, row by row."""
        mask = self.mask(width)
        rows = []
        for j, job in enumerate(self.jobs):
            for a in range(width):
                k = self.next[j]
                options = len(job[k].options) if k < len(job) else 0
                if a > 0 and a >= options:
                    rows.append(None)
                    continue
                tokens = []
                for i in range(k - 1, k - 1 + WINDOW):
                    if i < 0:
                        tokens.append((1, 1, None, None, 0))
                    elif i >= len(job):
                        tokens.append((2, 0, None, None, 0))
                    elif i < k:
                        tokens.append((0, 1, job[i].chosen.lb, job[i].chosen.duration, 0))
                    elif i == k:
                        tokens.append((0, 0, job[i].options[a].lb, job[i].options[a].duration, mask[j * width + a]))
                    else:
                        tokens.append((0, 0, job[i].lb, min(o.duration for o in job[i].options), 0))
                rows.append((tokens, list(range(k, k + WINDOW))))
        return rows


def random_jobs(rng, is_flexible):
    """2-6 jobs of 1-14 operations (beyond the lazy model), re-entrant; durations 0-9 in a third of the cases."""
    machines = int(rng.integers(1, 6))
    low = int(rng.random() > 1 / 3)
    jobs = []
    for _ in range(int(rng.integers(2, 7))):
        job = []
        for _ in range(int(rng.integers(1, 15 if rng.random() < 0.3 else 6))):
            count = int(rng.integers(1, machines + 1)) if is_flexible else 1
            job.append([(int(m), int(rng.integers(low, 10))) for m in rng.permutation(machines)[:count]])
        jobs.append(job)
    return jobs


def check_observation(seen, twin, width, mean, deviation):
    """Compare one copy's observation with the twin's, normalisation undone by formula."""
    rows = twin.observe(width)
    shown = [token for row in rows if row for token in row[0] if token[0] == 0]
    lower = np.array([token[2] for token in shown], float)
    middle, spread = lower.mean(), max(1.0, lower.std())
    least = min(row[1][0] for row in rows if row)
    for row, expected in enumerate(rows):
        assert bool(seen["row_exists"][row]) == (expected is not None)
        if expected is None:
            continue
        tokens, index = expected
        assert seen["index_interval"][row].tolist() == [i - least for i in index]
        kinds = [token[0] for token in tokens]
        assert seen["start_end_tokens"][row].tolist() == kinds
        first_end = kinds.index(2) if 2 in kinds else WINDOW
        assert seen["attention_interval_mask"][row].tolist() == [k > first_end for k in range(WINDOW)]
        for k, (kind, is_fixed, lb, duration, is_legal) in enumerate(tokens):
            features = [is_fixed, 0.0, 0.0, is_legal]
            if kind == 0:
                features[1:3] = (lb - middle) / spread, (duration - mean) / max(deviation, 1e-8)
            np.testing.assert_allclose(seen["interval_rep"][row, k], features, rtol=2e-4, atol=2e-4)


def check_rivals(seen, twin, width):
    mask, nexts = twin.mask(width), twin.nexts()
    size = len(twin.jobs) * width
    for p in range(size + 1):
        for q in range(size + 1):
            is_rival = p == q
            if p != q and p < size and q < size and mask[p] and mask[q]:
                at = [nexts[x // width].options[x % width].machine for x in (p, q)]
                is_rival = at[0] == at[1]
            assert bool(seen["job_resource_mask"][p, q]) == is_rival


@pytest.mark.parametrize("is_flexible", [False, True])
def test_random_action_lists_follow_the_published_semantics(is_flexible):
    """100 instances, a random list of all actions at every step: masks, times, actions taken, starts, makespans."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        jobs = random_jobs(rng, is_flexible)
        shop = JobShop.from_jobs("random", jobs)
        durations = np.array([d for job in jobs for op in job for _, d in op], float)
        twin, environment = Twin(jobs), CpEnvironment([encode(shop)], 1, view=View(lookahead=2 * WINDOW))
        width = environment.shape.width
        step = 0
        while twin.time is not None:
            seen = {name: value[0].numpy() for name, value in environment.observe().items()}
            assert seen["action_mask"].tolist() == twin.mask(width)
            assert environment.problems.facts["time"][0, 0] == twin.time
            if seed < 20 and step % 3 == 0:
                check_observation(seen, twin, width, durations.mean(), durations.std())
                check_rivals(seen, twin, width)
            legal = np.flatnonzero(twin.mask(width))
            ranked = [int(rng.choice(legal)), *rng.permutation(environment.rows + 1).tolist()]
            taken, count = environment.step_ranked(torch.tensor([ranked]))
            expected = twin.step(ranked, width)
            assert taken[0, : int(count)].tolist() == expected
            step += 1
        assert bool(environment.is_done)
        assert environment.makespan[0] == twin.makespan
        start, option = environment.solution(0)
        assert start.tolist() == [op.chosen.lb for job in twin.jobs for op in job]
        verdict = check(shop, decode(shop, start, option))
        assert verdict.is_feasible, verdict
        assert verdict.objective == twin.makespan
        assert not environment.observe()["action_mask"].any()


def test_a_hand_made_episode():
    """Two jobs that want machine 0 at once: waiting lets job 1 be first although job 0 could go at 0."""
    shop = JobShop.from_jobs("pair", [[(0, 3), (1, 2)], [(1, 1), (0, 4)]])
    environment = CpEnvironment([encode(shop)], 1)
    assert environment.observe()["action_mask"][0].tolist() == [True, True, False]  # one distinct value: no No-Op
    environment.step_ranked(torch.tensor([[1]]))
    assert environment.observe()["action_mask"][0].tolist() == [True, False, True]  # job 1 may go on at 1
    environment.step_ranked(torch.tensor([[2]]))  # wait
    seen = environment.observe()
    assert seen["action_mask"][0].tolist() == [True, True, False]
    assert seen["job_resource_mask"][0].int().tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    taken, count = environment.step_ranked(torch.tensor([[1, 0, 2]]))  # job 0 is illegal now: the list ends
    assert (taken[0].tolist(), int(count)) == ([1, -1, -1], 1)
    environment.step_ranked(torch.tensor([[0]]))
    environment.step_ranked(torch.tensor([[0]]))
    assert environment.solution(0)[0].tolist() == [5, 8, 0, 1]
    assert environment.makespan.tolist() == [10]


def test_published_normalisation_takes_all_features_of_slot_1():
    shop = JobShop.from_jobs("pair", [[(0, 3), (1, 2)], [(1, 1), (0, 4)]])
    seen = CpEnvironment([encode(shop)], 1, view=View(normalisation="published")).observe()["interval_rep"][0]
    # slot 1 holds the next operations: fixed 0, start.lb 0, durations 3 and 1, legal 1
    raw = np.array([0, 0, 3, 1, 0, 0, 1, 1], float)
    np.testing.assert_allclose(seen[0, 1, 1], (0 - raw.mean()) / raw.std(), rtol=1e-6)
    np.testing.assert_allclose(seen[0, 2, 1], (3 - raw.mean()) / raw.std(), rtol=1e-6)
    durations = np.array([3, 2, 1, 4], float)
    np.testing.assert_allclose(seen[0, 1, 2], (3 - durations.mean()) / durations.std(), rtol=1e-6)
