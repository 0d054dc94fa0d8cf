"""Ctrl-C while compiled code runs: told as what it is, wherever a method, a policy or a training is run."""

import threading
from types import SimpleNamespace

import pytest
from tests.ctrl_c import wrapped

import counterpoint as ct
from counterpoint.opt import interrupts
from counterpoint.opt.interrupts import plain_interrupts, run_aside


def test_an_interrupt_that_numba_wrapped_comes_out_plain():
    for depth in range(1, 4):
        with pytest.raises(KeyboardInterrupt), plain_interrupts():
            raise wrapped(depth=depth)


@pytest.mark.parametrize("error", [SystemError("of its own"), wrapped(ValueError("mine")), ValueError("mine")])
def test_other_errors_stay_as_they_are(error):
    with pytest.raises(type(error)) as found, plain_interrupts():
        raise error
    assert found.value is error


def test_a_thread_is_watched_until_it_has_ended():
    looks, done, end = [], [], threading.Event()

    def look():
        looks.append(threading.current_thread())
        if len(looks) == 3:
            end.set()

    run_aside(lambda: done.append(end.wait(60)), end.set, look, name="aside", tick_s=0.01)
    assert done == [True]
    assert set(looks) == {threading.current_thread()}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), wrapped(), ValueError("of the look")])
def test_what_stops_the_watch_stops_the_thread(error):
    calls, done, end = [], [], threading.Event()

    def cancel():
        calls.append(1)
        if len(calls) == 3:  # before that it does nothing
            end.set()

    def look():
        raise error

    expected = ValueError if isinstance(error, ValueError) else KeyboardInterrupt
    with pytest.raises(expected):
        run_aside(lambda: done.append(end.wait(60)), cancel, look, name="aside", tick_s=0.01)
    assert done == [True]


@pytest.mark.parametrize("when", ["before", "later"])
def test_ctrl_c_before_the_thread_has_begun_waits_for_nothing(monkeypatch, when):
    """It may be that there is no thread yet, or that it begins when nobody waits for it any more."""
    made, acted = [], []

    class Late(threading.Thread):
        def start(self):
            made.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(interrupts, "threading", SimpleNamespace(Thread=Late, Event=threading.Event))
    with pytest.raises(KeyboardInterrupt):
        run_aside(lambda: acted.append(1), lambda: None, name="aside", tick_s=0.01)
    if when == "later":
        threading.Thread.start(made[0])
        made[0].join()
    assert not acted


class Interrupted:
    """Decides nothing, keeps its setup, and is struck by Ctrl-C in its second episode."""

    def __init__(self, policy):
        self.policy, self.episode = policy, 0

    def start(self, episode):
        self.episode = episode
        self.policy.start(episode)

    def act(self, observation):
        if self.episode == 1:
            raise wrapped()
        return self.policy.act(observation)


def test_an_evaluation_keeps_the_scenarios_that_are_finished():
    policy = Interrupted(ct.policy("keep-setup", "plant-2x1"))
    found = ct.evaluate(policy, "plant-2x1", scenarios=3)
    assert found.is_interrupted
    assert [run.message for run in found.runs] == [""]


def test_a_simulation_is_interrupted():
    policy = Interrupted(ct.policy("keep-setup", "plant-2x1"))
    with pytest.raises(KeyboardInterrupt):
        ct.simulate(policy, "plant-2x1", scenarios=3)


def test_a_policy_that_is_being_built_is_interrupted(monkeypatch):
    def build(instance, seed, options):
        raise wrapped()

    monkeypatch.setattr(ct.opt.registry.Method, "load", lambda self: build)
    with pytest.raises(KeyboardInterrupt):
        ct.policy("keep-setup", "plant-2x1")
