"""The connections under `requests`: where they lead, how long they may take, how much they may carry.

`requests` has no deadline for an exchange and picks its own addresses, so its adapter is given pools whose
connections ask `guard` where to connect and read through a meter. What an exchange may still use is
found through `_CURRENT`, because nothing can be handed through `requests` and urllib3 to a socket.
"""
# ruff: noqa: ANN401 - what passes through to the libraries' own methods is theirs to type

import io
import logging
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache, partial
from http.client import HTTPResponse
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager, proxy_from_url
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from aggregator.collect.guard import Judge, Resolver, anywhere, connect, objection, resolve
from aggregator.collect.heads import Answer
from aggregator.collect.patience import Patience
from aggregator.collect.wording import too_late
from aggregator.errors import FetchError, LimitExceeded, Unreachable

IDLE_SECONDS = 4.0  # the least that common servers keep a connection open is 5 s
HEAD_BYTES = 256 * 1024  # one answer's headers, interim answers included
_POOLS = 64

# Their warnings carry whole addresses, tokens included; what they are about is harmless or reported by us.
for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).disabled = True


# --- limits -----------------------------------------------------------------------------


@dataclass(slots=True)
class Exchange:
    """What one exchange, redirects included, may still use. Times are those of the monotonic clock."""

    seconds: float
    wire_bytes: int
    deadline: float = field(init=False)
    kept: bool = False
    before_answer: int = 0
    head_bytes: int | None = None

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.seconds

    def answer_begins(self, *, kept: bool) -> None:
        """Note that an answer is awaited, and whether its connection was kept from an earlier one."""
        self.kept = kept
        self.before_answer = self.wire_bytes
        self.head_bytes = HEAD_BYTES

    def body_begins(self) -> None:
        """Note that the head of the answer has been read."""
        self.head_bytes = None

    def met_a_closed_connection(self) -> bool:
        """Whether a kept connection was closed under us before any answer: then asking again is safe.

        RFC 9112 section 9.3.1.
        """
        kept, self.kept = self.kept, False
        return kept and self.before_answer == self.wire_bytes

    def left(self) -> float:
        """Seconds until the deadline. Raises LimitExceeded after it."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise too_late(self.seconds)
        return left

    def cause(self, error: Exception) -> Exception:
        """What ended the exchange: a timeout of the libraries after the deadline means the deadline."""
        over = time.monotonic() >= self.deadline and not isinstance(error, FetchError)
        return too_late(self.seconds) if over else error

    def count(self, received: int) -> None:
        """Note bytes off the wire. Raises LimitExceeded when they are too many."""
        self.wire_bytes -= received
        if self.wire_bytes < 0:
            raise LimitExceeded("the answer is larger than max_bytes on the wire; raise it if that is meant")
        if self.head_bytes is not None:
            self.head_bytes -= received
            if self.head_bytes < 0:
                raise LimitExceeded("its headers are larger than any that a feed needs")


_CURRENT: ContextVar[Exchange] = ContextVar("exchange")


@contextmanager
def limits(exchange: Exchange) -> Iterator[None]:
    """All connections that this thread uses inside are held to these limits."""
    token = _CURRENT.set(exchange)
    try:
        yield
    finally:
        _CURRENT.reset(token)


class _Metered(io.RawIOBase):
    """The reading end of a socket, under the limits of the exchange that reads."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self._inner = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        exchange = _CURRENT.get()
        self._connection.settimeout(exchange.left())
        try:
            received = self._inner.readinto(buffer)
        except TimeoutError:
            raise too_late(exchange.seconds) from None
        exchange.count(received or 0)
        return received

    def close(self) -> None:
        self._inner.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _Reader:
    """What `http.client` asks of a socket to read a response from it."""

    connection: socket.socket

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Metered(self.connection))


# --- connections ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Door:
    """Which addresses connections may lead to, and how long they may take to be made."""

    judge: Judge = objection
    resolver: Resolver = resolve
    patience: Patience = field(default_factory=Patience)

    def open(self, host: str, port: int) -> socket.socket:
        """Connect, and leave the socket with the rest of the exchange's time as its timeout."""
        exchange = _CURRENT.get()
        seconds = min(exchange.left(), self.patience.seconds())
        if not seconds:
            raise Unreachable(
                "not tried: nothing could be reached; check this machine's network", offline=True
            )
        begun = self.patience.now()
        try:
            connection = connect(host, port, seconds=seconds, judge=self.judge, resolver=self.resolver)
        except Unreachable as error:
            error.offline = self.patience.failed(host, begun)
            raise
        self.patience.succeeded()
        connection.settimeout(max(0.001, exchange.deadline - time.monotonic()))
        return connection


