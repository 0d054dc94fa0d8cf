"""TS-LDR on a hydrothermal system: the same training of a rule that is linear in [inflows; storages].

Source: Rosemberg et al. 2024 (arXiv 2405.14973), section 5, where it is the baseline.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from counterpoint.models.algorithms.ts_ddr_config import TsDdrConfig
from counterpoint.models.algorithms.ts_ddr_trainer import TsDdrTrainer
from counterpoint.models.networks.target_reach import Map
from counterpoint.models.training import hydrothermal
from counterpoint.models.training.hydrothermal import OperatedUnder


@dataclass(frozen=True, slots=True)
class Config:
    """Settings of the training.

    Parameters
    ----------
    iterations, case, network_kind, start_from, map, counts_turbines, scenarios, workers, ts_ddr
        As of `hydrothermal.Config`.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    iterations: int = 800
    case: str = "bolivia-dc"
    network_kind: OperatedUnder = ""
    start_from: str = ""
    map: Map = "turbined"
    counts_turbines: bool = True
    scenarios: int = 64
    workers: int = 0
    ts_ddr: TsDdrConfig = field(default_factory=TsDdrConfig)

    def __post_init__(self) -> None:
        _full(self)  # checks


def build(config: Config, seed: int, device: str) -> TsDdrTrainer:
    """Return the trainer; errors as of `hydrothermal.build`."""
    system = hydrothermal.system_of(config.case)
    return hydrothermal.trainer_of(_full(config), system, seed, device, "linear", "ts-ldr")


def _full(config: Config) -> hydrothermal.Config:
    return hydrothermal.Config(
        config.iterations, config.case, config.network_kind, config.start_from, map=config.map,
        counts_turbines=config.counts_turbines, scenarios=config.scenarios, workers=config.workers,
        ts_ddr=config.ts_ddr,
    )  # fmt: skip
