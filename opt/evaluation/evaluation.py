"""What `evaluate` returns: each policy's cost in each scenario, means with intervals, paired differences, regret."""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from counterpoint.opt.errors import UnknownNameError, printable
from counterpoint.opt.evaluation.figures import figure, signed
from counterpoint.opt.evaluation.machine import machine
from counterpoint.opt.evaluation.statistics import Interval, bootstrap_interval

if TYPE_CHECKING:
    import pandas as pd

TAIL = 0.05  # share of worst scenarios that the conditional value at risk averages


@dataclass(frozen=True, slots=True)
class Run:
    """One policy in one scenario; `cost` is NaN if it failed, `message` then says why.

    `parts` is what the cost is made of, where the family's simulator says so.
    """

    policy: str
    scenario: int
    cost: float
    bound: float | None
    wall_s: float
    cpu_s: float
    message: str = ""
    parts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Evaluation:
    """Policies on the same scenarios of one instance.

    Parameters
    ----------
    problem : str
    instance : Instance
    seed : int
        Of the scenarios.
    runs : tuple of Run
    sense : {"min", "max"}
    is_interrupted : bool
        It was cut short; what is here is complete for every policy.
    expected_bound : float or None
        Proven bound on any policy's expected cost, over all that may happen; None if the family has none, or nobody
        asked for bounds.
    machine : mapping of str to str
        Where the times were measured.
    """

    problem: str
    instance: Any
    seed: int
    runs: tuple[Run, ...]
    sense: str = "min"
    is_interrupted: bool = False
    expected_bound: float | None = None
    machine: Mapping[str, str] = field(default_factory=machine)

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of the policies, in the order given."""
        return tuple(dict.fromkeys(run.policy for run in self.runs))

    @property
    def frame(self) -> "pd.DataFrame":
        """A row per policy and scenario: ``policy``, ``scenario``, ``cost``, ``bound``, times, ``message``.

        Then a column for each part of the cost, if the simulator tells them.
        """
        import pandas as pd

        columns = ("policy", "scenario", "cost", "bound", "wall_s", "cpu_s", "message")
        frame = pd.DataFrame([[getattr(run, key) for key in columns] for run in self.runs], columns=list(columns))
        frame = frame.astype({"cost": float, "bound": float})
        for part in self.parts:
            frame[part] = [run.parts.get(part, math.nan) for run in self.runs]
        return frame

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that costs are made of; none if the simulator does not tell them."""
        return tuple(dict.fromkeys(part for run in self.runs for part in run.parts))

    def split(self) -> "pd.DataFrame":
        """Return the mean of each part of the cost, a row per policy, best first; NaN if it failed anywhere."""
        import pandas as pd

        if not self.parts:
            return pd.DataFrame(index=pd.Index([], name="policy"))
        frame, names = self.frame, self._ranked()
        means = [frame.loc[frame["policy"] == name, list(self.parts)].mean(skipna=False) for name in names]
        return pd.DataFrame(means, index=pd.Index(names, name="policy"))

    def _ranked(self) -> list[str]:
        """Return the policies by their means, best first; those that failed somewhere last."""
        sign = 1.0 if self.sense == "min" else -1.0
        means = [sign * float(self.costs(name).mean()) for name in self.policies]
        return [self.policies[k] for k in np.argsort(means, kind="stable")]  # NaN goes last

    def costs(self, policy: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Return a policy's costs in order of scenario, float64 [scenarios]; NaN where it failed."""
        if policy not in self.policies:
            raise UnknownNameError("policy in this evaluation", policy, map(printable, self.policies))
        return np.array([run.cost for run in self.runs if run.policy == policy])

    def mean(self, policy: str, *, confidence: float = 0.95) -> Interval:
        """Return a policy's mean cost with a bootstrap interval over scenarios; NaN if it failed anywhere."""
        return _interval(self.costs(policy), confidence)

    def paired(self, policy_a: str, policy_b: str, *, confidence: float = 0.95) -> Interval:
        """Return the mean of (cost of A - cost of B) over common scenarios, with a bootstrap interval."""
        return _interval(self.costs(policy_a) - self.costs(policy_b), confidence)

    def summary(self, *, confidence: float = 0.95) -> "pd.DataFrame":
        """Return a row per policy, best first.

        Columns: ``scenarios``, ``failed``, ``mean`` with ``low`` and ``high``, ``cvar`` (mean of the worst 5 % of the
        scenarios), ``worst``, ``regret`` (mean excess over the perfect-information bound, a share of it),
        ``behind_best`` (paired mean difference to the best policy) with its limits, ``wall_s`` and ``cpu_s`` per
        scenario.
        """
        import pandas as pd

        sign = 1.0 if self.sense == "min" else -1.0
        table = [self._row(name, sign, confidence) for name in self._ranked()]
        if not table:
            return pd.DataFrame(columns=["policy", "scenarios", "failed", "mean"]).set_index("policy")
        frame = pd.DataFrame(table).set_index("policy")
        best = str(frame.index[0])
        for name in frame.index:
            found = self.paired(str(name), best, confidence=confidence)
            frame.loc[name, ["behind_best", "behind_low", "behind_high"]] = (found.estimate, found.low, found.high)
        return frame

    def _row(self, name: str, sign: float, confidence: float) -> dict[str, Any]:
        mine = [run for run in self.runs if run.policy == name]
        costs = self.costs(name)
        mean = self.mean(name, confidence=confidence)
        bounds = np.array([math.nan if run.bound is None else run.bound for run in mine])
        ordered = np.sort(sign * costs)[::-1]
        tail = max(1, math.ceil(TAIL * len(costs)))
        with np.errstate(divide="ignore", invalid="ignore"):
            regret = float((sign * (costs - bounds) / np.abs(bounds)).mean())
        return {
            "policy": name,
            "scenarios": len(mine),
            "failed": int(np.isnan(costs).sum()),
            "mean": mean.estimate,
            "low": mean.low,
            "high": mean.high,
            "cvar": sign * float(ordered[:tail].mean()) if not np.isnan(costs).any() else math.nan,
            "worst": sign * float(ordered[0]) if not np.isnan(costs).any() else math.nan,
            "regret": regret,
            "wall_s": float(np.mean([run.wall_s for run in mine])),
            "cpu_s": float(np.mean([run.cpu_s for run in mine])),
        }

    def verdict(self) -> tuple[str, ...]:
        """Say in words who is best, by how much, and how sure that is."""
        if not self.runs:
            return ("nothing was evaluated",)
        table = self.summary()
        best = str(table.index[0])
        count = int(table["scenarios"].iloc[0])
        if math.isnan(table["mean"].iloc[0]):
            return (f"every policy failed in some of {count} scenarios; see the messages in the frame",)
        over = f"{count} scenario{'' if count == 1 else 's'}"
        said = [f"{printable(best)} has the best mean, {table['mean'].iloc[0]:.6g}, over {over}"]
        for name, row in table.iloc[1:].iterrows():
            if math.isnan(row["mean"]):
                said.append(f"{printable(str(name))} failed in {int(row['failed'])} scenarios")
                continue
            limits = sorted((row["behind_low"], row["behind_high"]))
            if math.isnan(limits[0]):
                behind_it = signed(row["behind_best"])
                said.append(f"{printable(str(name))}: {behind_it} to it; one scenario gives no interval")
                continue
            sure = "" if limits[0] > 0 or limits[1] < 0 else " (no clear difference)"
            interval = f"95 % CI {signed(limits[0])} to {signed(limits[1])}{sure}"
            said.append(f"{printable(str(name))}: {signed(row['behind_best'])} to it, {interval}")
        if not np.isnan(table["regret"].iloc[0]):
            said.append(
                f"its regret to perfect information, which no policy can have, is at most {table['regret'].iloc[0]:.2%}"
            )
        if self.expected_bound is not None:
            behind = abs(table["mean"].iloc[0] - self.expected_bound) / max(abs(self.expected_bound), 1e-9)
            said.append(
                f"no policy's expected cost can be better than {self.expected_bound:.6g} (proven);"
                f" the best mean is {behind:.2%} from it"
            )
        if self.is_interrupted:
            said.append("interrupted: fewer scenarios than asked for")
        return tuple(said)

    def plot(self, ax: Any = None) -> Any:
        """Draw the distribution of each policy's costs; return the Axes."""
        from counterpoint.opt.plots.costs import plot_costs

        return plot_costs(self.frame, ax=ax, sense=self.sense)

    def __repr__(self) -> str:
        return "\n".join([f"<Evaluation of {len(self.policies)} policies on {self.instance!r}>", *self.verdict()])

    def _repr_html_(self) -> str:
        from counterpoint.opt.reports.snippets import escape, table_html

        if not self.runs:
            return "<p>nothing was evaluated</p>"
        table = self.summary().reset_index()
        names = {"regret": "regret to bound"}
        shown = [c for c in table.columns if not table[c].isna().all()]
        cells = [[_cell(value) for value in row] for row in table[shown].itertuples(index=False)]
        said = "".join(f"<li>{escape(text)}</li>" for text in self.verdict())
        headings = [names.get(c, c.replace("_", " ")) for c in shown]
        return f"<div><ul>{said}</ul>{table_html(headings, cells)}</div>"


def _interval(values: Any, confidence: float) -> Interval:
    if np.isnan(values).any():
        return Interval(math.nan, math.nan, math.nan, len(values), confidence)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the table states how many scenarios there are
        return bootstrap_interval(values, confidence=confidence)


def _cell(value: Any) -> str:
    return figure(value, 5) if isinstance(value, float) else str(value)
