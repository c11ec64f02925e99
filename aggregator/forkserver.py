"""Starts processes that have their imports behind them: they are forked from one that did them once.

    ForkServer ─► socket ─► an interpreter that imports, and then only forks ─► processes, a pipe to each

An edge: it starts and kills processes. The interpreter never has a second thread, so that to fork it is
safe whatever threads the program has. It was forked from the program before that did anything (`set_aside`),
or is a fresh one, which takes longer. It waits for its children, and for them alone.
"""

import contextlib
import gc
import os
import pickle
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NoReturn, cast

from aggregator.errors import WorkerError
from aggregator.memory import keep_small

Call = tuple[Callable[..., object], tuple[object, ...]]
"""A function and its arguments, all picklable."""

_STARTUP = 60.0
"""Seconds that an interpreter may take to start and import what it needs."""

_SOCKET = 3
"""The descriptor of its socket in a fresh interpreter."""

_CHILD = f"from aggregator.forkserver import serve; serve({_SOCKET})"

_aside: list[tuple[int, socket.socket]] = []
"""The id of an interpreter that waits to be used, and the socket to it."""


def set_aside() -> None:
    """Fork the program as it is, for the first `ForkServer`, which then finds imported what the program has.

    To be called when the program has imported what it needs and done nothing else: an SQLite database must
    not be open in both (sqlite.org/howtocorrupt.html, 2.6), and a second thread may hold a lock for ever.
    It takes a few milliseconds. The fork waits, and ends with the program.
    """
    if not _aside and threading.active_count() == 1:
        _aside.append(_started(_forked))


def _started(start: Callable[[socket.socket], int]) -> tuple[int, socket.socket]:
    """The id of a new interpreter and the socket to it. Raises OSError."""
    ours, theirs = socket.socketpair()
    with theirs:
        return start(theirs), ours


def _forked(theirs: socket.socket) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            _let_go(theirs.fileno())
            serve(theirs.fileno())
        finally:
            os._exit(0)
    return pid


def _let_go(kept: int) -> None:
    """Closes what was inherited, but for one descriptor and where messages go; there is nothing to read."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))


def _fresh(theirs: socket.socket) -> int:
    actions = (
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, theirs.fileno(), _SOCKET),
    )
    command = [sys.executable, "-P", "-c", _CHILD]
    return os.posix_spawn(sys.executable, command, os.environ, file_actions=actions)


class ForkServer:
    """The interpreter that processes are forked from; `calls` are made there first, as by `prepare`.

    Raises EOFError, whatever it is asked for, if the interpreter is gone or stays silent.
    """

    def __init__(self, calls: Iterable[Call] = ()) -> None:
        self._pid, self._socket = _aside.pop() if _aside else _started(_fresh)
        self._pipe = Connection(os.dup(self._socket.fileno()))
        self._lock = threading.Lock()
        with contextlib.suppress(EOFError):  # whoever asks for something is told
            self._tell(sys.path)  # first, since what follows is imported from there
            for call in calls:
                self._tell(("prepare", call))

    def prepare(self, call: Call) -> None:
        """Have it called there, soon: what is forked from then on finds done what it did."""
        with self._lock:
            self._tell(("prepare", call))

    def fork(self, run: Call) -> tuple[int, Connection]:
        """A process that makes this call, with the other end of the returned pipe as first argument.

        Its id comes first. Raises WorkerError with what a preparation raised.
        """
        ours, theirs = socket.socketpair()
        with ours, theirs, self._lock:
            self._tell(("fork", run), theirs.fileno())
            answer = self._answer()
            if isinstance(answer, str):
                raise WorkerError(f"a worker process does not start: {answer}")
            return cast("int", answer), Connection(ours.detach())

    def end(self, pid: int) -> None:
        """Kills a process that was forked, and waits until it is gone."""
        try:
            with self._lock:
                self._tell(("end", pid))
                self._answer()
        except EOFError:  # nobody else waits for it, so it may be gone as well
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the interpreter, not what was forked from it."""
        self._pipe.close()
        self._socket.close()
        # Where the program was started with SIGCHLD ignored, the system waits for children itself.
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)

    def _tell(self, what: object, *descriptors: int) -> None:
        with _gone():
            # Not `send`: if it fails, Python 3.13 finds fault with the buffer that it leaves.
            self._pipe.send_bytes(pickle.dumps(what))
            if descriptors:
                socket.send_fds(self._socket, [b"."], descriptors)

    def _answer(self) -> object:
        with _gone():
            if self._pipe.poll(_STARTUP):
                return self._pipe.recv()
        raise EOFError


@contextlib.contextmanager
def _gone() -> Iterator[None]:
    """Says with one exception that nobody is at the other end."""
    try:
        yield
    except OSError as error:
        raise EOFError from error


def serve(descriptor: int) -> None:
    """The life of the interpreter: it does what it is asked for until the program closes the socket."""
    keep_small()
    for number in (signal.SIGINT, signal.SIGTERM):  # the program decides when its work ends
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # it may be ignored, and then nobody can be waited for
    with contextlib.suppress(OSError):  # short of memory, Linux is to take a worker, not the program
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")
    pipe = Connection(descriptor)
    sys.path[:] = pipe.recv()
    gc.disable()  # what is imported stays: nothing is to be found among it, then or later
    problem = None
    with contextlib.suppress(EOFError, OSError), socket.socket(fileno=os.dup(descriptor)) as channel:
        while True:
            verb, value = pipe.recv()
            if verb == "prepare":
                problem = problem or _prepared(value)
            elif verb == "fork":
                _, [theirs, *_], *_ = socket.recv_fds(channel, 1, 1)
                pipe.send(problem or _fork(theirs, value, (pipe.fileno(), channel.fileno())))
                os.close(theirs)
            else:
                os.kill(value, signal.SIGKILL)
                os.waitpid(value, 0)
                pipe.send(None)


def _prepared(call: Call) -> str | None:
    """Makes the call; what it raised."""
    function, arguments = call
    try:
        function(*arguments)
    except Exception as error:  # noqa: BLE001 - reported to the program, whatever it is
        return f"{type(error).__name__}: {error}"
    finally:
        gc.freeze()
    return None


def _fork(descriptor: int, run: Call, foreign: tuple[int, ...]) -> int | str:
    """The id of a new process that makes the call, or why there is none."""
    try:
        pid = os.fork()
    except OSError as error:
        return str(error)
    if pid == 0:
        for other in foreign:
            os.close(other)
        _live(descriptor, run)
    return pid


def _live(descriptor: int, run: Call) -> NoReturn:
    function, arguments = run
    try:
        gc.enable()
        function(Connection(descriptor), *arguments)
    finally:
        os._exit(0)
