"""After its warm-up a method compiles nothing more: a new installation does not pay from the user's budget."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import json, sys
from counterpoint.opt.budget import Budget
from counterpoint.opt.options import build_options
from counterpoint.opt.registry import method
from counterpoint.opt.solving import run
import counterpoint as ct
import numba.core.dispatcher as dispatcher

compiled = []
compile_ = dispatcher.Dispatcher.compile
def counted(self, signature):
    if tuple(signature) not in self.overloads:
        compiled.append(self.py_func.__qualname__)
    return compile_(self, signature)

chosen = method("job-shop", sys.argv[1])
chosen.load()
dispatcher.Dispatcher.compile = counted
run(ct.benchmark("ft10"), chosen, Budget(time_limit_s=3, iterations=100_000), 0, build_options(chosen, None))
print(json.dumps(compiled))
"""


@pytest.mark.parametrize(
    "name", ["spt", "fdd-mwkr", "randomised", "shifting-bottleneck", "tabu", "cp-sat", "hybrid", "mip-disjunctive"]
)
def test_nothing_is_left_to_compile(name: str) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", CODE, name], capture_output=True, text=True, cwd=root, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
