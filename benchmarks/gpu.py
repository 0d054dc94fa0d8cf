r"""What has to be measured on a GPU, in parts of stated length: one prepared script for a lent machine.

    python benchmarks/gpu.py checks rollouts speed plant shops tsp cvrp --out "$OUT"

Part, and its limit in seconds (estimates for one H100, as nothing here was run on a GPU yet):

- checks    60   steps on the GPU equal those on the CPU; trainings by replayed CUDA graphs equal eager ones; nothing
                 waits for the device in a step (counted by torch.cuda.set_sync_debug_mode)
- rollouts  60   random 15 x 15 job-shop roll-outs: steps per second, eager and as one CUDA graph (asked: 20 M); waits
- speed     60   whole greedy tours of 100 places by the network of the published size: plain loop, roll-out, bfloat16
- plant    150   PPO on the 20 x 10 plant, 1 M periods, five seeds: seconds, costs (asked: 2,000 in 60 s, 4 of 5 seeds)
- shops    240   self-labelling for --minutes, then ta01-80: greedy, best of 32, of 128 (asked: 12.5 and 7.2 on ta01-10)
- tsp      240   imitation of 100 places for --minutes, labels made by all cores; gaps by size, greedy and beam of 16
- cvrp     240   the same of 100 customers

Every part runs in a process of its own, stopped at its limit, and writes OUT/PART.csv: part, what, figure, value.
Trained policies are left there too. `--tiny --device cpu` runs all in about two CPU minutes, to see that it runs.

The machine that this workplace lends has no network, torch 2.11 and 15 minutes of device time, starts included (see
/work/.library/device/README.md), and lacks some packages. Beforehand, in the repository's root:

    printf '/.whl/\n/.plant/\n' >> .git/info/exclude
    python3 -m pip download --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
        --platform manylinux_2_28_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 -d .whl \
        annotated-types Farama-Notifications gymnasium pydantic==2.14.4 pydantic_core==2.50.5 typing-inspection
    mkdir -p .plant/lot_sizing/plant && cp ../shared/data/lot_sizing/plant/plant_20items_* .plant/lot_sizing/plant/

Then two calls of the tool `run`, carry = [".whl", ".plant"], the second at once while the machine is warm, about 4 and
7 minutes. The first command (timeout_s 330), and what the second (timeout_s 480) has in place of its last line:

    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade --target /tmp/site .whl/*.whl
    export PYTHONPATH=src:/tmp/site PYTHONUNBUFFERED=1 COUNTERPOINT_DATA=$PWD/.plant
    python3 benchmarks/gpu.py checks rollouts speed plant --out "$OUT"

    python3 benchmarks/gpu.py shops tsp --minutes 1.5 --out "$OUT"
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).parent
FRESH = 7  # seed of the scenarios that plants are judged on, as in pdppo.py
JUDGED = 2**41  # seed of the instances that tours are judged on: neither trainings nor their validation draw from it
Figure = tuple[str, str, float]  # what, figure, value


def checks(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Yield 1 where things that must be equal are, else 0, and how often steps wait."""
    from counterpoint.datasets.generators.stochastic_lot_sizing import published
    from counterpoint.models.algorithms.ppo_config import PpoConfig
    from counterpoint.models.training import stochastic_lot_sizing as ppo
    from counterpoint.models.training import stochastic_lot_sizing_pdppo as pdppo
    from counterpoint.simulators.batched.job_shop import draw
    from counterpoint.simulators.batched.job_shop_environment import JobShopEnvironment, Rules
    from counterpoint.simulators.batched.job_shop_random import random_shops
    from counterpoint.simulators.batched.stochastic_lot_sizing import StochasticLotSizingEnvironment

    for size in ((4, 3), (15, 15)):
        name = "{} x {}".format(*size)
        shops = random_shops(8, *size, torch.Generator().manual_seed(0))
        here, there = (
            JobShopEnvironment(moved(shops, device), rules=Rules("active", shows="both"))
            for device in ("cpu", chosen.device)
        )
        first, second = here.reset(), there.reset()
        is_equal = True
        for _ in range(40):
            is_equal &= all(torch.equal(x, second[key].cpu()) for key, x in first.items())
            action = first["action_mask"].int().argmax(1)
            a, b = here.step(action), there.step(action.to(chosen.device))
            is_equal &= torch.equal(a.reward, b.reward.cpu())
            first, second = a.observation, b.observation
        yield f"job-shop environment, {name}", "equals the CPU's", is_equal
        generator = torch.Generator(chosen.device).manual_seed(1)

        def play(environment: Any = there, generator: Any = generator) -> None:
            seen = environment.reset()
            for _ in range(240):
                seen = environment.step(draw(seen["action_mask"], generator)).observation

        yield f"job-shop environment, {name}", "waits", waits(play, chosen.device)
    plants = StochasticLotSizingEnvironment(published(seed=0), 64, is_staggered=True, device=chosen.device)
    choices = torch.zeros_like(plants.setup)
    yield "plants", "waits", waits(lambda: [plants.step(choices) for _ in range(120)], chosen.device)
    if chosen.device == "cpu":
        return
    base = PpoConfig(steps=10, epochs=2, minibatches=4, is_reward_scaled=True)
    for name, module in (("ppo", ppo), ("pdppo", pdppo)):
        found = []
        for use_cuda_graphs in (False, True):
            shared = replace(base, use_cuda_graphs=use_cuda_graphs)
            settings: Any = {"num_envs": 32, "iterations": 4, "generated": ppo.Generated(6, 3), "horizon": 7}
            settings |= {"ppo": shared} if name == "ppo" else {"pdppo": pdppo.PdppoConfig(ppo=shared)}
            trainer = module.build(module.Config(**settings), 0, chosen.device)
            for _ in range(4):
                trainer.step()
            found.append(torch.cat([x.flatten() for x in trainer.network.parameters()]))
        yield f"{name} with CUDA graphs", "equals eager", torch.equal(*found)
        yield f"{name} with CUDA graphs", "largest difference", float((found[0] - found[1]).abs().max())


