"""The generator inside the kernels: published outputs, uniformity, streams that do not overlap."""

import numpy as np

from counterpoint.simulators.splitmix import mix, stream, uniform


def test_first_outputs_of_seed_zero() -> None:
    # the reference implementation's first three 64-bit outputs for state 0 (Vigna, splitmix64.c)
    state = np.zeros(1, np.uint64)
    drawn = [uniform(state) for _ in range(3)]
    words = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert drawn == [(word >> 11) / 2**53 for word in words]
    assert int(mix(np.uint64(0x9E3779B97F4A7C15))) == words[0]


def test_uniform_has_the_right_mean_and_variance() -> None:
    state = np.array([stream(np.uint64(7), 3)], np.uint64)
    drawn = np.array([uniform(state) for _ in range(20_000)])
    assert 0 <= drawn.min() < drawn.max() < 1
    assert abs(drawn.mean() - 1 / 2) < 5 * np.sqrt(1 / 12 / 20_000)
    assert abs(drawn.var() - 1 / 12) < 0.003


def test_streams_differ_by_seed_and_index() -> None:
    starts = {int(stream(np.uint64(seed), index)) for seed in range(50) for index in range(50)}
    assert len(starts) == 2500
