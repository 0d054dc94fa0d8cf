"""Interrupted blocking job shops at q = 0, 1, 5 and 10 %: the learned policy, rules, replanning CP-SAT, the bound.

Shops: la16-20 and orb01-10 (10 x 10), none seen in training. Three tables:

- ``rules``: mean makespan of the learned policy (greedy) and of every rule on the same shutdown traces (4 per shop);
  reduction against the rule that is best at that q, with a 95 % interval (10,000 resamples of the shops);
- ``known future``: at q = 0, gap to the proved optimum of the best of 100 random runs, of the policy greedily, and of
  the best of 100 of its plays;
- ``replanning``: the first trace of la16, la17, la18: policy, best rule of each trace (chosen afterwards), replanning
  CP-SAT (0.2 s a plan), and the perfect-information bound (10 s each).

The batched simulator plays everything but replanning; tests hold its logs equal to the reference's. Replanning and
bounds depend on wall time: a busy machine makes them weaker.

    python benchmarks/interrupted_job_shop.py            # 20 minutes on a quiet core
    python benchmarks/interrupted_job_shop.py --quick    # rules and known future on la16-20, nothing written
    python benchmarks/interrupted_job_shop.py --only rules   # one table; its rows in the file are replaced
"""

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import counterpoint as ct
from counterpoint.models.policies.interrupted_job_shop import LearnedPolicy, Options, best_play, load_network
from counterpoint.models.policies.interrupted_job_shop_rollout import play
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, draw_scenarios
from counterpoint.simulators.batched.interrupted_job_shop import BLOCKED, Batch, State, act, empty, to_decision
from counterpoint.simulators.batched.interrupted_job_shop_graph import Statics
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.rules.interrupted_job_shop import RULES, RulePolicy

# proved optima with blocking and swaps (ScheduleOpt/optalcp-benchmarks)
OPTIMA = {
    "la16": 1060, "la17": 929, "la18": 1025, "la19": 1043, "la20": 1060, "orb01": 1175, "orb02": 1041, "orb03": 1160,
    "orb04": 1146, "orb05": 995, "orb06": 1199, "orb07": 483, "orb08": 995, "orb09": 1039, "orb10": 1146,
}  # fmt: skip
PROBABILITIES = (0.0, 0.01, 0.05, 0.1)
SAMPLES = 100
FIELDS = ("table", "q", "method", "figure", "value", "low", "high", "cases", "cpu_s")
Row = dict[str, str | int | float]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables and write benchmarks/results/interrupted_job_shop.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="five shops, no replanning, nothing written")
    parser.add_argument("--only", choices=("rules", "known future", "replanning"))
    parser.add_argument("--q", type=float, nargs="*", default=PROBABILITIES, help="shutdown probabilities")
    parser.add_argument("--checkpoint", default="", help="default: the shipped one")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    names = list(OPTIMA)[:5] if chosen.quick else list(OPTIMA)
    tables: dict[str, Callable[[], Iterator[Row]]] = {
        "rules": lambda: rules(names, 2 if chosen.quick else 4, chosen.q, chosen.checkpoint),
        "known future": lambda: known_future(names, chosen.checkpoint),
        "replanning": lambda: replanning(names[:3], chosen.q, chosen.checkpoint),
    }
    target = Path(__file__).parent / "results" / "interrupted_job_shop.csv"
    for table, function in tables.items():
        if (chosen.only or table) != table or (chosen.quick and table == "replanning"):
            continue
        kept = list(csv.DictReader(target.open())) if target.exists() else []
        rows: list[Row] = []
        for row in function():  # written as it comes: an aborted run leaves what it has measured
            rows.append(row)
            if not chosen.quick:
                others = [r for r in kept if r["table"] != table or (r["table"], r["q"]) not in _places(rows)]
                with target.open("w", newline="") as file:
                    writer = csv.DictWriter(file, FIELDS)
                    writer.writeheader()
                    writer.writerows([*others, *rows])
    return 0