def rollouts(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Yield steps per second of random roll-outs at 15 x 15, and how often they wait for the device."""
    from counterpoint.models.algorithms.cuda_graphs import captured
    from counterpoint.simulators.batched.job_shop import advance, candidates, draw, empty
    from counterpoint.simulators.batched.job_shop_random import random_shops

    is_cuda = chosen.device != "cpu"
    generator = torch.Generator(chosen.device).manual_seed(0)
    size = (3, 2) if chosen.tiny else (15, 15)
    for batch in (16,) if chosen.tiny else (1024, 8192, 65536, 262144):
        shops = random_shops(batch, *size, generator)
        makespan = torch.zeros(batch, dtype=torch.int64, device=chosen.device)
        for scheme in ("nondelay", "active"):

            def run(shops: Any = shops, makespan: Any = makespan, scheme: Any = scheme) -> None:
                partial_ = empty(shops, keeps_ends=False)
                for _ in range(size[0] * size[1]):
                    advance(shops, partial_, draw(candidates(partial_, scheme), generator))
                makespan.copy_(partial_.makespan)

            what = f"random roll-out, {scheme}, batch {batch}"
            yield what, "waits", waits(run, chosen.device)
            operations = batch * size[0] * size[1]
            yield what, "steps per second", operations / timed(run, chosen.device)
            if is_cuda:
                replay = captured(run, torch.device(chosen.device), [generator])
                yield what, "steps per second, CUDA graph", operations / timed(replay, chosen.device)
            yield what, "mean makespan", float(makespan.double().mean())


def speed(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Yield seconds of greedy tours, in each way of `bq_speed`, by the network of the published size."""
    from bq_speed import made, plain_step

    from counterpoint.models.policies.bq_rollout import roll_out
    from counterpoint.simulators.batched.bq_tsp import start

    network, places = made().to(chosen.device), 8 if chosen.tiny else 100
    for batch in (2,) if chosen.tiny else (1, 16, 128, 1024):
        points = torch.rand(batch, places, 2, generator=torch.Generator().manual_seed(batch)).to(chosen.device)

        def plain(points: Any = points) -> None:
            left = torch.cat((points[:, :1], points), dim=1)
            while left.shape[1] > 2:
                left = plain_step(network, left)

        ways: dict[str, Callable[[], Any]] = {
            "plain loop": plain,
            "roll-out": lambda points=points: roll_out(network, start(points)),
            "roll-out, bfloat16": lambda points=points: roll_out(network, start(points), precision="bfloat16"),
            "roll-out, bfloat16, window 50": lambda points=points: roll_out(
                network, start(points), precision="bfloat16", window=50
            ),
        }
        for name, run in ways.items():
            yield f"{places} places, {batch} at a time, {name}", "ms per tour", 1e3 * timed(run, chosen.device) / batch


def plant(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Yield seconds and costs of PPO on the 20 x 10 plant, seed by seed, and the static assignment's cost."""
    from pdppo import Always

    from counterpoint.models.training import stochastic_lot_sizing as ppo
    from counterpoint.models.training.stochastic_lot_sizing_validation import Validation

    data = Path(os.environ.get("COUNTERPOINT_DATA", HERE.parent.parent / "shared" / "data"))
    case = data / "lot_sizing" / "plant" / "plant_20items_10machines_t100.json"
    config = ppo.Config(case=str(case) if case.exists() and not chosen.tiny else "", iterations=1)
    if chosen.tiny:
        config = replace(config, generated=ppo.Generated(4, 2), num_envs=8)
    periods = 800 if chosen.tiny else chosen.periods
    shared = replace(config.ppo, use_cuda_graphs=chosen.device != "cpu")
    config = replace(config, ppo=shared, iterations=max(1, periods // (shared.steps * config.num_envs)))
    found = ppo.plant_of(config)
    judge = Validation.draw(found, 16 if chosen.tiny else 512, chosen.device, FRESH)
    yield f"{found.name}, static assignment", "cost", float(judge.play(Always(found)).mean())
    for seed in range(2 if chosen.tiny else chosen.seeds):
        began = time.perf_counter()
        trainer = ppo.build(config, seed, chosen.device)
        yield f"{found.name}, seed {seed}", "seconds to build", time.perf_counter() - began
        for _ in range(config.iterations):
            trainer.step()
        synchronised(chosen.device)
        yield f"{found.name}, seed {seed}", "seconds in all", time.perf_counter() - began
        yield f"{found.name}, seed {seed}", "periods", trainer.samples
        drawn = judge.play(trainer.network, torch.Generator(chosen.device).manual_seed(FRESH))
        yield f"{found.name}, seed {seed}", "cost, drawn", float(drawn.mean())
        yield f"{found.name}, seed {seed}", "cost, likeliest", float(judge.play(trainer.network).mean())


def shops(chosen: argparse.Namespace) -> Iterator[Figure]:
    """Yield mean gaps on Taillard's shops of a policy that taught itself for so many minutes."""
    from learned_job_shop import CLASSES

    config: dict[str, Any] = {"operations": 36_000, "samples": 64}  # many more rows at hardly more time a step
    if chosen.tiny:
        config = {"operations": 36, "samples": 4, "sizes": [[3, 2], [4, 3]], "validation": 1, "updates": 2}
    policy = yield from trained("job-shop", "self-labelled", config, chosen)
    classes, counts, most = ([*CLASSES][:1], (1, 2), 1) if chosen.tiny else ([*CLASSES], (1, 32, 128), 10)
    work = [(name, count, policy, most) for name in reversed(classes) for count in reversed(counts)]  # longest first
    found = {
        (name, count): gaps
        for (name, count, *_), gaps in zip(work, spread(class_gaps, work, chosen.workers), strict=True)
    }
    for count in counts:
        for name in classes:
            yield f"{name}, best of {count}", "mean gap, %", float(np.mean(found[name, count]))
        yield f"all, best of {count}", "mean gap, %", float(np.mean([found[name, count] for name in classes]))


def class_gaps(work: tuple[str, int, str, int]) -> list[float]:
    """Return the gaps of a policy on a class of shops, in per cent, by the checker."""
    from learned_job_shop import CLASSES, learned

    import counterpoint as ct
    from counterpoint.datasets.registry import best_known
    from counterpoint.models.policies.job_shop import load_network
    from counterpoint.opt.problems.job_shop_check import check

    name, count, policy, most = work
    torch.set_num_threads(1)
    instances = [ct.benchmark(instance) for instance in CLASSES[name][:most]]
    gaps = []
    for shop, schedule in zip(instances, learned(instances, load_network(policy), count)[0], strict=True):
        verdict = check(shop, schedule)
        assert verdict.is_feasible
        gaps.append(100 * (verdict.objective / int(best_known(shop).upper_bound) - 1))
    return gaps


def tours(chosen: argparse.Namespace, problem: str) -> Iterator[Figure]:
    """Yield gaps to a long local search of a policy that imitated one for so many minutes, by size and beam."""
    from importlib import import_module

    from counterpoint.models.policies.bq import Options as MethodOptions
    from counterpoint.models.policies.bq import load
    from counterpoint.models.policies.bq_rollout import best, roll_out
    from counterpoint.models.training.imitation import gaps
    from counterpoint.models.training.labels import make

    task = import_module(f"counterpoint.models.training.{problem}_imitation").TASK
    effort, count = {"tsp": (1000, 20_000), "cvrp": (3000, 4_000)}[problem]
    size = 12 if chosen.tiny else 100
    effort, count = (5, 16) if chosen.tiny else (effort, count)
    folder = chosen.labels or Path(tempfile.mkdtemp()) / "labels"
    began = time.perf_counter()
    if chosen.labels is None:
        held = make(
            task, size=size, effort=effort, seed=0, count=count, folder=folder, workers=chosen.workers, progress=False
        )
        yield f"{problem} labels", "made", held
        yield f"{problem} labels", "seconds", time.perf_counter() - began
    config: dict[str, Any] = {
        "size": size, "folder": str(folder), "batch": 1024, "validation": 16, "updates": 20,
        "network": {"layers": 6, "width": 128, "heads": 8, "inner": 512},
    }  # fmt: skip
    if chosen.tiny:
        config |= {"batch": 8, "validation": 4, "updates": 2}
        del config["network"]
    policy = yield from trained(problem, "imitation", config, chosen)
    network = load(MethodOptions(checkpoint=policy), task.network, task.build)[0].to(chosen.device)
    for places, number in ((12, 2),) if chosen.tiny else ((100, 128), (200, 64), (500, 16)):
        parts = min(number, chosen.workers)
        drawn = partial(judged_on, problem, places, 2 * effort, number // parts)
        made = spread(drawn, range(parts), chosen.workers)
        labels = {key: torch.cat([part[key] for part in made]).to(chosen.device) for key in made[0]}
        for width, window in ((1, 0), (4 if chosen.tiny else 16, 0 if problem == "cvrp" else 250)):
            began = time.perf_counter()
            how: dict[str, Any] = {"width": width, "window": window, "leave": task.leave, "precision": "bfloat16"}
            steps, left = roll_out(network, task.start(labels), **how)
            if task.finish is not None:
                rest, left = task.finish(left)
                steps = torch.cat((steps, rest), dim=1)
            synchronised(chosen.device)
            took = time.perf_counter() - began
            found, known = task.judge(labels, steps[best(left, len(labels["points"]))])
            what = f"{problem}, {places} places, {'greedy' if width == 1 else f'beam of {width}'}"
            yield what, "mean gap, %", 100 * float(np.mean(gaps(found, known)))
            yield what, "seconds an instance", took / len(labels["points"])


def judged_on(problem: str, places: int, effort: int, count: int, number: int) -> dict[str, Any]:
    """Return fresh instances with the tours of a long local search."""
    from importlib import import_module

    torch.set_num_threads(1)
    task = import_module(f"counterpoint.models.training.{problem}_imitation").TASK
    return task.labelled(count, places, effort, JUDGED + number)  # type: ignore[no-any-return]


PARTS: dict[str, tuple[Callable[[argparse.Namespace], Iterator[Figure]], int]] = {  # and its limit in seconds
    "checks": (checks, 60),
    "rollouts": (rollouts, 60),
    "speed": (speed, 60),
    "plant": (plant, 150),
    "shops": (shops, 240),
    "tsp": (partial(tours, problem="tsp"), 240),
    "cvrp": (partial(tours, problem="cvrp"), 240),
}


def moved(shops: Any, device: str) -> Any:
    """Return a batch of shops on a device."""
    from counterpoint.simulators.batched.job_shop import Shops

    return Shops(*(x.to(device) for x in (shops.machine, shops.duration, shops.length)), shops.num_machines)


def synchronised(device: str) -> None:
    """Wait until a GPU is done."""
    if device != "cpu":
        torch.cuda.synchronize(device)


def timed(run: Callable[[], object], device: str) -> float:
    """Return the median of wall seconds; runs once to warm up, then five times or for two seconds."""
    run()
    synchronised(device)
    taken: list[float] = []
    while not taken or (len(taken) < 5 and sum(taken) < 2):
        began = time.perf_counter()
        run()
        synchronised(device)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))


def waits(run: Callable[[], object], device: str) -> float:
    """Return how often `run` waits for the device, as torch counts it; not a number on the CPU."""
    if device == "cpu":
        return float("nan")
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as noted:
            warnings.simplefilter("always")
            run()
        return float(sum("synchroniz" in str(note.message) for note in noted))
    finally:
        torch.cuda.set_sync_debug_mode("default")


def trained(
    problem: str, algorithm: str, config: dict[str, Any], chosen: argparse.Namespace
) -> Generator[Figure, None, str]:
    """Train for so many minutes, by as many iterations as ten seconds foretell; yield figures, return the policy."""
    import counterpoint as ct

    runs, seconds = Path(tempfile.mkdtemp()), 60 * chosen.minutes

    def run(name: str, iterations: int, limit: float) -> Any:
        return ct.train(
            problem, algorithm, {**config, "iterations": iterations}, out=runs / name, device=chosen.device,
            time_limit=limit, evaluate_every=max(1, iterations // 2), progress=False,
        )  # fmt: skip

    pilot = run("pilot", 2 if chosen.tiny else 10_000, 10)
    iterations = 2 if chosen.tiny else max(2, int(seconds / 10 * pilot.iterations))
    done = run("run", iterations, 1.1 * seconds)
    target = chosen.out / f"{problem}.safetensors"
    for suffix in (".safetensors", ".json"):
        target.with_suffix(suffix).write_bytes(Path(done.policy).with_suffix(suffix).read_bytes())
    yield f"{problem}, {algorithm}", "iterations", done.iterations
    yield f"{problem}, {algorithm}", "seconds", done.wall_s
    for name, value in done.evaluation.items():
        yield f"{problem}, {algorithm}", f"last evaluation: {name}", value
    return str(target)


def spread(work: Callable[[Any], Any], parts: Sequence[Any], workers: int) -> list[Any]:
    """Return what `work` makes of each part, by processes that know no GPU."""
    if workers == 1:
        return [work(part) for part in parts]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        return list(pool.map(work, parts))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts, each in a process of its own; return 0 if all ended well."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--out", type=Path, default=HERE / "results" / "gpu")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=1.5, help="of a training")
    parser.add_argument("--seeds", type=int, default=5, help="of the plant's trainings")
    parser.add_argument("--periods", type=int, default=1_000_000, help="of each of them")
    parser.add_argument("--labels", type=Path, help="folder of labels made before, by `counterpoint label`")
    parser.add_argument("--tiny", action="store_true", help="sizes that only show that it runs")
    parser.add_argument("--here", action="store_true", help="one part in this process, without a limit")
    chosen = parser.parse_args(arguments)
    chosen.workers = 1 if chosen.tiny else len(os.sched_getaffinity(0))
    chosen.out.mkdir(parents=True, exist_ok=True)
    if chosen.here:
        for part in chosen.parts:
            write(part, PARTS[part][0](chosen), chosen.out / f"{part}.csv")
        return 0
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = [word for word in given if word not in PARTS]
    failed = []
    for part in chosen.parts:
        command = [sys.executable, str(HERE / "gpu.py"), part, *options, "--here"]
        began, limit = time.monotonic(), PARTS[part][1]
        try:
            is_well = subprocess.run(command, timeout=limit, check=False).returncode == 0
        except subprocess.TimeoutExpired:
            is_well = False
            print(f"== {part}: stopped after its {limit} s", flush=True)
        print(f"== {part}: {'' if is_well else 'FAILED, '}{time.monotonic() - began:.0f} s", flush=True)
        failed += [] if is_well else [part]
    return int(bool(failed))


def write(part: str, figures: Iterator[Figure], path: Path) -> None:
    """Print and write figures as they come, so that a part that is stopped leaves what it had."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("part", "what", "figure", "value"))
        for what, figure, value in figures:
            writer.writerow((part, what, figure, f"{float(value):.6g}"))
            file.flush()
            print(f"{part:9} {what:48} {figure:30} {float(value):14,.6g}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
