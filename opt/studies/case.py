"""One case of a study (instance x method x seed x budget) and the key its result is stored under."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import MissingPackageError, UnsupportedError, printable
from counterpoint.opt.options import build_options, checked_seed, options_dict, split_spec
from counterpoint.opt.registry import Method
from counterpoint.opt.registry import method as find_method

KEY_VERSION = 1  # raised when a stored result would no longer mean the same
DEFAULT_TIME_LIMIT_S = 60.0  # as in `solve`, for methods that would run on without a limit


@dataclass(frozen=True)
class Case:
    """One run to make.

    Parameters
    ----------
    instance : Instance
    method : str or Method
        A registered method's name, with options if you like (``"spt:scheme=active"``), or a `Method` of your own:
        its ``target`` must be importable by ``module:function``, for it is imported in another process.
    seed : int
    budget : Budget
    options : mapping
        The method's options, beside those in the name.

    Raises
    ------
    UnknownNameError, OptionError
        When the key, the chosen method or its options are asked for.
    """

    instance: Any
    method: str | Method
    seed: int = 0
    budget: Budget = field(default_factory=Budget)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The method as the user wrote it; the result's ``method``."""
        return self.method if isinstance(self.method, str) else self.method.name

    @cached_property
    def chosen(self) -> Method:
        """The method itself."""
        if isinstance(self.method, Method):
            return self.method
        return find_method(self.instance.problem, split_spec(self.method)[0])

    @cached_property
    def given(self) -> dict[str, Any]:
        """The options given, those in the method's name and those beside it."""
        inline = split_spec(self.method)[1] if isinstance(self.method, str) else {}
        return {**inline, **self.options}

    @cached_property
    def built(self) -> Any:
        """The method's own options dataclass, or None."""
        return build_options(self.chosen, self.given)

    @cached_property
    def threads(self) -> int:
        """Native threads this case may use."""
        return self.budget.threads_or_all() if self.chosen.is_parallel else 1

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of all that the result depends on; equal keys mean the same run."""
        parts = {
            "key_version": KEY_VERSION,
            "problem": self.instance.problem,
            "instance_hash": self.instance.content_hash,
            "instance_name": self.instance.name,
            "method": self.chosen.name,
            "label": self.label,
            "target": self.chosen.target,
            "method_version": self.chosen.version,
            "options": options_dict(self.built),
            "seed": self.seed,
            "budget": {**dataclasses.asdict(self.budget), "threads": self.threads},
        }
        if checkpoint := getattr(self.built, "checkpoint", ""):
            parts["checkpoint"] = _content(checkpoint)  # a path says nothing of what is trained into it since
        text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{printable(self.label)} on {printable(self.instance.name)}, seed {self.seed}"


def _content(path: str) -> str:
    """Return the SHA-256 (hex) of a file; what the method will say of one that cannot be read is its own affair."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return "unreadable"


@dataclass(frozen=True, slots=True)
class Skipped:
    """A pair that cannot be run, and why."""

    instance: Any
    method: str
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.method)} on {printable(self.instance.name)}: {self.reason}"


class Plan(NamedTuple):
    """The cases of a grid, and the pairs left out of it."""

    cases: list[Case]
    skipped: list[Skipped]


def cases(
    instances: Iterable[Any],
    methods: Iterable[str | Method],
    seeds: int | Iterable[int] = 1,
    budget: Budget | None = None,
) -> list[Case]:
    """Return every instance x method x seed; a pair the method cannot handle is an error.

    Parameters
    ----------
    instances : iterable of Instance
    methods : iterable of str or Method
    seeds : int or iterable of int
        How many (0, 1, ...) or which.
    budget : Budget, optional
        The same for all; methods that would run on without a time or iteration limit get 60 s.

    Raises
    ------
    UnsupportedError, MissingPackageError, UnknownNameError, OptionError
    """
    made, skipped = plan(instances, methods, seeds, budget)
    if skipped:
        raise UnsupportedError(
            "; ".join(f"{printable(s.instance.name)}: {s.reason}" for s in skipped[:3])
            + (f"; and {len(skipped) - 3} more pairs" if len(skipped) > 3 else "")
        )
    return made


def plan(
    instances: Iterable[Any],
    methods: Iterable[str | Method],
    seeds: int | Iterable[int] = 1,
    budget: Budget | None = None,
) -> Plan:
    """Return every instance x method x seed that can run, and the pairs that cannot, with the reason.

    Parameters as in `cases`; unknown methods and wrong options raise, for they are mistakes.
    """
    chosen_seeds = [checked_seed(seed) for seed in (range(seeds) if isinstance(seeds, int) else seeds)]
    methods = list(methods)
    made: list[Case] = []
    skipped: list[Skipped] = []
    for instance in instances:
        for method in methods:
            first = Case(instance, method, budget=budget or Budget())
            _ = first.built  # wrong options raise here, not in the middle of a study
            try:
                first.chosen.require(instance)
            except (UnsupportedError, MissingPackageError) as error:
                skipped.append(Skipped(instance, first.label, str(error)))
                continue
            limits = first.budget
            if limits.time_limit_s is None and limits.iterations is None and first.chosen.is_anytime:
                limits = replace(limits, time_limit_s=DEFAULT_TIME_LIMIT_S)
            made.extend(Case(instance, method, seed, limits) for seed in chosen_seeds)
    return Plan(made, skipped)
