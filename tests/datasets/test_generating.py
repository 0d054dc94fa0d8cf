import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterpoint.datasets.generating import generate, generators
from counterpoint.datasets.generators.job_shop_public import demirkol, taillard
from counterpoint.opt.errors import OptionError, UnknownNameError

NAMES = [g.name for g in generators("job-shop")]
sizes = st.integers(1, 9)


def test_names_and_default():
    assert NAMES == ["uniform", "taillard", "demirkol", "flexible", "re-entrant"]
    assert generate("job-shop", jobs=3, machines=2) == generate("job-shop", generator="uniform", jobs=3, machines=2)


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(NAMES), jobs=sizes, machines=sizes, seed=st.integers(1, 10**6))
def test_same_arguments_same_shop_other_seed_other_shop(name, jobs, machines, seed):
    build = lambda s: generate("job-shop", generator=name, jobs=jobs, machines=machines, seed=s)  # noqa: E731
    shop = build(seed)
    assert shop == build(seed)
    assert (shop.num_jobs, shop.num_machines) == (jobs, machines)
    if jobs * machines > 8:
        assert shop.content_hash != build(seed + 1).content_hash


@settings(max_examples=40, deadline=None)
@given(jobs=sizes, machines=sizes, seed=st.integers(0, 10**6), low=st.integers(0, 5), more=st.integers(0, 5))
def test_uniform_is_rectangular_and_in_range(jobs, machines, seed, low, more):
    shop = generate("job-shop", jobs=jobs, machines=machines, seed=seed, duration_min=low, duration_max=low + more)
    assert shop.is_rectangular
    assert shop.duration.min() >= low
    assert shop.duration.max() <= low + more


def test_uniform_reaches_both_ends_and_has_the_right_mean():
    shop = generate("job-shop", jobs=200, machines=50, seed=1)
    assert (shop.duration.min(), shop.duration.max()) == (1, 99)
    assert abs(shop.duration.mean() - 50) < 4 * 28.6 / 100  # four standard errors
    first = shop.machine.reshape(200, 50)[:, 0]
    assert np.bincount(first, minlength=50).max() < 20  # every machine is first about 4 times


def test_public_generators_by_name():
    asked = {"jobs": 20, "machines": 15}
    ta = generate("job-shop", generator="taillard", **asked, time_seed=533484900, machine_seed=317419073)
    assert ta.content_hash == taillard(**asked, time_seed=533484900, machine_seed=317419073).content_hash
    dmu = generate("job-shop", generator="demirkol", **asked, seed=155125852, two_sets=True)
    assert dmu.content_hash == demirkol(**asked, seed=155125852, two_sets=True).content_hash


@settings(max_examples=40, deadline=None)
@given(jobs=sizes, machines=sizes, seed=st.integers(0, 10**6))
def test_flexible_follows_its_rule(jobs, machines, seed):
    shop = generate("job-shop", generator="flexible", jobs=jobs, machines=machines, seed=seed)
    lengths = np.diff(shop.job_offsets)
    assert lengths.min() >= max(1, int(0.8 * machines))
    assert lengths.max() <= max(1, int(1.2 * machines))
    options = np.diff(shop.option_offsets)
    assert options.min() >= 1
    assert options.max() <= machines
    assert shop.option_duration.min() >= 1
    assert shop.option_duration.max() <= 20
    for i in range(shop.num_operations):
        durations = [p for _, p in shop.options_of(i)]
        assert any(
            max(1, round(0.8 * mean)) <= min(durations) and max(durations) <= min(20, round(1.2 * mean))
            for mean in range(1, 21)
        )


@settings(max_examples=40, deadline=None)
@given(jobs=sizes, machines=sizes, seed=st.integers(0, 10**6))
def test_re_entrant_never_stays_on_a_machine(jobs, machines, seed):
    shop = generate("job-shop", generator="re-entrant", jobs=jobs, machines=machines, seed=seed)
    lengths = np.diff(shop.job_offsets)
    assert machines <= lengths.min()
    assert lengths.max() <= 2 * machines
    if machines > 1:
        stays = (np.diff(shop.machine) == 0) & (np.diff(shop.job_of) == 0)
        assert not stays.any()


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(NAMES),
    blocking=st.sampled_from(["none", "swap", "no-swap"]),
    tightness=st.one_of(st.none(), st.floats(0, 3)),
    windows=st.integers(0, 4),
    seed=st.integers(1, 1000),
)
def test_variants_lie_over_the_same_shop(name, blocking, tightness, windows, seed):
    asked = {"generator": name, "jobs": 4, "machines": 3, "seed": seed}
    plain = generate("job-shop", **asked)
    shop = generate("job-shop", **asked, blocking=blocking, due_date_tightness=tightness, windows_per_machine=windows)
    assert np.array_equal(shop.option_duration, plain.option_duration)
    assert np.array_equal(shop.option_machine, plain.option_machine)
    assert shop.blocking == blocking
    if tightness is None:
        assert shop.due_dates is None
    else:
        for j in range(4):
            work = sum(
                min(p for _, p in shop.options_of(i)) for i in range(shop.job_offsets[j], shop.job_offsets[j + 1])
            )
            assert shop.due_dates[j] == int(tightness * work)
        assert shop.objective == "total-weighted-tardiness"
        assert shop.weights.tolist() == [1, 1, 1, 1]
    assert len(shop.unavailable) == 3 * windows
    for m in range(3):
        mine = shop.unavailable[shop.unavailable[:, 0] == m]
        assert (mine[1:, 1] > mine[:-1, 2]).all()  # apart, in order


