"""Two methods on the same instances and seeds: differences, wins, ties, losses, and whether they mean anything."""

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from counterpoint.opt.errors import UnknownNameError, printable
from counterpoint.opt.evaluation.statistics import Interval, bootstrap_interval, sign_test, signed_rank_test
from counterpoint.opt.problems.table import problem

if TYPE_CHECKING:
    import pandas as pd

INSTANCE = ["problem", "instance_hash", "instance"]
RELATIVE_TIE = 1e-9
CLEAR_FROM = 6  # instances: below, no sign test can reach 5 %


@dataclass(frozen=True, slots=True, repr=False)
class Paired:
    """How method A fares against method B.

    Parameters
    ----------
    method_a, method_b : str
    frame : DataFrame
        A row per instance and seed that both ran: objectives, gaps, ``difference`` (gap of A minus gap of
        B, negative if A is better; NaN unless both hold a solution) and ``outcome`` ("win", "tie",
        "loss" of A, or "both failed"). A method that fails where the other does not, loses.
    difference : Interval
        Mean difference of the gaps over instances on which both hold a solution, with its bootstrap interval.
    wins, ties, losses, both_failed : int
        Pairs by outcome.
    unpaired : int
        Runs of either method without a counterpart (same instance, same seed).
    sign_p, signed_rank_p : float
        Two-sided p-values over instances (seeds of one instance are one unit): exact sign test on who wins
        more seeds, and Wilcoxon's signed ranks on the mean difference.
    """

    method_a: str
    method_b: str
    frame: "pd.DataFrame"
    difference: Interval
    wins: int
    ties: int
    losses: int
    both_failed: int
    unpaired: int
    sign_p: float
    signed_rank_p: float

    @property
    def is_clear(self) -> bool:
        """True if the interval excludes 0 and the sign test does not contradict it at 5 %.

        Below `CLEAR_FROM` instances no sign test can reach 5 %, so nothing is called clear.
        """
        d = self.difference
        return not d.low <= 0 <= d.high and not math.isnan(d.low) and self.sign_p <= 0.05

    def __str__(self) -> str:
        d = self.difference
        score = f"{self.wins} wins, {self.ties} ties, {self.losses} losses"
        if d.n == 0:
            return f"{self.method_a} against {self.method_b}: {score}; no instance on which both hold a solution"
        size = f"{abs(100 * d.estimate):.2f} points of gap"
        interval = (
            "no interval from 1 instance"
            if math.isnan(d.low)
            else f"{100 * d.confidence:g} % CI of the difference {100 * d.low:+.2f} to {100 * d.high:+.2f}, "
            f"{d.n} instance{'' if d.n == 1 else 's'}"
        )
        if self.is_clear:
            word = "better" if d.estimate < 0 else "worse"
            head = f"{self.method_a} is {word} than {self.method_b} by {size}"
        elif d.estimate == 0 and d.low == d.high == 0:
            head = f"{self.method_a} and {self.method_b} are equal"
        elif 0 < d.n < CLEAR_FROM and not d.low <= 0 <= d.high:
            lean = "ahead of" if d.estimate < 0 else "behind"
            head = f"{self.method_a} is {lean} {self.method_b} by {size}, on too few instances to call it clear"
        else:
            lean = "ahead" if d.estimate < 0 else "behind"
            head = f"no clear difference between {self.method_a} and {self.method_b} ({self.method_a} {lean} by {size})"
        sign = "" if math.isnan(self.sign_p) else f", sign test p = {self.sign_p:.2g}"
        return f"{head}; {interval}; {score}{sign}"

    def __repr__(self) -> str:
        return f"<Paired: {self}>"


