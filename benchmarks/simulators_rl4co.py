"""RL4CO's JSSPEnv at 15 x 15 under a random policy; run by `simulators.py` with that package's own Python.

Imports nothing of Counterpoint. Arguments: batch sizes. Output: JSON rows on the last line. Only the first 30 steps of
an episode are timed, for all take the same time there and the whole would take minutes.
"""

import json
import sys
import time

import torch
from rl4co.envs import JSSPEnv

STEPS = 30


def main(batches: list[int]) -> int:
    torch.set_num_threads(1)
    sizes = {"num_jobs": 15, "num_machines": 15, "min_processing_time": 1, "max_processing_time": 99}
    rows = []
    for batch in batches:
        environment = JSSPEnv(generator_params=sizes)
        best = float("inf")
        for _ in range(2):
            state = environment.reset(batch_size=[batch])
            started = time.process_time()
            for _ in range(STEPS):
                state["action"] = torch.multinomial(state["action_mask"].float(), 1).squeeze(1)
                state = environment.step(state)["next"]
            best = min(best, time.process_time() - started)
        speed = batch * STEPS / best
        rows.append(
            {"what": "RL4CO 0.7.0 JSSPEnv", "jobs": 15, "machines": 15, "batch": batch, "steps_per_cpu_s": speed}
        )
    print(json.dumps(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main([int(x) for x in sys.argv[1:]]))