def rules(names: list[str], scenarios: int, probabilities: Sequence[float], checkpoint: str) -> Iterator[Row]:
    """Mean makespans on the same traces, and the reduction against the best rule."""
    network, waiting = load_network(checkpoint)
    for q in probabilities:
        count = 1 if q == 0 else scenarios
        instances = [InterruptedJobShop.of(ct.benchmark(name), q) for name in names]
        drawn = [s for i, instance in enumerate(instances) for s in draw_scenarios(instance, count, 100 + i)]
        batch = Batch.of([i for i in instances for _ in range(count)], drawn)
        statics = Statics.of(batch.shops, torch.full((len(drawn),), q).double(), torch.full((len(drawn),), 10.0))
        began = time.process_time()
        makespan = play(network, batch, statics, waiting=waiting).makespan.double().numpy()
        learned = makespan.reshape(len(names), count)
        costs, took = {}, {"gnn": time.process_time() - began}
        for rule in RULES:
            began = time.process_time()
            costs[rule] = by_rule(batch, rule).double().numpy().reshape(len(names), count)
            took[rule] = time.process_time() - began
        best = min(costs, key=lambda rule: float(costs[rule].mean()))
        print(f"\nq = {q:g}, {len(drawn)} traces of {len(names)} shops: mean makespan")
        for method, cost in (("gnn", learned), *costs.items()):
            print(f"  {method:10} {cost.mean():8.1f}{'   best rule' if method == best else ''}")
            yield _row("rules", q, method, "mean makespan", cost.mean(), len(drawn), took[method])
        cut, low, high = _reduction(learned, costs[best])
        print(f"  reduction against {best}: {cut:.1f} % [{low:.1f}, {high:.1f}]")
        yield {
            **_row("rules", q, "gnn", f"% below the best rule ({best})", cut, len(drawn), 0.0),
            "low": round(low, 2), "high": round(high, 2),
        }  # fmt: skip


def known_future(names: list[str], checkpoint: str) -> Iterator[Row]:
    """Gaps to the optimum where machines never fail."""
    network, waiting = load_network(checkpoint)
    gaps: dict[str, list[float]] = {
        "random best of 100": [], "gnn": [], "gnn best of 100": [], "best of the rules": []
    }  # fmt: skip
    took = dict.fromkeys(gaps, 0.0)
    generator = torch.Generator().manual_seed(0)
    for name in names:
        instance = InterruptedJobShop.of(ct.benchmark(name), 0.0)
        scenario = draw_scenarios(instance, 1, 0)[0]
        one = Batch.of([instance], [scenario])

        def learned(samples: int, instance: InterruptedJobShop = instance) -> int:
            starts = best_play(instance, network, samples, 0, waiting=waiting, temperature=Options().temperature)
            last = [row[-1] for row in starts]
            work = instance.shop.duration[instance.shop.job_offsets[1:] - 1]
            return int((np.array(last) + work).max())

        makespans: dict[str, Callable[[], int]] = {
            "random best of 100": lambda one=one: int(by_rule(one.repeat(SAMPLES), "random", generator).min()),
            "gnn": lambda: learned(1),
            "gnn best of 100": lambda: learned(SAMPLES),
            "best of the rules": lambda one=one: min(int(by_rule(one, rule)) for rule in RULES if rule != "random"),
        }
        for method, run in makespans.items():
            began = time.process_time()
            gaps[method].append(100 * (run() / OPTIMA[name] - 1))
            took[method] += time.process_time() - began
    print(f"\nq = 0: gap to the optimum, mean of {len(names)} shops")
    for method, found in gaps.items():
        print(f"  {method:20} {np.mean(found):6.1f} %   {took[method]:6.1f} CPU-s")
        yield _row("known future", 0.0, method, "% above the optimum", float(np.mean(found)), len(names), took[method])


