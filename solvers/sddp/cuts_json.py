"""Cuts as JSON: strict in reading, atomic in writing.

Cuts are kept by the names of the nodes that they follow, so that a file can be loaded into another graph with nodes of
these names: the same instance with another network, or more stages.
"""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from counterpoint.opt.codec import expect, load_json, take, write_text
from counterpoint.opt.errors import CheckpointError, InstanceError
from counterpoint.solvers.sddp.policy import Policy

KIND, VERSION = "sddp-cuts", 1
FIELDS = ("graph", "num_states", "cuts", "futures")
FUTURE_FIELDS = ("nodes", "state", "intercept", "slope")
MAX_CUTS = 1_000_000


def write_cuts(policy: Policy, path: str | os.PathLike[str]) -> None:
    """Write the cuts of all futures that are worth keeping (see `CutPool.kept`)."""
    futures = []
    for future in policy.futures:
        state, intercept, slope = future.pool.kept()
        futures.append(
            {
                "nodes": [policy.graph.nodes[member].name for member in future.members],
                "state": state.tolist(),
                "intercept": intercept.tolist(),
                "slope": slope.tolist(),
            }
        )
    data = {"type": KIND, "version": VERSION, "graph": policy.graph.name, "num_states": policy.graph.num_states,
            "cuts": policy.options.cuts, "futures": futures}  # fmt: skip
    write_text(path, json.dumps(data) + "\n")


def read_cuts(policy: Policy, path: str | os.PathLike[str]) -> None:
    """Add a file's cuts to those of a policy; nothing is added if anything is wrong.

    The bound stays one only if the file's cuts hold here: those of another network or risk measure may be too high.

    Raises
    ------
    InstanceError
        If the file is no file of cuts.
    CheckpointError
        If its cuts are not for this graph: other states, nodes that it lacks, another kind of cuts.
    """
    file = Path(path)
    try:
        data = take(load_json(file.read_bytes()), KIND, VERSION, FIELDS)
        _check_fit(policy, data, str(file))
        found = [_future(policy, item, i, str(file)) for i, item in enumerate(expect(data["futures"], list, "a list"))]
    except InstanceError as error:
        raise error.at(str(file)) from None
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror}", str(file)) from None
    if len({at for at, *_ in found}) < len(found):
        raise CheckpointError("cuts of one future are given twice", str(file))
    for at, state, intercept, slope in found:
        future = policy.futures[at]
        if len(state):
            future.pool.add(state, intercept, slope)
            for member in future.members:
                policy.solvers[member].add_cuts(len(state), refresh=policy.options.selects_cuts)


def _check_fit(policy: Policy, data: dict[str, Any], file: str) -> None:
    if data["num_states"] != policy.graph.num_states:
        raise CheckpointError(f"cuts over {data['num_states']!r} states, not {policy.graph.num_states}", file)
    if data["cuts"] != policy.options.cuts:
        raise CheckpointError(f"{data['cuts']!r} cuts, where the policy has {policy.options.cuts}", file)


def _future(policy: Policy, item: Any, number: int, file: str) -> tuple[int, Any, Any, Any]:
    place = ("futures", number)
    expect(item, dict, "an object", place)
    if set(item) != set(FUTURE_FIELDS):
        raise InstanceError(f"expected the fields {', '.join(FUTURE_FIELDS)}", place=place)
    names = expect(item["nodes"], list, "a list of names", (*place, "nodes"))
    at = {node.name: policy.future_of[i] for i, node in enumerate(policy.graph.nodes)}
    futures = {at.get(name) if isinstance(name, str) else None for name in names}
    if not names or None in futures or len(futures) != 1:
        raise CheckpointError(f"the graph has no future of the nodes {', '.join(map(str, names[:4]))}", file)
    future = next(iter(futures))
    assert future is not None
    pool = policy.futures[future].pool
    state = _array(item["state"], (None, pool.num_states), (*place, "state"))
    c = len(state)
    if c > MAX_CUTS:
        raise InstanceError(f"more than {MAX_CUTS} cuts", place=place)
    intercept = _array(item["intercept"], (c, pool.num_thetas), (*place, "intercept"))
    slope = _array(item["slope"], (c, pool.num_thetas, pool.num_states), (*place, "slope"))
    return future, state, intercept, slope


def _array(value: Any, shape: tuple[int | None, ...], place: tuple[str | int, ...]) -> Any:
    """Return finite numbers of this shape."""
    expect(value, list, "a list of numbers", place)
    try:
        array = np.array(value, object)
        is_number = all(isinstance(x, int | float) and not isinstance(x, bool) for x in array.ravel().tolist())
        numbers = np.array(value, np.float64) if is_number else np.full(1, np.nan)
    except (ValueError, TypeError, OverflowError):
        numbers = np.full(1, np.nan)
    if len(value) == 0:
        numbers = np.zeros([0 if n is None else n for n in (0, *shape[1:])])
    fits = numbers.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, numbers.shape, strict=True))
    if not fits or not np.isfinite(numbers).all():
        wanted = " x ".join("any" if n is None else str(n) for n in shape)
        raise InstanceError(f"expected finite numbers of shape {wanted}", place=place)
    return numbers
