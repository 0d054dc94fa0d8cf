"""stockpyl's Wagner-Whitin on instances from standard input; run by `lot_sizing_single_item.py` with its own Python.

stockpyl 1.0.2 brings some forty packages, so it has its own environment; this file imports nothing of Counterpoint.
Input: JSON {name: {"demand": [...], "setup": [...], "holding": [...], "unit": [...]}}. Output: JSON rows.
"""

import json
import sys
import time

from stockpyl.wagner_whitin import wagner_whitin


def main() -> int:
    rows = []
    for name, item in json.load(sys.stdin).items():
        started = time.process_time()
        _, cost, _, _ = wagner_whitin(
            len(item["demand"]), item["holding"], item["setup"], item["demand"], purchase_cost=item["unit"]
        )
        rows.append({"instance": name, "cost": cost, "cpu_s": time.process_time() - started})
    json.dump(rows, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
