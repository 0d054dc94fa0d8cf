"""A dispatching rule with random perturbation: the best of as many samples as the budget allows.

Each decision adds U * noise * spread to every priority, U uniform on [0, 1) and drawn afresh, spread being the
interquartile range of the rule's priorities over the instance. The noise itself differs from sample to sample,
uniform on [0, 2 * `noise`), so that no single value has to be right for every instance; sample 0 has none: it
is the rule. With ``rule="random"`` every sample is purely random.

Defaults chosen on 32 random instances of the sizes of Taillard's (not his): ``lrm`` with noise 0.3.
Sample k depends on the seed and on k alone. Windows, options and tardiness as in `job_shop`.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from counterpoint.opt.budget import Budget
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interfaces import Report
from counterpoint.opt.problems.job_shop import IntArray, JobShop, Schedule
from counterpoint.opt.result import Outcome, Termination
from counterpoint.simulators.splitmix import stream, uniform
from counterpoint.solvers.bounds.job_shop import best_bound
from counterpoint.solvers.rules.job_shop import Rule, Scheme, priority
from counterpoint.solvers.rules.job_shop_arrays import (
    FloatArray,
    ShopArrays,
    Weights,
    Workspace,
    arrays_of,
    workspace,
)
from counterpoint.solvers.rules.job_shop_kernels import NEVER, SCHEMES, dispatch

UNLIMITED_SAMPLES = 128  # where the budget sets no limit at all
CHUNK_STEPS = 1_000_000  # jobs looked at between two looks at the clock: about 10 ms


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the randomised rule.

    Parameters
    ----------
    rule : str
        The rule to perturb; ``"random"`` for pure random sampling.
    scheme : {"nondelay", "active", "append", "insert"}
    noise : float
        Mean noise, in interquartile ranges of the rule's priorities; of no effect on ``"random"``.
    """

    rule: Rule = "lrm"
    scheme: Scheme = "nondelay"
    noise: float = 0.3

    def __post_init__(self) -> None:
        if not 0 <= self.noise < np.inf:
            raise OptionError(f"noise must be a finite number >= 0, not {self.noise}")


def solve(instance: JobShop, budget: Budget, seed: int, options: Options, report: Report) -> Outcome:
    """Sample until the budget ends or the lower bound is met; iterations count samples.

    A budget without any limit means 128 samples. Sample 0 is always finished, so a schedule comes back under
    any time limit.
    """
    clock = budget.start()
    bound = float(best_bound(instance))
    report(bound=bound)
    is_unlimited = budget.time_limit_s is None and budget.iterations is None
    limit = UNLIMITED_SAMPLES if is_unlimited else budget.iterations
    sampler = _Sampler(instance, seed, options)
    chunk = max(1, CHUNK_STEPS // (instance.num_operations * instance.num_jobs))
    done, best, size = 0, int(NEVER), 1
    reason = None
    while reason is None:
        size = size if limit is None else max(1, min(size, limit - done))
        found = sampler.improve(done, size, best)
        done += size
        if found < best:
            best = found
            report(sampler.schedule())
        size = chunk
        reason = clock.stop(iteration=done, objective=float(best), bound=bound)
        if is_unlimited and done >= UNLIMITED_SAMPLES:
            reason = reason or Termination.COMPLETED
    return Outcome(sampler.schedule(), float(best), reason, bound, iterations=done)


class _Sampler:
    """The prepared arrays of one run and the best schedule so far."""

    def __init__(self, instance: JobShop, seed: int, options: Options) -> None:
        self.instance = instance
        self.arrays = arrays_of(instance)
        self.work = workspace(self.arrays)
        self.static, weights = priority(instance, options.rule)
        self.weights, self.is_varied = _with_noise(instance, self.static, weights, options)
        self.scheme = SCHEMES.index(options.scheme)
        self.seed = np.uint64(seed % 2**64)
        is_tardiness = instance.objective != "makespan"
        none = np.zeros(0, np.int64)
        self.due_dates = instance.due_dates if is_tardiness and instance.due_dates is not None else none
        self.job_weights = instance.weights if is_tardiness and instance.weights is not None else none
        self.best = tuple(np.zeros(instance.num_operations, np.int64) for _ in range(4))

    def improve(self, first: int, count: int, incumbent: int) -> int:
        """Draw samples first .. first + count - 1; return the best objective, at most `incumbent`."""
        drawn = (self.scheme, self.seed, first, count, incumbent)
        judged = (self.due_dates, self.job_weights)
        rule = (self.static, self.weights, self.is_varied)
        return int(_sample(self.arrays, *rule, *drawn, *judged, self.work, *self.best))

    def schedule(self) -> Schedule:
        """Return the best schedule so far."""
        start, option = self.best[:2]
        return Schedule.from_starts(self.instance, start, option - self.instance.option_offsets[:-1])


def _with_noise(instance: JobShop, static: FloatArray, weights: Weights, options: Options) -> tuple[Weights, bool]:
    """Return the weights with the mean noise, and whether noise differs by sample."""
    if options.rule == "random":
        return weights, False
    if weights.duration != 0.0:
        values = instance.option_duration.astype(float)
    elif weights.ready != 0.0:
        values = np.array([0.0, 2.0]) * instance.option_duration.mean()  # arrivals are about one operation apart
    else:
        values = static[np.isfinite(static)]
    spread = float(np.subtract(*np.quantile(values, [0.75, 0.25]))) if len(values) else 0.0
    if spread == 0.0:
        spread = float(np.ptp(values)) if len(values) and np.ptp(values) > 0 else 1.0
    return weights._replace(noise=2.0 * options.noise * spread), True


@njit(cache=True)
def _sample(
    shop: ShopArrays,
    static: FloatArray,
    weights: Weights,
    is_varied: bool,
    scheme: int,
    seed: np.uint64,
    first: int,
    count: int,
    incumbent: int,
    due_dates: IntArray,
    job_weights: IntArray,
    work: Workspace,
    best_start: IntArray,
    best_option: IntArray,
    start: IntArray,
    option: IntArray,
) -> int:
    """Draw `count` samples; keep the first that is best, if better than `incumbent`, in best_*."""
    random = np.zeros(1, np.uint64)
    for k in range(first, first + count):
        random[0] = stream(seed, k)
        noise = weights.noise
        if is_varied:
            noise = 0.0 if k == 0 else weights.noise * uniform(random)
        dispatch(shop, static, Weights(weights.ready, weights.duration, noise), scheme, random, work, start, option)
        value = _objective(shop, due_dates, job_weights, start, option)
        if value < incumbent:
            incumbent = value
            for i in range(len(start)):  # an array assignment would take numba 3 s more to compile
                best_start[i], best_option[i] = start[i], option[i]
    return incumbent


@njit(cache=True)
def _objective(shop: ShopArrays, due_dates: IntArray, job_weights: IntArray, start: IntArray, option: IntArray) -> int:
    """Return makespan, or total weighted tardiness if there are due dates."""
    value = np.int64(0)
    for j in range(len(shop.job_offsets) - 1):
        last = shop.job_offsets[j + 1] - 1
        end = start[last] + shop.option_duration[option[last]]
        if len(due_dates) > 0:
            value += job_weights[j] * max(0, end - due_dates[j])
        else:
            value = max(value, end)
    return int(value)
