"""Interrupted job shops as a batched environment, and that no random episode ever gets stuck."""

import numpy as np
import pytest
import torch

from counterpoint.opt.errors import OptionError
from counterpoint.simulators.batched.interrupted_job_shop import act, empty, to_decision
from counterpoint.simulators.batched.interrupted_job_shop_environment import Draw, InterruptedShops, draw_batch

SMALL = Draw(jobs_min=2, jobs_max=4, machines_min=2, machines_max=3, duration_max=20, periods=64)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def random_actions(observation: dict[str, torch.Tensor], generator: torch.Generator) -> torch.Tensor:
    chance = torch.rand(observation["action_mask"].shape, generator=generator)
    return (chance * observation["action_mask"]).argmax(1)


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("waiting", [True, False])
def test_rewards_add_up_to_minus_the_makespan(waiting: bool) -> None:
    """For both rewards, step by step with the same episodes; and elapsed times to the makespan."""
    by_time = InterruptedShops(16, SMALL, reward="elapsed", waiting=waiting)
    at_end = InterruptedShops(16, SMALL, reward="terminal", waiting=waiting)
    generator = torch.Generator().manual_seed(1)
    observation = by_time.reset(3)
    assert equal(observation, at_end.reset(3))
    total, finished = torch.zeros(16), 0
    for _ in range(60):
        scale = by_time.scale()
        action = random_actions(observation, generator)
        step, other = by_time.step(action), at_end.step(action)
        assert equal(step.observation, other.observation)
        total += step.reward[:, 0].float()
        done = step.terminated
        assert torch.allclose(total[done], other.reward[done, 0].float(), atol=1e-5)
        assert torch.allclose(total[done], -(by_time.makespan / scale)[done].float(), atol=1e-5)
        assert bool((other.reward[~done] == 0).all())
        assert torch.equal(step.elapsed, -step.reward[:, 0])
        total[done] = 0.0
        finished += int(done.sum())
        observation = step.observation
        assert observation["action_mask"].any(1).all()
        assert all(bool(torch.isfinite(x).all()) for x in observation.values())
    assert finished > 30


def test_observations_fit_the_spaces() -> None:
    environment = InterruptedShops(3, SMALL)
    observation = environment.reset(0)
    row = {
        key: np.int64(value[1])
        if key == "machine"
        else value[1].numpy().astype(np.int8 if "mask" in key else np.float32)
        for key, value in observation.items()
    }
    assert environment.observation_space.contains(row)


def test_resume_is_bit_for_bit() -> None:
    environment, twin = InterruptedShops(8, SMALL), InterruptedShops(8, SMALL, seed=9)
    generator = torch.Generator().manual_seed(0)
    observation = environment.reset(5)
    for _ in range(15):
        observation = environment.step(random_actions(observation, generator)).observation
    kept = environment.state_dict()
    twin.load_state_dict(kept)
    for _ in range(40):
        action = random_actions(observation, generator)
        one, two = environment.step(action), twin.step(action)
        assert equal(one.observation, two.observation)
        assert torch.equal(one.reward, two.reward)
        observation = one.observation


def test_bounded_rounds_lead_through_the_same_episodes() -> None:
    """Choosing the first legal action gives the same makespans whether a step ends at a decision or before it."""
    makespans = []
    for rounds in (None, 1, 3):
        environment = InterruptedShops(8, SMALL, rounds=rounds, waiting=False)
        observation = environment.reset(2)
        found: dict[int, int] = {}
        for _ in range(400):
            step = environment.step(observation["action_mask"].int().argmax(1))
            for row in step.terminated.nonzero().flatten().tolist():
                found.setdefault(row, int(environment.makespan[row]))
            observation = step.observation
            if len(found) == 8:
                break
        makespans.append([found[row] for row in range(8)])
    assert makespans[0] == makespans[1] == makespans[2]


def test_episodes_are_what_was_asked_for() -> None:
    batch, statics = draw_batch(Draw(probabilities=(0.2,), repair_mean=4), 64, torch.Generator().manual_seed(0))
    jobs = (batch.shops.length > 0).sum(1)
    machines = batch.shops.length.amax(1)
    assert set(jobs.tolist()) == set(machines.tolist()) == {6, 7, 8, 9, 10}
    for b in range(10):
        for j in range(int(jobs[b])):
            assert sorted(batch.shops.machine[b, j, : machines[b]].tolist()) == list(range(int(machines[b])))
    assert int(batch.shops.duration.max()) == 99
    up, repair = batch.traces.up[:, :, :-1].double(), batch.traces.repair[:, :, :-1].double()
    assert float(up.mean()) == pytest.approx(5.0, abs=0.1)
    assert float(repair.mean()) == pytest.approx(4.0, abs=0.1)
    assert float(statics.risk[0, 1]) == pytest.approx(0.8)


def test_wrong_settings_are_refused() -> None:
    for wrong in ({"jobs_min": 5, "jobs_max": 4}, {"probabilities": (1.5,)}, {"periods": 0}, {"duration_min": 200}):
        with pytest.raises(OptionError):
            Draw(**wrong)  # type: ignore[arg-type]


def random_episodes(count: int, seed: int, variants: tuple[int, ...], *, is_compiled: bool) -> None:
    """Play `count` random episodes of these variants and assert that each ends."""
    generator = torch.Generator().manual_seed(seed)
    for k in variants:
        draw = Draw(
            jobs_min=2, jobs_max=5, machines_min=2, machines_max=4, duration_min=k % 2, duration_max=9, periods=24,
            probabilities=(0.0, 0.02, 0.1, 0.3), repair_mean=(3, 12)[k // 4],
            fail_when="busy" if k & 2 else "always", on_interrupt="restart" if k % 3 == 0 else "resume",
        )  # fmt: skip
        batch, _ = draw_batch(draw, count // len(variants), generator)
        state = empty(batch)
        now = to_decision(batch, state, waiting=k % 4 != 1, is_compiled=is_compiled)
        while bool(now.is_due.any()):
            mask = torch.cat([now.eligible, now.may_wait.unsqueeze(1)], 1)
            chance = torch.rand(mask.shape, generator=generator)
            chance[:, -1] *= 0.7
            act(batch, state, now, (chance * mask).argmax(1), is_compiled=is_compiled)
            now = to_decision(batch, state, waiting=k % 4 != 1, is_compiled=is_compiled)
        assert not bool(state.is_stuck.any())
        assert bool(state.is_done.all())
        ended = state.end.amax((1, 2))
        assert torch.equal(ended, state.time)


@pytest.mark.parametrize("is_compiled", [True, False])
def test_no_deadlock_in_two_thousand_random_episodes(is_compiled: bool) -> None:
    random_episodes(2000, 0, (0, 1, 6, 7), is_compiled=is_compiled)


@pytest.mark.slow
@pytest.mark.parametrize("is_compiled", [True, False])
def test_no_deadlock_in_a_hundred_thousand_random_episodes(is_compiled: bool) -> None:
    for seed in range(10):
        random_episodes(10_000, seed, tuple(range(8)), is_compiled=is_compiled)
