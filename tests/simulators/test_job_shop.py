"""The SimPy job shop: schedules worked out by hand, refusals, and the same logs as the batched twins."""

import numpy as np
import pytest
import torch

from counterpoint.opt.errors import OptionError, UnsupportedError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched import job_shop as classical
from counterpoint.simulators.batched import job_shop_flexible as flexible
from counterpoint.simulators.batched.job_shop_events import events_of
from counterpoint.simulators.job_shop import Choice, schedule_of, simulate

TINY = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(0, 1), (1, 4)], [(1, 2)]])


class Wanted:
    """Takes the given jobs in turn, by their first option on offer, and notes what was offered."""

    def __init__(self, jobs: list[int]) -> None:
        self.jobs, self.offers = jobs, []

    def start(self, episode: int) -> None:
        self.offers = []

    def act(self, choices: tuple[Choice, ...]) -> Choice:
        job = self.jobs[len(self.offers)]
        self.offers.append(sorted({c.job for c in choices}))
        return next(c for c in choices if c.job == job)


class Replay:
    """Takes the actions of a batched run, and insists that the same ones were allowed."""

    def __init__(self, actions: list[int], allowed: np.ndarray, num_options: int) -> None:
        self.actions, self.allowed, self.num_options, self.at = actions, allowed, num_options, 0

    def start(self, episode: int) -> None:
        self.at = 0

    def act(self, choices: tuple[Choice, ...]) -> Choice:
        offered = [c.job * self.num_options + c.option for c in choices]
        assert offered == np.flatnonzero(self.allowed[self.at]).tolist()
        self.at += 1
        return choices[offered.index(self.actions[self.at - 1])]


def test_nondelay_by_hand() -> None:
    policy = Wanted([0, 2, 1, 0, 1])
    run = simulate(TINY, None, policy)
    assert policy.offers == [[0, 1, 2], [2], [0, 1], [0], [1]]
    assert run.cost == 9
    assert run.decisions == ((0, 0), (2, 0), (1, 0), (0, 0), (1, 0))
    assert run.events == (
        (0, "start", 0, 0, 0), (0, "start", 2, 0, 1), (2, "end", 2, 0, 1), (3, "end", 0, 0, 0), (3, "start", 0, 1, 1),
        (3, "start", 1, 0, 0), (4, "end", 1, 0, 0), (5, "end", 0, 1, 1), (5, "start", 1, 1, 1), (9, "end", 1, 1, 1),
    )  # fmt: skip


def test_active_by_hand() -> None:
    """Earliest completion: job 1 on machine 0 at 1, so jobs 0 and 1 conflict there; then machine 1 at 2, ..."""
    policy = Wanted([1, 2, 0, 1, 0])
    run = simulate(TINY, None, policy, "active")
    assert policy.offers == [[0, 1], [1, 2], [0], [0, 1], [0]]
    assert run.cost == 8
    assert [e for e in run.events if e[2:4] == (1, 1)] == [(2, "start", 1, 1, 1), (6, "end", 1, 1, 1)]


def test_append_books_a_machine_ahead_of_its_job() -> None:
    policy = Wanted([0, 0, 2, 1, 1])
    run = simulate(TINY, None, policy, "append")
    assert policy.offers == [[0, 1, 2], [0, 1, 2], [1, 2], [1], [1]]
    assert (5, "start", 2, 0, 1) in run.events  # though machine 1 idles until 3
    assert run.cost == 11


def test_operations_of_no_duration_happen_before_the_next_decision() -> None:
    shop = JobShop.from_jobs("zero", [[(0, 0), (1, 0), (2, 5)], [(2, 1)]])
    policy = Wanted([0, 0, 0, 1])
    run = simulate(shop, None, policy)
    assert policy.offers == [[0, 1], [0, 1], [0, 1], [1]]
    assert run.cost == 6
    assert run.events[:4] == (
        (0, "start", 0, 0, 0), (0, "end", 0, 0, 0), (0, "start", 0, 1, 1), (0, "end", 0, 1, 1),
    )  # fmt: skip


def test_a_flexible_shop_offers_idle_machines_only() -> None:
    shop = JobShop.from_jobs("flexible", [[[(0, 4), (1, 6)]], [[(0, 3), (1, 3)]], [[(1, 1)]]])
    offers: list[list[tuple[int, int]]] = []

    class Last:
        def start(self, episode: int) -> None:
            pass

        def act(self, choices: tuple[Choice, ...]) -> Choice:
            offers.append([(c.job, c.machine) for c in choices])
            return choices[0]

    run = simulate(shop, None, Last())
    assert offers == [[(0, 0), (0, 1), (1, 0), (1, 1), (2, 1)], [(1, 1), (2, 1)], [(2, 1)]]
    assert run.cost == 4
    assert check(shop, schedule_of(shop, run)).objective == 4


def test_refusals() -> None:
    class Stubborn(Wanted):
        def act(self, choices: tuple[Choice, ...]) -> Choice:
            return Choice(2, 0, 1, 0, 1, 0)

    with pytest.raises(OptionError, match="not among the 3 choices"):
        simulate(TINY, None, Stubborn([]))
    with pytest.raises(OptionError, match="no scheme 'insert'"):
        simulate(TINY, None, Wanted([]), "insert")  # type: ignore[arg-type]
    blocked = JobShop.from_jobs("blocked", [[(0, 1)]], blocking="swap")
    with pytest.raises(UnsupportedError, match="blocking-swap"):
        simulate(blocked, None, Wanted([]))


def _parity(random_shop, count: int, seed: int, is_flexible: bool, scheme: str) -> int:
    """Run `count` shops in one batch under random actions; return the events compared."""
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    shops = [random_shop(rng, is_flexible) for _ in range(count)]
    twin = flexible if is_flexible else classical
    batch = (flexible.FlexibleShops if is_flexible else classical.Shops).of(shops)
    partial = twin.empty(batch)
    actions, allowed = [], []
    for _ in range(max(shop.num_operations for shop in shops)):
        allowed.append(twin.candidates(partial, scheme))
        actions.append(classical.draw(allowed[-1], generator))
        twin.advance(batch, partial, actions[-1])
    assert bool(partial.is_done.all())
    by_row, masks = torch.stack(actions, 1).tolist(), torch.stack(allowed, 1).numpy()
    num_options = batch.machine.shape[3] if is_flexible else 1
    compared = 0
    for row, shop in enumerate(shops):
        run = simulate(shop, None, Replay(by_row[row], masks[row], num_options), scheme)
        assert run.events == events_of(batch, partial, row)
        assert run.cost == int(partial.makespan[row])
        verdict = check(shop, schedule_of(shop, run))
        assert verdict.is_feasible
        assert verdict.objective == run.cost
        compared += len(run.events)
    return compared


@pytest.mark.parametrize("scheme", ["nondelay", "active", "append"])
@pytest.mark.parametrize("is_flexible", [False, True])
def test_parity_with_the_batched_twin(random_shop, is_flexible: bool, scheme: str) -> None:
    assert _parity(random_shop, 100, 1, is_flexible, scheme) > 1000


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["nondelay", "active", "append"])
@pytest.mark.parametrize("is_flexible", [False, True])
def test_parity_with_the_batched_twin_on_a_thousand_shops(random_shop, is_flexible: bool, scheme: str) -> None:
    assert _parity(random_shop, 1000, 2, is_flexible, scheme) > 10_000
