"""Job-shop simulators on CPU, one thread: steps per CPU second, ours and the peers'.

- random roll-outs in a batch: uniform among the candidates, non-delay and active, 15 x 15 and 30 x 20;
- the learning environment with the disjunctive graph's features at every step, beside job_shop_lib's Gym graph
  environment (flags, earliest starts, durations, remaining operations of every node; edges): one shop there, a batch
  here, since that is how either is meant to be used;
- the learning environment beside RL4CO's JSSPEnv at equal batch, each with its own observation; ours with the graph;
- the reference simulator in SimPy, which is written to be read.

A peer runs in its own environment: COUNTERPOINT_JOB_SHOP_LIB_PYTHON and COUNTERPOINT_RL4CO_PYTHON name a Python that
has it (job-shop-lib==1.7.2, rl4co==0.7.0); else its rows are left out. All policies are uniformly random, drawing
included. Every figure is the best of ten runs, ours and theirs alike (of the roll-outs, of three).

    python benchmarks/simulators.py            # two CPU minutes with both peers
    python benchmarks/simulators.py --quick    # smaller batches, nothing written
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch

from counterpoint.datasets.generators.job_shop import flexible, uniform
from counterpoint.simulators.batched import job_shop_flexible
from counterpoint.simulators.batched.job_shop import Scheme, advance, candidates, draw, empty
from counterpoint.simulators.batched.job_shop_environment import JobShopEnvironment, RandomShops, Rules
from counterpoint.simulators.batched.job_shop_random import random_flexible_shops, random_lengths, random_shops
from counterpoint.simulators.job_shop import Choice, simulate

Row = dict[str, str | int | float]
SIZES = ((15, 15), (30, 20))


def main(argv: Sequence[str] | None = None) -> int:
    """Print the table and write benchmarks/results/simulators.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="smaller batches, nothing written")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = []
    for row in measure(is_quick=chosen.quick):
        print(f"{row['what']:44} {row['size']:>7} {row['batch']:6} {row['steps_per_cpu_s']:14,.0f}", flush=True)
        rows.append(row)
    _print_ratios(rows)
    if not chosen.quick:
        target = Path(__file__).parent / "results" / "simulators.csv"
        target.parent.mkdir(exist_ok=True)
        with target.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        print(f"written: {target}")
    return 0


def measure(*, is_quick: bool) -> Iterator[Row]:
    """Yield one row per measurement."""
    generator = torch.Generator().manual_seed(0)
    for jobs, machines in SIZES[:1] if is_quick else SIZES:
        for batch in (256,) if is_quick else (1024, 4096):
            for scheme in ("nondelay", "active"):
                run = _classical(batch, jobs, machines, scheme, generator)
                yield _row(f"random roll-out, {scheme}", jobs, machines, batch, batch * jobs * machines, run)
    batch = 128 if is_quick else 1024
    yield _row("random roll-out, flexible, nondelay", 10, 5, batch, *_flexible(batch, 10, 5, generator))
    for batch in (64,) if is_quick else (64, 256):
        for shows in ("candidates", "graph"):
            run = _environment(batch, 15, 15, shows)
            yield _row(f"environment, {shows}", 15, 15, batch, batch * 225, run, 3 if is_quick else 10)
    for shop, what in ((uniform(jobs=15, machines=15), "classical"), (flexible(jobs=10, machines=5), "flexible")):
        run = _simpy(shop)
        yield _row(f"SimPy, {what}, nondelay", shop.num_jobs, shop.num_machines, 1, shop.num_operations, run)
    yield from _peer("COUNTERPOINT_JOB_SHOP_LIB_PYTHON", "simulators_job_shop_lib.py", [])
    yield from _peer("COUNTERPOINT_RL4CO_PYTHON", "simulators_rl4co.py", ["16"] if is_quick else ["64"])


def _classical(
    batch: int, jobs: int, machines: int, scheme: Scheme, generator: torch.Generator
) -> Callable[[], object]:
    shops = random_shops(batch, jobs, machines, generator)

    def run() -> object:
        partial = empty(shops, keeps_ends=False)
        for _ in range(jobs * machines):
            advance(shops, partial, draw(candidates(partial, scheme), generator))
        return partial.makespan

    return run


def _flexible(batch: int, jobs: int, machines: int, generator: torch.Generator) -> tuple[int, Callable[[], object]]:
    shops = random_flexible_shops(random_lengths(batch, jobs, machines, generator), machines, generator)
    total = shops.length.sum(1)

    def run() -> object:
        partial = job_shop_flexible.empty(shops, keeps_ends=False)
        for _ in range(int(total.max())):
            mask = job_shop_flexible.candidates(partial, "nondelay")
            job_shop_flexible.advance(shops, partial, draw(mask, generator))
        return partial.makespan

    return int(total.sum()), run


def _environment(batch: int, jobs: int, machines: int, shows: str) -> Callable[[], object]:
    environment = JobShopEnvironment(RandomShops(jobs, machines), batch, rules=Rules(shows=shows))  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(1)

    def run() -> object:
        observation = environment.reset()
        if shows == "graph":
            assert environment.edges is not None  # built once per set of shops
        for _ in range(jobs * machines):
            observation = environment.step(draw(observation["action_mask"], generator)).observation
        return observation

    return run


def _simpy(shop: object) -> Callable[[], object]:
    generator = torch.Generator().manual_seed(2)

    class Random:
        def start(self, episode: int) -> None:
            pass

        def act(self, choices: tuple[Choice, ...]) -> Choice:
            return choices[int(torch.randint(len(choices), (), generator=generator))]

    return lambda: simulate(shop, None, Random())  # type: ignore[arg-type]


def _row(
    what: str, jobs: int, machines: int, batch: int, steps: int, run: Callable[[], object], repeats: int = 3
) -> Row:
    """Measure `run`, which does `steps` steps."""
    run()
    best = float("inf")
    for _ in range(repeats):
        started = time.process_time()
        run()
        best = min(best, time.process_time() - started)
    return _entry(what, jobs, machines, batch, steps / best)


def _entry(what: str, jobs: int, machines: int, batch: int, speed: float) -> Row:
    return {"what": what, "size": f"{jobs}x{machines}", "batch": batch, "steps_per_cpu_s": round(speed)}


def _peer(variable: str, script: str, arguments: list[str]) -> Iterator[Row]:
    """Run a peer's script with its own Python."""
    python = os.environ.get(variable)
    if not python:
        print(f"{variable} is not set: its rows are left out")
        return
    command = [python, str(Path(__file__).with_name(script)), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for row in json.loads(done.stdout.splitlines()[-1]):
        yield _entry(row["what"], row["jobs"], row["machines"], row["batch"], row["steps_per_cpu_s"])


def _print_ratios(rows: list[Row]) -> None:
    """Print ours over theirs."""
    ours = {row["batch"]: float(row["steps_per_cpu_s"]) for row in rows if row["what"] == "environment, graph"}
    for row in rows:
        theirs = float(row["steps_per_cpu_s"])
        if str(row["what"]).startswith("job_shop_lib"):
            for batch, speed in ours.items():
                print(f"graph observation, batch {batch}: {speed / theirs:.0f} times {row['what']}")
        if str(row["what"]).startswith("RL4CO") and row["batch"] in ours:
            print(f"environment, batch {row['batch']}: {ours[row['batch']] / theirs:.1f} times {row['what']}")


if __name__ == "__main__":
    sys.exit(main())
