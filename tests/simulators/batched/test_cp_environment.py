import numpy as np
import pytest
import torch

from counterpoint.opt.errors import OptionError
from counterpoint.opt.problems.job_shop import JobShop
from counterpoint.simulators.batched.cp_environment import CpEnvironment, View
from counterpoint.simulators.cp.job_shop import encode


def shops(count, seed=0, jobs=4, machines=3):
    rng = np.random.default_rng(seed)
    return [
        JobShop.from_jobs(
            f"s{k}",
            [
                [(int(m), int(rng.integers(1, 10))) for m in rng.permutation(machines)]
                for _ in range(jobs + k % 2)
            ],
            num_machines=machines,
        )
        for k in range(count)
    ]  # fmt: skip


def random_action(mask, generator):
    return torch.multinomial(mask.float(), 1, generator=generator).squeeze(1)


def test_rewards_add_up_to_the_makespan_and_episodes_restart():
    pool = shops(3)
    environment = CpEnvironment([encode(shop) for shop in pool], 6, seed=1)
    observation = environment.reset(5)
    generator = torch.Generator().manual_seed(0)
    mean = environment.problems.facts["mean"][:, 0].copy()
    first = environment.makespan
    total, elapsed, ended = np.zeros(6), np.zeros(6), 0
    for _ in range(200):
        before = environment.problems.facts["origin"][:, 0].copy()
        held = environment.problems.options["duration"].copy()
        step = environment.step(random_action(observation["action_mask"], generator))
        observation = step.observation
        assert observation["action_mask"].any(1).all()
        total += step.reward[:, 0].numpy()
        elapsed += step.elapsed.numpy()
        assert not step.truncated.any()
        for row in np.flatnonzero(step.terminated.numpy()):
            ended += 1
            # the episode's makespan is its elapsed time, since time runs from 0 to the last end
            assert -total[row] * mean[row] == pytest.approx(elapsed[row] - first[row], abs=1e-3)
            total[row] = elapsed[row] = 0
            assert pool[before[row]].option_duration.sum() == held[row].sum()
            mean[row], first[row] = environment.problems.facts["mean"][row, 0], environment.makespan[row]
    assert ended > 20


def test_observations_lie_in_the_space_and_shapes_are_padded():
    environment = CpEnvironment([encode(shop) for shop in shops(2)], 2)
    observation = environment.assign([0, 1])
    space = environment.observation_space
    for row in range(2):
        assert space.contains(
            {name: value[row].numpy().astype(space[name].dtype) for name, value in observation.items()}
        )
    assert environment.rows == 5
    assert observation["row_exists"].tolist() == [[True] * 4 + [False], [True] * 5]
    assert not observation["action_mask"][0, 4]
    assert environment.action_space.n == 6


def test_a_padded_copy_is_what_it_is_alone():
    pool = [encode(shop) for shop in shops(2)]
    together, alone = CpEnvironment(pool, 2), CpEnvironment(pool[:1], 1)
    seen, own = together.assign([0, 1]), alone.observe()
    generator = torch.Generator().manual_seed(3)
    while not bool(alone.is_done):
        torch.testing.assert_close(seen["interval_rep"][:1, :4], own["interval_rep"])
        torch.testing.assert_close(seen["index_interval"][:1, :4], own["index_interval"])
        action = random_action(own["action_mask"], generator)
        other = random_action(seen["action_mask"][1:], generator) if seen["action_mask"][1].any() else torch.tensor([0])
        mine = torch.where(action == 4, 5, action)  # No-Op is the last action
        together.step_ranked(torch.stack([mine, other]))
        alone.step_ranked(action.unsqueeze(1))
        seen, own = together.observe(), alone.observe()
    assert together.makespan[0] == alone.makespan[0]


def test_the_lazy_model_shows_the_same():
    shop = JobShop.from_jobs("long", [[(k % 3, 1 + (k * j) % 5) for k in range(25)] for j in range(1, 5)])
    lazy, full = (CpEnvironment([encode(shop)], 2, view=View(lookahead=k)) for k in (5, None))
    generator = torch.Generator().manual_seed(0)
    while not bool(full.is_done.all()):
        a, b = lazy.observe(), full.observe()
        for name, value in a.items():
            torch.testing.assert_close(value, b[name], msg=name)
        ranked = torch.rand(a["action_mask"].shape, generator=generator).masked_fill(~a["action_mask"], 2.0).argsort(1)
        lazy.step_ranked(ranked)
        full.step_ranked(ranked)
    assert lazy.makespan.tolist() == full.makespan.tolist()


def test_a_state_brings_back_the_future():
    pool = [encode(shop) for shop in shops(3)]
    environment, other = CpEnvironment(pool, 4, seed=1), CpEnvironment(pool, 4, seed=2)
    observation = environment.reset()
    generator = torch.Generator().manual_seed(0)
    for _ in range(9):
        observation = environment.step(random_action(observation["action_mask"], generator)).observation
    other.load_state_dict(environment.state_dict())
    for _ in range(40):
        action = random_action(observation["action_mask"], generator)
        a, b = environment.step(action), other.step(action)
        observation = a.observation
        torch.testing.assert_close(a.reward, b.reward, rtol=0, atol=0)
        for name, value in observation.items():
            assert torch.equal(value, b.observation[name])


def test_illegal_actions_and_options_are_refused():
    environment = CpEnvironment([encode(shops(1)[0])], 2)
    with pytest.raises(ValueError, match="illegal"):
        environment.step(torch.tensor([0, 4]))  # No-Op, where all could start at 0
    before = environment.solution(0)[0]
    assert (before == -1).all()  # nothing was done in the other copy either
    for bad in ({"window": 1}, {"lookahead": 4}, {"normalisation": "other"}):
        with pytest.raises(OptionError):
            View(**bad)
    with pytest.raises(OptionError):
        CpEnvironment([], 1)
