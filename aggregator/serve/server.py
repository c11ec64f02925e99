"""Runs an application under uvicorn, on a port or a Unix socket."""

import asyncio
import socket
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from aggregator.errors import ServeError

UNIX = "unix:"
SOCKET_MODE = 0o660
"""A proxy in the service's group may connect."""
BACKLOG = 512
CONCURRENCY = 500
"""Requests at once; more are told 503, as a small machine has better things to do."""
START_SECONDS = 10.0
LAST_SECONDS = 4
"""After these a server that stops leaves clients that have not taken all of their answers."""
PATIENCE = 30.0
"""Seconds in which a client has to ask, or to take some of its answer: idle ones would keep others out."""


def listen(bind: str) -> socket.socket:
    """A listening socket at `host:port`, `[v6]:port` or `unix:/path`. Port 0 takes a free one.

    A socket file that nobody listens on any more is replaced. Raises ServeError.
    """
    try:
        return _listen_unix(Path(bind.removeprefix(UNIX))) if bind.startswith(UNIX) else _listen_tcp(bind)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ServeError(f"cannot listen on {bind}: {reason}") from error


def _listen_tcp(bind: str) -> socket.socket:
    host, _, port = bind.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{port!r} is no port; write one from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)


def _listen_unix(path: Path) -> socket.socket:
    if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(path))
            except ConnectionRefusedError:
                path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(SOCKET_MODE)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


class _Hurried(H11Protocol):
    """A connection that ends when its client neither asks nor takes what it asked for."""

    patience = PATIENCE
    _before: object = None
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._timer is not None:
            self._timer.cancel()

    def shutdown(self) -> None:
        super().shutdown()
        self.loop.call_later(LAST_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._before = None  # it took another piece, though as much may wait again

    def _look(self) -> None:
        # A request makes a cycle of its own; one that waits for its answer is not the client's fault.
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's types know no connection without
        waits = cycle is not None and not cycle.response_started
        found = (cycle, self.transport.get_write_buffer_size())
        if found == self._before and not waits:
            self.transport.abort()
            return
        self._before = found
        self._timer = self.loop.call_later(self.patience, self._look)


class Server:
    """Serves an application in the background, from the beginning of a `with` block to its end.

    Requests under way are finished then. Signals are left to whoever holds the block.
    """

    def __init__(self, app: ASGIApp, bind: str, patience: float = PATIENCE) -> None:
        """Binds the address at once. Raises ServeError."""
        self._bind = bind
        self._socket = listen(bind)
        config = uvicorn.Config(
            app,
            http=type("Hurried", (_Hurried,), {"patience": patience}),
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            proxy_headers=False,
            limit_concurrency=CONCURRENCY,
            timeout_graceful_shutdown=LAST_SECONDS + 1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="serve", daemon=True)

    @property
    def url(self) -> str:
        """The address of the site as this machine sees it; of a Unix socket what was asked for."""
        if self._bind.startswith(UNIX):
            return self._bind
        host, port = self._socket.getsockname()[:2]
        return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"

    def __enter__(self) -> Self:
        self._thread.start()
        deadline = time.monotonic() + START_SECONDS
        while not self._server.started and self._thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.005)
        if not self._server.started:
            self.__exit__(None, None, None)
            raise ServeError(f"the server on {self._bind} did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._close()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def _close(self) -> None:
        self._socket.close()
        if self._bind.startswith(UNIX):
            with suppress(FileNotFoundError):
                Path(self._bind.removeprefix(UNIX)).unlink()
