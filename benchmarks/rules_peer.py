"""job_shop_lib's rule solver on instances from standard input; run by `rules.py` with that package's own Python.

job_shop_lib 1.7.2 pins an older OR-Tools than ours, so it needs its own environment; this file imports nothing
of Counterpoint. Input: JSON {name: [[[machine, duration], ...], ...]}. Output: JSON rows.
"""

import json
import sys
import time

from job_shop_lib import JobShopInstance, Operation
from job_shop_lib.dispatching.rules import DispatchingRuleSolver

RULES = {
    "spt": "shortest_processing_time",
    "mwkr": "most_work_remaining",
    "mopnr": "most_operations_remaining",
}


def main() -> int:
    rows = []
    for name, jobs in json.load(sys.stdin).items():
        shop = JobShopInstance([[Operation(m, p) for m, p in job] for job in jobs], name=name)
        for rule, theirs in RULES.items():
            solver = DispatchingRuleSolver(dispatching_rule=theirs)
            started, runs = time.process_time(), 0
            while runs == 0 or time.process_time() - started < 0.5:
                built = solver.solve(shop)
                runs += 1
            steps = runs * sum(len(job) for job in jobs) / (time.process_time() - started)
            rows.append({"instance": name, "rule": rule, "makespan": built.makespan(), "steps_per_cpu_s": steps})
    json.dump(rows, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
