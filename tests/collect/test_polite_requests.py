"""How a server is asked: the rules of docs/politeness.md, "What we send"."""

import gzip
from datetime import timedelta

import brotli
import pytest
import zstandard
from guests import DAY, HOUR, Guest, feed
from loopback import Raw, Reply, Request, Server

from aggregator import __version__
from aggregator.collect.http import HttpFetcher
from aggregator.model import Validators

ODD_ETAG = 'W/"a, b;\tc\xe9" extra'
ODD_DATE = "yesterday, about tea time"
BODY = b"<rss version='2.0'/>"


def conditional(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith("if-")}


def latin(text: str) -> str:
    """As the test server, which reads UTF-8, shows a header's Latin-1 bytes."""
    return text.encode("latin-1").decode("utf-8", "surrogateescape")


def test_the_first_request_is_bare(fetcher: HttpFetcher) -> None:
    """A source never asked before is asked without validators."""
    with Server({"/": Reply(BODY, etag='"1"')}) as server:
        Guest(feed(server.url()), fetcher).visit()
        assert conditional(server.requests[0]) == {}


def test_validators_go_back_verbatim(fetcher: HttpFetcher) -> None:
    """ETag and Last-Modified are sent back byte for byte, however odd."""
    odd = Reply(BODY, headers={"ETag": latin(ODD_ETAG), "Last-Modified": ODD_DATE})
    with Server({"/": odd}) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        guest.visit(after=DAY)
        assert guest.state.validators == Validators(ODD_ETAG, ODD_DATE)
        assert conditional(server.requests[1]) == {
            "if-none-match": latin(ODD_ETAG),
            "if-modified-since": ODD_DATE,
        }


def test_validators_are_one_set_from_one_response(fetcher: HttpFetcher) -> None:
    """A response with an ETag alone leaves no Last-Modified of an earlier one behind."""
    answers = [Reply(BODY, etag='"1"', last_modified=ODD_DATE), Reply(b"new", etag='"2"'), Reply(b"newer")]
    with Server({"/": answers}) as server:
        guest = Guest(feed(server.url()), fetcher)
        for _ in range(4):
            guest.visit(after=DAY)
        assert [conditional(request) for request in server.requests] == [
            {},
            {"if-none-match": '"1"', "if-modified-since": ODD_DATE},
            {"if-none-match": '"2"'},
            {},
        ]


def test_validators_are_never_invented(fetcher: HttpFetcher) -> None:
    """Without Last-Modified there is no If-Modified-Since: the Date header or our clock is no substitute."""
    with Server({"/": Reply(BODY, headers={"Expires": "Thu, 01 Jan 2026 00:00:00 GMT"})}) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        guest.visit(after=DAY)
        assert conditional(server.requests[1]) == {}


def test_a_304_refreshes_the_validators(fetcher: HttpFetcher) -> None:
    """New validators on a 304 replace the old set; a 304 without any leaves it."""
    answers = [
        Reply(BODY, etag='"1"', last_modified=ODD_DATE),
        Reply(status=304),
        Reply(status=304, headers={"ETag": '"2"'}),
        Reply(status=304),
    ]
    with Server({"/": answers}) as server:
        guest = Guest(feed(server.url()), fetcher)
        for _ in range(4):
            assert guest.visit(after=DAY) is not None
        first = {"if-none-match": '"1"', "if-modified-since": ODD_DATE}
        assert [conditional(request) for request in server.requests] == [
            {},
            first,
            first,
            {"if-none-match": '"2"'},
        ]


@pytest.mark.parametrize("status", [404, 429, 500, 503])
def test_validators_are_kept_through_errors(fetcher: HttpFetcher, status: int) -> None:
    """After an error status, validators of its own included, the last good set is sent again."""
    answers = [Reply(BODY, etag='"1"'), Reply(b"no", status, etag='"error"'), Reply(BODY, etag='"1"')]
    with Server({"/": answers}) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        guest.visit(after=DAY)
        assert guest.error is not None
        guest.visit(after=DAY)
        assert conditional(server.requests[2]) == {"if-none-match": '"1"'}


def test_validators_of_a_document_that_is_no_feed_are_not_kept(fetcher: HttpFetcher) -> None:
    """What could not be parsed is asked for again with the validators of the last good document."""
    answers = [Reply(BODY, etag='"1"'), Reply(b"<html>", etag='"captive"'), Reply(BODY)]
    with Server({"/": answers}) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        guest.visit(after=DAY, parses=False)
        guest.visit(after=DAY)
        assert conditional(server.requests[2]) == {"if-none-match": '"1"'}


def test_validators_belong_to_their_address(fetcher: HttpFetcher) -> None:
    """When the settings name a new address, it is asked bare, and its bytes count as new."""
    with Server({"*": Reply(BODY, etag='"1"')}) as server:
        guest = Guest(feed(server.url("/old")), fetcher)
        guest.visit()
        guest.change(url=server.url("/new"))
        fetched = guest.visit()
        assert conditional(server.requests[1]) == {}
        assert fetched is not None
        assert fetched.body == BODY


def test_the_same_bytes_count_as_unchanged(fetcher: HttpFetcher) -> None:
    """A server that ignores validators costs a transfer, and no parse."""
    with Server({"/": Reply(BODY)}) as server:
        guest = Guest(feed(server.url()), fetcher)
        first = guest.visit()
        second = guest.visit(after=DAY)
        assert first is not None
        assert second is not None
        assert (first.body, second.body) == (BODY, None)


