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
import numpy as np
from counterpoint.opt.problems.places import Places
from counterpoint.opt.problems.tsp import Tsp
import numba.core.dispatcher as dispatcher

compiled = []
compile_ = dispatcher.Dispatcher.compile
def counted(self, signature):
    if tuple(signature) not in self.overloads:
        compiled.append(self.py_func.__qualname__)
    return compile_(self, signature)

chosen = method("tsp", sys.argv[1])
chosen.load()
dispatcher.Dispatcher.compile = counted
random = np.random.default_rng(0)
flat = Places("euclidean", random.random((30, 2)))
for places, ends in ((flat, None), (flat, (0, 1)), (Places("explicit", None, random.integers(1, 99, (30, 30))), None)):
    case = Tsp("case", places, ends)
    run(case, chosen, Budget(time_limit_s=0.3, iterations=1000), 0, build_options(chosen, None))
print(json.dumps(compiled))
"""


@pytest.mark.parametrize("name", ["local-search", "cp-sat", "fast-tsp"])
def test_nothing_is_left_to_compile(name: str) -> None:
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", CODE, name], capture_output=True, text=True, cwd=root, env=dict(os.environ), check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
