"""Feeds over HTTP: one polite, bounded exchange a fetch.

    where ─► ask ─► redirect? ─► 304? ─► read, decompress, hash ─► Fetched
              ▲         │
              └─────────┘ at most 10 times, each address judged anew at connect

Only GET, no cookies, no Referer. Headers and credentials of a source go to its own host and no further.
"""

import hashlib
import os
import re
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from http.client import HTTPException
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urljoin, urlsplit

import certifi
import requests
from requests.utils import get_environ_proxies, select_proxy
from urllib3.exceptions import HTTPError as Urllib3Error

from aggregator import __version__
from aggregator.collect import decode, freshness, secrets, wire, wording
from aggregator.collect.allowance import Allowance
from aggregator.collect.guard import Judge, Resolver, anywhere, literal, objection, resolve
from aggregator.collect.patience import Patience
from aggregator.collect.schedule import address, home, same_place
from aggregator.errors import FetchError, ForbiddenAddress, Gone, HttpError, LimitExceeded
from aggregator.model import Fetched, SourceState, Validators
from aggregator.options import FetchPolicy, Source

MOST_REDIRECTS = 10
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml, "
    "application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.1"
)

_USER_AGENT = f"aggregator/{__version__}"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_DOCUMENT = frozenset({200, 203})
_CONNECTIONS = 16  # that stay open to one host, at most
_SHORT_BODY = 16 * 1024  # read to its end, so that the connection can be used again
_SHORT_REST = 1.0  # seconds that this may take
_LONGEST_VALIDATOR = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# What a source's `headers` may not say: it would break the exchange, or invent validators.
_OURS = frozenset(
    {
        "accept-encoding", "connection", "content-length", "host", "if-match", "if-modified-since",
        "if-none-match", "if-range", "if-unmodified-since", "range", "te", "transfer-encoding", "upgrade",
    }
)  # fmt: skip


@dataclass(slots=True)
class _Ask:
    """One exchange on its way: `private` headers go to `home` only."""

    source: Source
    url: str
    exchange: wire.Exchange
    shared: Mapping[str, str] = field(default_factory=dict)
    private: Mapping[str, str] = field(default_factory=dict)
    moved_to: str | None = None
    only_permanent: bool = True


