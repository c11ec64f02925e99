"""Runs functions on hostile input in processes that can be killed.

    submit ─► thread ─► pipe ─► process: fn(*args) under a clock and a memory limit
                 ▲                 │ result, exception, silence or death
                 └─────────────────┘

An edge: it starts processes and reads the clock. It knows nothing of what it runs. Each thread
of the pool owns one process at a time; nothing starts before the first task. Processes are forked
from one that has imported what they need (`forkserver`), never from the program.
"""

import contextlib
import os
import pickle
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import ParamSpec, Self, TypeVar, cast

from aggregator.errors import WorkerError
from aggregator.forkserver import Call, ForkServer

P = ParamSpec("P")
T = TypeVar("T")

PROCESSES = 2
"""As a pass uses: more than there are cores on a small machine help nobody."""

_GRACE = 5.0
"""Seconds over the limit after which a process ends itself, should nobody be left to kill it."""

_GIVEN_UP = "the program is ending; the work is given up"


class Workers:
    """A pool of processes.

    count    processes at most
    wall     seconds a task may take
    memory   bytes of address space a task may take beyond what an idle process has
    tasks    after how many tasks a process is replaced, so that leaks stay small

    `lost` says how many processes have ended in the midst of a task.
    """

    def __init__(
        self,
        count: int,
        *,
        wall: float = 30.0,
        memory: int = 256 * 1024 * 1024,
        tasks: int = 1000,
    ) -> None:
        self._wall = wall
        self._memory = memory
        self._tasks = tasks
        self._calls: list[Call] = []
        self._renewed = 0
        self._server: ForkServer | None = None
        self._starting = threading.Lock()
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="workers")
        self._own = threading.local()
        self._processes: set[_Process] = set()
        self.lost = 0
        self._closed = False
        self._lock = threading.Lock()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Runs `fn(*args, **kwargs)` in a process; all must be picklable.

        The future gives its result or the exception it raised. WorkerError: it took too long or
        too much memory, or its process died twice. So does this, once the work is given up.
        """
        task = pickle.dumps((fn, args, kwargs), pickle.HIGHEST_PROTOCOL)
        try:
            return cast("Future[T]", self._threads.submit(self._run, task))
        except RuntimeError as error:
            if self._closed:
                raise WorkerError(_GIVEN_UP) from error
            raise

    def prepare(self, fn: Callable[..., object], *args: object) -> None:
        """Has `fn(*args)` called once for the processes that are started from now on, beside what runs.

        Imports and settings go here, not into tasks.
        """
        with self._starting:
            if (fn, args) not in self._calls:
                self._calls.append((fn, args))
                if self._server is not None:
                    with contextlib.suppress(EOFError):  # it is replaced when it is needed
                        self._server.prepare((fn, args))

    def renew(self) -> None:
        """Replaces processes that were started before the last preparation, each before its next task."""
        self._renewed = len(self._calls)

    def close(self, *, cancel: bool = False) -> None:
        """Waits for what was submitted (or gives it up, what has begun too), then ends the processes."""
        if cancel:
            with self._lock:
                self._closed = True
                running = tuple(self._processes)
            self._threads.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.kill()
        self._threads.shutdown(wait=True)
        with self._lock:
            processes, self._processes = self._processes, set()
        for process in processes:
            process.end()
        server, self._server = self._server, None
        if server is not None:
            server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(cancel=error is not None)

    def _run(self, task: bytes) -> object:
        """In a thread of the pool: the task in this thread's process, in a second one if that dies."""
        for _ in range(2):
            process = self._process()
            try:
                return process.run(task, self._wall, self._memory)
            except EOFError:
                continue
            finally:
                self.lost += process.ended
                if process.ended or process.spent >= self._tasks:
                    self._discard(process)
        raise WorkerError("its worker process died, twice; nothing is known of the reason")

    def _process(self) -> "_Process":
        process: _Process | None = getattr(self._own, "process", None)
        if process is not None and not process.ended and process.prepared < self._renewed:
            self._discard(process)
        if process is None or process.ended:
            process = self._own.process = self._started()
            with self._lock:
                self._processes = {other for other in self._processes if not other.ended} | {process}
        if self._closed:
            raise WorkerError(_GIVEN_UP)
        return process

    def _started(self) -> "_Process":
        """A new process; the server it is forked from is replaced if it is gone."""
        with self._starting:
            for _ in range(2):
                server = self._server or ForkServer(self._calls)
                self._server = server
                try:
                    pid, pipe = server.fork((work, (self._wall, self._memory)))
                except (EOFError, WorkerError) as error:
                    server.close()
                    self._server = None
                    if isinstance(error, WorkerError):
                        raise
                else:
                    return _Process(pid, pipe, server.end, len(self._calls))
        raise WorkerError("a worker process does not start: what it is forked from ends, or stays silent")

    def _discard(self, process: "_Process") -> None:
        process.end()
        with self._lock:
            self._processes.discard(process)


