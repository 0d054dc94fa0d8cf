"""What each step from a plain re-encoding loop to the roll-out of the method `bq` buys, on tours, greedily, one thread.

The plain loop stands below: float32, attention by einsum and softmax, what is left of the coordinates copied from step
to step, every place shown. It has the same weights as the others: the published size (9 layers, 192 wide, 12 heads),
random, as time does not depend on them. CPU seconds of a step are measured at some numbers of places left, the variants
one after the other and all again, the least of the repetitions counts; a tour is the sum over all steps, those between
filled in linearly. How often the loop and the roll-out choose the same is counted on whole tours of the loop; what
bfloat16 does to lengths is measured with the shipped network.

    python benchmarks/bq_speed.py               # 1 to 2 CPU minutes; the rows of 128 at a time are by the next
    python benchmarks/bq_speed.py --repeats 1 --batches 128
    python benchmarks/bq_speed.py --windows 8   # only what a window of 100 loses at 1,000 places: 4 CPU minutes
"""

import argparse
import csv
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from counterpoint.datasets.generators import tsp
from counterpoint.models.networks.bq import Bq, Options
from counterpoint.models.policies.bq import Options as MethodOptions
from counterpoint.models.policies.bq import load
from counterpoint.models.policies.bq_rollout import roll_out, scores
from counterpoint.models.policies.tsp import NETWORK, build
from counterpoint.models.policies.tsp_finish import MOST, completed, finished
from counterpoint.models.precision import Precision
from counterpoint.simulators.batched.bq import unit_square
from counterpoint.simulators.batched.bq_tsp import Paths, start

