"""A scripted HTTP server on loopback, for the tests of every room.

    with Server({"/feed.xml": Reply(b"<rss/>", etag='"1"')}) as server:
        get(server.url("/feed.xml"))
        assert server.requests[0].headers["user-agent"] == "..."

A route is a `Reply`, a `Raw` (bytes put on the wire as they are, with pauses), a list of those (one a
request, the last one repeats) or a function from `Request` to one of them. The route "*" answers what no
other does. Everything received is in `requests`, and `connections` counts the connections accepted,
those that never sent a request included; `reached` holds the local address of each.
"""

import contextlib
import datetime as dt
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import trustme


class Headers(dict[str, str]):
    """Header fields by lower-case name; asking is done in any case."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `target` verbatim, `path` without the query, `time` monotonic seconds."""

    method: str
    target: str
    headers: Headers
    time: float
    connection: int
    lines: tuple[str, ...]
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Reply:
    """An ordinary answer. With `etag` or `last_modified` set, a request that bears one gets a 304."""

    body: bytes = b""
    status: int = 200
    type: str = "application/xml"
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str | None = None
    last_modified: str | None = None
    close: bool = False

    def validators(self) -> dict[str, str]:
        pairs = {"ETag": self.etag, "Last-Modified": self.last_modified}
        return {name: value for name, value in pairs.items() if value is not None}

    def matches(self, request: Request) -> bool:
        if self.etag is not None and "if-none-match" in request.headers:
            return request.headers["if-none-match"] == self.etag
        since = request.headers.get("if-modified-since")
        return self.last_modified is not None and since == self.last_modified

    def wire(self, request: Request) -> bytes:
        if self.status == 200 and self.matches(request):
            return _head(304, {**self.validators(), **self.headers})
        fields = {"Content-Type": self.type, **self.validators(), **self.headers}
        body = b"" if self.status == 304 or request.method == "HEAD" else self.body
        if self.status != 304 and not any(name.lower() == "content-length" for name in fields):
            fields["Content-Length"] = str(len(self.body))
        if self.close:
            fields["Connection"] = "close"
        return _head(self.status, fields) + body


@dataclass(frozen=True)
class Raw:
    """Bytes for the wire as they are; a number is a pause in seconds. The connection is closed after it.

    `parts` is an iterable, or a function that makes one (for a route that is asked more than once). With
    `tunnel`, everything that follows is passed on to and from that host and port, as a proxy does.
    """

    parts: Iterable[bytes | float] | Callable[[], Iterable[bytes | float]]
    tunnel: tuple[str, int] | None = None

    def __iter__(self) -> Iterator[bytes | float]:
        return iter(self.parts() if callable(self.parts) else self.parts)


_PHRASES = {status.value: status.phrase for status in HTTPStatus}

Answer = Reply | Raw
Route = Answer | Sequence[Answer] | Callable[[Request], Answer]


def redirect(to: str, status: int = 302) -> Reply:
    """Answer with a redirect to `to`, put on the wire verbatim."""
    return Reply(b"", status, headers={"Location": to})


def _head(status: int, fields: Mapping[str, str]) -> bytes:
    reason = _PHRASES.get(status, "Unknown")
    fields = {"Date": formatdate(usegmt=True), **fields}
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")


