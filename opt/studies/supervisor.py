"""Run cases, each in a process of its own, and bring every one of them to an end.

A process that ignores its time limit meets a ladder of signals and is gone `grace_s` after the limit; one that
takes too much memory is killed; one that dies is told apart by how; what it had found is kept. Other cases
never notice.
"""

import os
import selectors
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from counterpoint.opt.problems.table import problem
from counterpoint.opt.result import Result, Termination
from counterpoint.opt.studies.case import Case
from counterpoint.opt.studies.ending import result_of
from counterpoint.opt.studies.launcher import ForkServer
from counterpoint.opt.studies.memory import held_bytes, out_of_memory_kills
from counterpoint.opt.studies.running import Running, scratch_file
from counterpoint.opt.studies.stopping import StopRequest
from counterpoint.opt.studies.wire import WireError, encode_case, encode_instance

INTERRUPT_S = 2.0  # what workers get to hand in their incumbents after Ctrl-C
LAST_WAIT_S = 0.5  # for the killed to be gone
TICK_S = 0.25
SHORTEST_TICK_S = 0.002
MEMORY_TICK_S = 0.01  # memory is written at some 5 GB/s at most, so 50 MB between two looks
INSTANCES_HELD = 16  # as JSON; cases of one instance mostly follow each other


@dataclass(frozen=True, slots=True)
class Settings:
    """How to run.

    Parameters
    ----------
    workers : int
        Cases at a time, at most.
    cores : int
        Native threads at a time, over all cases; a case that wants more runs alone.
    memory_limit_mb : int, optional
        Growth allowed to each case.
    grace_s : float
        From a case's time limit to its SIGKILL.
    is_pinned : bool
        Give each case processor cores of its own, as far as there are any left.
    """

    workers: int
    cores: int
    memory_limit_mb: int | None = None
    grace_s: float = 5.0
    is_pinned: bool = False


@dataclass(frozen=True, slots=True)
class Ending:
    """A case that came to its end; not `is_final` if the study's interruption ended it."""

    index: int
    result: Result
    is_final: bool


