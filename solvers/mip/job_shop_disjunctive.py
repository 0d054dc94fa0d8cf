r"""Manne's disjunctive model as arrays, for every variant of the job shop.

Manne (1960), Operations Research 8:219-223; the assignment of flexible shops after Özgüven, Ozbakir and
Yavuz (2010), Applied Mathematical Modelling 34:1539-1548; blocking as in Mascis and Pacciarelli (2002), EJOR
143:498-517. With operations i, options o = (i, m) of duration p_o, and

- S_i in [earliest_i, latest_i], the start of i; x_o = 1 if i runs by option o;
- y_ab = 1 if a leaves before b enters, for operations a, b of two jobs that may meet on a machine;
- R_a = S_a + p_a, when a leaves its machine; under blocking R_a = S_{a+1} unless a is its job's last;
- z_ow = 1 if option o runs after window w = [begin, end) of its machine;
- u_i, the rank of i among moves (blocking without swap);

.. math::
    \textstyle\sum_{o \in i} x_o = 1, \quad S_{i+1} \ge S_i + \sum_{o \in i} p_o x_o \\
    S_b \ge R_a - M (3 - y_{ab} - x_{am} - x_{bm}), \quad S_a \ge R_b - M (2 + y_{ab} - x_{am} - x_{bm}) \\
    S_i + p_o \le begin_w + M (1 + z_{ow} - x_o), \quad S_i \ge end_w - M (2 - z_{ow} - x_o) \\
    u_b \ge u_{a+1} + 1 - (U + 1) (3 - y_{ab} - x_{am} - x_{bm})

and the objective is C >= S_i + p_i over last operations, or sum_j w_j T_j with T_j >= S_i + p_i - d_j.
Each M is the least that the windows of starts allow.

The ranks forbid swaps exactly: a cycle of moves, each waiting for the next to leave, holds in all schedules
of the same orders y, since S_b >= S_{a+1} round a cycle makes all of them equal; so ranks need no times.

Given y and x, the earliest integer starts follow; S itself is read from nothing, so no tolerance of the
solver can reach a schedule.
"""

from dataclasses import dataclass

import numpy as np

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import UnsupportedError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import IntArray, JobShop, Schedule
from counterpoint.opt.result import Outcome
from counterpoint.solvers.mip.job_shop_frame import Frame, earliest_starts, last_operation, longest_paths
from counterpoint.solvers.mip.job_shop_run import Decode, run_formulation
from counterpoint.solvers.mip.model import INFINITY, Columns, FloatArray, LinearModel, Rows


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the disjunctive model.

    Parameters
    ----------
    max_pairs : int
        Refuse shops with more pairs of operations that may meet on a machine.
    """

    max_pairs: int = 500_000


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Solve the disjunctive model by HiGHS; `iterations` counts nodes of branch and bound.

    Raises
    ------
    UnsupportedError
        If there are more than ``options.max_pairs`` pairs.
    """
    clock = budget.start()

    def build(frame: Frame) -> tuple[LinearModel, FloatArray, Decode]:
        shape = DisjunctiveModel(instance, frame)
        return shape.model, shape.values_of(frame.start), shape.decode

    require_size(instance, options.max_pairs)
    return run_formulation(instance, clock, seed, report, build)


def require_size(instance: JobShop, max_pairs: int) -> None:
    """Raise UnsupportedError if more than `max_pairs` pairs of options share a machine."""
    on = np.bincount(instance.option_machine, minlength=instance.num_machines).astype(float)
    pairs = int((on * (on - 1) / 2).sum())
    if pairs > max_pairs:
        raise UnsupportedError(
            f"the disjunctive model needs {pairs} pairs of operations, more than {max_pairs} (max_pairs); "
            "use cp-sat or tabu"
        )