def test_weights():
    shop = generate("job-shop", jobs=300, machines=2, due_date_tightness=1.5, max_weight=4)
    assert set(shop.weights.tolist()) == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("parameters", "match"),
    [
        ({"jobs": 3}, "needs machines"),
        ({"job": 3, "machines": 2}, "no parameter 'job'; did you mean jobs"),
        ({"jobs": 0, "machines": 2}, "at least 1"),
        ({"jobs": 2, "machines": -1}, "at least 1"),
        ({"jobs": 2.5, "machines": 2}, "jobs"),
        ({"jobs": True, "machines": 2}, "expected a number"),
        ({"jobs": "two", "machines": 2}, "jobs"),
        ({"jobs": 10**6, "machines": 10**6}, "supported"),
        ({"jobs": 2, "machines": 2, "seed": -1}, "seed"),
        ({"jobs": 2, "machines": 2, "duration_min": 9, "duration_max": 1}, "min <= max"),
        ({"jobs": 2, "machines": 2, "duration_min": -1}, "min <= max"),
        ({"jobs": 2, "machines": 2, "duration_max": 2**60}, "durations|larger|fit"),
        ({"jobs": 2, "machines": 2, "blocking": "sometimes"}, "blocking"),
        ({"jobs": 2, "machines": 2, "duration_min": 0, "duration_max": 0, "blocking": "no-swap"}, "durations >= 1"),
        ({"jobs": 2, "machines": 2, "due_date_tightness": -1}, "tightness"),
        ({"jobs": 2, "machines": 2, "due_date_tightness": float("nan")}, "tightness"),
        ({"jobs": 2, "machines": 2, "due_date_tightness": 1e30}, "due_date"),
        ({"jobs": 2, "machines": 2, "max_weight": 3}, "needs due_date_tightness"),
        ({"jobs": 2, "machines": 2, "windows_per_machine": -1}, "windows"),
        ({"jobs": 2, "machines": 2, "windows_per_machine": 10**8}, "windows"),
        ({"jobs": 2, "machines": 2, "generator": "demirkol", "seed": 0}, "1..2147483646"),
        ({"jobs": 2, "machines": 2, "generator": "taillard", "time_seed": 2**31}, "time_seed"),
        ({"jobs": 2, "machines": 2, "generator": "flexible", "deviation": 1.0}, "deviation"),
        ({"jobs": 2, "machines": 2, "generator": "re-entrant", "operations_min": 0}, "operations"),
    ],
)
def test_bad_parameters_are_refused(parameters, match):
    with pytest.raises(OptionError, match=match):
        generate("job-shop", **parameters)


def test_unknown_names():
    with pytest.raises(UnknownNameError, match="generator"):
        generate("job-shop", generator="unifrm", jobs=2, machines=2)
    with pytest.raises(UnknownNameError, match="problem"):
        generate("jobshop", jobs=2, machines=2)


def test_text_from_a_command_line_is_converted():
    assert generate("job-shop", jobs="3", machines="2", due_date_tightness="1.5").num_jobs == 3


def test_variants_have_names_of_their_own():
    """Files are named after instances: a blocking shop must not take the place of the plain one."""
    plain = generate("job-shop", jobs=3, machines=2, seed=5)
    blocking = generate("job-shop", jobs=3, machines=2, seed=5, blocking="swap")
    late = generate("job-shop", jobs=3, machines=2, seed=5, due_date_tightness=1.3, windows_per_machine=1)
    assert plain.name == "uniform-3x2-5"
    assert blocking.name == "uniform-3x2-5-blocking-swap"
    assert late.name == "uniform-3x2-5-tardiness-unavailability"


def test_a_plant_of_a_negative_seed_is_refused():
    with pytest.raises(OptionError, match="seed must be at least 0, not -1"):
        generate("stochastic-lot-sizing", items=2, machines=1, horizon=3, seed=-1)