def test_only_get_without_cookies_and_referer(fetcher: HttpFetcher) -> None:
    """No HEAD before, no cookie back, no Referer, through redirects too."""
    answers = {
        "/": Reply(status=302, headers={"Location": "/feed", "Set-Cookie": "a=1"}),
        "/feed": Reply(BODY, headers={"Set-Cookie": "b=2; Path=/"}),
    }
    with Server(answers) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        guest.visit(after=DAY)
        assert [request.method for request in server.requests] == ["GET"] * 4
        for request in server.requests:
            assert not request.headers.keys() & {"cookie", "cookie2", "referer", "origin"}
            assert request.body == b""


def test_a_new_source_is_fetched_once(fetcher: HttpFetcher) -> None:
    """Adding a source costs one request, not one to look and one to read."""
    with Server({"/": Reply(BODY)}) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        assert guest.visit(after=timedelta(seconds=5)) is None
        assert len(server.requests) == 1


def test_the_user_agent_is_honest(fetcher: HttpFetcher) -> None:
    """It names program and version; what the settings say is sent as it is, in UTF-8."""
    with Server({"/": Reply(BODY)}) as server:
        fetcher.fetch(feed(server.url()), Guest(feed(server.url()), fetcher).state)
        named = feed(server.url(), user_agent="aggregator/9 (+https://example.org/café)")
        fetcher.fetch(named, Guest(named, fetcher).state)
        agents = [request.headers["user-agent"] for request in server.requests]
        assert agents == [f"aggregator/{__version__}", "aggregator/9 (+https://example.org/café)"]


def test_accept_names_feeds_and_the_codings(fetcher: HttpFetcher) -> None:
    """Accept prefers feeds to anything else; Accept-Encoding names what is decoded."""
    with Server({"/": Reply(BODY)}) as server:
        Guest(feed(server.url()), fetcher).visit()
        accept = server.requests[0].headers["accept"]
        assert all(kind in accept for kind in ("atom+xml", "rss+xml", "feed+json", "*/*;q=0.1"))
        assert server.requests[0].headers["accept-encoding"] == "gzip, br, zstd"


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(BODY)),
        ("x-gzip", gzip.compress(BODY)),
        ("br", brotli.compress(BODY)),
        ("zstd", zstandard.compress(BODY)),
        ("gzip, br", brotli.compress(gzip.compress(BODY))),
        ("utf-8", BODY),
        ("gzip", BODY),
    ],
)
def test_all_codings_are_decoded(fetcher: HttpFetcher, coding: str, packed: bytes) -> None:
    """gzip, br and zstd, one on the other too; a server that says gzip and sends none is forgiven."""
    with Server({"/": Reply(packed, headers={"Content-Encoding": coding})}) as server:
        fetched = Guest(feed(server.url()), fetcher).visit()
        assert fetched is not None
        assert fetched.body == BODY


def test_connections_are_used_again(fetcher: HttpFetcher) -> None:
    """Several sources of one host cost one connection, after 304s, errors and redirects too."""
    routes = {
        "/a": Reply(BODY, etag='"1"'),
        "/b": Reply(b"no", 404),
        "/c": Reply(status=301, headers={"Location": "/a"}),
    }
    with Server(routes) as server:
        guests = [Guest(feed(server.url(path)), fetcher) for path in routes]
        for _ in range(2):
            for guest in guests:
                guest.visit(after=DAY)
        assert len(server.requests) == 8
        assert server.connections == 1


def test_a_connection_that_the_server_closed_is_not_used(fetcher: HttpFetcher) -> None:
    """A server that closes after each answer is asked over a new connection each time, and nothing fails."""
    with Server({"/": Raw([b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"])}) as server:
        guest = Guest(feed(server.url()), fetcher)
        for _ in range(3):
            assert guest.visit(after=HOUR * 30) is not None
        assert server.connections == 3


def test_own_headers_and_credentials_stay_at_home(fetcher: HttpFetcher) -> None:
    """A source's headers and user part go to its own origin and not to where it redirects."""
    with Server({"/": Reply(BODY)}) as other, Server() as server:
        server.routes = {
            "/": Reply(status=302, headers={"Location": "/same"}),
            "/same": Reply(status=302, headers={"Location": other.url()}),
        }
        address = server.url().replace("//", "//me:pass%20word@")
        guest = Guest(feed(address, headers={"X-Key": "schlüssel", "Accept-Language": "zh"}), fetcher)
        fetched = guest.visit()
        for request in server.requests[:1]:
            assert request.headers["authorization"] == "Basic bWU6cGFzcyB3b3Jk"
        for request in server.requests:
            assert request.headers["x-key"] == "schlüssel"
        assert not other.requests[0].headers.keys() & {"x-key", "authorization", "accept-language"}
        assert fetched is not None
        assert "me" not in fetched.url


def test_own_headers_do_not_break_the_exchange(fetcher: HttpFetcher) -> None:
    """Headers that would invent validators, or break framing, are not sent; others replace ours."""
    own = {
        "If-None-Match": '"x"',
        "Host": "evil",
        "Range": "bytes=0-1",
        "Accept": "text/plain",
        "Cookie": "a=1",
    }
    with Server({"/": Reply(BODY)}) as server:
        Guest(feed(server.url(), headers=own), fetcher).visit()
        headers = server.requests[0].headers
        assert headers["accept"] == "text/plain"
        assert headers["cookie"] == "a=1"
        assert headers["host"] == f"127.0.0.1:{server.port}"
        assert not headers.keys() & {"if-none-match", "range"}
