"""job_shop_lib's Gym graph environment under a random policy; run by `simulators.py` with that package's own Python.

Imports nothing of Counterpoint. Output: JSON rows on the last line.
"""

import json
import random
import sys
import time

from job_shop_lib import JobShopInstance, Operation
from job_shop_lib.dispatching.feature_observers import FeatureObserverType as Feature
from job_shop_lib.graphs import build_disjunctive_graph
from job_shop_lib.reinforcement_learning import SingleJobShopGraphEnv

FEATURES = [
    Feature.IS_SCHEDULED, Feature.IS_READY, Feature.EARLIEST_START_TIME, Feature.DURATION, Feature.POSITION_IN_JOB,
    Feature.REMAINING_OPERATIONS,
]  # fmt: skip


def main() -> int:
    draw = random.Random(0)
    jobs = [[Operation(m, draw.randint(1, 99)) for m in draw.sample(range(15), 15)] for _ in range(15)]
    environment = SingleJobShopGraphEnv(build_disjunctive_graph(JobShopInstance(jobs, name="random")), FEATURES)
    best = 0.0
    for _ in range(10):
        _, info = environment.reset()
        started, steps, is_done = time.process_time(), 0, False
        while not is_done:
            _, machine, job = draw.choice(info["available_operations_with_ids"])
            _, _, is_done, _, info = environment.step((job, machine))
            steps += 1
        best = max(best, steps / (time.process_time() - started))
    row = {"what": "job_shop_lib 1.7.2, graph", "jobs": 15, "machines": 15, "batch": 1, "steps_per_cpu_s": best}
    print(json.dumps([row]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
