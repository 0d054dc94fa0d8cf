"""Dispatching in batches: the foundation's rules operation by operation, whatever else is in the batch."""

import numpy as np
import pytest
import torch

from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.batched import job_shop as classical
from counterpoint.simulators.batched import job_shop_flexible as flexible

RULES = ("spt", "lpt", "mwkr", "lwkr", "mopnr", "fifo", "fdd-mwkr", "lrm", "srm")


def padded(values: np.ndarray, shop: JobShop, n: int, k: int) -> torch.Tensor:
    """Spread values [N] over [n, K]."""
    out = torch.zeros(n, k, dtype=torch.float64)
    within = np.arange(shop.num_operations) - shop.job_offsets[shop.job_of]
    out[shop.job_of, within] = torch.tensor(values, dtype=torch.float64)
    return out


@pytest.mark.parametrize("scheme", ["nondelay", "active"])
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_builds_the_foundations_schedule(random_shop, rule: str, scheme: str) -> None:
    from counterpoint.solvers.rules.job_shop import priority, schedule

    rng = np.random.default_rng(3)
    instances = [random_shop(rng, False) for _ in range(60)]
    shops = classical.Shops.of(instances)
    _, n, k = shops.machine.shape
    static = torch.stack([padded(priority(shop, rule)[0], shop, n, k) for shop in instances])
    weights = priority(instances[0], rule)[1]
    partial = classical.empty(shops)
    for _ in range(n * k):
        key = static.gather(2, partial.step.clamp(max=k - 1).unsqueeze(2)).squeeze(2)
        key = key + weights.ready * partial.ready + weights.duration * partial.duration
        mask = classical.candidates(partial, scheme)
        # infinity is a priority (fdd-mwkr), so what is not a candidate needs more: the first candidate if all are so
        key = key.nan_to_num(posinf=1e300).masked_fill(~mask, torch.inf)
        classical.advance(shops, partial, key.argmin(1))
    for row, shop in enumerate(instances):
        expected = schedule(shop, rule, scheme)
        assert partial.end[row, expected.job, expected.operation].tolist() == expected.end.tolist()


@pytest.mark.parametrize("scheme", ["nondelay", "active"])
@pytest.mark.parametrize("rule", ["spt", "mwkr", "fifo"])
def test_a_rule_builds_the_foundations_flexible_schedule(random_shop, rule: str, scheme: str) -> None:
    """The foundation binds an operation to the option of its earliest completion (then start, then the first)."""
    from counterpoint.solvers.rules.job_shop import priority, schedule

    rng = np.random.default_rng(4)
    instances = [random_shop(rng, True) for _ in range(60)]
    shops = flexible.FlexibleShops.of(instances)
    _, n, k, o = shops.machine.shape
    static = torch.stack([padded(priority(shop, rule)[0], shop, n, k) for shop in instances])
    weights = priority(instances[0], rule)[1]
    partial = flexible.empty(shops)
    for _ in range(n * k):
        complete = partial.begin + partial.duration
        is_earliest = complete == complete.amin(2, keepdim=True)
        option = partial.begin.masked_fill(~is_earliest, 2 * classical.NEVER - 1).argmin(2, keepdim=True)
        begin, duration, machine = (
            x.gather(2, option).squeeze(2) for x in (partial.begin, partial.duration, partial.machine)
        )
        bound = classical.Partial(
            partial.step, partial.ready.amin(2), partial.free, machine, duration, None, begin
        )  # fmt: skip
        mask = classical.candidates(bound, scheme)
        key = static.gather(2, partial.step.clamp(max=k - 1).unsqueeze(2)).squeeze(2)
        key = key + weights.ready * bound.ready + weights.duration * duration
        job = key.masked_fill(~mask, torch.inf).argmin(1)
        flexible.advance(shops, partial, job * o + option.squeeze(2).gather(1, job.unsqueeze(1)).squeeze(1))
    for row, shop in enumerate(instances):
        expected = schedule(shop, rule, scheme)
        at = (row, expected.job, expected.operation)
        assert partial.end[at].tolist() == expected.end.tolist()
        assert shops.machine[(*at, partial.option[at])].tolist() == expected.machine.tolist()


