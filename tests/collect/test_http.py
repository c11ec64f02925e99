"""Encrypted connections, proxies, credentials, and failures of the network: each in a sentence."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme
from guests import feed
from loopback import Raw, Reply, Request, Server, bundle, redirect, server_tls

from aggregator.collect import wire
from aggregator.collect.http import HttpFetcher
from aggregator.errors import FetchError, HttpError, LimitExceeded, Unreachable
from aggregator.model import Fetched, SourceState

BODY = b"<rss version='2.0'/>"
AUTHORITY = trustme.CA()


@pytest.fixture(scope="module")
def authorities() -> Iterator[dict[str, str]]:
    """The environment of a machine that trusts our authority."""
    with bundle(AUTHORITY) as file:
        yield {"SSL_CERT_FILE": str(file)}


def fetch(url: str, *, environment: dict[str, str] | None = None, **policy: Any) -> Fetched:
    with HttpFetcher(environment=environment or {}) as fetcher:
        return fetcher.fetch(feed(url, **policy), SourceState())


def failure(url: str, *, environment: dict[str, str] | None = None, **policy: Any) -> FetchError:
    with pytest.raises(FetchError) as caught:
        fetch(url, environment=environment, **policy)
    assert "\n" not in str(caught.value)
    return caught.value


# --- TLS ----------------------------------------------------------------------------------


def test_a_good_certificate_is_accepted(authorities: dict[str, str]) -> None:
    """By host name and by address."""
    with Server({"/": Reply(BODY)}, tls=server_tls(AUTHORITY)) as server:
        assert fetch(server.url(), environment=authorities).body == BODY
        assert fetch(server.url(host="localhost"), environment=authorities).body == BODY


@pytest.mark.parametrize(
    ("tls", "words"),
    [
        (server_tls(AUTHORITY, expired=True), "has expired"),
        (server_tls(AUTHORITY, "other.example"), "is for another"),
        (server_tls(trustme.CA()), "authority that this machine does not trust"),
    ],
    ids=["expired", "other-name", "unknown-authority"],
)
def test_a_bad_certificate_is_an_error(authorities: dict[str, str], tls: object, words: str) -> None:
    """Expired, for another name, from nobody known: an error, unless `verify = false`."""
    with Server({"/": Reply(BODY)}, tls=tls) as server:  # type: ignore[arg-type]  # an SSLContext
        for host in ("127.0.0.1", "localhost"):
            error = failure(server.url(host=host), environment=authorities)
            assert words in str(error)
            assert "verify = false" in str(error)
        assert server.requests == []
        assert fetch(server.url(), environment=authorities, verify=False).body == BODY


def test_a_connection_that_was_not_verified_serves_no_one_else(authorities: dict[str, str]) -> None:
    """`verify = false` of one source opens nothing for another of the same host."""
    with (
        Server({"/": Reply(BODY)}, tls=server_tls(trustme.CA())) as server,
        HttpFetcher(environment=authorities) as fetcher,
    ):
        assert fetcher.fetch(feed(server.url(), verify=False), SourceState()).body == BODY
        with pytest.raises(FetchError, match="certificate"):
            fetcher.fetch(feed(server.url()), SourceState())


def test_the_certificate_is_checked_against_the_name_not_the_address() -> None:
    """The guard connects to an address that it resolved itself; the name still counts."""
    with (
        bundle(AUTHORITY) as file,
        Server({"/": Reply(BODY)}, tls=server_tls(AUTHORITY, "feed.test")) as server,
    ):

        def resolver(_host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str | int, ...]]]:
            return [(socket.AF_INET, ("127.0.0.1", port))]

        with HttpFetcher(resolver=resolver, environment={"SSL_CERT_FILE": str(file)}) as fetcher:
            good, bad = (f"https://{name}:{server.port}/" for name in ("feed.test", "other.test"))
            assert fetcher.fetch(feed(good), SourceState()).body == BODY
            with pytest.raises(FetchError, match="for another name"):
                fetcher.fetch(feed(bad), SourceState())
        assert server.requests[0].headers["host"] == f"feed.test:{server.port}"


def test_the_authorities_are_read_once(authorities: dict[str, str]) -> None:
    """All connections share one TLS context."""
    name = authorities["SSL_CERT_FILE"]
    assert wire.tls_context(name) is wire.tls_context(name)


def test_plain_http_needs_no_authorities(tmp_path: Path) -> None:
    """They are read for the first address that needs them: that takes longer than many answers."""
    nowhere = {"SSL_CERT_FILE": str(tmp_path / "none.pem")}
    with Server({"/": Reply(BODY)}) as server, HttpFetcher(environment=nowhere) as fetcher:
        assert fetcher.fetch(feed(server.url()), SourceState()).body == BODY
        with pytest.raises(FetchError, match="cannot be read"):
            fetcher.fetch(feed("https://127.0.0.1:1/"), SourceState())


def test_plain_http_on_a_tls_port_fails() -> None:
    """And says at which address."""
    with Server({"/": Reply(BODY)}, tls=server_tls(AUTHORITY)) as server:
        assert server.url().replace("https:", "http:") in str(
            failure(server.url().replace("https:", "http:"))
        )


def test_authorities_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    """A file that is not there, or holds no certificate."""
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("none.pem", "empty.pem"):
        error = failure("https://127.0.0.1:1/", environment={"SSL_CERT_FILE": str(tmp_path / name)})
        assert f"the authorities in {tmp_path / name} cannot be read" in str(error)


# --- credentials --------------------------------------------------------------------------


def test_basic_auth_from_an_environment_variable() -> None:
    """The password comes from the variable that the settings name."""
    with Server({"/": Reply(BODY)}) as server:
        fetch(server.url(), auth="basic:me:env:FEED_PASSWORD", environment={"FEED_PASSWORD": "pä:ss"})
        assert server.requests[0].headers["authorization"] == "Basic bWU6cMOkOnNz"


def test_bearer_auth_from_a_credential(tmp_path: Path) -> None:
    """The token comes from a file of $CREDENTIALS_DIRECTORY, its line end left out."""
    (tmp_path / "token").write_text("s3cret\n")
    with Server({"/": Reply(BODY)}) as server:
        fetch(
            server.url(), auth="bearer:credential:token", environment={"CREDENTIALS_DIRECTORY": str(tmp_path)}
        )
        assert server.requests[0].headers["authorization"] == "Bearer s3cret"


def test_a_missing_secret_sends_no_request() -> None:
    """It is an error that names the variable."""
    with Server({"/": Reply(BODY)}) as server:
        assert "FEED_PASSWORD is not set" in str(failure(server.url(), auth="basic:me:env:FEED_PASSWORD"))
        assert server.requests == []


def test_credentials_do_not_follow_to_another_host() -> None:
    """Neither do they when a redirect leads to another port of the same machine."""
    with Server({"/": Reply(BODY)}) as other, Server({"/": redirect(other.url())}) as server:
        fetch(server.url(), auth="bearer:env:T", environment={"T": "s3cret"})
        assert server.requests[0].headers["authorization"] == "Bearer s3cret"
        assert "authorization" not in other.requests[0].headers


def test_the_user_part_goes_along_to_the_same_origin() -> None:
    """Servers that add a slash name the whole address, without it; a user part of their own counts."""
    with Server() as server:
        server.routes = {
            "/a": redirect(server.url("/b")),
            "/b": redirect(server.url("/c").replace("//", "//you:word@")),
            "/c": Reply(BODY),
        }
        fetch(server.url("/a").replace("//", "//me:pass@"))
        sent = [request.headers["authorization"] for request in server.requests]
        assert sent == ["Basic bWU6cGFzcw==", "Basic bWU6cGFzcw==", "Basic eW91OndvcmQ="]


def test_messages_hold_no_credentials() -> None:
    """User part, tokens in the query and fragments are left out."""
    with Server({"/": Reply(b"", 403)}) as server:
        url = server.url("/?token=s3cret&a=1&api_key=s3cret#s3cret").replace("//", "//me:s3cret@")
        error = failure(url)
        assert "s3cret" not in str(error)
        assert f"http://127.0.0.1:{server.port}/?token=…&a=1&api_key=…" in str(error)
    assert "s3cret" not in str(failure("http://me:s3cret@nowhere.invalid:99999/"))
    with Server({"/": redirect("feed://me:s3cret@a.example/?token=s3cret")}) as server:
        assert "s3cret" not in str(failure(server.url()))


def test_libraries_log_no_addresses(caplog: pytest.LogCaptureFixture) -> None:
    """A head that urllib3 would complain about, with the whole address, leaves the log empty."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nno colon here\r\n continued\r\n\r\nx"
    with Server({"*": Raw([head])}) as server:
        assert fetch(server.url("/?token=s3cret")).body == b"x"
    assert caplog.text == ""


