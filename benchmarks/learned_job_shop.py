"""What the shipped learned policy is worth on Taillard's job shops, beside rules, random sampling and tabu search.

Rows (benchmarks/results/learned_job_shop.csv), per instance, gaps to the best known makespan in per cent:

- learned-greedy (one schedule), learned-32, learned-128: the best of so many samples, half of them backwards in time,
  shifted to and fro once, as the method `self-labelled` does. The ten instances of a class are rolled out as one batch,
  which is how the network is fast; cpu_s is the batch's time over ten;
- random-32, random-128: as many random non-delay schedules; fdd-mwkr and lrm: one pass of a rule;
- tabu@32, tabu@128: the foundation's tabu search after as much CPU time as learned-32 and learned-128 took;
- hybrid@128 (with --hybrid): the default method, given as much wall time as learned-128 took CPU time, one thread.

Then a paired test on 100 fresh random 15 x 15 shops (benchmarks/results/learned_job_shop_paired.csv): greedy and the
best of 32 against fdd-mwkr and random-32.

    python benchmarks/learned_job_shop.py [CLASS ...] [--instances 10] [--hybrid] [--checkpoint x.safetensors]

One thread, CPU seconds of this process, compilation excluded; every schedule is judged by the checker. The policy was
trained on random shops alone: no instance of these classes was looked at in training or in choosing anything.
"""

import argparse
import csv
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

import counterpoint as ct
from counterpoint.datasets.generators.job_shop import uniform
from counterpoint.datasets.registry import best_known
from counterpoint.models.policies.job_shop import Options, load_network
from counterpoint.models.policies.job_shop_replay import reverse, reverse_start, stacked
from counterpoint.models.policies.job_shop_rollout import roll_out
from counterpoint.models.policies.job_shop_run import shifted
from counterpoint.opt.budget import Budget, Clock
from counterpoint.opt.evaluation.statistics import bootstrap_interval, sign_test
from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.opt.problems.job_shop_check import check
from counterpoint.simulators.batched.job_shop import Shops
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.local_search.job_shop import improve
from counterpoint.solvers.local_search.job_shop_starts import best_rule_schedule
from counterpoint.solvers.rules import job_shop_randomised as randomised
from counterpoint.solvers.rules.job_shop import schedule
from counterpoint.solvers.warm_up import job_shop as warm_up

RESULTS = Path(__file__).parent / "results"
COLUMNS = ("class", "instance", "method", "makespan", "best_known", "gap_percent", "cpu_s")
FIRST = range(1, 80, 10)
CLASSES = {f"ta{first:02d}-{first + 9}": tuple(f"ta{k:02d}" for k in range(first, first + 10)) for first in FIRST}
SIZES = dict(zip(CLASSES, ("15x15", "20x15", "20x20", "30x15", "30x20", "50x15", "50x20", "100x20"), strict=True))


class CpuClock(Clock):
    """A clock that counts CPU seconds of this process."""

    def elapsed_s(self) -> float:
        """CPU seconds since the start."""
        return time.process_time() - self.started


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classes", nargs="*", metavar="CLASS", help=f"{', '.join(CLASSES)}, paired; default: all")
    parser.add_argument("--instances", type=int, default=10, help="at most so many of each class")
    parser.add_argument("--hybrid", action="store_true")
    parser.add_argument("--checkpoint", default="", help="default: the one shipped")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    warm_up.tabu()
    network = load_network(chosen.checkpoint)
    for name in chosen.classes or [*CLASSES, "paired"]:
        if name == "paired":
            paired(network, 100)
            continue
        table: dict[str, list[float]] = {}
        cost: dict[str, list[float]] = {}
        shops = [ct.benchmark(instance) for instance in CLASSES[name][: chosen.instances]]
        batches = {count: learned(shops, network, count) for count in (1, 32, 128)}
        for k, shop in enumerate(shops):
            known = int(best_known(shop).upper_bound)
            rows = []
            for count, (schedules, cpu_s) in batches.items():
                rows.append(("learned-greedy" if count == 1 else f"learned-{count}", schedules[k], cpu_s))
            spent = {count: cpu_s for count, (_, cpu_s) in batches.items() if count > 1}
            rows += [*others(shop, known, spent, has_hybrid=chosen.hybrid)]
            lines = []
            for method, built, cpu_s in rows:
                verdict = check(shop, built)
                assert verdict.is_feasible
                gap = 100 * (verdict.objective / known - 1)
                table.setdefault(method, []).append(gap)
                cost.setdefault(method, []).append(cpu_s)
                lines.append(
                    {"class": name, "instance": shop.name, "method": method, "makespan": int(verdict.objective),
                     "best_known": known, "gap_percent": round(gap, 3), "cpu_s": round(cpu_s, 3)}
                )  # fmt: skip
            record(lines)
            print(f"   {shop.name}", *(f"{line['method']}={line['gap_percent']:.1f}" for line in lines), flush=True)
        means = (f"{m} {statistics.mean(g):.2f} ({statistics.mean(cost[m]):.2f} s)" for m, g in table.items())
        print(f"{name} ({SIZES[name]}), mean gap in % (CPU-s): {'; '.join(means)}", flush=True)
    return 0


