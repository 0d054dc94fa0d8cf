"""Interrupted blocking job shops at q = 0, 1, 5 and 10 %: roll-outs, learned policies, rules, replanning, the bound.

Shops: la16-20 and orb01-10 (10 x 10), none seen in training. Three tables:

- ``policies``: mean makespans on the same shutdown traces (4 per shop) of every rule, of the learned scores and the
  graph network (greedy), and of roll-outs with a rule and with the scores as base; reductions, with 95 % intervals
  (10,000 resamples of the shops, each with its traces), against the rule that is best at that q on 20 other traces of
  each shop, and of roll-outs with scores against those with that rule;
- ``known future``: at q = 0, gap to the proved optimum of 100 random runs, of rules, learned policies, and of plans;
- ``replanning``: one trace of la16, la17, la18: policies, best rule of each trace (chosen afterwards), replanning
  CP-SAT (0.2 s a plan), and the perfect-information bound (10 s each).

Roll-outs and replanning run in the reference simulator, the rest in the batched one; tests hold their logs equal.
Replanning and bounds depend on wall time: a busy machine makes them weaker.

    python benchmarks/interrupted_job_shop.py            # 30 minutes on a quiet core
    python benchmarks/interrupted_job_shop.py --quick    # rules and known future on la16-20, nothing written
    python benchmarks/interrupted_job_shop.py --only policies --q 0.1   # one table; its rows in the file are replaced
"""

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

import counterpoint as ct
from counterpoint.models.policies.interrupted_job_shop import LearnedPolicy, Options, best_play, load_network
from counterpoint.models.policies.interrupted_job_shop_rollout import play
from counterpoint.models.policies.interrupted_job_shop_scores import ScorePolicy, load_scores
from counterpoint.models.policies.interrupted_job_shop_scores_play import play_scores, words
from counterpoint.opt.interfaces import Policy
from counterpoint.opt.problems.interrupted_job_shop import InterruptedJobShop, Scenario, draw_scenarios
from counterpoint.simulators.batched.interrupted_job_shop import Batch
from counterpoint.simulators.batched.interrupted_job_shop_graph import Statics
from counterpoint.simulators.batched.interrupted_job_shop_play import NETWORK
from counterpoint.simulators.interrupted_job_shop import simulate
from counterpoint.solvers.replan.interrupted_job_shop_roll_out import NO_WEIGHTS, RollOut
from counterpoint.solvers.rules.interrupted_job_shop import RULES, Rule, RulePolicy

# proved optima with blocking and swaps (ScheduleOpt/optalcp-benchmarks)
OPTIMA = {
    "la16": 1060, "la17": 929, "la18": 1025, "la19": 1043, "la20": 1060, "orb01": 1175, "orb02": 1041, "orb03": 1160,
    "orb04": 1146, "orb05": 995, "orb06": 1199, "orb07": 483, "orb08": 995, "orb09": 1039, "orb10": 1146,
}  # fmt: skip
PROBABILITIES = (0.0, 0.01, 0.05, 0.1)
SAMPLES = 100
FUTURES, PLANS = 16, 4000  # the policies' defaults
JUDGED, CHOSEN = 1000, 5000  # seeds of the traces that figures are from, and of those the best rule is chosen on
FIELDS = ("table", "q", "method", "figure", "value", "low", "high", "cases", "cpu_s")
Row = dict[str, str | int | float]


