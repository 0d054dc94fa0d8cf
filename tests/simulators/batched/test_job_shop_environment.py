"""The job-shop environment: rewards that add up, restarts, resumption, features worked out by hand."""

import numpy as np
import pytest
import torch

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.batched.job_shop import Shops, draw
from counterpoint.simulators.batched.job_shop_environment import JobShopEnvironment, RandomShops, Rules
from counterpoint.simulators.batched.job_shop_flexible import FlexibleShops
from counterpoint.simulators.batched.job_shop_graph import edges_of

TINY = JobShop.from_jobs("tiny", [[(0, 3), (1, 2)], [(0, 1), (1, 4)], [(1, 2)]])


def random_steps(environment: JobShopEnvironment, count: int, seed: int = 0):
    """Yield the steps of a random policy."""
    generator = torch.Generator().manual_seed(seed)
    observation = environment.reset(seed)
    for _ in range(count):
        step = environment.step(draw(observation["action_mask"], generator))
        observation = step.observation
        yield step


def test_tiny_shop_by_hand() -> None:
    """First bound: machine 1 has 8 to do. Jobs 1, 2, 0, 1, 0 in this order, active: makespan 8, so nothing is lost."""
    environment = JobShopEnvironment(Shops.of([TINY]), rules=Rules(scheme="active"))
    first = environment.reset()
    assert first["action_mask"].tolist() == [[True, True, False]]
    # job 0: starts now, takes 3, then 2 in 1 operation (of at most 2), 3 short of 8; machine 0 has 4 to do, 4 short
    assert (first["candidate"][0, 0] * 8).tolist() == [0, 3, 2, 4, 3, 0, 0, 4, 4]
    steps = [environment.step(torch.tensor([job])) for job in (1, 2, 0, 1, 0)]
    assert [float(step.reward[0, 0]) for step in steps] == [0, 0, 0, 0, 0]
    # what could start earliest: job 2 at 0, then job 0 at 1, job 1 at 2, job 0 at 6, nothing (makespan 8)
    assert [float(step.elapsed[0]) for step in steps] == [0, 1, 1, 4, 2]
    assert [bool(step.terminated[0]) for step in steps] == [False] * 4 + [True]
    assert steps[-1].observation["action_mask"].tolist() == [[True, True, False]]
    # the other way round: job 0 first makes job 1 end at 3 + 1 + 4 at least: still 8; then job 0 again: 5 + 4 + 2 = 11
    environment = JobShopEnvironment(Shops.of([TINY]), rules=Rules(scheme="append"))
    environment.reset()
    assert [float(environment.step(torch.tensor([j])).reward[0, 0]) for j in (0, 0, 2, 1, 1)] == [0, -3, 0, 0, 0]


@pytest.mark.parametrize("is_flexible", [False, True])
@pytest.mark.parametrize("scheme", ["nondelay", "active", "append"])
def test_dense_rewards_add_up_to_the_makespan_exactly(is_flexible: bool, scheme: str) -> None:
    source = RandomShops(5, 4, is_flexible)
    dense = JobShopEnvironment(source, 16, rules=Rules(scheme=scheme))
    sparse = JobShopEnvironment(source, 16, rules=Rules(scheme=scheme, reward="sparse"))
    bound, total, elapsed, episodes = dense._bound.clone(), torch.zeros(16), torch.zeros(16), 0
    for step, other in zip(random_steps(dense, 150), random_steps(sparse, 150), strict=True):
        assert torch.equal(step.terminated, other.terminated)
        total, elapsed = total + step.reward[:, 0], elapsed + step.elapsed
        assert bool((step.reward <= 0).all())
        ended = step.terminated
        assert torch.equal((bound - total)[ended], -other.reward[ended, 0])
        assert torch.equal(elapsed[ended], -other.reward[ended, 0])
        assert not other.reward[~ended].any()
        total, elapsed = total.masked_fill(ended, 0), elapsed.masked_fill(ended, 0)
        bound = torch.where(ended, dense._bound, bound)
        episodes += int(ended.sum())
    assert episodes >= 16 * 5


