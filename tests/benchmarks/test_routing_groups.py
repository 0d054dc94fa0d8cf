"""Of a group of public instances that is too large, some are taken by a rule."""

import importlib
from pathlib import Path


def test_some_of_a_group_at_even_steps(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    spread = importlib.import_module("routing_groups").spread
    assert spread(list(range(13)), 5) == [0, 3, 6, 9, 12]
    assert spread(list(range(13)), 3) == [0, 6, 12]
    assert spread([7, 8, 9], 5) == [7, 8, 9]
    assert spread([7, 8, 9], 1) == [7]
    assert spread([], 5) == []
