"""Labelled instances to learn from, made once by as many processes as wished and kept on disk.

A shard follows from the seed and its number alone, so it does not matter who makes it when; one that is there is kept.
See `label_folder` for the files.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from counterpoint.models.threads import torch_threads
from counterpoint.models.training.imitation import Task, mixed
from counterpoint.models.training.label_folder import (
    SHARD,
    Facts,
    compare,
    describe,
    described,
    joined,
    load_shard,
    packed,
    shard_path,
    shards,
)
from counterpoint.models.training.progress import live_progress
from counterpoint.opt.codec import write_bytes
from counterpoint.opt.errors import OptionError
from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.opt.options import checked_seed

MOST = 10**8  # of labels
Made = Callable[[int, int], bytes]  # a shard out of its number and count


def make(
    task: Task,
    *,
    size: int,
    effort: int,
    seed: int,
    count: int,
    folder: str | os.PathLike[str],
    workers: int = 1,
    progress: bool | Callable[[int, int, Mapping[str, float]], None] = True,
) -> int:
    """Make what a folder lacks of `count` labelled instances.

    Parameters
    ----------
    task : Task
        With more than one worker, its ``labelled`` must be a function of a module, which each of them imports.
    size, effort, seed : int
        Of the instances, of the solver that labels them, and of all the randomness.
    count : int
        Instances wanted; a folder that holds more keeps them, one that holds fewer is added to.
    folder : path
    workers : int
        Processes, of one thread each; 1: this one.
    progress : bool or callable
        A live display, none, or a function called with (shards there, shards wanted, figures).

    Returns
    -------
    int
        Instances that the folder holds.

    Raises
    ------
    OptionError
        For a number out of range, or if the folder holds labels made otherwise.
    CheckpointError
        If a file that is there is damaged.
    KeyboardInterrupt
        On Ctrl-C, at once; shards that were whole by then are kept.
    """
    for name, number in (("size", size), ("effort", effort), ("count", count), ("workers", workers)):
        if number < 1:
            raise OptionError(f"{name} must be at least 1, not {number}")
    if count > MOST:
        raise OptionError(f"count must be at most {MOST}, not {count}")
    if checked_seed(seed) < 0:
        raise OptionError(f"the seed of labels must be at least 0, not {seed}")
    facts: Facts = {"problem": task.problem, "network": task.network, "size": size, "effort": effort, "seed": seed}
    place = Path(folder)
    describe(place, facts)
    wanted = {k: min(SHARD, count - SHARD * k) for k in range(-(-count // SHARD))}
    missing = {k: rows for k, rows in wanted.items() if _held(place, k, facts) < rows}
    watch = live_progress(f"labels for {task.problem}") if progress is True else progress or None
    finished = _in_processes if min(workers, len(missing)) > 1 else _in_turn
    there = len(wanted) - len(missing)
    try:
        with closing(finished(partial(_made, task.labelled, facts), missing, workers)) as ready:
            for number, raw in ready:
                write_bytes(shard_path(place, number), raw)
                there += 1
                if watch is not None:
                    watch(there, len(wanted), {})
    finally:
        if hasattr(watch, "close"):
            watch.close()
    return sum(map(_rows, shards(place, facts)))


def read(folder: str | os.PathLike[str], task: Task, size: int) -> dict[str, Tensor]:
    """Return all labelled instances of a folder, one after the other, in the order of its shards.

    Raises
    ------
    OptionError
        If they are of another problem or size or for another network, or there are none.
    CheckpointError
        If a file is damaged or not one of ours.
    """
    place, facts = Path(folder), expect(folder, task, size)
    found = list(shards(place, facts))
    if not found:
        raise OptionError(f"{place} holds no whole shard yet; `counterpoint label {task.problem}` goes on with it")
    return joined(found)


def expect(folder: str | os.PathLike[str], task: Task, size: int) -> Facts:
    """Return what the labels of a folder are, none of them read; refuse as `read`."""
    place = Path(folder)
    facts = described(place)
    if facts is None:
        raise OptionError(f"{place} holds no labels; make some by `counterpoint label {task.problem}`")
    compare(place, facts, {"problem": task.problem, "network": task.network, "size": size})
    return facts


def _held(folder: Path, number: int, facts: Facts) -> int:
    """Return how many instances a shard holds."""
    return _rows(load_shard(folder, number, facts)) if shard_path(folder, number).exists() else 0


def _rows(shard: Mapping[str, Tensor]) -> int:
    return len(next(iter(shard.values())))


def _made(labelled: Callable[[int, int, int, int], dict[str, Tensor]], facts: Facts, number: int, count: int) -> bytes:
    with plain_interrupts():
        found = labelled(count, facts["size"], facts["effort"], mixed(facts["seed"], number))
    return packed(found, facts, number, count)


def _in_turn(made: Made, missing: Mapping[int, int], workers: int) -> Generator[tuple[int, bytes], None, None]:
    """Yield shards, made in this process."""
    with torch_threads():
        for number, count in missing.items():
            yield number, made(number, count)


def _in_processes(made: Made, missing: Mapping[int, int], workers: int) -> Generator[tuple[int, bytes], None, None]:
    """Yield shards as they come; however it ends, the processes end with it, in the middle of a shard if need be."""
    before = set(multiprocessing.active_children())
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(workers, len(missing)), context, initializer=_begin_worker)
    try:
        jobs = {pool.submit(made, number, count): number for number, count in missing.items()}
        for job in as_completed(jobs):
            yield jobs.pop(job), job.result()
    except BrokenProcessPool:
        raise RuntimeError(
            "a process that makes labels died: killed for its memory, or started by a script without "
            "`if __name__ == '__main__':`; what is whole is kept"
        ) from None
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()


def _begin_worker() -> None:
    """Leave Ctrl-C, which a terminal sends to all, to the parent, and end with it; keep to one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the parent's end: one that is killed cannot tell, and an idle worker would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