# --- proxies ------------------------------------------------------------------------------


def test_a_proxy_from_the_settings_is_used() -> None:
    """The whole address goes to it, with its own credentials; it may stand in a private network."""
    with Server({"*": Reply(BODY)}) as proxy:
        url = proxy.url().replace("//", "//me:pass@")
        fetched = fetch("http://feed.test/a?b#c", proxy=url, allow_private_networks=False)
        assert fetched.body == BODY
        assert proxy.requests[0].target == "http://feed.test/a?b"
        assert proxy.requests[0].headers["proxy-authorization"] == "Basic bWU6cGFzcw=="


def test_https_goes_through_a_tunnel(authorities: dict[str, str]) -> None:
    """CONNECT, then TLS with the server itself, its certificate checked, within the same limits."""
    with Server({"/": Reply(BODY)}, tls=server_tls(AUTHORITY, "feed.test")) as server:

        def tunnel(request: Request) -> Raw:
            assert (request.method, request.target) == ("CONNECT", "feed.test:443")
            return Raw([b"HTTP/1.1 200 OK\r\n\r\n"], tunnel=("127.0.0.1", server.port))

        with Server({"*": tunnel}) as proxy:
            fetched = fetch("https://feed.test/", proxy=proxy.url(), environment=authorities)
            assert fetched.body == BODY
            assert "for another name" not in fetched.url