class _Process:
    """A worker and the pipe to it, used by one thread."""

    def __init__(self, pid: int, pipe: Connection, end: Callable[[int], None], prepared: int) -> None:
        self.pid = pid
        self.prepared = prepared
        self._pipe = pipe
        self._end = end
        self._killing = threading.Lock()
        self._killed = False
        self.spent = 0
        self.ended = False

    def run(self, task: bytes, wall: float, memory: int) -> object:
        """The task's result. Raises what it raised, WorkerError, or EOFError if the process died."""
        self.spent += 1
        try:
            self._pipe.send_bytes(task)
            if not self._pipe.poll(wall):
                self.end()
                raise WorkerError(f"it took longer than {wall:g} s and was stopped")
            outcome, value = pickle.loads(self._pipe.recv_bytes())  # noqa: S301 - from our own code
        except (OSError, EOFError) as error:
            self.end()
            raise EOFError from error
        if outcome == "memory":
            self.end()
            raise WorkerError(f"it needed more than {memory // 2**20} MiB of memory and was stopped")
        if outcome == "raised":
            raise cast("BaseException", value)
        return value

    def end(self) -> None:
        """Kills the process and waits until it is gone."""
        self.ended = True
        self._pipe.close()
        self.kill()

    def kill(self) -> None:
        """The same from any thread, but for the pipe; only once, as another may have the id by then."""
        with self._killing:
            if not self._killed:
                self._killed = True
                self._end(self.pid)


def work(pipe: Connection, wall: float, memory: int) -> None:
    """The life of a worker process: tasks from the pipe, one after the other, until it closes."""
    _limit_memory(memory)
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = pipe.recv_bytes()
            # The default action of the alarm ends the process, even inside of C code.
            signal.setitimer(signal.ITIMER_REAL, wall + _GRACE)
            answer = _answer(task)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send_bytes(answer)


def _limit_memory(memory: int) -> None:
    """Bounds the address space to what there is now and `memory` bytes more."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    size = pages * os.sysconf("SC_PAGE_SIZE") + memory
    resource.setrlimit(resource.RLIMIT_AS, (size, size))


def _answer(task: bytes) -> bytes:
    """Outcome and value of a task, pickled. Nothing that a task does gets past here."""
    try:
        fn, args, kwargs = pickle.loads(task)  # noqa: S301 - from our own code
        return pickle.dumps(("done", fn(*args, **kwargs)), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        return pickle.dumps(("memory", None))
    except Exception as error:  # noqa: BLE001 - handed on to the caller, whatever it is
        return pickle.dumps(("raised", _portable(error)))


def _portable(error: Exception) -> Exception:
    """The exception, or a WorkerError with its text if it does not survive pickling."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - what was dumped just now
    except Exception:  # noqa: BLE001 - exceptions may refuse in any way
        return WorkerError(f"{type(error).__name__}: {error}")
    else:
        return error
