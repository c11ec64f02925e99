"""Heads of answers as strangers write them: what they mean is heard, and no body awaited that cannot come."""

import io
from http.client import LineTooLong

import pytest
from guests import feed
from hypothesis import given
from hypothesis import strategies as st
from loopback import Raw, Server

from aggregator.collect.heads import read_head
from aggregator.collect.http import HttpFetcher
from aggregator.model import Fetched, SourceState, Validators

BODY = b"<rss version='2.0'/>"
OPEN = 6.0  # seconds that the server leaves the connection open: longer than any test waits
OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 20\r\n"


def fetch(*parts: bytes, etag: str | None = None) -> Fetched:
    """What is made of this answer, over a connection that stays open after it."""
    with Server({"/": Raw([b"".join(parts), OPEN])}) as server, HttpFetcher(environment={}) as fetcher:
        state = SourceState(validators=Validators(etag, None))
        return fetcher.fetch(feed(server.url(), timeout=3.0), state)


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
        b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\nETag: no\r\n\r\n",
    ],
)
def test_interim_answers_are_passed_over(interim: bytes) -> None:
    """RFC 9110 section 15.2: one or more may come before the answer, asked for or not."""
    fetched = fetch(interim, OK, LENGTH, b"\r\n", BODY)
    assert (fetched.body, fetched.validators) == (BODY, Validators())


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 200 OK\r\n",
        b"PHP Warning in line 3\r\n",
        b"Two Words: a\r\n",
        b"\xff\xfe: a\r\n continued\r\n",
        b"X-A: one\rtwo\r\n",
        b": nameless\r\n",
    ],
)
def test_a_line_that_is_no_field_costs_only_itself(line: bytes) -> None:
    """The fields behind it are heard: how long the body is, its validators."""
    fetched = fetch(OK, line, b'ETag: "a"\r\n', LENGTH, b"\r\n", BODY)
    assert (fetched.body, fetched.validators.etag) == (BODY, '"a"')
    fetched = fetch(OK, line, b"Transfer-Encoding: chunked\r\n\r\n14\r\n", BODY, b"\r\n0\r\n\r\n")
    assert fetched.body == BODY


def test_blanks_around_values_are_none_of_them() -> None:
    """RFC 9112 section 5.1; and a folded field is one line."""
    chunked = b'Transfer-Encoding \t:\tchunked \t\r\nETag:\r\n  W/"a\r\n\tb" \r\n\r\n14\r\n'
    fetched = fetch(OK, chunked, BODY, b"\r\n0\r\n\r\n")
    assert (fetched.body, fetched.validators.etag) == (BODY, 'W/"a b"')


def test_what_is_said_twice_is_said_once() -> None:
    """Proxies repeat fields; a value repeated with a comma would be no date and no number."""
    twice = (LENGTH + b"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: max-age=60\r\n") * 2
    fetched = fetch(OK, twice, b"\r\n", BODY)
    assert fetched.validators.last_modified == "Sun, 06 Nov 1994 08:49:37 GMT"
    assert (fetched.body, fetched.fresh_for) == (BODY, 60)


def test_fields_that_nobody_reads_may_be_many() -> None:
    """A site that sets 300 cookies and announces 300 style sheets is read all the same."""
    many = b"Set-Cookie: a=b\r\nLink: </a.css>; rel=preload\r\n" * 300
    assert fetch(OK, many, LENGTH, b"\r\n", BODY).body == BODY


@pytest.mark.parametrize("extra", [b"Transfer-Encoding: chunked\r\n", b"Content-Length: 4000\r\n"])
def test_a_304_has_no_body(extra: bytes) -> None:
    """Whatever it says of the body that a 200 would have had (RFC 9112 section 6.1): nothing is awaited."""
    assert fetch(b"HTTP/1.1 304 Not Modified\r\n", extra, b"\r\n", etag='"a"').body is None


@given(st.binary(max_size=300))
def test_nothing_in_a_head_raises(data: bytes) -> None:
    """Any bytes give whole lines, each of them a field but for the first."""
    head = read_head(io.BytesIO(b"HTTP/1.1 200 OK\r\n" + data))
    lines = head.split(b"\r\n")
    assert lines[-2:] == [b"", b""]
    assert all(b": " in line for line in lines[1:-2])


def test_lines_without_end_are_refused() -> None:
    """One line longer than any header that a feed needs."""
    with pytest.raises(LineTooLong):
        read_head(io.BytesIO(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70000))