@pytest.mark.parametrize("from_env", [True, False])
def test_the_environment_names_a_proxy_only_if_the_settings_say_so(
    monkeypatch: pytest.MonkeyPatch, *, from_env: bool
) -> None:
    """http_proxy of whoever started the program is not taken by accident."""
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server({"*": Reply(BODY)}) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url())
        if from_env:
            assert fetch("http://feed.invalid/", proxy_from_env=True).body == BODY
        else:
            assert isinstance(failure("http://feed.invalid/"), Unreachable)
        assert len(proxy.requests) == int(from_env)


def test_failures_of_a_proxy_are_told() -> None:
    """Nothing there, a refusal, an unknown kind."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        nowhere = f"http://127.0.0.1:{listener.getsockname()[1]}"
    assert isinstance(failure("http://feed.test/", proxy=nowhere), Unreachable)
    assert isinstance(failure("https://feed.test/", proxy=nowhere), Unreachable)
    with Server({"*": Reply(b"", 407, close=True)}) as proxy:
        assert "407" in str(failure("http://feed.test/", proxy=proxy.url()))
        assert "407" in str(failure("https://feed.test/", proxy=proxy.url()))
    assert "http:// or https://" in str(failure("http://feed.test/", proxy="socks5://127.0.0.1:1"))


# --- failures -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([], "closed the connection without an answer"),
        ([b"SSH-2.0-OpenSSH\r\n"], "not HTTP"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"], "broke off"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort"], "broke off"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"], "broke off"),
        ([b"HTTP/1.1 abc\r\n\r\n"], "not HTTP"),
        ([b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nnot brotli"], "corrupt"),
        ([b"HTTP/1.1 204 No Content\r\n\r\n"], "204"),
        ([b"HTTP/1.1 206 Partial Content\r\nContent-Length: 1\r\n\r\nx"], "206"),
        ([b"HTTP/1.1 304 Not Modified\r\n\r\n"], "304"),
        ([b"HTTP/1.1 500 \xff\x01oops\r\nContent-Length: 0\r\n\r\n"], "answered 500"),
    ],
)
def test_odd_answers_are_errors_in_a_sentence(parts: list[bytes], words: str) -> None:
    """Address, what happened, one line, printable."""
    with Server({"/": Raw(parts)}) as server:
        error = failure(server.url())
        assert words in str(error)
        assert server.url() in str(error)
        assert str(error).isprintable()


@pytest.mark.parametrize("rest", [[b"short"], [b"short", 6.0]], ids=["broken-off", "silent"])
def test_the_head_stands_whatever_becomes_of_the_rest(rest: list[bytes | float]) -> None:
    """Nobody needs the body of a failure or redirect: one that does not come hides no status and no wait."""
    head = b"HTTP/1.1 429 Too Many\r\nRetry-After: 120\r\nContent-Length: 90\r\n\r\n"
    moved = b"HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 90\r\n\r\n"
    with Server({"/": Raw([head, *rest]), "/from": Raw([moved, *rest]), "/to": Reply(BODY)}) as server:
        error = failure(server.url(), timeout=5.0)
        assert (error.status, error.retry_after) == (429, 120)
        assert fetch(server.url("/from"), timeout=5.0).body == BODY


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 405, 406, 407, 418, 429, 451, 500, 502, 503, 504, 599]
)
def test_failure_statuses_say_what_to_do(status: int) -> None:
    """Status and advice; the status is in the error too."""
    with Server({"/": Reply(b"", status)}) as server:
        error = failure(server.url())
        assert isinstance(error, HttpError)
        assert error.status == status
        assert f"answered {status}" in str(error)


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1/", "http://a b/", "ftp://a/", "nonsense", "http://x:99999/"]
)
def test_addresses_that_are_none(url: str) -> None:
    """They fail at once and by themselves."""
    assert "correct" in str(failure(url)) or isinstance(failure(url), FetchError)


def test_nobody_there() -> None:
    """A refused connection and an unknown name, in the words of a person."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}/")
    assert isinstance(error, Unreachable)
    assert "connection refused" in str(error)
    assert "cannot find the host nowhere.invalid" in str(failure("http://nowhere.invalid/"))


