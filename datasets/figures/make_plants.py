"""Make `stochastic_lot_sizing.txt`; run by hand when its sources change.

    python -m counterpoint.datasets.figures.make_plants FOLDER

FOLDER holds the settings of github.com/leokan92/discrete_lot_sizing_rl_agents (MIT) at commit 3647da5, ``cfg_env``.
"""

import dataclasses
import json
import sys
from pathlib import Path

from counterpoint.datasets.reading import read
from counterpoint.opt.problems.stochastic_lot_sizing_json import encode

PLANTS = {
    "setting_2items_VI": "plant-2x1",
    "setting_2items_VI_binomial_1": "plant-2x1-binomial-1",
    "setting_2items_VI_binomial_3": "plant-2x1-binomial-3",
    "setting_4items_2machines": "plant-4x2",
    "setting_6items_3machines": "plant-6x3",
    "setting_10items_5machines": "plant-10x5",
    "setting_15items_5machines_t100": "plant-15x5",
    "setting_25items_10machines": "plant-25x10",
}

if __name__ == "__main__":
    found = [
        dataclasses.replace(read(Path(sys.argv[1]) / f"{file}.json"), name=name, horizon=100)
        for file, name in PLANTS.items()
    ]
    lines = (json.dumps(encode(plant), allow_nan=False, separators=(",", ":")) for plant in found)
    Path(__file__).with_name("stochastic_lot_sizing.txt").write_text("\n".join(lines) + "\n")