class Server:
    """A threaded HTTP/1.1 server with keep-alive, on a free port of loopback."""

    def __init__(
        self,
        routes: Mapping[str, Route] | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """`host` "::" listens on every address of this machine."""
        self.routes: dict[str, Route] = dict(routes or {})
        self.requests: list[Request] = []
        self.connections = 0
        self.reached: list[str] = []
        self.host = host
        self.port = 0
        self._tls = tls
        self._served: dict[str, int] = {}
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        every = self.host == "::"
        self._listener = socket.create_server(
            (self.host, 0), family=family, backlog=512, dualstack_ipv6=every and socket.has_dualstack_ipv6()
        )
        self.port = self._listener.getsockname()[1]
        self._spawn(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=5)

    def url(self, path: str = "/", *, host: str | None = None) -> str:
        """Return the address of `path` on this server, under another host name if one is given."""
        name = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self._tls else 'http'}://{name}:{self.port}{path}"

    def asked(self, path: str) -> list[Request]:
        """Return the requests for `path`, in the order of arrival."""
        return [request for request in self.requests if request.path == path]

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self.reached.append(connection.getsockname()[0].removeprefix("::ffff:"))
                self._open.add(connection)
            self._spawn(self._serve, connection, self.connections)

    def _serve(self, plain: socket.socket, number: int) -> None:
        plain.settimeout(30)
        wrapped: socket.socket = plain
        with contextlib.suppress(OSError, ValueError):
            if self._tls:
                wrapped = self._tls.wrap_socket(plain, server_side=True)
                with self._lock:
                    self._open.discard(plain)
                    self._open.add(wrapped)
            wrapped.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with wrapped.makefile("rb") as reader:
                while not self._stop.is_set() and self._exchange(wrapped, reader, number):
                    pass
        with self._lock:
            self._open -= {plain, wrapped}
        wrapped.close()
        plain.close()

    def _exchange(self, connection: socket.socket, reader: BinaryIO, number: int) -> bool:
        """Answer one request; False when the connection is to be closed."""
        request = _read(reader, number)
        if request is None:
            return False
        with self._lock:
            self.requests.append(request)
            answer_for = self._route(request)
        answer = answer_for(request) if callable(answer_for) else answer_for
        if isinstance(answer, Raw):
            return self._send_raw(connection, answer)
        connection.sendall(answer.wire(request))
        return not answer.close and request.headers.get("connection", "").lower() != "close"

    def _route(self, request: Request) -> Answer | Callable[[Request], Answer]:
        for name in (request.target, request.path, "*"):
            if (route := self.routes.get(name)) is not None:
                break
        else:
            return Reply(b"nothing here", 404, "text/plain")
        if isinstance(route, Reply | Raw) or callable(route):
            return route
        turn = self._served.get(name, 0)
        self._served[name] = turn + 1
        return route[min(turn, len(route) - 1)]

    def _send_raw(self, connection: socket.socket, answer: Raw) -> bool:
        for part in answer:
            if not isinstance(part, bytes):
                if self._stop.wait(part):
                    break
                continue
            connection.sendall(part)
        if answer.tunnel:
            self._pass_on(connection, answer.tunnel)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        return False

    def _pass_on(self, connection: socket.socket, to: tuple[str, int]) -> None:
        with socket.create_connection(to) as onward:
            with self._lock:
                self._open.add(onward)
            self._spawn(_pump, onward, connection)
            _pump(connection, onward)
            with self._lock:
                self._open.discard(onward)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


def _read(reader: BinaryIO, number: int) -> Request | None:
    lines = []
    while (line := reader.readline(65536)) not in {b"\r\n", b"\n", b""}:
        lines.append(line.decode("utf-8", "surrogateescape").rstrip("\r\n"))
    if not lines:
        return None
    method, target = [*lines[0].split(" "), "", ""][:2]
    pairs = (line.partition(":") for line in lines[1:])
    headers = Headers({name.strip().lower(): value.strip() for name, _, value in pairs})
    body = reader.read(int(headers.get("content-length", "0")))
    return Request(method, target, headers, time.monotonic(), number, tuple(lines), body)


# --- certificates -----------------------------------------------------------------------


def server_tls(authority: trustme.CA, *names: str, expired: bool = False) -> ssl.SSLContext:
    """Return a server's TLS context with a certificate for `names` (default: 127.0.0.1 and localhost)."""
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC) if expired else None
    certificate = authority.issue_cert(*(names or ("127.0.0.1", "localhost")), not_after=past)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@contextlib.contextmanager
def bundle(authority: trustme.CA) -> Iterator[Path]:
    """Write the authority's certificate to a file that a client can be told to trust."""
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(authority.cert_pem.bytes())
        file.flush()
        yield Path(file.name)