RESULTS = Path(__file__).parent / "results" / "bq_speed.csv"
Step = Callable[[Tensor], None]  # one step of paths of places [B, m + 2, 2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batches", default="1,16")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--large", type=int, default=1000, help="places of the second table, one instance; 0: none")
    parser.add_argument("--windows", type=int, default=0, help="tours by the shipped network with and without one")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if chosen.windows:
        write(RESULTS.with_name("bq_windows.csv"), windows(chosen.windows, chosen.large))
        return 0
    network = made()
    rows: list[dict[str, Any]] = []
    steps: dict[str, tuple[Step, int]] = {  # how, and how many of the last places are left to the exact finish
        "plain loop": (lambda x: plain_step(network, x), 0),
        "fused attention, pointers": (stepping(network), 0),
        "+ bfloat16": (stepping(network, "bfloat16"), 0),
        "+ exact finish": (stepping(network, "bfloat16"), MOST),
        "+ window 50": (stepping(network, "bfloat16", 50), MOST),
    }
    for batch in map(int, chosen.batches.split(",")):
        rows += table(100, batch, steps, (1, 10, 30, 60, 99), chosen.repeats)
        write(chosen.out, rows)
    if chosen.large:
        steps = {
            "plain loop": (lambda x: plain_step(network, x), 0),
            "fused attention, pointers": (stepping(network), 0),
            "+ bfloat16": (stepping(network, "bfloat16"), 0),
            "window 100": (stepping(network, "float32", 100), 0),
            "window 100, bfloat16": (stepping(network, "bfloat16", 100), 0),
        }
        last = chosen.large - 1
        rows += table(chosen.large, 1, steps, (1, 50, 100, last // 4, last // 2, last), chosen.repeats)
        write(chosen.out, rows)
    agreement(network)
    lengths()
    return 0


def made() -> Bq:
    """Return the network of the published size; its residual weights are not 0, or all would be too easy."""
    torch.manual_seed(0)
    network = build(Options()).eval()
    for layer in network.layers:
        layer.weights.data.fill_(0.3)
    return network


@torch.inference_mode()
def plain_step(network: Bq, points: Tensor) -> Tensor:
    """Take a step of paths [B, m + 2, 2], the origin and the end first; return those that are left."""
    low = points.amin(1, keepdim=True)
    shown = (points - low) / (points.amax(1, keepdim=True) - low).amax(2, keepdim=True)
    away = (shown.unsqueeze(2) - shown[:, None, :2]).square().sum(3).sqrt()
    best = plain_logits(network, torch.cat((shown, away), dim=2)).argmax(1)
    row, position, is_back = torch.arange(len(points), device=points.device), 2 + best // 2, best % 2
    left = points.clone()
    left[row, is_back] = points[row, position]
    kept = torch.ones(points.shape[:2], dtype=torch.bool, device=points.device)
    kept[row, position] = False
    return left[kept].view(len(points), -1, 2)


def plain_logits(network: Bq, x: Tensor) -> Tensor:
    """Return the logits of the network, its attention written out."""
    hidden = network.lift(x)
    hidden = torch.cat((hidden[:, :2] + network.tokens, hidden[:, 2:]), dim=1)
    for layer in network.layers:
        batch, n, width = hidden.shape
        query, key, value = layer.project(hidden).view(batch, n, 3, layer.heads, -1).unbind(2)
        share = (torch.einsum("bqhd,bkhd->bhqk", query, key) / query.shape[3] ** 0.5).softmax(3)
        heard = torch.einsum("bhqk,bkhd->bqhd", share, value).reshape(batch, n, width)
        hidden = hidden + layer.weights[0] * layer.merge(heard)
        hidden = hidden + layer.weights[1] * layer.narrow(torch.relu(layer.widen(hidden)))
    return network.point(hidden[:, 2:]).flatten(1)


def paths_of(points: Tensor) -> Paths:
    """Return paths from the first to the second place."""
    row = torch.arange(len(points))
    return start(points, torch.zeros_like(row), torch.ones_like(row))


def stepping(network: Bq, precision: Precision = "float32", window: int = 0) -> Step:
    """Return a step as `roll_out` takes it."""

    def step(points: Tensor) -> None:
        paths = paths_of(points)
        view = paths.observe(window)
        score, choice = scores(network, view, precision)
        paths.step(choice.gather(1, score.argmax(1, keepdim=True)).squeeze(1))

    return step


@torch.no_grad()
def table(
    places: int, batch: int, steps: dict[str, tuple[Step, int]], sizes: Sequence[int], repeats: int
) -> list[dict[str, Any]]:
    """Return rows with the CPU seconds of a tour in each way."""
    least = {name: dict.fromkeys(sizes, np.inf) for name in steps}
    ending = np.inf
    points = {m: torch.rand(batch, m + 2, 2, generator=torch.Generator().manual_seed(m)) for m in (*sizes, MOST)}
    with torch.autocast("cpu", enabled=False):  # as in `roll_out`: weights are shortened once
        for repeat in range(repeats + 1):  # the first only warms up, and is short
            for m in sizes if repeat else sizes[:2]:
                for name, (step, _) in steps.items():
                    for _ in range(5 if m * batch < 200 else 1):
                        least[name][m] = min(least[name][m], timed(lambda run=step, m=m: run(points[m])))
            ending = min(ending, timed(lambda: finished(paths_of(points[MOST]))))
    rows = []
    for name, (_, leave) in steps.items():
        left = np.arange(leave + 1, places)
        seconds = float(np.interp(left, list(sizes), list(least[name].values())).sum()) + (ending if leave else 0)
        rows.append({
            "places": places, "batch": batch, "variant": name, "cpu_s_per_tour": round(seconds / batch, 4),
            "first_step_ms": round(1e3 * least[name][sizes[-1]] / batch, 3), "load": round(os.getloadavg()[0], 1),
        })  # fmt: skip
        rows[-1]["ratio"] = round(rows[0]["cpu_s_per_tour"] / rows[-1]["cpu_s_per_tour"], 2)
        print(rows[-1], flush=True)
    return rows


@torch.inference_mode()
def agreement(network: Bq, places: int = 100, batch: int = 4) -> None:
    """Print how often the roll-out's network chooses what the loop's does, along tours of the loop."""
    points = torch.rand(batch, places, 2, generator=torch.Generator().manual_seed(7))
    points = torch.cat((points[:, :1], points), dim=1)  # a closed tour: both ends are place 0
    same = count = 0
    while points.shape[1] > 2:
        x = paths_of(points).observe().x
        same += int((network(x).argmax(1) == plain_logits(network, x).argmax(1)).sum())
        count += batch
        points = plain_step(network, points)
    print(f"same choice in float32: {same} of {count}", flush=True)


def lengths(places: int = 50, batch: int = 100) -> None:
    """Print mean lengths of greedy tours of the shipped network in either precision."""
    network, _ = load(MethodOptions(), NETWORK, build)
    points = torch.rand(batch, places, 2, generator=torch.Generator().manual_seed(8))
    found = {}
    names: tuple[Precision, ...] = ("float32", "bfloat16")
    for precision in names:
        _, left = roll_out(network, start(points), precision=precision)
        found[precision] = left.cost()
    change = 100 * (found["bfloat16"] / found["float32"] - 1)
    print(
        f"{batch} tours of {places} places: {float(found['float32'].mean()):.4f} in float32, in bfloat16 longer by "
        f"{float(change.mean()):.3f} +- {1.96 * float(change.std()) / batch**0.5:.3f} %, "
        f"{int((change == 0).sum())} the same"
    )


def windows(count: int, places: int, window: int = 100) -> list[dict[str, Any]]:
    """Return lengths of greedy tours of the shipped network, through a window and with all shown."""
    network, _ = load(MethodOptions(), NETWORK, build)
    rows = []
    for seed in range(940_000, 940_000 + count):
        points = torch.from_numpy(tsp.uniform(places=places, seed=seed).places.points.copy()).unsqueeze(0)
        for shown in (window, 0):
            started = time.process_time()
            _, left = roll_out(network, start(unit_square(points)), window=shown, leave=MOST)
            length = float(completed(left, finished)[1].cost())
            seconds = round(time.process_time() - started, 2)
            rows.append({"places": places, "seed": seed, "window": shown, "length": length, "cpu_s": seconds})
            print(rows[-1], flush=True)
    return rows


def timed(run: Callable[[], object]) -> float:
    """Return CPU seconds."""
    started = time.process_time()
    run()
    return time.process_time() - started


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Write the table."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    sys.exit(main())