def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables and write benchmarks/results/interrupted_job_shop.csv; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="five shops, no replanning, nothing written")
    parser.add_argument("--only", choices=("policies", "known future", "replanning"))
    parser.add_argument("--q", type=float, nargs="*", default=PROBABILITIES, help="shutdown probabilities")
    parser.add_argument("--checkpoint", default="", help="default: the shipped one")
    chosen = parser.parse_args(argv)
    torch.set_num_threads(1)
    names = list(OPTIMA)[:5] if chosen.quick else list(OPTIMA)
    traces, judged = (2, 2) if chosen.quick else (4, 20)
    tables: dict[str, Callable[[], Iterator[Row]]] = {
        "policies": lambda: policies(names, traces, judged, chosen.q, chosen.checkpoint),
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


def policies(
    names: list[str], traces: int, judged: int, probabilities: Sequence[float], checkpoint: str
) -> Iterator[Row]:
    """Mean makespans on the same traces, and reductions."""
    for q in probabilities:
        count = 1 if q == 0 else traces
        instances = [InterruptedJobShop.of(ct.benchmark(name), q) for name in names]
        drawn = [draw_scenarios(instance, count, JUDGED + i) for i, instance in enumerate(instances)]
        best = best_rule(instances, 1 if q == 0 else judged)
        runs = _runs(instances, drawn, best, checkpoint)
        costs: dict[str, np.ndarray] = {}
        print(f"\nq = {q:g}, {count * len(names)} traces of {len(names)} shops: mean makespan")
        for method, run in runs.items():
            began = time.process_time()
            costs[method] = run().reshape(len(names), count).astype(float)
            took, mean = time.process_time() - began, float(costs[method].mean())
            print(f"  {method:24} {mean:8.1f} {took:8.1f} CPU-s{'   best rule' if method == best else ''}", flush=True)
            yield _row("policies", q, method, "mean makespan", mean, costs[method].size, took)
        for method, other in (
            ("gnn", best), ("scores", best), (f"roll-out-rule ({best})", best), ("roll-out", best),
            ("roll-out", f"roll-out-rule ({best})"),
        ):  # fmt: skip
            cut, low, high = _reduction(costs[method], costs[other])
            print(f"  {method} below {other}: {cut:.1f} % [{low:.1f}, {high:.1f}]", flush=True)
            yield {
                **_row("policies", q, method, f"% below {other}", cut, costs[method].size, 0.0),
                "low": round(low, 2), "high": round(high, 2),
            }  # fmt: skip


def _runs(
    instances: list[InterruptedJobShop], drawn: Sequence[Sequence[Scenario]], best: Rule, checkpoint: str
) -> dict[str, Callable[[], np.ndarray]]:
    """Return what plays each method in every scenario."""
    scores, waiting = load_scores(checkpoint)
    graph, graph_waits = load_network()
    batch, statics = stacked(instances, drawn)

    def rolled(base: int, weights: Any, waits: bool) -> np.ndarray:
        def build(instance: InterruptedJobShop) -> Policy:
            return RollOut(instance, 0, base, weights, futures=FUTURES, plans=PLANS, waiting=waits)

        return in_turn(instances, drawn, build)

    def greedy() -> np.ndarray:
        random = words(len(batch.shops.machine), 0)
        return play_scores(scores, batch, statics, random, waiting=waiting, temperature=0.0).makespan

    return {
        **{rule: partial(by_rule, batch, statics, rule) for rule in RULES},
        "gnn": lambda: play(graph, batch, statics, waiting=graph_waits).makespan.numpy(),
        "scores": greedy,
        f"roll-out-rule ({best})": lambda: rolled(RULES.index(best), NO_WEIGHTS, False),
        "roll-out": lambda: rolled(NETWORK, scores.weights(), waiting),
    }


def best_rule(instances: list[InterruptedJobShop], traces: int) -> Rule:
    """Return the rule of the least mean makespan on traces that nothing is judged on."""
    batch, statics = stacked(instances, [draw_scenarios(x, traces, CHOSEN + i) for i, x in enumerate(instances)])
    return min(RULES, key=lambda rule: float(by_rule(batch, statics, rule).mean()))


def stacked(instances: list[InterruptedJobShop], drawn: Sequence[Sequence[Scenario]]) -> tuple[Batch, Statics]:
    """Return a batch of every instance with each of its scenarios."""
    batch = Batch.of(
        [i for i, own in zip(instances, drawn, strict=True) for _ in own], [s for own in drawn for s in own]
    )
    rows, q = len(batch.shops.machine), instances[0].shutdown_probability
    return batch, Statics.of(batch.shops, torch.full((rows,), q).double(), torch.full((rows,), 10.0))


def in_turn(
    instances: list[InterruptedJobShop],
    drawn: Sequence[Sequence[Scenario]],
    build: Callable[[InterruptedJobShop], Policy],
) -> np.ndarray:
    """Play a policy in the reference simulator."""
    costs = []
    for instance, own in zip(instances, drawn, strict=True):
        built = build(instance)
        for episode, scenario in enumerate(own):
            built.start(episode)
            costs.append(simulate(instance, scenario, built).cost)
    return np.array(costs)


def known_future(names: list[str], checkpoint: str) -> Iterator[Row]:
    """Gaps to the optimum where machines never fail."""
    scores, waiting = load_scores(checkpoint)
    graph, graph_waits = load_network()
    gaps: dict[str, list[float]] = {}
    took: dict[str, float] = {}
    for place, name in enumerate(names):
        instance = InterruptedJobShop.of(ct.benchmark(name), 0.0)
        scenario = draw_scenarios(instance, 1, 0)[0]
        one, statics = stacked([instance], [[scenario]])

        def sampled(instance: InterruptedJobShop = instance) -> int:
            starts = best_play(instance, graph, SAMPLES, 0, waiting=graph_waits, temperature=Options().temperature)
            last = [row[-1] for row in starts]
            work = instance.shop.duration[instance.shop.job_offsets[1:] - 1]
            return int((np.array(last) + work).max())

        def plan(rule: int, plans: int, instance=instance, scenario=scenario) -> float:
            weights = scores.weights() if rule == NETWORK else NO_WEIGHTS
            built = RollOut(instance, 0, rule, weights, futures=1, plans=plans, waiting=waiting)
            return simulate(instance, scenario, built).cost

        def scored(times: int, temperature: float, one=one, statics=statics, place=place) -> int:
            random = words(times, place)
            return int(
                play_scores(
                    scores, one, statics, random, times=times, waiting=waiting, temperature=temperature
                ).makespan.min()
            )

        makespans: dict[str, Callable[[], float]] = {
            "random best of 100": lambda one=one, s=statics, p=place: by_rule(one, s, "random", SAMPLES, p).min(),
            "best of the rules": lambda one=one, s=statics: min(
                by_rule(one, s, rule)[0] for rule in RULES if rule != "random"
            ),
            "gnn": lambda one=one, s=statics: play(graph, one, s, waiting=graph_waits).makespan[0],
            "gnn best of 100": sampled,
            "scores": lambda scored=scored: scored(1, 0.0),
            "scores best of 100": lambda scored=scored: scored(SAMPLES, 1.0),
            "roll-out-rule, 4,000 plans": lambda plan=plan: plan(RULES.index("lrm"), PLANS),
            "roll-out, 100 plans": lambda plan=plan: plan(NETWORK, SAMPLES),
            "roll-out, 4,000 plans": lambda plan=plan: plan(NETWORK, PLANS),
        }
        for method, run in makespans.items():
            began = time.process_time()
            gaps.setdefault(method, []).append(100 * (float(run()) / OPTIMA[name] - 1))
            took[method] = took.get(method, 0.0) + time.process_time() - began
    print(f"\nq = 0: gap to the optimum, mean of {len(names)} shops")
    for method, found in gaps.items():
        print(f"  {method:26} {np.mean(found):6.1f} %   {took[method]:6.1f} CPU-s", flush=True)
        yield _row("known future", 0.0, method, "% above the optimum", float(np.mean(found)), len(names), took[method])


def replanning(names: list[str], probabilities: Sequence[float], checkpoint: str) -> Iterator[Row]:
    """One trace of each shop by the reference simulator, with replanning and the bound beside it."""
    from counterpoint.solvers.cp_sat.interrupted_job_shop import perfect_information
    from counterpoint.solvers.replan.interrupted_job_shop import Options as PlanOptions
    from counterpoint.solvers.replan.interrupted_job_shop import Replanning

    scores, waiting = load_scores(checkpoint)
    graph, graph_waits = load_network()
    methods = ("gnn", "scores", "roll-out", "best rule of the trace", "replan-cp-sat", "bound")
    for q in probabilities:
        costs: dict[str, list[float]] = {method: [] for method in methods}
        began = time.process_time()
        failed = plans = 0
        for i, name in enumerate(names):
            instance = InterruptedJobShop.of(ct.benchmark(name), q)
            scenario = draw_scenarios(instance, 1, 100 + i)[0]
            rolled = RollOut(instance, 0, NETWORK, scores.weights(), futures=FUTURES, plans=PLANS, waiting=waiting)
            planner = Replanning(instance, 0, PlanOptions(time_limit_s=0.2, first_time_limit_s=2.0))
            costs["gnn"].append(simulate(instance, scenario, LearnedPolicy(instance, graph, waiting=graph_waits)).cost)
            costs["scores"].append(simulate(instance, scenario, ScorePolicy(instance, scores, waiting=waiting)).cost)
            costs["roll-out"].append(simulate(instance, scenario, rolled).cost)
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


def by_rule(batch: Batch, statics: Statics, rule: str, times: int = 1, seed: int = 0) -> np.ndarray:
    """Play a rule, without waiting, `times` times in every shop; return makespans [B times]."""
    random, noise = words(len(batch.shops.machine) * times, seed), 1.0 if rule == "random" else 0.0
    number = RULES.index(rule)  # the kernels number them alike
    return play_scores(
        None, batch, statics, random, times=times, waiting=False, temperature=noise, rule=number
    ).makespan


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