def learned(instances: list[JobShop], network, count: int, seed: int = 0) -> tuple[list[Schedule], float]:
    """Return the best of `count` schedules of every instance (all of one size), and the CPU seconds of each."""
    begun = time.process_time()
    shops = Shops.of(instances)
    ways = [shops] if count == 1 else [shops, reverse(shops)]
    both = stacked(ways)
    samples = count // len(ways)
    with torch.no_grad():
        embedding = network.encode(both)
    heat = torch.full((samples,), Options().temperature if count > 1 else 0.0)
    generator = torch.Generator().manual_seed(seed)
    built = roll_out(network, both, embedding, temperature=heat, generator=generator)
    makespan, at = built.makespan.view(len(both.machine), samples).min(1)
    start = built.start[at + torch.arange(len(at)) * samples]
    if count > 1:
        ahead, back = makespan.view(2, -1)
        turned = reverse_start(ways[1], start[len(shops.machine) :], back)
        start = torch.where((ahead <= back).view(-1, 1, 1), start[: len(shops.machine)], turned)
        makespan = torch.minimum(ahead, back)
    start, _ = shifted(shops, start, makespan)
    schedules = [Schedule.from_starts(shop, x.flatten().numpy()) for shop, x in zip(instances, start, strict=True)]
    return schedules, (time.process_time() - begun) / len(instances)


def others(shop: JobShop, known: int, spent: dict[int, float], *, has_hybrid: bool):
    """Yield (method, schedule, CPU seconds) of what the policy is compared with on one instance."""
    for count in (32, 128):
        begun = time.process_time()
        yield f"random-{count}", random(shop, count), time.process_time() - begun
    for rule in ("fdd-mwkr", "lrm"):
        begun = time.process_time()
        built = schedule(shop, rule)
        yield rule, built, time.process_time() - begun
    yield from tabu(shop, known, spent)
    if has_hybrid:
        result = ct.solve(shop, "hybrid", time_limit=spent[128], threads=1, target=known)
        yield "hybrid@128", result.solution, result.cpu_s


def random(shop: JobShop, count: int, seed: int = 0) -> Schedule:
    """Return the best of so many random non-delay schedules."""
    budget = Budget(iterations=count)
    options = randomised.Options(rule="random")
    return randomised.solve(shop, budget, seed, options, lambda solution=None, *, bound=None: None).solution


def tabu(shop: JobShop, known: int, spent: dict[int, float]):
    """Yield what one tabu run holds after each of the times."""
    found: list[tuple[float, Schedule]] = []
    begun = time.process_time()
    clock = CpuClock(Budget(time_limit_s=max(spent.values()), target=known), begun)
    start = best_rule_schedule(shop)
    found.append((clock.elapsed_s(), start))

    def report(solution: Schedule | None = None, *, bound: float | None = None) -> None:
        if solution is not None:
            found.append((clock.elapsed_s(), solution))

    improve(shop, start, clock, 0, report, bound=best_bound(shop))
    for count, seconds in spent.items():
        held = [(at, built) for at, built in found if at <= seconds] or found[:1]
        yield f"tabu@{count}", min((built for _, built in held), key=lambda one: one.makespan), seconds


def paired(network, count: int) -> None:
    """Compare on fresh shops; differences in per cent of the other's makespan, negative if the policy is better.

    All shops are rolled out in one batch: the bare network, forwards only, without the method's shifts.
    """
    fresh = [uniform(jobs=15, machines=15, seed=500_000 + k) for k in range(count)]
    shops = Shops.of(fresh)
    with torch.no_grad():
        embedding = network.encode(shops)
    greedy = roll_out(network, shops, embedding, temperature=torch.zeros(1)).makespan.tolist()
    generator = torch.Generator().manual_seed(0)
    heat = torch.full((32,), Options().temperature)
    built = roll_out(network, shops, embedding, temperature=heat, generator=generator)
    makespan = built.makespan.view(count, 32)
    best = built.start.view(count, 32, -1)[torch.arange(count), makespan.argmin(1)].numpy()
    rows = []
    for k, shop in enumerate(fresh):
        verdict = check(shop, Schedule.from_starts(shop, best[k]))
        assert verdict.is_feasible
        assert verdict.objective == int(makespan[k].min())
        rule, drawn = schedule(shop, "fdd-mwkr").makespan, random(shop, 32, k).makespan
        for title, ours, theirs in (
            ("learned-greedy against fdd-mwkr", greedy[k], rule),
            ("learned-32 against fdd-mwkr", int(verdict.objective), rule),
            ("learned-greedy against random-32", greedy[k], drawn),
            ("learned-32 against random-32", int(verdict.objective), drawn),
        ):
            rows.append({"pair": title, "instance": shop.name, "ours": ours, "theirs": theirs})
    with (RESULTS / "learned_job_shop_paired.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for title in dict.fromkeys(row["pair"] for row in rows):
        ours, theirs = (np.array([r[key] for r in rows if r["pair"] == title], float) for key in ("ours", "theirs"))
        interval = bootstrap_interval(100 * (ours / theirs - 1))
        wins, losses = int((ours < theirs).sum()), int((ours > theirs).sum())
        print(f"{title}: {interval} %, {wins} wins, {losses} losses, sign test p = {sign_test(wins, losses):.2g}")


def record(rows: list[dict[str, object]]) -> None:
    """Put rows into the file, in place of older ones of the same instance and method."""
    path = RESULTS / "learned_job_shop.csv"
    new = {(str(row["instance"]), str(row["method"])): row for row in rows}
    old: list[dict[str, object]] = []
    if path.exists():
        with path.open(newline="") as file:
            old = [dict(r) for r in csv.DictReader(file) if (r["instance"], r["method"]) not in new]
    merged = sorted([*old, *rows], key=lambda row: str(row["instance"]))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(merged)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