def paired_comparison(
    frame: "pd.DataFrame", method_a: str, method_b: str, *, confidence: float = 0.95, seed: int = 0
) -> Paired:
    """Compare two methods of a tidy frame, pair by pair.

    Parameters
    ----------
    frame : DataFrame
        See `frame.results_frame`.
    method_a, method_b : str
    confidence : float
    seed : int
        Of the bootstrap.

    Raises
    ------
    UnknownNameError
        If a method has no row.
    """
    names = list(dict.fromkeys(frame["method"]))
    for name in (method_a, method_b):
        if name not in names:
            raise UnknownNameError("method in this comparison", name, map(printable, names))
    sides = [_side(frame, name) for name in (method_a, method_b)]
    both = sides[0].merge(sides[1], on=[*INSTANCE, "seed"], suffixes=("_a", "_b"))
    unpaired = len(sides[0]) + len(sides[1]) - 2 * len(both)
    # infinite gaps (reference 0) have no difference
    finite = both["gap_a"].abs().lt(math.inf) & both["gap_b"].abs().lt(math.inf)
    both["difference"] = (both["gap_a"] - both["gap_b"]).where(finite)
    senses = {name: problem(name).sense for name in set(both["problem"])}
    both["outcome"] = [
        outcome(a, b, senses[p])
        for p, a, b in zip(both["problem"], both["objective_a"], both["objective_b"], strict=True)
    ]
    counts = both["outcome"].value_counts()
    held = both[both["difference"].notna()]
    per_instance = held.groupby(INSTANCE, sort=False)["difference"].mean()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Paired states its own n
        interval = bootstrap_interval(
            held["difference"].to_numpy(),
            list(held[INSTANCE].itertuples(index=False, name=None)),
            confidence=confidence,
            seed=seed,
        )
    score = both["outcome"].map({"win": 1, "loss": -1}).fillna(0.0)
    leads = score.groupby([both[k] for k in INSTANCE]).sum()
    return Paired(
        method_a=method_a,
        method_b=method_b,
        frame=both,
        difference=interval,
        wins=int(counts.get("win", 0)),
        ties=int(counts.get("tie", 0)),
        losses=int(counts.get("loss", 0)),
        both_failed=int(counts.get("both failed", 0)),
        unpaired=unpaired,
        sign_p=sign_test(int((leads > 0).sum()), int((leads < 0).sum())),
        signed_rank_p=signed_rank_test(per_instance.to_numpy()) if len(per_instance) else math.nan,
    )


def outcome(a: float, b: float, sense: str = "min") -> str:
    """Return whether objective `a` wins, ties or loses against `b`; NaN is a failure and loses.

    >>> outcome(3.0, 4.0), outcome(3.0, float("nan")), outcome(float("nan"), 3.0), outcome(3.0, 3.0)
    ('win', 'win', 'loss', 'tie')
    """
    if math.isnan(a) or math.isnan(b):
        return "both failed" if math.isnan(a) and math.isnan(b) else "loss" if math.isnan(a) else "win"
    if math.isclose(a, b, rel_tol=RELATIVE_TIE, abs_tol=RELATIVE_TIE):
        return "tie"
    return "win" if (a < b) == (sense == "min") else "loss"


def held_objective(frame: "pd.DataFrame") -> "pd.Series[float]":
    """Objective of each row, NaN where the run failed or its claims were refuted."""
    return frame["objective"].where(is_solved(frame))


def is_solved(frame: "pd.DataFrame") -> "pd.Series[bool]":
    """True for rows that hold a verified feasible solution."""
    return frame["status"].isin(["feasible", "proven optimal"]) & frame["objective"].notna()


def _side(frame: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """One row per instance and seed; the mean where a method ran one seed more than once."""
    rows = frame[frame["method"] == name]
    values = rows[[*INSTANCE, "seed"]].assign(objective=held_objective(rows), gap=rows["gap_to_reference"])
    grouped = values.groupby([*INSTANCE, "seed"], sort=False)
    # a failed repetition makes the pair a failure: skipna would reward failing
    return grouped[["objective", "gap"]].mean(skipna=False).reset_index()