def replanning(names: list[str], probabilities: Sequence[float], checkpoint: str) -> Iterator[Row]:
    """One trace of each shop by the reference simulator, with replanning and the bound beside it."""
    from counterpoint.solvers.cp_sat.interrupted_job_shop import perfect_information
    from counterpoint.solvers.replan.interrupted_job_shop import Options as PlanOptions
    from counterpoint.solvers.replan.interrupted_job_shop import Replanning

    network, waiting = load_network(checkpoint)
    for q in probabilities:
        costs: dict[str, list[float]] = {"gnn": [], "best rule of the trace": [], "replan-cp-sat": [], "bound": []}
        began = time.process_time()
        failed = plans = 0
        for i, name in enumerate(names):
            instance = InterruptedJobShop.of(ct.benchmark(name), q)
            scenario = draw_scenarios(instance, 1, 100 + i)[0]
            learned = LearnedPolicy(instance, network, waiting=waiting)
            planner = Replanning(instance, 0, PlanOptions(time_limit_s=0.2, first_time_limit_s=2.0))
            costs["gnn"].append(simulate(instance, scenario, learned).cost)
            costs["best rule of the trace"].append(
                min(simulate(instance, scenario, RulePolicy(instance, r)).cost for r in RULES if r != "random")
            )
            costs["replan-cp-sat"].append(simulate(instance, scenario, planner).cost)
            plans, failed = plans + planner.plans, failed + planner.failed
            costs["bound"].append(perfect_information(instance, scenario, 10.0))
        print(f"\nq = {q:g}, one trace each of {', '.join(names)}: mean makespan ({failed} of {plans} plans not found)")
        for method, found in costs.items():
            print(f"  {method:24} {np.mean(found):8.1f}")
            yield _row("replanning", q, method, "mean makespan", float(np.mean(found)), len(names), 0.0)
        print(f"  all in {time.process_time() - began:.0f} CPU-s")


def by_rule(batch: Batch, rule: str, generator: torch.Generator | None = None) -> Tensor:
    """Play a rule in every shop; return makespans [B]. The priorities are those of `solvers/rules`."""
    state = empty(batch)
    now = to_decision(batch, state, waiting=False)
    chance = generator or torch.Generator().manual_seed(0)
    work = batch.shops.duration.double()
    tail = work.flip(2).cumsum(2).flip(2)
    while bool(now.is_due.any()):
        value = _value(batch, state, rule, work, tail, chance)
        act(batch, state, now, value.masked_fill(~now.eligible, torch.inf).argmin(1))
        now = to_decision(batch, state, waiting=False)
    return state.time


def _value(batch: Batch, state: State, rule: str, work: Tensor, tail: Tensor, chance: torch.Generator) -> Tensor:
    """Priority of each job's coming operation, smallest first, float64 [B, n]."""
    coming = (state.step + (state.status == BLOCKED)).clamp(max=work.shape[2] - 1).unsqueeze(2)
    own, rest = (x.gather(2, coming).squeeze(2) for x in (work, tail))
    done = tail[:, :, 0] - rest + own
    table = {
        "spt": own, "lpt": -own, "mwkr": -rest, "lwkr": rest,
        "mopnr": (coming.squeeze(2) - batch.shops.length).double(),
        "fifo": state.since.double(), "fdd-mwkr": done / rest, "lrm": own - rest, "srm": rest - own,
    }  # fmt: skip
    return torch.rand(own.shape, generator=chance).double() if rule == "random" else table[rule]


def _reduction(learned: np.ndarray, rule: np.ndarray) -> tuple[float, float, float]:
    """Percent by which the mean makespan is lower, with a 95 % interval; shops are resampled with all their traces."""
    rng = np.random.default_rng(0)
    rows = rng.integers(len(learned), size=(10_000, len(learned)))
    resampled = 100 * (1 - learned.mean(1)[rows].mean(1) / rule.mean(1)[rows].mean(1))
    low, high = np.quantile(resampled, (0.025, 0.975))
    return 100 * (1 - learned.mean() / rule.mean()), float(low), float(high)


def _places(rows: list[Row]) -> set[tuple[str, str]]:
    return {(str(row["table"]), str(row["q"])) for row in rows}


def _row(table: str, q: float, method: str, figure: str, value: float, cases: int, cpu_s: float) -> Row:
    return {
        "table": table, "q": q, "method": method, "figure": figure, "value": round(float(value), 2), "low": "",
        "high": "", "cases": cases, "cpu_s": round(cpu_s, 1),
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
