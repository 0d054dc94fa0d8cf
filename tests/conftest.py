"""Fixtures that tests of several folders share, and how hypothesis draws."""

import importlib.util
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from counterpoint.opt.problems.job_shop import JobShop

# The same examples every time, however slow the machine: a commit fails by its own fault, not by a draw.
# `--hypothesis-profile=default` draws new ones.
settings.register_profile(
    "same", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("same")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what runs in its background
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def small_shops() -> Callable[[int, int], Iterator[JobShop]]:
    """``small_shops(count, seed)``: random small job shops of every variant (see tests/small_shops.py)."""
    spec = importlib.util.spec_from_file_location("small_shops", Path(__file__).with_name("small_shops.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.small_shops
