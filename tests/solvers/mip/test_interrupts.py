"""Ctrl-C in the middle of many small models, each solved whole all the same: the next one is not begun."""

import pytest

import counterpoint as ct
from counterpoint.solvers.mip import highs

PLANT = ct.generate("lot-sizing", items=6, periods=12, seed=1, utilisation=0.8)


@pytest.fixture
def strike(monkeypatch):
    """Return a function that has Ctrl-C strike as HiGHS ends its n-th model, and the list of models begun."""
    solve, hear, begun, number = highs._Run.solve, highs._Run._hear, [], []

    def counted(run):
        begun.append(run)
        return solve(run)

    def struck(run):
        kind = hear(run)
        if kind == "end" and number == [len(begun)]:
            raise KeyboardInterrupt
        return kind

    monkeypatch.setattr(highs._Run, "solve", counted)
    monkeypatch.setattr(highs._Run, "_hear", struck)
    return number.append, begun


@pytest.mark.parametrize(
    ("method", "number"),
    [
        *[("fix-and-optimise", n) for n in (1, 2, 4, 5, 7)],  # the relaxation, roundings, the guided window, windows
        *[("mip-facility-location", n) for n in (1, 2, 5)],
        *[("mip-ls-cuts:start-share=0", n) for n in (1, 2)],
        *[("relax-and-fix", n) for n in (1, 2, 3)],
        *[("lp-rounding", n) for n in (1, 2)],
    ],
)
def test_ctrl_c_as_a_model_ends_is_heard(strike, method, number):
    set_number, begun = strike
    set_number(number)
    result = ct.solve(PLANT, method, threads=1, **({} if method == "lp-rounding" else {"time_limit": 100}))
    assert result.termination is ct.Termination.INTERRUPTED
    assert len(begun) == number
    if method not in ("lp-rounding", "relax-and-fix"):
        assert result.solution is not None  # of left-shifting at least


def test_ctrl_c_as_the_last_model_ends_leaves_its_proof(strike):
    set_number, begun = strike
    set_number(1)
    result = ct.solve(PLANT, "mip-facility-location:start-share=0", threads=1, time_limit=100)
    assert result.termination is ct.Termination.OPTIMAL
    assert len(begun) == 1


def test_a_policy_that_plans_is_interrupted(strike):
    set_number, begun = strike
    set_number(2)
    with pytest.raises(KeyboardInterrupt):
        ct.simulate("rolling-mip:periods=2", "plant-2x1")
    assert len(begun) == 2
