"""The CP-SAT model of a job shop: start variables, (optional) intervals, no-overlap per machine.

- An operation with several options has one start, and per option a presence literal with an optional
  interval; exactly one is present.
- With blocking, the interval of an operation lasts from its start to its successor's. Intervals are
  half-open, so jobs in a cycle may exchange machines at one instant: blocking with swap. For blocking
  without swap see `job_shop_ranks`.
- Windows of unavailability cut out the start times at which the processing would meet them. They enter
  the no-overlap too, except under blocking, where a job may wait on its machine through a window.

Domains come from heads, tails and the objective of the best schedule known, which is also the hint.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from counterpoint.opt.problems.job_shop import JobShop, Schedule
from counterpoint.solvers.bounds.job_shop import heads_tails
from counterpoint.solvers.cp_sat.job_shop_domains import forbidden_starts, horizon, merged
from counterpoint.solvers.cp_sat.job_shop_start import windows_by_machine


@dataclass(slots=True)
class Model:
    """A model being built, the variables that make a schedule, and their values in a known one.

    Parameters
    ----------
    shop : JobShop
    cp : CpModel
    start : list of IntVar [N]
    present : list of IntVar or None [P]
        Literal of each option; None where an operation has no choice.
    end : list of expressions [N]
        End of processing.
    hint : list of (variable, value)
    """

    shop: JobShop
    horizon: int
    known_start: list[int]
    known_option: list[int]  # position of the option among all options
    last: frozenset[int]  # operations that end their jobs
    cp: cp_model.CpModel = field(default_factory=cp_model.CpModel)
    start: list[Any] = field(default_factory=list)
    present: list[Any] = field(default_factory=list)
    end: list[Any] = field(default_factory=list)
    hint: list[tuple[Any, int]] = field(default_factory=list)

    def is_last(self, i: int) -> bool:
        """True if operation i ends its job."""
        return i in self.last

    def options(self, i: int) -> list[tuple[int, int, int, Any]]:
        """Return (position, machine, duration, presence) of the options of operation i."""
        first = int(self.shop.option_offsets[i])
        pairs = self.shop.options_of(i)
        return [(first + k, m, p, self.present[first + k]) for k, (m, p) in enumerate(pairs)]

    def number(self, low: int, high: int, known: int) -> Any:
        """Return a new integer variable with its value in the known schedule."""
        variable = self.cp.new_int_var(low, high, "")
        self.hint.append((variable, known))
        return variable

    def interval(self, start: Any, size: Any, end: Any, presence: Any) -> Any:
        """Return a new interval, optional if `presence` is a literal."""
        if presence is None:
            return self.cp.new_interval_var(start, size, end, "")
        return self.cp.new_optional_interval_var(start, size, end, presence, "")


def build(instance: JobShop, known: Schedule, value: int, bound: int = 0, *, has_hint: bool = True) -> Model:
    """Build the model of all schedules at least as good as a known one.

    Parameters
    ----------
    instance : JobShop
        Any variant.
    known : Schedule
        A feasible schedule: the hint.
    value : int
        Its objective: an upper bound on the model's.
    bound : int
        A proven lower bound on the objective.
    has_hint : bool
        False leaves out the hint; the bound stays.
    """
    is_makespan = instance.objective == "makespan"
    model = _empty(instance, known, value if is_makespan else max(horizon(instance), known.makespan))
    _add_operations(model)
    _add_chains(model)
    _add_machines(model)
    if instance.blocking == "no-swap":
        from counterpoint.solvers.cp_sat.job_shop_ranks import add_ranks

        add_ranks(model)
    if is_makespan:
        _minimise_makespan(model, value, bound)
    else:
        _minimise_tardiness(model, value, bound)
    if has_hint:
        for variable, number in model.hint:
            model.cp.add_hint(variable, number)
    return model


def _empty(shop: JobShop, known: Schedule, last: int) -> Model:
    order = np.argsort(shop.job_offsets[known.job] + known.operation)
    of = np.repeat(np.arange(shop.num_operations), np.diff(shop.option_offsets))
    option = np.flatnonzero(shop.option_machine == known.machine[order][of])
    return Model(
        shop, last, known.start[order].tolist(), option.tolist(), frozenset((shop.job_offsets[1:] - 1).tolist())
    )


def _add_operations(model: Model) -> None:
    """Start variables, presence literals, ends of processing; start times outside the windows."""
    shop, windows = model.shop, windows_by_machine(model.shop)
    head, tail = heads_tails(shop)
    first, last = head.tolist(), (model.horizon - tail).tolist()
    for i in range(shop.num_operations):
        options = shop.options_of(i)
        allowed = cp_model.Domain(first[i], last[i] - min(p for _, p in options))
        if len(options) == 1:
            allowed = allowed.intersection_with(_allowed(options[0][1], windows[options[0][0]]))
        start = model.cp.new_int_var_from_domain(allowed, "")
        model.start.append(start)
        model.hint.append((start, model.known_start[i]))
        if len(options) == 1:
            model.present.append(None)
            model.end.append(start + options[0][1])
            continue
        literals = [model.cp.new_bool_var("") for _ in options]
        model.hint += [
            (literal, int(model.known_option[i] == len(model.present) + k)) for k, literal in enumerate(literals)
        ]
        model.present += literals
        model.cp.add_exactly_one(literals)
        # written as an excess over the shortest, the chain bites before an option is chosen
        shortest = min(p for _, p in options)
        excess = [(literal, p - shortest) for literal, (_, p) in zip(literals, options, strict=True) if p > shortest]
        model.end.append(start + shortest + sum(literal * more for literal, more in excess))
        for literal, (machine, duration) in zip(literals, options, strict=True):
            if windows[machine]:
                free = _allowed(duration, windows[machine])
                model.cp.add_linear_expression_in_domain(start, free).only_enforce_if(literal)


def _add_chains(model: Model) -> None:
    """Each operation ends before its successor starts."""
    for i in range(model.shop.num_operations - 1):
        if not model.is_last(i):
            model.cp.add(model.end[i] <= model.start[i + 1])


def _add_machines(model: Model) -> None:
    """One interval per option; those of one machine do not overlap."""
    shop = model.shop
    on_machine: list[list[Any]] = [[] for _ in range(shop.num_machines)]
    for i in range(shop.num_operations):
        held = None
        if shop.blocking != "none" and not model.is_last(i):
            known = model.known_start[i + 1] - model.known_start[i]
            held = model.number(min(p for _, p in shop.options_of(i)), model.horizon, known)
        for _, machine, duration, presence in model.options(i):
            start = model.start[i]
            size, end = (duration, start + duration) if held is None else (held, model.start[i + 1])
            on_machine[machine].append(model.interval(start, size, end, presence))
    if shop.blocking == "none":
        for intervals, windows in zip(on_machine, windows_by_machine(shop), strict=True):
            intervals += [model.cp.new_fixed_size_interval_var(b, e - b, "") for b, e in merged(windows)]
    for intervals in on_machine:
        if len(intervals) > 1:
            model.cp.add_no_overlap(intervals)


def _minimise_makespan(model: Model, value: int, bound: int) -> None:
    makespan = model.number(bound, value, value)
    for i in range(model.shop.num_operations):
        if model.is_last(i):
            model.cp.add(model.end[i] <= makespan)
    model.cp.minimize(makespan)


def _minimise_tardiness(model: Model, value: int, bound: int) -> None:
    shop = model.shop
    assert shop.due_dates is not None
    assert shop.weights is not None
    terms = []
    for j, (due, weight) in enumerate(zip(shop.due_dates.tolist(), shop.weights.tolist(), strict=True)):
        if weight == 0 or due >= model.horizon:
            continue
        last = int(shop.job_offsets[j + 1]) - 1
        option = model.known_option[last]
        known = max(0, model.known_start[last] + int(shop.option_duration[option]) - due)
        late = model.number(0, min(value // weight, model.horizon - due), known)
        model.cp.add(model.end[last] - due <= late)
        terms.append(weight * late)
    total = sum(terms)
    model.cp.add_linear_constraint(total, bound, value)
    model.cp.minimize(total)


def _allowed(duration: int, windows: list[tuple[int, int]]) -> Any:
    """Start times at which the processing meets no window."""
    forbidden = [list(span) for span in forbidden_starts(duration, windows)]
    return cp_model.Domain.from_intervals(forbidden).complement() if forbidden else cp_model.Domain.all_values()
