"""Replays: never longer, decisions that rebuild the schedule, and time run backwards."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.models.policies.job_shop_replay import replay, reverse, reverse_start
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched.job_shop import NEVER, Shops, advance, candidates, empty


@st.composite
def loose_schedules(draw) -> tuple[JobShop, torch.Tensor]:
    """A random shop, jobs of different length, and a feasible schedule of it full of needless waiting."""
    m = draw(st.integers(1, 3))
    operation = st.tuples(st.integers(0, m - 1), st.integers(0, 9))
    jobs = draw(st.lists(st.lists(operation, min_size=1, max_size=4), min_size=1, max_size=4))
    shop = JobShop.from_jobs("drawn", jobs, num_machines=m)
    order = draw(st.permutations([j for j, job in enumerate(jobs) for _ in job]))
    waits = draw(st.lists(st.integers(0, 5), min_size=len(order), max_size=len(order)))
    ready, free, at = [0] * len(jobs), [0] * m, [0] * len(jobs)
    start = torch.zeros(1, len(jobs), max(map(len, jobs)), dtype=torch.int64)
    for j, wait in zip(order, waits, strict=True):
        machine, duration = jobs[j][at[j]]
        begin = max(ready[j], free[machine]) + wait
        start[0, j, at[j]] = begin
        ready[j] = free[machine] = begin + duration
        at[j] += 1
    return shop, start


def verdict_of(shop: JobShop, shops: Shops, start: torch.Tensor):
    is_real = torch.arange(start.shape[2]) < shops.length[:1].unsqueeze(2)
    return check(shop, Schedule.from_starts(shop, start[is_real].numpy()))


@settings(max_examples=60, deadline=None)
@given(loose_schedules())
def test_no_operation_ends_later(case: tuple[JobShop, torch.Tensor]) -> None:
    shop, start = case
    shops = Shops.of([shop])
    assert verdict_of(shop, shops, start).is_feasible
    again = replay(shops, start)
    assert verdict_of(shop, shops, again.start).is_feasible
    assert int(again.makespan) == int((again.start + shops.duration).max())
    if (shops.duration > 0).sum() == shops.length.sum():  # an operation of no duration may have to wait for the limit
        assert (again.start <= start).all()


@settings(max_examples=40, deadline=None)
@given(loose_schedules())
def test_the_decisions_rebuild_the_schedule(case: tuple[JobShop, torch.Tensor]) -> None:
    shop, start = case
    shops = Shops.of([shop])
    again = replay(shops, start)
    partial = empty(shops)
    chosen = iter(again.choices.operation[again.target].tolist())
    k = shops.machine.shape[2]
    for _ in range(shop.num_operations):
        mask = candidates(partial, "active")[0]
        job = int(mask.nonzero()[0]) if mask.sum() == 1 else next(chosen) // k
        assert mask[job]
        advance(shops, partial, torch.tensor([job]))
    assert next(chosen, None) is None
    assert (partial.ready == NEVER).all()
    assert torch.equal(partial.end - shops.duration, again.start)
    assert replay(shops, start, describe=False).choices is None


@settings(max_examples=40, deadline=None)
@given(loose_schedules())
def test_backwards_twice_is_forwards(case: tuple[JobShop, torch.Tensor]) -> None:
    shop, start = case
    shops = Shops.of([shop])
    other = reverse(shops)
    makespan = (start + shops.duration).amax((1, 2))
    mirrored = reverse_start(shops, start, makespan)
    turned = JobShop.from_jobs(
        "turned",
        [list(zip(m[:n].tolist(), p[:n].tolist(), strict=True))
         for m, p, n in zip(other.machine[0], other.duration[0], other.length[0].tolist(), strict=True)],
        num_machines=shop.num_machines,
    )  # fmt: skip
    verdict = verdict_of(turned, other, mirrored)
    assert verdict.is_feasible
    assert verdict.objective <= int(makespan)
    is_real = torch.arange(start.shape[2]) < shops.length.unsqueeze(2)
    back = reverse_start(other, mirrored, makespan)
    assert torch.equal(back[is_real], start[is_real])
    assert torch.equal(reverse(other).machine, shops.machine)
    assert torch.equal(reverse(other).duration, shops.duration)


def test_a_gap_is_used() -> None:
    """Job 1 fits before job 0 on machine 1, where the schedule put it behind."""
    shop = JobShop.from_jobs("gap", [[(0, 5), (1, 5)], [(1, 3)]])
    start = torch.tensor([[[0, 5], [10, 0]]])
    again = replay(Shops.of([shop]), start)
    assert again.start[0, 1, 0] == 0
    assert again.makespan.tolist() == [10]
