"""`train`: drive one learning run to its end, logging, evaluating, saving, resuming.

A run is a folder: ``run.json`` (what is trained, with which settings), ``metrics.csv``, ``state.safetensors``
(everything a bit-for-bit resume needs), ``policy.safetensors`` (the best so far, see `train`), ``last.safetensors``.
"""

import dataclasses
import json
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from counterpoint.models.checkpoints import save_policy
from counterpoint.models.threads import torch_threads
from counterpoint.models.training.metrics import MetricsLog
from counterpoint.models.training.progress import live_progress
from counterpoint.models.training.record import Training
from counterpoint.models.training.state import load_state, save_state
from counterpoint.opt.codec import load_json, write_text
from counterpoint.opt.errors import CheckpointError, InstanceError, OptionError
from counterpoint.opt.evaluation.machine import machine
from counterpoint.opt.interfaces import Trainer
from counterpoint.opt.interrupts import plain_interrupts
from counterpoint.opt.options import checked_seed
from counterpoint.opt.result import Termination
from counterpoint.opt.training import Algorithm, read_settings
from counterpoint.opt.training import algorithm as find_algorithm

EVALUATIONS = 20  # of a run, unless said otherwise


def train(
    problem: str,
    algorithm: str | None = None,
    config: Mapping[str, Any] | str | os.PathLike[str] | None = None,
    *,
    out: str | os.PathLike[str],
    seed: int | None = None,
    device: str = "auto",
    threads: int = 1,
    iterations: int | None = None,
    time_limit: float | None = None,
    evaluate_every: int | None = None,
    save_every_s: float = 60.0,
    resume: bool = False,
    progress: bool | Callable[[int, int, Mapping[str, float]], None] = True,
) -> Training:
    """Train a policy for a problem.

    Parameters
    ----------
    problem : str
    algorithm : str, optional
        See ``counterpoint train --list``; default: the problem's first.
    config : mapping or path of a TOML file, optional
        The algorithm's settings; what is not given keeps its default.
    out : path
        Folder of the run.
    seed : int, optional
        Default: 0.
    device : str
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1``, ...
    threads : int
        Of torch on the CPU; one is fastest for networks as small as those here. Results are bit-equal at equal threads.
    iterations : int, optional
        Stop here; the settings' own ``iterations`` is the run's length, which its schedules follow.
    time_limit : float, optional
        Wall seconds of this call; the iteration that is running is finished.
    evaluate_every : int, optional
        Iterations between evaluations; default: a twentieth of the run.
    save_every_s : float
        Wall seconds between saved states.
    resume : bool
        Go on with the run in `out`, whose algorithm, settings, seed and device hold: none need be given again, and one
        given otherwise is refused.
    progress : bool or callable
        A live display, none, or a function called with (iteration, iterations, figures).

    Returns
    -------
    Training
        ``policy`` is the one with the lowest ``cost`` of all evaluations, where the trainer states a ``cost``;
        otherwise the last. Choosing among evaluations flatters: judge it again on fresh cases.

    Raises
    ------
    OptionError, UnknownNameError, MissingPackageError
        Before anything runs.
    CheckpointError
        If the run in `out` cannot be resumed.

    Notes
    -----
    The first Ctrl-C (or SIGTERM) finishes the iteration, saves and returns with ``termination`` "interrupted"; a second
    one leaves at once, and the run resumes from its last saved state.
    """
    folder = Path(out)
    begun = _begun(folder, problem, resume)
    chosen = find_algorithm(problem, algorithm or begun.get("algorithm"))
    given = config if config is None or isinstance(config, Mapping) else read_settings(config)
    if begun:  # a run older than a setting did as if it had had this
        begun["config"] = {**_before(chosen.config({})), **begun["config"]}
    settings = chosen.config({**begun.get("config", {}), **(given or {})})
    target = torch.device(_device(begun.get("device", device) if device == "auto" else device))
    seed = begun.get("seed", 0) if seed is None else seed
    if checked_seed(seed) < 0:
        raise OptionError(f"the seed of a run must be at least 0, not {seed}")
    facts = _facts(chosen, settings, seed, str(target))
    if threads < 1:
        raise OptionError(f"threads must be at least 1, not {threads}")
    held = _saved(folder, facts, begun) if begun else None
    trainer: Trainer = chosen.build(settings, seed, str(target))  # may find more to refuse, so nothing is written yet
    _describe(folder, facts)
    run = _Run(folder, trainer, facts, total=settings.iterations)
    if held is not None:
        run.load(held)
    every = max(1, settings.iterations // EVALUATIONS) if evaluate_every is None else evaluate_every
    stop_at = settings.iterations if iterations is None else min(iterations, settings.iterations)
    watch = live_progress(f"{chosen.name} on {problem}") if progress is True else progress or None
    with _alone(folder), torch_threads(threads), plain_interrupts():
        return run.drive(stop_at, time_limit, max(1, every), save_every_s, watch)


class _Run:
    """A run that is under way: the trainer, its log, the best it held."""

    def __init__(self, folder: Path, trainer: Trainer, facts: dict[str, Any], total: int) -> None:
        self.folder, self.trainer, self.facts, self.total = folder, trainer, facts, total
        self.best, self.wall_s, self.cpu_s = math.inf, 0.0, 0.0
        self.evaluation: dict[str, float] = {}
        self.evaluated_at = -1
        self.is_new = True

    def load(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        try:
            self.trainer.load_state_dict(state["trainer"])
            self.best, self.wall_s, self.cpu_s = (float(state[key]) for key in ("best", "wall_s", "cpu_s"))
            self.evaluation, self.evaluated_at = dict(state["evaluation"]), int(state["evaluated_at"])
            self.is_new = False
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise CheckpointError(f"the saved state does not fit this run: {error}", str(self.folder)) from None

    def drive(
        self,
        stop_at: int,
        time_limit: float | None,
        every: int,
        save_every_s: float,
        watch: Callable[[int, int, Mapping[str, float]], None] | None,
    ) -> Training:
        """Iterate until the end, the limit or an interrupt; whatever ends it, the state is saved."""
        trainer, started = self.trainer, time.monotonic()
        saved_at, wall_then, cpu_then, cpu_started = started, self.wall_s, self.cpu_s, time.process_time()
        self.log = MetricsLog(self.folder, -1 if self.is_new else trainer.iteration)

        def spend() -> None:
            self.wall_s = wall_then + time.monotonic() - started
            self.cpu_s = cpu_then + time.process_time() - cpu_started

        if trainer.iteration == 0 and self.evaluated_at < 0:
            self.log.add(0, self.evaluate())
            self.keep()
        with _interruptible() as is_interrupted:
            while trainer.iteration < stop_at and not is_interrupted():
                if time_limit is not None and time.monotonic() - started >= time_limit:
                    break
                figures = {**trainer.step()}
                iteration = trainer.iteration
                is_judged = iteration % every == 0 or iteration == self.total
                if is_judged:
                    figures |= self.evaluate()
                spend()
                self.log.add(iteration, {**figures, "wall_s": self.wall_s, "cpu_s": self.cpu_s})
                if is_judged:
                    self.keep()
                if time.monotonic() - saved_at >= save_every_s:
                    self.save()
                    saved_at = time.monotonic()
                if watch is not None:
                    watch(iteration, self.total, figures)
            spend()
            self.save()
            is_over = trainer.iteration >= stop_at
            if self.evaluated_at < trainer.iteration and not is_interrupted():
                # stopped between two evaluations: neither logged nor in the state, for a resume is as if it never was
                self.evaluate()
                self.keep()
            why = Termination.INTERRUPTED if is_interrupted() and not is_over else Termination.TIME
            if is_over:
                why = Termination.COMPLETED if trainer.iteration >= self.total else Termination.ITERATIONS
        self.log.close()
        if watch is not None and hasattr(watch, "close"):
            watch.close()
        return Training(self.folder, trainer.iteration, why, dict(self.evaluation), self.wall_s, self.cpu_s)

    def evaluate(self) -> dict[str, float]:
        """Evaluate the policy as it is now."""
        figures = {key: float(value) for key, value in self.trainer.evaluate().items()}
        self.evaluation, self.evaluated_at = figures, self.trainer.iteration
        return figures

    def keep(self) -> None:
        """Keep the policy just evaluated if it is the best so far, or nothing says which is, or there is none yet."""
        cost = self.evaluation.get("cost", -math.inf)
        is_first = not (self.folder / "policy.safetensors").exists()
        if cost < self.best or cost == -math.inf or is_first:
            self.best = self.best if math.isnan(cost) else min(cost, self.best)
            self.write_policy("policy.safetensors", self.evaluation)

    def save(self) -> None:
        """Write the state and the last policy."""
        state = {
            "trainer": self.trainer.state_dict(), "best": self.best, "wall_s": self.wall_s, "cpu_s": self.cpu_s,
            "evaluation": self.evaluation, "evaluated_at": self.evaluated_at,
        }  # fmt: skip
        save_state(self.folder / "state.safetensors", state)
        self.write_policy("last.safetensors", self.evaluation if self.evaluated_at == self.trainer.iteration else {})

    def write_policy(self, name: str, figures: Mapping[str, float]) -> None:
        """Write the current policy with its card."""
        tensors, own = self.trainer.policy()
        card = {
            **self.facts,
            **own,
            "iterations": self.trainer.iteration,
            "cpu_s": round(self.cpu_s, 1),
            "evaluation": {key: value for key, value in figures.items() if math.isfinite(value)},
            "curve": {"columns": ["iteration", "cost"], "rows": [r for r in self.log.curve(("cost",)) if _finite(r)]},
        }
        card.pop("type", None)
        save_policy(self.folder / name, tensors, card)


def _device(name: str) -> str:
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(name).type
    except RuntimeError:
        raise OptionError(f"no device {name!r}; expected auto, cpu or cuda") from None
    if kind not in ("cpu", "cuda"):
        raise OptionError(f"cannot train on {name!r}; expected auto, cpu or cuda")
    if kind == "cuda" and not torch.cuda.is_available():
        raise OptionError("no CUDA device here; use --device cpu")
    if kind == "cuda" and (torch.device(name).index or 0) >= torch.cuda.device_count():
        raise OptionError(f"no device {name!r} among {torch.cuda.device_count()}, which count from cuda:0")
    return name


def _facts(chosen: Algorithm, settings: Any, seed: int, device: str) -> dict[str, Any]:
    """Return what identifies a run: equal facts are the same run."""
    config = json.loads(json.dumps(dataclasses.asdict(settings)))
    return {"problem": chosen.problem, "algorithm": chosen.name, "config": config, "seed": seed, "device": device}


def _finite(row: list[float]) -> bool:
    return all(map(math.isfinite, row))


def _describe(folder: Path, facts: dict[str, Any]) -> None:
    """Write what a new run is."""
    described = folder / "run.json"
    if not described.exists():
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"type": "counterpoint-run", "version": 1, **facts, "machine": machine()}, indent=1)
        write_text(described, text + "\n")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the run's lock, so that no second process goes on with it meanwhile; it ends with the process."""
    try:
        import fcntl
    except ImportError:  # Windows has no such lock: there two at once are the user's own affair
        yield
        return
    with (folder / "run.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise OptionError(f"the run in {folder} is being trained by another process") from None
        yield


def _before(settings: Any) -> dict[str, Any]:
    """Return what was done before there were some of the settings, where their fields say so."""
    return {f.name: f.metadata["before"] for f in dataclasses.fields(settings) if "before" in f.metadata}


def _begun(folder: Path, problem: str, resume: bool) -> dict[str, Any]:
    """Return the facts of the run to resume, none for a new one; refuse to mix two runs in one folder."""
    described = folder / "run.json"
    if not described.exists():
        if resume:
            raise OptionError(f"{folder} holds no run to resume")
        return {}
    if not resume:
        raise OptionError(f"{folder} holds a run already: --resume goes on with it, another --out begins a new one")
    try:
        held = load_json(described.read_bytes())
    except InstanceError as error:
        raise CheckpointError(error.message, str(described)) from None
    kinds = {"problem": str, "algorithm": str, "config": dict, "seed": int, "device": str}
    if not isinstance(held, dict) or not all(isinstance(held.get(key), kind) for key, kind in kinds.items()):
        raise CheckpointError(f"expected an object with {', '.join(kinds)}", str(described))
    if held["problem"] != problem:
        raise OptionError(f"the run in {folder} has problem {held['problem']!r}, not {problem!r}")
    return {key: held[key] for key in kinds}


def _saved(folder: Path, facts: Mapping[str, Any], begun: Mapping[str, Any]) -> Any:
    """Return the saved state of the run to resume, None if there is none; OptionError if it was begun otherwise."""
    pairs = [(begun, facts, key) for key in facts if key != "config"]
    pairs += [(begun["config"], facts["config"], key) for key in facts["config"]]
    for there, here, key in pairs:
        if key not in there or there[key] != here[key]:
            found = f"{key} {there[key]!r}" if key in there else f"no {key}"
            raise OptionError(f"the run in {folder} has {found}, not {here[key]!r}; another --out begins a new one")
    state = folder / "state.safetensors"
    return load_state(state) if state.exists() else None


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT or SIGTERM into a flag; a second one raises KeyboardInterrupt."""
    flagged = False

    def note(number: int, frame: object) -> None:
        nonlocal flagged
        if flagged:
            raise KeyboardInterrupt
        flagged = True

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield lambda: flagged
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: flagged
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
