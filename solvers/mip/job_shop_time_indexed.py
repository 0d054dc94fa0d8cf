r"""The time-indexed model as arrays, for every variant of the job shop; small horizons only.

Time-indexed scheduling: Sousa and Wolsey (1992), Math. Prog. 54:353-367. Deviation: in place of pulses
x_ot (option o starts at t) the columns are steps z_ot = sum_{s <= t} x_os (o has started by t), a change of
basis that keeps the relaxation, and makes every row short (Artigues 2017, Oper. Res. Letters 45:154-159).
A pulse is the difference x_ot = z_ot - z_o,t-1; with r_ot = 1 if o has left its machine by t:

.. math::
    \textstyle\sum_{o \in i} z_{o,\infty} = 1, \quad z_{ot} \ge z_{o,t-1} \\
    \textstyle\sum_{o \in i+1} z_{ot} \le \sum_{o \in i} z_{o,t-p_o} \\
    \textstyle\sum_{o \text{ on } m} (z_{ot} - r_{ot}) \le 1

- r_ot = z_{o,t-p_o}; under blocking, but for a job's last operation, r_ot is a column of its own with
  r_ot <= z_{o,t-p_o} and sum_{o in i} r_ot = sum_{o in i+1} z_ot (it is z of the next operation where
  neither has a choice of machine);
- an option of duration zero may not lie strictly inside another: x_at + z_b,t-1 - r_bt <= 1;
- a start that would meet a window of its machine has no column: z_ot is the column of z_o,t-1;
- blocking without swap: machines get ranks v_mt at each instant, and a job that moves from m to m' at t
  makes v_mt >= v_m't + 1, so moves cannot form a cycle;
- makespan: d_t <= sum_o z_{o,t-p_o} for each job's last operation, C = upper - sum_t d_t over
  lower <= t < upper; tardiness: w_j max(0, t + p_o - d_j) for each pulse.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import IntArray, JobShop, Schedule
from counterpoint.opt.result import Outcome
from counterpoint.solvers.mip.job_shop_frame import Frame, last_operation, longest_paths
from counterpoint.solvers.mip.job_shop_run import Decode, run_formulation
from counterpoint.solvers.mip.job_shop_steps import Steps, ranges
from counterpoint.solvers.mip.model import Columns, FloatArray, LinearModel, Rows


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the time-indexed model.

    Parameters
    ----------
    max_columns : int
        Refuse instances that need more columns.
    """

    max_columns: int = 100_000


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Solve the time-indexed model by HiGHS; `iterations` counts nodes of branch and bound.

    Raises
    ------
    UnsupportedError
        If the model would have more than ``options.max_columns`` columns.
    """
    clock = budget.start()

    def build(frame: Frame) -> tuple[LinearModel, FloatArray, Decode]:
        require_size(instance, frame, options.max_columns)
        shape = TimeIndexedModel(instance, frame)
        return shape.model, shape.values_of(frame.start), shape.decode

    return run_formulation(instance, clock, seed, report, build)


def require_size(instance: JobShop, frame: Frame, max_columns: int) -> None:
    """Raise UnsupportedError if there are more than `max_columns` possible starts (option, time)."""
    starts = int(np.diff(instance.option_offsets) @ (frame.latest - frame.earliest + 1))
    if starts > max_columns:
        raise UnsupportedError(
            f"the time-indexed model needs {starts} columns, one per option and possible start, more than "
            f"{max_columns} (max_columns); use a coarser time unit, mip-disjunctive or cp-sat"
        )


class TimeIndexedModel:
    """The model, with the number of each column.

    Attributes
    ----------
    model : LinearModel
    steps : Steps
        Column of z for any option and time.
    """

    def __init__(self, instance: JobShop, frame: Frame) -> None:
        self.instance, self.frame = instance, frame
        self.is_last = last_operation(instance)
        self.op_of = np.repeat(np.arange(instance.num_operations), np.diff(instance.option_offsets))
        columns, rows = Columns(), Rows()
        self.steps = Steps(instance, frame.earliest, frame.latest, columns)
        self._monotone(rows)
        self._chains(rows)
        self._releases(columns, rows)
        self._capacity(rows)
        self._zero_durations(rows)
        self._ranks(columns, rows)
        self._objective(columns, rows)
        self.model = rows.finish(columns, offset=frame.upper if instance.objective == "makespan" else 0)

    def values_of(self, schedule: Schedule) -> FloatArray:
        """Return the values [n] of a feasible schedule in the order of the instance."""
        shop, steps = self.instance, self.steps
        values = np.zeros(self.model.num_cols)
        values[steps.one] = 1
        chosen = schedule.machine[self.op_of] == shop.option_machine
        o, t = steps.option, steps.time
        values[steps.columns] = chosen[o] & (schedule.start[self.op_of[o]] <= t)
        o, t = self.leave_option, self.leave_time
        values[self.r] = chosen[o] & (np.r_[schedule.start, 0][self.op_of[o] + 1] <= t)
        values[self.d] = schedule.makespan <= self.done_by
        if len(self.v):
            move = np.flatnonzero(~self.is_last)
            left, entered, now = schedule.machine[move], schedule.machine[move + 1], schedule.start[move + 1]
            real = left != entered
            arcs = [np.searchsorted(self.rank_key, m[real] * self.span + now[real]) for m in (entered, left)]
            values[self.v] = longest_paths(len(self.v), *arcs)
        return values

    def decode(self, values: FloatArray) -> Schedule | None:
        """Return the schedule whose steps are in `values`; None if an operation has none."""
        shop, steps = self.instance, self.steps
        start, choice = (np.zeros(shop.num_operations, np.int64) for _ in range(2))
        for i in range(shop.num_operations):
            options = range(int(shop.option_offsets[i]), int(shop.option_offsets[i + 1]))
            final = [values[steps.final(o)] for o in options]
            choice[i] = int(np.argmax(final))
            if final[choice[i]] < 0.5:
                return None
            start[i] = steps.first_time(options[choice[i]], values)
        return Schedule.from_starts(shop, start, choice)

    def _monotone(self, rows: Rows) -> None:
        """What has started stays started."""
        o, t = self.steps.option, self.steps.time
        later = np.flatnonzero(t > self.steps.earliest[o])
        rows.add([(self.steps.columns[later], 1), (self.steps.at(o[later], t[later] - 1), -1)], lower=0)

    def _chains(self, rows: Rows) -> None:
        """Each operation by one option; each after the one before it."""
        shop = self.instance
        several = np.flatnonzero(np.diff(shop.option_offsets)[self.op_of] > 1)
        kind, row = np.unique(self.op_of[several], return_inverse=True)
        rows.add_scattered(len(kind), row, self.steps.finals(several), 1.0, 1, 1)
        inner = np.flatnonzero(~self.is_last)
        which, t = ranges(self.frame.earliest[inner + 1], self.frame.latest[inner + 1])
        after = _members(shop, inner[which] + 1)
        before = _members(shop, inner[which])
        duration = shop.option_duration[before[1]]
        rows.add_scattered(
            len(t),
            np.r_[before[0], after[0]],
            np.r_[self.steps.at(before[1], t[before[0]] - duration), self.steps.at(after[1], t[after[0]])],
            np.r_[np.ones(len(before[0])), -np.ones(len(after[0]))],
            lower=0,
        )

    def _releases(self, columns: Columns, rows: Rows) -> None:
        """Columns that say by when a blocked option has been left, where the next start does not say it."""
        shop, frame, steps = self.instance, self.frame, self.steps
        count = np.diff(shop.option_offsets)
        op = self.op_of
        follower = np.minimum(op + 1, shop.num_operations - 1)
        self.is_held = ~self.is_last[op] & (shop.blocking != "none")
        self.is_plain = (count[op] == 1) & (count[follower] == 1)
        own = np.flatnonzero(self.is_held & ~self.is_plain)
        self.leave_low, self.leave_high = frame.earliest[follower], frame.latest[follower]
        # at the latest start of the next operation the option has been left, if it ever ran: no column
        which, self.leave_time = ranges(self.leave_low[own], self.leave_high[own] - 1)
        self.leave_option = own[which]
        self.leave_base = np.full(len(op), -1)
        self.leave_base[own] = np.searchsorted(which, np.arange(len(own)))
        self.r = columns.add(len(which), 0, 1)
        which, t = ranges(self.leave_low[own], self.leave_high[own])
        o = own[which]
        if len(o) == 0:
            return
        rows.add([(steps.at(o, t - shop.option_duration[o]), 1), (self.left(o, t), -1)], lower=0)
        rows.add([(self.left(o, t), 1), (self.left(o, t - 1), -1)], lower=0)
        blocked = np.unique(op[own])
        which, t = ranges(frame.earliest[blocked + 1], frame.latest[blocked + 1])
        before, after = _members(shop, blocked[which]), _members(shop, blocked[which] + 1)
        rows.add_scattered(
            len(t),
            np.r_[before[0], after[0]],
            np.r_[self.left(before[1], t[before[0]]), steps.at(after[1], t[after[0]])],
            np.r_[np.ones(len(before[0])), -np.ones(len(after[0]))],
            0,
            0,
        )

    def left(self, option: IntArray, time: IntArray) -> IntArray:
        """Column of r: whether `option` has left its machine by `time`, both [k]."""
        duration = self.instance.option_duration[option]
        column = self.steps.at(option, time - duration)
        plain = self.is_held[option] & self.is_plain[option]
        column[plain] = self.steps.at(option[plain] + 1, time[plain])
        own = np.flatnonzero(self.is_held[option] & ~self.is_plain[option])
        o, t = option[own], time[own]
        place = np.clip(self.leave_base[o] + t - self.leave_low[o], 0, max(len(self.r) - 1, 0))
        inside = self.r[place] if len(self.r) else np.full(len(o), self.steps.zero)
        column[own] = np.where(
            t < self.leave_low[o],
            self.steps.zero,
            np.where(t >= self.leave_high[o], self.steps.finals(o), inside),
        )
        return column

    def _capacity(self, rows: Rows) -> None:
        """One job on a machine at a time."""
        shop, frame = self.instance, self.frame
        every = np.arange(len(self.op_of))
        latest = frame.latest[self.op_of] + shop.option_duration
        latest = np.where(self.is_held, self.leave_high, latest)
        o, t = ranges(frame.earliest[self.op_of], latest - 1)
        self.span = int(max(latest.max(), frame.latest.max())) + 2
        kind, row = np.unique(shop.option_machine[o] * self.span + t, return_inverse=True)
        rows.add_scattered(
            len(kind),
            np.r_[row, row],
            np.r_[self.steps.at(every[o], t), self.left(every[o], t)],
            np.r_[np.ones(len(o)), -np.ones(len(o))],
            upper=1,
        )

    def _zero_durations(self, rows: Rows) -> None:
        """What takes no time may touch the end of another occupation, but not lie strictly inside it."""
        shop, frame, job = self.instance, self.frame, self.instance.job_of[self.op_of]
        for a in np.flatnonzero(shop.option_duration == 0):
            others = np.flatnonzero((shop.option_machine == shop.option_machine[a]) & (job != job[a]))
            i = self.op_of[a]
            t = np.tile(np.arange(frame.earliest[i], frame.latest[i] + 1), len(others))
            b = np.repeat(others, frame.latest[i] - frame.earliest[i] + 1)
            here = np.full(len(t), a)
            rows.add(
                [
                    (self.steps.at(here, t), 1),
                    (self.steps.at(here, t - 1), -1),
                    (self.steps.at(b, t - 1), 1),
                    (self.left(b, t), -1),
                ],
                upper=1,
            )

    def _ranks(self, columns: Columns, rows: Rows) -> None:
        """No cycle of moves at any instant."""
        shop, frame = self.instance, self.frame
        self.v, self.rank_key = np.zeros(0, np.int64), np.zeros(0, np.int64)
        if shop.blocking != "no-swap":
            return
        moves = [
            (o, q)
            for i in np.flatnonzero(~self.is_last)
            for o in range(shop.option_offsets[i], shop.option_offsets[i + 1])
            for q in range(shop.option_offsets[i + 1], shop.option_offsets[i + 2])
            if shop.option_machine[o] != shop.option_machine[q]
        ]
        pairs = np.array(moves, np.int64).reshape(-1, 2)
        which, t = ranges(frame.earliest[self.op_of[pairs[:, 1]]], frame.latest[self.op_of[pairs[:, 1]]])
        o, q = pairs[which, 0], pairs[which, 1]
        keys = [shop.option_machine[part] * self.span + t for part in (o, q)]
        self.rank_key, place = np.unique(np.concatenate(keys), return_inverse=True)
        big = shop.num_machines
        self.v = columns.add(len(self.rank_key), 0, big - 1)
        rows.add(
            [
                (self.v[place[: len(t)]], 1),
                (self.v[place[len(t) :]], -1),
                (self.steps.at(q, t), -big),
                (self.steps.at(q, t - 1), big),
                (self.left(o, t), -big),
                (self.left(o, t - 1), big),
            ],
            lower=1 - 2 * big,
        )

    def _objective(self, columns: Columns, rows: Rows) -> None:
        """Makespan by the instants at which all is done, or tardiness by pulses."""
        shop, frame = self.instance, self.frame
        last = np.flatnonzero(self.is_last)
        if shop.objective == "makespan":
            self.done_by = np.arange(frame.lower, frame.upper)
            self.d = columns.add(len(self.done_by), 0, 1, integer=True, cost=-1)
            every = np.r_[self.d, self.steps.one]  # by the upper bound all is done
            by = np.r_[self.done_by, frame.upper]
            place = np.tile(np.arange(len(by)), len(last))
            row, o = _members(shop, np.repeat(last, len(by)))
            rows.add_scattered(
                len(place),
                np.r_[row, np.arange(len(place))],
                np.r_[self.steps.at(o, by[place[row]] - shop.option_duration[o]), every[place]],
                np.r_[np.ones(len(row)), -np.ones(len(place))],
                lower=0,
            )
            return
        assert shop.due_dates is not None
        assert shop.weights is not None
        self.d, self.done_by = np.zeros(0, np.int64), np.zeros(0, np.int64)
        option = np.flatnonzero(self.is_last[self.op_of])
        which, t = ranges(frame.earliest[self.op_of[option]], frame.latest[self.op_of[option]])
        o = option[which]
        job = shop.job_of[self.op_of[o]]
        late = shop.weights[job] * np.maximum(t + shop.option_duration[o] - shop.due_dates[job], 0)
        columns.charge(self.steps.at(o, t), late)
        columns.charge(self.steps.at(o, t - 1), -late)


def _members(shop: JobShop, operation: IntArray) -> tuple[npt.NDArray[np.intp], IntArray]:
    """Return (index into `operation`, option) for every option of every listed operation."""
    return ranges(shop.option_offsets[operation], shop.option_offsets[operation + 1] - 1)