@pytest.mark.parametrize("is_flexible", [False, True])
def test_a_shop_does_not_care_who_is_in_its_batch(random_shop, is_flexible: bool) -> None:
    """The same actions in the same shop, alone and among larger ones, in another row."""
    rng = np.random.default_rng(5)
    instances = [random_shop(rng, is_flexible) for _ in range(20)]
    twin = flexible if is_flexible else classical
    of = (flexible.FlexibleShops if is_flexible else classical.Shops).of
    together = of(instances)
    width = together.machine.shape[3] if is_flexible else 1
    partial, generator = twin.empty(together), torch.Generator().manual_seed(0)
    actions = []
    for _ in range(max(shop.num_operations for shop in instances)):
        actions.append(classical.draw(twin.candidates(partial, "active"), generator))
        twin.advance(together, partial, actions[-1])
    for row, shop in enumerate(instances):
        alone = of([shop])
        own = alone.machine.shape[3] if is_flexible else 1
        single = twin.empty(alone)
        for action in torch.stack(actions, 1)[row, : shop.num_operations].tolist():
            twin.advance(alone, single, torch.tensor([action // width * own + action % width]))
        assert single.end[0].tolist() == partial.end[row, : shop.num_jobs, : single.end.shape[2]].tolist()
        assert bool(single.is_done)


def test_one_option_each_is_the_classical_shop(random_shop) -> None:
    rng, generator = np.random.default_rng(6), torch.Generator().manual_seed(1)
    instances = [random_shop(rng, False) for _ in range(50)]
    one, other = classical.Shops.of(instances), flexible.FlexibleShops.of(instances)
    first, second = classical.empty(one), flexible.empty(other)
    for scheme in ("nondelay", "active", "append") * 12:
        mask = classical.candidates(first, scheme)
        assert torch.equal(mask, flexible.candidates(second, scheme))
        job = classical.draw(mask, generator)
        classical.advance(one, first, job)
        flexible.advance(other, second, job)
        assert torch.equal(first.end, second.end)


def test_without_ends_the_makespans_are_the_same(random_shop) -> None:
    rng = np.random.default_rng(7)
    shops = classical.Shops.of([random_shop(rng, False) for _ in range(20)])
    kept, lean = classical.empty(shops), classical.empty(shops, keeps_ends=False)
    for _ in range(36):
        job = classical.draw(classical.candidates(kept, "nondelay"), torch.Generator().manual_seed(2))
        classical.advance(shops, kept, job)
        classical.advance(shops, lean, job)
    assert lean.end is None
    assert torch.equal(kept.makespan, lean.makespan)
    assert torch.equal(kept.makespan, kept.end.flatten(1).amax(1))


def test_times_are_exact_beyond_what_floating_point_holds() -> None:
    """Durations add up to 2^40; a float32 would lose the ones."""
    shop = JobShop.from_jobs("long", [[(0, 2**39 + 1), (1, 1)], [(0, 2**38 + 1), (1, 3)]])
    shops = classical.Shops.of([shop])
    partial = classical.empty(shops)
    ends = [int(classical.advance(shops, partial, torch.tensor([job]))) for job in (0, 1, 0, 1)]
    assert ends == [2**39 + 1, 2**39 + 2**38 + 2, 2**39 + 2, 2**39 + 2**38 + 5]


def test_a_done_row_stays_as_it_is() -> None:
    shop = JobShop.from_jobs("short", [[(0, 2)], [(0, 3)]])
    for twin, of in ((classical, classical.Shops.of), (flexible, flexible.FlexibleShops.of)):
        shops = of([shop])
        partial = twin.empty(shops)
        for job in (0, 1):
            twin.advance(shops, partial, torch.tensor([job]))
        for job in (0, 1):
            assert not twin.candidates(partial, "append").any()
            assert not twin.candidates(partial, "active").any()
            assert not twin.candidates(partial, "nondelay").any()
            assert int(twin.advance(shops, partial, torch.tensor([job]))) >= classical.NEVER
        assert partial.end.tolist() == [[[2], [5]]]
        assert int(partial.makespan) == 5
        assert partial.step.tolist() == [[1, 1]]


def test_draw_is_uniform_over_the_candidates() -> None:
    """Pearson's statistic over 60,000 draws from 3 of 5: 13.8 is exceeded once in a thousand."""
    mask = torch.tensor([[False, True, True, False, True]]).expand(60_000, 5).contiguous()
    drawn = torch.bincount(classical.draw(mask, torch.Generator().manual_seed(0)), minlength=5)
    assert drawn[[0, 3]].tolist() == [0, 0]
    assert float(((drawn[[1, 2, 4]] - 20_000) ** 2 / 20_000).sum()) < 13.8


def test_draw_of_many_jobs_and_of_nothing() -> None:
    mask = torch.zeros(3, 400, dtype=torch.bool)
    mask[0, 399], mask[1, 0] = True, True
    assert classical.draw(mask, torch.Generator().manual_seed(0)).tolist() == [399, 0, 399]
    full = torch.ones(2000, 400, dtype=torch.bool)
    drawn = classical.draw(full, torch.Generator().manual_seed(0))
    assert int(drawn.min()) < 5
    assert int(drawn.max()) > 394


def test_variants_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="blocking-swap"):
        flexible.FlexibleShops.of([JobShop.from_jobs("blocked", [[(0, 1)]], blocking="swap")])