class HttpFetcher:
    """Fetches sources over HTTP; one is shared by all threads. A context manager, closed once.

    `resolver` finds the addresses of a host, `judge` says which may be connected to, `clock` is for dates
    in headers, `environment` holds secrets and proxies.
    """

    def __init__(
        self,
        *,
        resolver: Resolver = resolve,
        judge: Judge = objection,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._resolver = resolver
        self._judge = judge
        self._clock = clock
        self._environment = environment
        self._patience = Patience()
        self._allowance = Allowance()
        self._adapters: dict[tuple[bool, bool, bool], wire.Adapter] = {}
        self._opening = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        for adapter in self._adapters.values():
            adapter.close()
        self._adapters.clear()

    def fetch(self, source: Source, state: SourceState) -> Fetched:
        """Bring the document of a source if it changed since `state`. Raises FetchError."""
        assert source.url is not None, "a source without an address is not fetched over HTTP"
        self.let_go()
        policy = source.fetch
        if not same_place(source, state):
            state = SourceState()
        exchange = wire.Exchange(policy.timeout, policy.max_bytes + wire.HEAD_BYTES)
        ask = _Ask(source, address(source, state), exchange)
        with wire.limits(exchange):
            try:
                ask.shared = _shared_headers(policy, state.validators)
                ask.private = self._private_headers(source)
                return self._exchange(ask, state)
            except (FetchError, requests.RequestException, Urllib3Error, OSError, ValueError) as error:
                self.let_go()
                raise wording.explain(exchange.cause(error), ask.url) from error

    def let_go(self) -> None:
        """The body that this thread fetched last is needed no more: another large one may be read."""
        self._allowance.give_back()

    def _exchange(self, ask: _Ask, state: SourceState) -> Fetched:
        for _ in range(MOST_REDIRECTS + 1):
            raw = self._send(ask)
            try:
                target = raw.headers.get("Location", "") if raw.status in _REDIRECTS else ""
                if not target:
                    return self._conclude(ask, raw, state)
                _finish(raw, ask.exchange)
            except BaseException:
                raw.close()
                raise
            _follow(ask, raw.status, target)
        raise LimitExceeded(f"more than {MOST_REDIRECTS} redirects from {wording.shown(ask.source.location)}")

    def _send(self, ask: _Ask) -> Any:  # noqa: ANN401 - urllib3's response, untyped in requests
        """Send one request; returns with the head of the answer read."""
        policy = ask.source.fetch
        target = taken_apart(ask.url)
        headers = dict(ask.shared)
        ours = taken_apart(home(ask.source))
        at_home = _reaches(target, ours)
        if user := target.user or (ours.user if at_home else ""):
            headers["Authorization"] = user
        if at_home:
            headers |= ask.private
        request = wire.Request(target, headers)
        proxies = self._proxies(policy, target.url)
        adapter = self._adapter(policy, tls=target.scheme == "https" or bool(proxies))
        while True:
            try:
                answer = adapter.send(request, stream=True, timeout=policy.timeout, proxies=proxies)
            except requests.ConnectionError:
                if not ask.exchange.met_a_closed_connection():
                    raise
            else:
                ask.exchange.body_begins()
                return answer.raw

    def _adapter(self, policy: FetchPolicy, *, tls: bool) -> wire.Adapter:
        """Connections that one policy opened are never used under a stricter one."""
        key = (policy.allow_private_networks, policy.verify, tls)
        with self._opening:
            if key not in self._adapters:
                judge = anywhere if policy.allow_private_networks else self._judge
                door = wire.Door(judge, self._resolver, self._patience)
                context = self._context(policy) if tls else None
                self._adapters[key] = wire.Adapter(door, context, _CONNECTIONS)
            return self._adapters[key]

    def _context(self, policy: FetchPolicy) -> ssl.SSLContext:
        return wire.tls_context(bundle(self._environment) if policy.verify else None)

    def _proxies(self, policy: FetchPolicy, url: str) -> dict[str, str]:
        """The proxy from the settings, or from the environment if the settings say so."""
        if policy.proxy:
            proxies = {"http": policy.proxy, "https": policy.proxy}
        elif policy.proxy_from_env:
            proxies = get_environ_proxies(url)
        else:
            return {}
        proxy = select_proxy(url, proxies)
        if proxy and not proxy.lower().startswith(("http://", "https://")):
            raise FetchError(
                "the proxy is none for HTTP; write an address that begins with http:// or https://"
            )
        if proxy and not policy.allow_private_networks:
            _judge_spelling(urlsplit(url).hostname or "", self._judge)
        return proxies

    def _private_headers(self, source: Source) -> Mapping[str, str]:
        policy = source.fetch
        headers = {
            name: value.encode().decode("latin-1")
            for name, value in policy.headers.items()
            if name.lower() not in _OURS
        }
        if policy.auth:
            headers["Authorization"] = secrets.authorization(policy.auth, self._environment)
        return headers

    # --- answers --------------------------------------------------------------------------

    def _conclude(self, ask: _Ask, raw: Any, state: SourceState) -> Fetched:  # noqa: ANN401 - as in _send
        headers, now = raw.headers, self._clock()
        fresh = freshness.fresh_for(headers, now)
        found = Fetched(
            body=None,
            url=wording.without_userinfo(ask.url),
            content_type=headers.get("Content-Type"),
            validators=Validators(_validator(headers.get("ETag")), _validator(headers.get("Last-Modified"))),
            body_hash=state.body_hash,
            moved_to=ask.moved_to,
            fresh_for=fresh,
        )
        if raw.status == 304 and state.validators != Validators():
            _finish(raw, ask.exchange)
            return replace(found, validators=_refreshed(state.validators, found.validators))
        if raw.status not in _DOCUMENT:
            _finish(raw, ask.exchange)
            kind = Gone if raw.status == 410 else HttpError
            raise kind(
                wording.status_sentence(ask.url, raw.status, raw.reason),
                status=raw.status,
                retry_after=freshness.retry_after(headers, now),
                fresh_for=fresh,
                url=found.url,
            )
        body = _read(raw, ask.source.fetch.max_bytes, lambda: self._allowance.take(ask.exchange.left))
        digest = hashlib.sha256(body).hexdigest()
        unchanged = digest == state.body_hash
        return replace(found, body=None if unchanged else body, body_hash=digest)


def bundle(environment: Mapping[str, str]) -> str:
    """The file of authorities to trust: as the usual variables say, else certifi's."""
    named = (environment.get(name) for name in BUNDLE_VARIABLES)
    return next(filter(None, named), None) or certifi.where()


# --- requests ---------------------------------------------------------------------------


def _shared_headers(policy: FetchPolicy, validators: Validators) -> dict[str, str]:
    """What every host on the way may see. Validators go back as they came, or not at all."""
    headers = {
        "User-Agent": (policy.user_agent or _USER_AGENT).encode().decode("latin-1"),
        "Accept": ACCEPT,
        "Accept-Encoding": decode.ACCEPTED,
    }
    if validators.etag is not None:
        headers["If-None-Match"] = validators.etag
    if validators.last_modified is not None:
        headers["If-Modified-Since"] = validators.last_modified
    return headers


@lru_cache(maxsize=16384)
def taken_apart(url: str) -> wire.Target:
    """An address as it goes on the wire, taken apart once and not at every request.

    Raises FetchError for a scheme other than http and https, ValueError for what is no address.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise FetchError("only http and https addresses are fetched; correct the address")
    parts = urlsplit(url)
    request = requests.PreparedRequest()
    request.prepare_url(wording.without_userinfo(url), None)
    assert request.url is not None, "just prepared"
    user = ""
    if parts.username or parts.password:
        user = secrets.basic(unquote(parts.username or ""), unquote(parts.password or ""))
    sent = urlsplit(request.url)
    port = sent.port or _DEFAULT_PORTS[sent.scheme]
    return wire.Target(request.url, sent.scheme, sent.hostname or "", port, request.path_url, user)


def _reaches(target: wire.Target, home: wire.Target) -> bool:
    """Whether a source's own headers may go there: to its own origin, or the same host by TLS."""
    if (target.scheme, target.host, target.port) == (home.scheme, home.host, home.port):
        return True
    by_tls = (home.scheme, home.port, target.scheme, target.port) == ("http", 80, "https", 443)
    return by_tls and target.host == home.host


def _follow(ask: _Ask, status: int, target: str) -> None:
    """Go where a redirect leads, and note how far permanent ones alone have led."""
    with suppress(UnicodeError):
        target = target.encode("latin-1").decode("utf-8")
    place = wording.shown(ask.url)
    ask.url = urljoin(ask.url, target.strip()).partition("#")[0]
    if not ask.url.lower().startswith(("http://", "https://")):
        shown = wording.shown(ask.url)[:60]
        raise FetchError(f"{place} redirects to {shown!r}; only http and https addresses are fetched")
    ask.only_permanent = ask.only_permanent and status in _PERMANENT
    if ask.only_permanent:
        ask.moved_to = wording.without_userinfo(ask.url)


def _judge_spelling(host: str, judge: Judge) -> None:
    """Through a proxy only the spelling can be judged: it is the proxy that resolves and connects."""
    name = host.rstrip(".").lower()
    reason = "this machine" if name == "localhost" or name.endswith(".localhost") else None
    for _, (spelled, *_) in literal(name, 80):
        reason = reason or judge(str(spelled))
    if reason:
        raise ForbiddenAddress(f"{host} is {reason}; set allow_private_networks = true if that is meant")


# --- answers ----------------------------------------------------------------------------


def _validator(value: str | None) -> str | None:
    """Verbatim, unless it could not be sent back or stored."""
    if not value or len(value) > _LONGEST_VALIDATOR or _CONTROL.search(value):
        return None
    return value


def _refreshed(stored: Validators, sent: Validators) -> Validators:
    """The validators after a 304: one set from one response, so new ones replace all old ones."""
    repeats = sent.etag in {None, stored.etag} and sent.last_modified in {None, stored.last_modified}
    return stored if repeats else sent


def _read(raw: Any, most: int, grown_large: Callable[[], None]) -> bytes:  # noqa: ANN401 - urllib3's response
    """The whole body, decompressed. Raises FetchError and its kinds."""
    length = raw.headers.get("Content-Length", "")
    if length.isdecimal() and int(length) > most:
        raise LimitExceeded(f"the body is larger than max_bytes, {most:,} bytes; raise it if that is meant")
    return decode.body(_pieces(raw), raw.headers.get("Content-Encoding", ""), most, grown_large)


def _pieces(raw: Any) -> Iterator[bytes]:  # noqa: ANN401 - urllib3's response
    while piece := raw.read(decode.PIECE, decode_content=False):
        yield piece


def _finish(raw: Any, exchange: wire.Exchange) -> None:  # noqa: ANN401 - urllib3's response
    """Be done with an answer: keep its connection if little is left to read of it, and that comes at once.

    Whatever is wrong with the rest, what the head said stands.
    """
    length = raw.headers.get("Content-Length", "")
    if raw.status == 304 or (length.isdecimal() and len(length) < 9 and int(length) <= _SHORT_BODY):
        with suppress(FetchError, Urllib3Error, HTTPException, OSError):
            rest = wire.Exchange(min(_SHORT_REST, exchange.left()), 2 * _SHORT_BODY)
            with wire.limits(rest):
                for _ in _pieces(raw):
                    pass
            return
    raw.close()