class DisjunctiveModel:
    """The model, with the number of each column.

    Attributes
    ----------
    model : LinearModel
    first, second : int64 array [D]
        The pairs (a, b), a < b, with a column y each.
    """

    def __init__(self, instance: JobShop, frame: Frame) -> None:
        self.instance, self.frame = instance, frame
        self.is_last = last_operation(instance)
        self.op_of = np.repeat(np.arange(instance.num_operations), np.diff(instance.option_offsets))
        self.holds_on = ~self.is_last if instance.blocking != "none" else np.zeros_like(self.is_last)
        self._pairs()
        columns, rows = Columns(), Rows()
        is_fixed = np.diff(instance.option_offsets)[self.op_of] == 1
        self.s = columns.add(instance.num_operations, frame.earliest, frame.latest)
        self.x = columns.add(len(self.op_of), np.where(is_fixed, 1, 0), 1, integer=True)
        self.y = columns.add(len(self.first), 0, 1, integer=True)
        self._jobs(rows)
        self._orders(rows)
        self._windows(columns, rows)
        self._ranks(columns, rows)
        self._objective(columns, rows)
        self.model = rows.finish(columns)

    def values_of(self, schedule: Schedule) -> FloatArray:
        """Return the values [n] of a feasible schedule in the order of the instance."""
        shop = self.instance
        values = np.zeros(self.model.num_cols)
        start, end = schedule.start, schedule.end
        values[self.s] = start
        chosen = schedule.machine[self.op_of] == shop.option_machine
        values[self.x] = chosen
        leave = np.where(self.holds_on, np.r_[start[1:], 0], end)
        a, b = self.first, self.second
        is_first = (leave[a] <= start[b]) & ((leave[b] > start[a]) | (start[a] <= start[b]))
        values[self.y] = is_first
        values[self.z] = start[self.op_of[self.window_option]] >= self.window_end
        if len(self.u):
            values[self.u] = self._ranks_of(chosen, is_first)
        values[self.c] = self._costs_of(end[self.is_last])
        return values

    def decode(self, values: FloatArray) -> Schedule | None:
        """Return the earliest schedule of the machines and orders in `values`; None if there is none."""
        shop = self.instance
        option = self._chosen(values)
        machine = shop.option_machine[option]
        meet = np.flatnonzero(machine[self.first] == machine[self.second])
        is_first = values[self.y[meet]] > 0.5
        a, b = self.first[meet], self.second[meet]
        before, after = np.where(is_first, a, b), np.where(is_first, b, a)
        start = earliest_starts(shop, option, before, after, self.frame.latest)
        return None if start is None else Schedule.from_starts(shop, start, option - shop.option_offsets[:-1])

    def _chosen(self, values: FloatArray) -> IntArray:
        """Option with the largest x of each operation, [N]."""
        x = values[self.x]
        largest = np.maximum.reduceat(x, self.instance.option_offsets[:-1])
        hits = np.flatnonzero(x == largest[self.op_of])
        return hits[np.searchsorted(self.op_of[hits], np.arange(self.instance.num_operations))]

    def _pairs(self) -> None:
        """Find options of two jobs on one machine, and the operations they belong to."""
        job = self.instance.job_of
        left, right = [], []
        for m in range(self.instance.num_machines):
            here = np.flatnonzero(self.instance.option_machine == m)
            i, k = np.triu_indices(len(here), 1)
            left.append(here[i])
            right.append(here[k])
        o, q = np.concatenate(left), np.concatenate(right)
        apart = job[self.op_of[o]] != job[self.op_of[q]]
        self.left, self.right = o[apart], q[apart]  # options; in the order of operations
        key = self.op_of[self.left] * self.instance.num_operations + self.op_of[self.right]
        distinct, self.pair = np.unique(key, return_inverse=True)
        self.first, self.second = np.divmod(distinct, self.instance.num_operations)

    def _jobs(self, rows: Rows) -> None:
        """Each operation by one option; each after the one before it."""
        shop = self.instance
        several = np.flatnonzero(np.diff(shop.option_offsets) > 1)
        if len(several):
            place = np.full(shop.num_operations, -1)
            place[several] = np.arange(len(several))
            member = np.flatnonzero(place[self.op_of] >= 0)
            rows.add_scattered(len(several), place[self.op_of[member]], self.x[member], 1.0, 1, 1)
        inner = np.flatnonzero(~self.is_last)
        place = np.full(shop.num_operations, -1)
        place[inner] = np.arange(len(inner))
        member = np.flatnonzero(place[self.op_of] >= 0)
        rows.add_scattered(
            len(inner),
            np.r_[place[inner], place[inner], place[self.op_of[member]]],
            np.r_[self.s[inner + 1], self.s[inner], self.x[member]],
            np.r_[np.ones(len(inner)), -np.ones(len(inner)), -shop.option_duration[member]],
            lower=0,
        )

    def _directions(self) -> list[tuple[IntArray, IntArray, int]]:
        """Pairs of options (leaves, enters) and the sign of y that says so."""
        return [(self.left, self.right, 1), (self.right, self.left, -1)]

    def _orders(self, rows: Rows) -> None:
        """Of two operations on one machine, one leaves before the other enters."""
        shop, frame = self.instance, self.frame
        for o, q, sign in self._directions():
            a, b = self.op_of[o], self.op_of[q]
            stays = self.holds_on[a]
            leaver = np.where(stays, a + 1, a)
            lag = np.where(stays, 0, shop.option_duration[o])
            big = np.maximum(frame.latest[leaver] + lag - frame.earliest[b], 0)
            # sign +1: 3 - y - x - x is 0 if the order is decided so; sign -1: 2 + y - x - x
            constant = 3 if sign > 0 else 2
            rows.add(
                [
                    (self.s[b], 1),
                    (self.s[leaver], -1),
                    (self.y[self.pair], -sign * big),
                    (self.x[o], -big),
                    (self.x[q], -big),
                ],
                lower=lag - constant * big,
            )

    def _windows(self, columns: Columns, rows: Rows) -> None:
        """Processing before or after each window of its machine."""
        shop, frame = self.instance, self.frame
        option = [np.flatnonzero(shop.option_machine == m) for m in shop.unavailable[:, 0].tolist()]
        window = np.repeat(np.arange(len(option)), [len(o) for o in option]) if option else np.zeros(0, np.int64)
        self.window_option = np.concatenate([*option, np.zeros(0, np.int64)])
        begin, self.window_end = shop.unavailable[window, 1], shop.unavailable[window, 2]
        self.z = columns.add(len(window), 0, 1, integer=True)
        if len(window) == 0:
            return
        op, duration = self.op_of[self.window_option], shop.option_duration[self.window_option]
        x = self.x[self.window_option]
        big = np.maximum(frame.latest[op] + duration - begin, 0)
        rows.add([(self.s[op], 1), (self.z, -big), (x, big)], upper=begin - duration + big)
        big = np.maximum(self.window_end - frame.earliest[op], 0)
        rows.add([(self.s[op], 1), (self.z, -big), (x, -big)], lower=self.window_end - 2 * big)

    def _ranks(self, columns: Columns, rows: Rows) -> None:
        """Moves in an order in which each enters a machine that is already free."""
        self.u = np.zeros(0, np.int64)
        if self.instance.blocking != "no-swap":
            return
        is_first = np.r_[True, self.is_last[:-1]]
        self.movers = np.flatnonzero(~is_first)  # first operations come from outside and hold nobody up
        self.rank = np.full(self.instance.num_operations, -1)
        self.rank[self.movers] = np.arange(len(self.movers))
        top = max(len(self.movers) - 1, 0)
        self.u = columns.add(len(self.movers), 0, top)
        for o, q, sign in self._directions():
            a, b = self.op_of[o], self.op_of[q]
            can = np.flatnonzero(~self.is_last[a] & ~is_first[b])
            y, constant = self.y[self.pair[can]], 3 if sign > 0 else 2
            big = top + 1
            rows.add(
                [
                    (self.u[self.rank[b[can]]], 1),
                    (self.u[self.rank[a[can] + 1]], -1),
                    (y, -sign * big),
                    (self.x[o[can]], -big),
                    (self.x[q[can]], -big),
                ],
                lower=1 - constant * big,
            )

    def _ranks_of(self, chosen: np.ndarray, is_first: np.ndarray) -> IntArray:
        """Ranks of the movers under decided machines and orders."""
        tails, heads = [], []
        for o, q, sign in self._directions():
            a, b = self.op_of[o], self.op_of[q]
            decided = is_first[self.pair] if sign > 0 else ~is_first[self.pair]
            can = decided & chosen[o] & chosen[q] & ~self.is_last[a] & (self.rank[b] >= 0)
            tails.append(self.rank[a[can] + 1])
            heads.append(self.rank[b[can]])
        return longest_paths(len(self.movers), np.concatenate(tails), np.concatenate(heads))

    def _objective(self, columns: Columns, rows: Rows) -> None:
        """Makespan, or weighted tardiness; integer columns, so that HiGHS rounds its bound."""
        shop, frame = self.instance, self.frame
        last = np.flatnonzero(self.is_last)
        place = np.full(shop.num_operations, -1)
        place[last] = np.arange(len(last))
        member = np.flatnonzero(place[self.op_of] >= 0)
        if shop.objective == "makespan":
            self.c = columns.add(1, frame.lower, frame.upper, integer=True, cost=1)
            cost, due = np.repeat(self.c, len(last)), np.zeros(len(last), np.int64)
        else:
            assert shop.due_dates is not None
            self.c = columns.add(shop.num_jobs, 0, INFINITY, integer=True, cost=shop.weights)
            cost, due = self.c, shop.due_dates
        rows.add_scattered(
            len(last),
            np.r_[place[last], place[last], place[self.op_of[member]]],
            np.r_[cost, self.s[last], self.x[member]],
            np.r_[np.ones(len(last)), -np.ones(len(last)), -shop.option_duration[member]],
            lower=-due,
        )

    def _costs_of(self, completion: IntArray) -> IntArray | int:
        if self.instance.due_dates is None or self.instance.objective == "makespan":
            return int(completion.max())
        late: IntArray = np.maximum(completion - self.instance.due_dates, 0)
        return late