class Supervisor:
    """Runs (index, case) pairs in order; iterate over `endings`, then `close`."""

    def __init__(
        self,
        jobs: list[tuple[int, Case]],
        settings: Settings,
        stop: StopRequest,
        on_news: Callable[[str, Running], None],
    ) -> None:
        self.waiting = deque(jobs)
        self.settings = settings
        self.stop = stop
        self.on_news = on_news
        self.running: dict[int, Running] = {}
        self.servers: dict[int, ForkServer] = {}
        self.selector = selectors.DefaultSelector()
        self.selector.register(stop.fileno(), selectors.EVENT_READ, None)
        self.count = 0
        self.lost_once: set[int] = set()
        self.oom_before: dict[int, int] = {}
        self.instance_json: dict[tuple[str, str], bytes] = {}
        self.kill_at: float | None = None
        self.free_cores: list[int] = []
        if settings.is_pinned and hasattr(os, "sched_getaffinity"):  # Linux
            self.free_cores = sorted(os.sched_getaffinity(0))

    def endings(self) -> Iterator[Ending]:
        """Yield each case as it ends; after a stop request, only those that were running."""
        self._open_servers({case.threads for _, case in self.waiting})
        while self.running or (self.waiting and not self.stop.times):
            if self.stop.times:
                yield from self._on_stop()
            else:
                self._start_more()
            wait = self._climb()
            for key, _ in self.selector.select(wait):
                if key.data is None:
                    self.stop.drain()
                elif isinstance(key.data, Running):
                    self._listen(key.data)
            yield from self._hear()
            self._watch_memory()

    def close(self) -> None:
        """End whatever still runs; returns when it is gone."""
        for server in self.servers.values():
            server.close()
        self.servers.clear()
        for run in self.running.values():
            run.close()
        self.running.clear()
        self.selector.close()

    def _open_servers(self, thread_counts: set[int]) -> None:
        opened = [ForkServer(threads, *self._preparation(threads)) for threads in sorted(thread_counts)]
        for server in opened:
            self.servers[server.threads] = server  # all warm up at once
        for server in opened:
            if not server.await_ready(lambda: bool(self.stop.times)):
                return
            self.selector.register(server.control, selectors.EVENT_READ, server)

    def _preparation(self, threads: int) -> tuple[list[str], list[bytes]]:
        """Return the modules to import and the cases to rehearse before forking."""
        cases = [case for _, case in self.waiting if case.threads == threads]
        families = {case.instance.problem for case in cases}
        targets = [t for name in families for _, t in problem(name).parts if not _is_for_display(t)]
        targets += [t for case in cases for t in (case.chosen.target, case.chosen.options)]
        modules = dict.fromkeys(["counterpoint.opt.studies.worker", *(t.partition(":")[0] for t in targets if t)])
        first = {case.chosen.name: case for case in reversed(cases) if case.chosen.options or case.chosen.warm_up}
        return list(modules), [encode_case(case, self._json_of(case), None, []) for case in first.values()]

    def _json_of(self, case: Case) -> bytes:
        instance = case.instance
        key = (instance.content_hash, instance.name)
        if key not in self.instance_json:
            while len(self.instance_json) >= INSTANCES_HELD:
                del self.instance_json[next(iter(self.instance_json))]
            self.instance_json[key] = encode_instance(instance)
        return self.instance_json[key]

    def _start_more(self) -> None:
        while self.waiting and len(self.running) < self.settings.workers:
            index, case = self.waiting[0]
            used = sum(run.case.threads for run in self.running.values())
            if self.running and used + case.threads > self.settings.cores:
                return  # first come, first served: nothing overtakes a case that wants many threads
            if case.threads not in self.servers:
                self._open_servers({case.threads})
                if self.stop.times:
                    return
            self.waiting.popleft()
            self._start(index, case)

    def _start(self, index: int, case: Case) -> None:
        self.count += 1
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        log = scratch_file()
        run = Running(case, index, self.count, self.settings.grace_s, ours, log)
        if len(self.free_cores) >= case.threads:
            run.cores = [self.free_cores.pop() for _ in range(case.threads)]
        order = encode_case(case, self._json_of(case), self.settings.memory_limit_mb, run.cores)
        with theirs, scratch_file(order) as message, suppress(OSError):  # the server is gone: see `_hear`
            self.servers[case.threads].fork(run.worker, theirs.fileno(), log.fileno(), message.fileno())
        self.oom_before[run.worker] = out_of_memory_kills()
        self.running[run.worker] = run
        self.selector.register(ours, selectors.EVENT_READ, run)
        self.on_news("started", run)

    def _listen(self, run: Running) -> None:
        try:
            is_news = run.listen()
        except WireError:
            run.kill("protocol", self._send)
            self._unregister(run)
            return
        if run.is_closed:
            self._unregister(run)
        if is_news:
            self.on_news("incumbent", run)

    def _unregister(self, run: Running) -> None:
        if run.connection.fileno() in self.selector.get_map():
            self.selector.unregister(run.connection)

    def _hear(self) -> Iterator[Ending]:
        """Take in the deaths the fork servers report, and the death of a fork server itself."""
        for server in list(self.servers.values()):
            ended = server.hear()
            for death in ended or ():
                run = self.running.get(death.worker)
                if run is not None:
                    run.ended = death
                    yield self._finish(run)
            if ended is None:
                self.selector.unregister(server.control)
                del self.servers[server.threads]
                server.close()
                yield from self._restart_those_of(server.threads)

    def _restart_those_of(self, threads: int) -> Iterator[Ending]:
        """Their workers died with the fork server: run them again, but only once."""
        for run in [r for r in self.running.values() if r.case.threads == threads]:
            self._listen(run)
            if run.answer is not None or run.index in self.lost_once or self.stop.times:
                run.reason = run.reason or ("stop" if self.stop.times else "lost")
                yield self._finish(run)
            else:
                self.lost_once.add(run.index)
                self.waiting.appendleft((run.index, run.case))
                self._forget(run)

    def _finish(self, run: Running) -> Ending:
        if not run.is_closed:
            self._listen(run)
        kills = out_of_memory_kills() - self.oom_before[run.worker]
        result = result_of(run, self.settings.memory_limit_mb, kills)
        self._forget(run)
        is_final = run.reason != "stop" and result.termination is not Termination.INTERRUPTED
        return Ending(run.index, result, is_final)

    def _forget(self, run: Running) -> None:
        self._unregister(run)
        run.close()
        self.free_cores += run.cores
        del self.running[run.worker], self.oom_before[run.worker]

    def _send(self, worker: int, number: int) -> None:
        server = self.servers.get(self.running[worker].case.threads)
        if server is not None:
            server.signal(worker, number)

    def _climb(self) -> float:
        """Send what signals are due; return how long to wait for news."""
        now = time.monotonic()
        tick = TICK_S if self.settings.memory_limit_mb is None else MEMORY_TICK_S
        next_due = min((run.climb(self._send) for run in self.running.values()), default=now + tick)
        for run in self.running.values():
            run.trim_log()
        if self.kill_at is not None:
            next_due = min(next_due, self.kill_at)
        return max(SHORTEST_TICK_S, min(next_due - now, tick))

    def _watch_memory(self) -> None:
        limit = self.settings.memory_limit_mb
        if limit is None:
            return
        for run in self.running.values():
            pid = self.servers[run.case.threads].pids.get(run.worker) if run.case.threads in self.servers else None
            if pid is None or run.base_bytes is None or run.answer is not None:
                continue
            run.held_bytes = max(run.held_bytes, held_bytes(pid) - run.base_bytes)
            if run.held_bytes > limit * 2**20:
                run.kill("memory", self._send)

    def _on_stop(self) -> Iterator[Ending]:
        """Pass the interruption on, once; then wait for the incumbents, but not for long."""
        now = time.monotonic()
        if self.kill_at is None:
            self.kill_at = now + INTERRUPT_S
            for run in list(self.running.values()):
                self._listen(run)
                run.interrupt(self._send)
        if now >= self.kill_at or self.stop.times > 1:
            for run in self.running.values():
                self._send(run.worker, signal.SIGKILL)
        if now >= self.kill_at + LAST_WAIT_S:
            for run in list(self.running.values()):
                yield self._finish(run)


def _is_for_display(target: str) -> bool:
    return ".plots." in target
