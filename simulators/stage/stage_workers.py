"""Solvers in lanes, and processes that hold them; see `parallel`."""

import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from counterpoint.simulators.stage.model import StageSolver

_START = "import sys; from counterpoint.simulators.stage.stage_workers import serve; serve(int(sys.argv[1]))"
ATTEMPTS = 2  # at a job whose worker dies

Job = tuple[int, str, tuple[Any, ...], dict[str, Any]]  # lane, method, arguments


class Lanes:
    """Solvers by lane, made when they are first needed, and told the same."""

    def __init__(self, make: Callable[[], StageSolver]) -> None:
        self._make = make
        self._solvers: dict[int, StageSolver] = {}
        self._told: list[tuple[str, tuple[Any, ...]]] = []

    def solver(self, lane: int) -> StageSolver:
        """Return the solver of a lane."""
        if lane not in self._solvers:
            solver = self._make()
            for method, arguments in self._told:
                getattr(solver, method)(*arguments)
            self._solvers[lane] = solver
        return self._solvers[lane]

    def do(self, lane: int, method: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Call a method of a lane's solver."""
        return getattr(self.solver(lane), method)(*arguments, **options)

    def tell(self, method: str, arguments: tuple[Any, ...]) -> None:
        """Call a method of all solvers, and of those made later; ``set_cuts`` makes what was told before obsolete."""
        for solver in self._solvers.values():
            getattr(solver, method)(*arguments)
        self._told = [*([] if method == "set_cuts" else self._told), (method, arguments)]


class Processes:
    """Processes that hold lanes; lane i belongs to process i modulo their number."""

    def __init__(self, make: Callable[[], StageSolver], workers: int) -> None:
        self._make = make
        self._told: list[tuple[str, tuple[Any, ...]]] = []
        self.model = make().model
        self._workers: list[_Worker | None] = [None] * workers

    def run(self, jobs: Sequence[Job]) -> list[Any]:
        """Do the jobs; return what they return, in their order.

        A worker gets its next job when the last is done: two ends that both write wait for ever.

        Raises
        ------
        RuntimeError
            If a worker dies of the same job again.
        """
        queues = [deque(i for i, job in enumerate(jobs) if job[0] % len(self._workers) == at)
                  for at in range(len(self._workers))]  # fmt: skip
        found: list[Any] = [None] * len(jobs)
        attempts = [0] * len(jobs)
        try:
            busy = {at for at, queue in enumerate(queues) if queue}
            for at in busy:
                self._hand_out(at, queues[at][0], jobs, attempts)
            while busy:
                ready = wait([worker.connection for worker in self._workers if worker is not None])
                for at in sorted(busy):
                    worker = self._workers[at]
                    if worker is not None and worker.connection in ready:
                        try:
                            found[queues[at][0]] = worker.connection.recv()
                            queues[at].popleft()
                        except (EOFError, ConnectionError):
                            self._end(at)
                        if queues[at]:
                            self._hand_out(at, queues[at][0], jobs, attempts)
                        else:
                            busy.remove(at)
        except BaseException:  # Ctrl-C may have cut a message in two: those pipes are of no more use
            self.close()
            raise
        for result in found:
            if isinstance(result, Exception):
                raise result
        return found

    def tell(self, method: str, arguments: tuple[Any, ...]) -> None:
        """Tell all solvers, those to come too."""
        self._told = [*([] if method == "set_cuts" else self._told), (method, arguments)]
        for at, worker in enumerate(self._workers):
            if worker is not None:
                try:
                    worker.connection.send((-1, method, arguments, {}))
                except BaseException as error:
                    self._end(at)  # its successor will be told
                    if not isinstance(error, ConnectionError):
                        raise

    def close(self) -> None:
        """End the processes."""
        for at in range(len(self._workers)):
            self._end(at)

    def _hand_out(self, at: int, number: int, jobs: Sequence[Job], attempts: list[int]) -> None:
        """Send a job to a worker, to a new one where the old one has died."""
        while attempts[number] < ATTEMPTS:
            attempts[number] += 1
            worker = self._workers[at] or _Worker(self._make, self._told)
            self._workers[at] = worker
            try:
                worker.connection.send(jobs[number])
            except ConnectionError:
                self._end(at)
            else:
                return
        raise RuntimeError("a worker process died of the same stage problems again")

    def _end(self, at: int) -> None:
        worker, self._workers[at] = self._workers[at], None
        if worker is not None:
            worker.close()


class _Worker:
    """A process, and the pipe to it: with the pipe's end it ends."""

    def __init__(self, make: Callable[[], StageSolver], told: list[tuple[str, tuple[Any, ...]]]) -> None:
        mine, its = socket.socketpair()
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        # a group of its own: Ctrl-C in a terminal goes to the parent alone
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, str(its.fileno())],
            pass_fds=[its.fileno()], env=environment, start_new_session=True,
        )  # fmt: skip
        its.close()
        self.connection = Connection(mine.detach())
        self.connection.send(make)
        for method, arguments in told:
            self.connection.send((-1, method, arguments, {}))

    def close(self) -> None:
        """End the process, at once."""
        self.connection.close()
        if self._process.poll() is None:
            self._process.kill()  # it holds nothing that must be saved
        self._process.wait()


def serve(descriptor: int) -> None:
    """Be a worker: solve what is asked for until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = Connection(descriptor)
    try:
        lanes = Lanes(connection.recv())
        while True:
            lane, method, arguments, options = connection.recv()
            if lane < 0:
                lanes.tell(method, arguments)
                continue
            try:
                result = lanes.do(lane, method, arguments, options)
            except Exception as error:  # to be raised in the parent
                result = error
            try:
                connection.send(result)
            except (ConnectionError, EOFError):
                raise
            except Exception:  # whatever it is that cannot be sent, the other side must not wait for it
                connection.send(RuntimeError(f"what a stage solver returned cannot be sent: {result!r}"))
    except (EOFError, ConnectionError):
        return
