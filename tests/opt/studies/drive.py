"""A driver to kill: ``drive.py STORE LOG COUNT SECONDS METHOD LIMIT [retry]``; acknowledges each case after its commit.

Prints what it returned, or what was left when it was interrupted, as one line of JSON.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import bad_methods

from counterpoint.opt.budget import Budget
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.study import StudyInterrupted, run_study


def wanted(log, count, seconds, name, limit_s):
    """The cases."""
    if name in ("cp-sat", "mip-disjunctive", "tabu"):
        budget = Budget(time_limit_s=limit_s, threads=1)
        jobs, machines = (40, 20) if name == "cp-sat" else (15, 10)  # not proved optimal within seconds
        return [Case(bad_methods.shop(s, jobs, machines), name, s, budget) for s in range(count)]
    options = {"log": log, "seconds": seconds}
    hangs = name == "hang_in_warm_up"
    method = bad_methods.method("quick", warm_up=f"bad_methods:{name}") if hangs else bad_methods.method(name)
    return [Case(bad_methods.shop(s % 3), method, s, Budget(time_limit_s=limit_s), options) for s in range(count)]


def rows(results):
    """What a resumed study must have in common with one that was left alone."""
    return [
        [
            r.instance_name,
            r.seed,
            r.objective,
            str(r.termination),
            [] if r.solution is None else r.solution.start.tolist(),
        ]
        for r in results
    ]


def main(store, log, count, seconds, name, limit_s, *retry):
    """Run the study."""

    def acknowledge(case, result):
        bad_methods.note(log, f"done {case.instance.name}/{case.seed} {result.termination}")

    def watch(event):
        if event.kind == "incumbent":
            bad_methods.note(log, f"held {event.index}")

    cases = wanted(log, int(count), float(seconds), name, float(limit_s))
    bad_methods.note(log, "start")
    try:
        results = run_study(
            cases, store=store, workers=2, retry_failed=bool(retry), on_result=acknowledge, progress=watch
        )
    except StudyInterrupted as stop:
        print(json.dumps({"interrupted": str(stop), "signal": stop.signal_number, "rows": rows(stop.results)}))
        return 130
    print(json.dumps({"rows": rows(results)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