class _Guarded(HTTPConnection):
    """A connection that goes through a door, is metered, and is not used again after a long rest."""

    def __init__(self, *arguments: Any, door: Door, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._door = door
        self._last_used = 0.0

    def _new_conn(self) -> socket.socket:
        self._last_used = 0.0
        return self._door.open(self._dns_host, self.port)

    def response_class(self, connection: socket.socket, *arguments: Any, **settings: Any) -> HTTPResponse:  # type: ignore[override]
        _CURRENT.get().answer_begins(kept=self._last_used > 0)
        self._last_used = time.monotonic()
        return Answer(_Reader(connection), *arguments, **settings)  # type: ignore[arg-type]

    @property
    def is_connected(self) -> bool:
        rested = time.monotonic() - self._last_used
        return rested < IDLE_SECONDS and super().is_connected


class _GuardedTls(_Guarded, HTTPSConnection):
    """The same with TLS: certificate and host name are checked against the name, not the address."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Guarded


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _GuardedTls

    def _validate_conn(self, connection: Any) -> None:
        """Connect; without the library's warning where `verify = false` was chosen."""
        if connection.is_closed:
            connection.connect()


# --- the adapter ------------------------------------------------------------------------


@cache
def tls_context(authorities: str | None) -> ssl.SSLContext:
    """The context that all connections share: reading the authorities once, not at every connection.

    `authorities` is a file of certificates; None trusts everybody. Raises FetchError.
    """
    context = create_urllib3_context()
    context.set_alpn_protocols(["http/1.1"])
    if authorities is not None:
        try:
            context.load_verify_locations(authorities)
        except OSError as error:
            raise FetchError(f"the authorities in {authorities} cannot be read; see SSL_CERT_FILE") from error
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart: `url` as it goes on the wire, `user` is what its user part authorizes."""

    url: str
    scheme: str
    host: str
    port: int
    path: str
    user: str


class Request(PreparedRequest):
    """A GET of a target, with exactly these headers."""

    def __init__(self, target: Target, headers: dict[str, str]) -> None:
        super().__init__()
        self.method = "GET"
        self.url = target.url
        self.headers = CaseInsensitiveDict(headers)
        self.target = target


class Adapter(HTTPAdapter):
    """Sends requests over guarded connections that share one TLS context; without one, only plain ones."""

    def __init__(self, door: Door, context: ssl.SSLContext | None, connections: int) -> None:
        self._door = door
        self._context = context
        super().__init__(pool_connections=_POOLS, pool_maxsize=connections)

    def init_poolmanager(
        self,
        connections: int,
        maxsize: int,
        block: bool = False,  # noqa: FBT001, FBT002 - the library's signature
        **settings: Any,
    ) -> None:
        """Make the pools of direct connections."""
        self.poolmanager = PoolManager(
            connections, maxsize=maxsize, block=block, ssl_context=self._context, **settings
        )
        self._install(self.poolmanager, self._door)
        if self._context is None:
            del self.poolmanager.pool_classes_by_scheme["https"]

    def proxy_manager_for(self, proxy: str, **settings: Any) -> ProxyManager:
        """Make the pools of connections through a proxy, whose own address is the operator's choice."""
        manager: ProxyManager | None = self.proxy_manager.get(proxy)
        if manager is None:
            manager = proxy_from_url(
                proxy,
                proxy_headers=self.proxy_headers(proxy),
                ssl_context=self._context,
                proxy_ssl_context=self._context,
                **settings,
            )
            self._install(manager, replace(self._door, judge=anywhere))
            self.proxy_manager[proxy] = manager
        return manager

    @staticmethod
    def _install(manager: PoolManager, door: Door) -> None:
        makers: dict[str, Any] = {"http": partial(_Pool, door=door), "https": partial(_TlsPool, door=door)}
        manager.pool_classes_by_scheme = makers

    def get_connection_with_tls_context(
        self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        """The pool of a target's host."""
        if proxies or not isinstance(request, Request):
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        target = request.target
        return self.poolmanager.connection_from_host(target.host, target.port, target.scheme)

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """What stands in the request line."""
        if proxies or not isinstance(request, Request):
            return super().request_url(request, proxies)
        return request.target.path

    def cert_verify(self, *_: Any) -> None:
        """Nothing: the context decides."""

    def build_connection_pool_key_attributes(self, request: PreparedRequest, *_: Any, **__: Any) -> Any:
        """Leave the authorities out of the key, so that the shared context is used."""
        host, _settings = super().build_connection_pool_key_attributes(request, verify=True)
        return host, {}

    def build_response(self, request: PreparedRequest, raw: Any) -> Response:
        """Without the cookies and the guess at a character set that `requests` would add."""
        response = Response()
        response.status_code = raw.status
        response.headers = raw.headers
        response.raw = raw
        response.reason = raw.reason
        response.url = request.url or ""
        response.request = request
        return response
