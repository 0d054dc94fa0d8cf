"""Playing whole episodes of interrupted job shops by candidates' scores or a rule, many at once, compiled."""

from dataclasses import dataclass

import numpy as np

from counterpoint.models.networks.interrupted_job_shop_scores import CandidateScores, Options
from counterpoint.simulators.batched.interrupted_job_shop import Batch
from counterpoint.simulators.batched.interrupted_job_shop_candidates import FEATURES
from counterpoint.simulators.batched.interrupted_job_shop_graph import Statics
from counterpoint.simulators.batched.interrupted_job_shop_play import NETWORK, play_all


@dataclass(frozen=True, slots=True)
class Played:
    """Episodes that ended, and decisions that were kept.

    Parameters
    ----------
    makespan : int64 array [B times]
    start : int64 array [B times, n, K]
        Of every operation; empty unless asked for.
    features : float32 array [D, n + 1, FEATURES]
    count, choice, row : int64 array [D]
        Candidates, the number of the chosen one, and the episode.
    """

    makespan: np.ndarray
    start: np.ndarray
    features: np.ndarray
    count: np.ndarray
    choice: np.ndarray
    row: np.ndarray


def play_scores(
    network: CandidateScores | None,
    batch: Batch,
    statics: Statics,
    random: np.ndarray,
    *,
    times: int = 1,
    waiting: bool = True,
    temperature: float = 1.0,
    rule: int = NETWORK,
    kept: int = 0,
    share: float = 1.0,
    starts: bool = False,
) -> Played:
    """Play every shop of a batch `times` times, by a network or a rule.

    Parameters
    ----------
    network : CandidateScores or None
        None for a rule.
    batch, statics : Batch, Statics
    random : uint64 array [B times]
        Where each play's random numbers begin.
    times : int
    waiting : bool
    temperature : float
        Of the noise added to the scores; 0 plays greedily, 1 samples from the policy.
    rule : int
        A number of `interrupted_job_shop_play`.
    kept : int
        How many decisions may be kept, each with probability `share`.
    share : float
    starts : bool
        Whether to return the starts of all operations.
    """
    shops, traces = batch.shops, batch.traces
    rows, n, most = shops.machine.shape
    makespan = np.zeros(rows * times, np.int64)
    start = np.zeros((rows * times if starts else 0, n, most), np.int64)
    features = np.zeros((kept, n + 1, FEATURES), np.float32)
    count, choice, row = np.zeros(kept, np.int64), np.zeros(kept, np.int64), np.zeros(kept, np.int64)
    weights = (network or CandidateScores(Options(1, 1))).weights()
    found = play_all(
        shops.machine.numpy(), shops.duration.numpy(), shops.length.numpy(), statics.tail.numpy(),
        statics.mean.double().numpy(), statics.risk.double().numpy(), traces.failure.numpy(), traces.repair.numpy(),
        batch.is_always, batch.is_resumed, waiting, rule, weights, temperature, random.copy(), times, makespan, start,
        features, count, choice, row, share,
    )  # fmt: skip
    return Played(makespan, start, features[:found], count[:found], choice[:found], row[:found])


def words(count: int, seed: int) -> np.ndarray:
    """Return a splitmix64 state for each of `count` plays."""
    return np.random.default_rng(seed).integers(2**64, size=count, dtype=np.uint64)