def test_given_shops_start_again_each_in_its_row() -> None:
    shops = [TINY, JobShop.from_jobs("other", [[(0, 1), (1, 1)]]), JobShop.from_jobs("third", [[(1, 7)], [(1, 2)]])]
    environment = JobShopEnvironment(Shops.of(shops))
    first = {key: x.clone() for key, x in environment.reset().items()}
    ended = torch.zeros(3, dtype=torch.int64)
    for step in random_steps(environment, 30):
        ended += step.terminated
        for key, x in step.observation.items():
            assert torch.equal(x[step.terminated], first[key][step.terminated])
    assert ended.tolist() == [30 // 5, 30 // 2, 30 // 2]


def test_random_shops_are_drawn_afresh_and_from_the_seed() -> None:
    environment = JobShopEnvironment(RandomShops(3, 2), 4)
    seen = []
    for _ in range(2):
        steps = random_steps(environment, 12, seed=3)
        seen.append([environment.shops.duration.clone() for step in steps if bool(step.terminated[0])])
    assert not torch.equal(seen[0][0], seen[0][1])
    assert all(torch.equal(a, b) for a, b in zip(*seen, strict=True))


@pytest.mark.parametrize("is_flexible", [False, True])
def test_resumption_is_bit_for_bit(is_flexible: bool) -> None:
    rules = Rules(shows="both")
    one = JobShopEnvironment(RandomShops(4, 3, is_flexible), 8, rules=rules)
    for _ in random_steps(one, 20, seed=5):
        pass
    state = one.state_dict()
    other = JobShopEnvironment(RandomShops(4, 3, is_flexible), 8, rules=rules, seed=99)
    other.load_state_dict(state)
    a, b = one._observation, other._observation
    for _ in range(40):
        assert all(torch.equal(a[key], b[key]) for key in a)
        action = draw(a["action_mask"], torch.Generator().manual_seed(int(one._left.sum())))
        first, second = one.step(action), other.step(action)
        assert torch.equal(first.reward, second.reward)
        assert torch.equal(first.elapsed, second.elapsed)
        a, b = first.observation, second.observation


def test_an_illegal_action_becomes_the_first_legal_one() -> None:
    one, other = (JobShopEnvironment(Shops.of([TINY])) for _ in range(2))
    one.step(torch.tensor([0]))
    other.step(torch.tensor([0]))
    assert other._observation["action_mask"].tolist() == [[False, False, True]]
    first, second = one.step(torch.tensor([0])), other.step(torch.tensor([2]))
    assert all(torch.equal(first.observation[key], second.observation[key]) for key in first.observation)


def test_observations_fit_the_space() -> None:
    for is_flexible in (False, True):
        environment = JobShopEnvironment(RandomShops(4, 3, is_flexible), 2, rules=Rules(shows="both"))
        observation = environment.reset(0)
        row = {key: x[0].numpy() for key, x in observation.items()}
        row["action_mask"] = row["action_mask"].astype(np.int8)
        assert environment.observation_space.contains(row)
        assert environment.action_space.n == len(row["action_mask"])


def test_edges_by_hand() -> None:
    edges = edges_of(Shops.of([TINY, TINY]))
    conjunctive, disjunctive = (sorted(zip(*x.tolist(), strict=True)) for x in (edges.conjunctive, edges.disjunctive))
    assert conjunctive == [(0, 1), (2, 3), (6, 7), (8, 9)]
    own = [(0, 2), (1, 3), (1, 4), (2, 0), (3, 1), (3, 4), (4, 1), (4, 3)]
    assert disjunctive == own + [(a + 6, b + 6) for a, b in own]


@pytest.mark.parametrize("is_flexible", [False, True])
def test_node_features_equal_plain_loops(random_shop, is_flexible: bool) -> None:
    rng = np.random.default_rng(8)
    instances = [random_shop(rng, is_flexible) for _ in range(12)]
    environment = JobShopEnvironment(
        (FlexibleShops if is_flexible else Shops).of(instances), rules=Rules("active", shows="graph")
    )
    for step in random_steps(environment, 12):
        partial, k = environment.partial, environment.shops.machine.shape[2]
        for row, shop in enumerate(instances):
            free, now = partial.free[row].tolist(), int(environment._now[row])
            work, operations = [0.0] * len(free), [0.0] * len(free)
            for job in range(shop.num_jobs):
                done, at, first = int(partial.step[row, job]), 0, int(shop.job_offsets[job])
                length = int(shop.job_offsets[job + 1]) - first
                for place in range(length):
                    options = shop.options_of(first + place)
                    least = min(p for _, p in options)
                    got = step.observation["operation"][row, job * k + place].tolist()
                    if place < done:
                        at = int(partial.end[row, job, place])
                        chosen = int(partial.option[row, job, place]) if is_flexible else 0
                        assert got[:3] == [1, 0, at - options[chosen][1] - now]
                        continue
                    at = max(at, min(free[m] for m, _ in options))
                    assert got == [0, place == done, at - now, least, length - 1 - place]
                    at += least
                    for m, p in options:
                        work[m] += p / len(options)
                        operations[m] += 1 / len(options)
            machines = step.observation["machine"][row]
            assert machines[:, 0].tolist() == [x - now for x in free]
            torch.testing.assert_close(machines[:, 1], torch.tensor(work))
            torch.testing.assert_close(machines[:, 2], torch.tensor(operations))


@pytest.mark.parametrize(
    ("kind", "has_options"),
    [(Shops, False), (FlexibleShops, True), (FlexibleShops, False)],
    ids=["classical", "flexible", "one option"],
)
@pytest.mark.parametrize("scheme", ["nondelay", "active", "append"])
@pytest.mark.parametrize("reward", ["dense", "sparse"])
def test_compiled_and_torch_steps_are_the_same(
    random_shop, kind: type[Shops | FlexibleShops], has_options: bool, scheme: str, reward: str
) -> None:
    """Bit for bit: 24 shops of different sizes, 60 steps with restarts, one action in ten out of turn.

    Flexible shops may have no more than one option each, too.
    """
    rng = np.random.default_rng(11)
    shops = kind.of([random_shop(rng, has_options) for _ in range(24)])
    rules = Rules(scheme, reward, "both")  # type: ignore[arg-type]
    one, two = (JobShopEnvironment(shops, rules=rules, is_compiled=flag) for flag in (True, False))
    generator = torch.Generator().manual_seed(12)
    first, second = one.reset(), two.reset()
    for _ in range(60):
        assert all(torch.equal(first[key], second[key]) and first[key].dtype == second[key].dtype for key in second)
        action = draw(first["action_mask"], generator)
        wild = torch.randint(first["action_mask"].shape[1], action.shape, generator=generator)
        action = torch.where(torch.rand(len(action), generator=generator) < 0.1, wild, action)
        a, b = one.step(action), two.step(action)
        for name in ("reward", "terminated", "truncated", "elapsed"):
            assert torch.equal(getattr(a, name), getattr(b, name))
        first, second = a.observation, b.observation
    state, other = one.state_dict(), two.state_dict()
    for key in ("to_come", "bound", "now", "left"):
        assert torch.equal(state[key], other[key])
    assert all(torch.equal(x, other["partial"][key]) for key, x in state["partial"].items())


@pytest.mark.parametrize("action", [[5], [-1], [0.0], [0, 0]])
def test_compiled_steps_refuse_what_would_be_read_past_their_arrays(action: list[float]) -> None:
    environment = JobShopEnvironment(Shops.of([TINY]))
    before = environment.partial.step.clone()
    with pytest.raises(OptionError, match="an action is"):
        environment.step(torch.tensor(action))
    assert torch.equal(environment.partial.step, before)


def test_random_flexible_shops_follow_the_distribution() -> None:
    """Counts U{1..m}, lengths U{0.8 m..1.2 m}, durations within 20 % of a mean U{1..20}: moments of 200 shops."""
    environment = JobShopEnvironment(RandomShops(10, 5, True), 200)
    shops = environment.shops
    count = shops.count[shops.count > 0].double()
    assert abs(count.mean() - 3) < 4 * (2 / len(count)) ** 0.5  # 4 standard errors
    assert sorted(shops.length.unique().tolist()) == [4, 5, 6]
    is_option = torch.arange(5) < shops.count.unsqueeze(3)
    duration = shops.duration[is_option]
    assert (int(duration.min()), int(duration.max())) == (1, 20)
    spread = shops.duration.masked_fill(~is_option, 0).amax(3) - shops.duration.masked_fill(~is_option, 99).amin(3)
    assert int(spread[shops.count > 0].max()) <= 8  # from 16 to 24, cut at 20
    machine = shops.machine.masked_fill(~is_option, 99)
    assert bool((machine.diff(dim=3)[is_option[..., 1:]] > 0).all())  # ascending, so none twice


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(OptionError, match="scheme must be"):
        Rules("insert")  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="num_envs must be"):
        JobShopEnvironment(RandomShops(2, 2))
    with pytest.raises(OptionError, match="2 shops were given for 3"):
        JobShopEnvironment(Shops.of([TINY, TINY]), 3)
