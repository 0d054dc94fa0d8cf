"""Job shops and schedules as tagged JSON; unknown and missing fields are refused."""

from itertools import pairwise
from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, integers, take, whole
from counterpoint.opt.errors import InstanceError
from counterpoint.opt.problems.job_shop import JobShop, Schedule

SHOP_FIELDS = (
    "name", "num_machines", "blocking", "objective", "jobs", "due_dates", "weights", "unavailable",
)  # fmt: skip
SCHEDULE_FIELDS = ("job", "operation", "machine", "start", "end")


def encode(value: JobShop | Schedule) -> dict[str, Any]:
    """Return plain JSON data for an instance or a schedule."""
    if isinstance(value, Schedule):
        return {
            "type": "job-shop-schedule",
            "version": 1,
            **{key: getattr(value, key).tolist() for key in SCHEDULE_FIELDS},
        }
    pairs = np.stack([value.option_machine, value.option_duration], axis=1).tolist()
    cut = value.option_offsets.tolist()
    operations = [pairs[a:b] for a, b in pairwise(cut)]
    ends = value.job_offsets.tolist()
    return {
        "type": "job-shop",
        "version": 1,
        "name": value.name,
        "num_machines": value.num_machines,
        "blocking": value.blocking,
        "objective": value.objective,
        "jobs": [operations[a:b] for a, b in pairwise(ends)],
        "due_dates": None if value.due_dates is None else value.due_dates.tolist(),
        "weights": None if value.weights is None else value.weights.tolist(),
        "unavailable": value.unavailable.tolist(),
    }


def decode(data: Any) -> JobShop | Schedule:
    """Build an instance or a schedule from plain JSON data.

    Raises
    ------
    InstanceError
        With the place inside the data.
    """
    kind = expect(data, dict, "an object").get("type")
    if kind == "job-shop-schedule":
        fields = take(data, kind, 1, SCHEDULE_FIELDS)
        return Schedule(**{key: np.array(integers(fields[key], (key,)), np.int64) for key in SCHEDULE_FIELDS})
    fields = take(data, "job-shop", 1, SHOP_FIELDS)
    jobs = [
        [
            [_pair(option, ("jobs", j, k, o)) for o, option in enumerate(expect(op, list, "a list", ("jobs", j, k)))]
            for k, op in enumerate(expect(job, list, "a list of operations", ("jobs", j)))
        ]
        for j, job in enumerate(expect(fields["jobs"], list, "a list of jobs", ("jobs",)))
    ]
    windows = [
        integers(row, ("unavailable", r), length=3)
        for r, row in enumerate(expect(fields["unavailable"], list, "a list", ("unavailable",)))
    ]
    return JobShop.from_jobs(
        expect(fields["name"], str, "text", ("name",)),
        jobs,
        num_machines=whole(fields["num_machines"], ("num_machines",)),
        blocking=expect(fields["blocking"], str, "text", ("blocking",)),
        objective=expect(fields["objective"], str, "text", ("objective",)),
        due_dates=None if fields["due_dates"] is None else integers(fields["due_dates"], ("due_dates",)),
        weights=None if fields["weights"] is None else integers(fields["weights"], ("weights",)),
        unavailable=np.array(windows, np.int64).reshape(-1, 3),
    )


def _pair(option: Any, place: tuple[str | int, ...]) -> tuple[int, int]:
    values = integers(option, place)
    if len(values) != 2:
        raise InstanceError("expected a pair [machine, duration]", place=place)
    return values[0], values[1]