def test_a_resolver_that_hangs_ends_at_the_deadline() -> None:
    """DNS has no deadline of its own, and gets one."""
    release = threading.Event()

    def resolver(_host: str, _port: int) -> list[tuple[socket.AddressFamily, tuple[str | int, ...]]]:
        release.wait(20)
        return []

    with HttpFetcher(resolver=resolver, environment={}) as fetcher:
        with pytest.raises(Unreachable, match="DNS"):
            fetcher.fetch(feed("http://slow.test/", timeout=0.2), SourceState())
        release.set()


def test_names_in_other_scripts_are_asked_in_idna() -> None:
    """The resolver and the Host header get the ASCII form."""
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str | int, ...]]]:
        asked.append(host)
        return [(socket.AF_INET, ("127.0.0.1", port))]

    with (
        Server({"*": Reply(BODY)}) as server,
        HttpFetcher(resolver=resolver, environment={}) as fetcher,
    ):
        fetcher.fetch(feed(f"http://例子.中国:{server.port}/新闻?q=é"), SourceState())
        assert asked == ["xn--fsqu00a.xn--fiqs8s"]
        assert server.requests[0].target == "/%E6%96%B0%E9%97%BB?q=%C3%A9"


def test_all_addresses_of_a_host_are_tried() -> None:
    """The first that answers is used."""

    def resolver(_host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str | int, ...]]]:
        return [(socket.AF_INET, (f"127.0.0.{last}", port)) for last in (3, 1)]

    with Server({"/": Reply(BODY)}) as server, HttpFetcher(resolver=resolver, environment={}) as fetcher:
        assert fetcher.fetch(feed(f"http://two.test:{server.port}/"), SourceState()).body == BODY


def test_thousands_of_addresses_end_at_the_deadline() -> None:
    """Whoever owns a name says how many it has; those that do not answer take no more time together."""

    def resolver(_host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[str | int, ...]]]:
        return [(socket.AF_INET, (f"127.0.{last // 250}.{last % 250 + 1}", port)) for last in range(4000)]

    with socket.create_server(("0.0.0.0", 0), backlog=0) as deaf, ExitStack() as held:
        port = deaf.getsockname()[1]
        for _ in range(4):  # its queue is full: nobody else is answered
            one = held.enter_context(socket.socket())
            one.settimeout(0)
            one.connect_ex(("127.0.0.1", port))
        with HttpFetcher(resolver=resolver, environment={}) as fetcher:
            begun = time.monotonic()
            with pytest.raises(Unreachable, match="did not answer"):
                fetcher.fetch(feed(f"http://many.test:{port}/", timeout=0.3), SourceState())
            assert time.monotonic() - begun < 3


def test_a_body_above_max_bytes_is_refused() -> None:
    """By the header alone where there is one; the source's own limit counts."""
    with Server({"/": Reply(b"x" * 2000)}) as server:
        assert isinstance(failure(server.url(), max_bytes=1999), LimitExceeded)
        assert len(fetch(server.url(), max_bytes=2000).body or b"") == 2000


def test_many_threads_share_a_fetcher(fetcher: HttpFetcher) -> None:
    """Two hundred fetches on eight threads: each gets its own answer."""
    with Server({"*": lambda request: Reply(request.path.encode())}) as server, ThreadPoolExecutor(8) as pool:
        paths = [f"/{number}" for number in range(200)]
        found = pool.map(lambda path: fetcher.fetch(feed(server.url(path)), SourceState()).body, paths)
        assert list(found) == [path.encode() for path in paths]
        assert server.connections <= 8
