"""`parse.limits` and hostile documents: what may be parsed at home, and what is survived in a worker."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.errors import ParseError
from aggregator.parse.feed import parse
from aggregator.parse.limits import MAX_BYTES, harmless
from aggregator.workers import Workers

FEEDS = Path(__file__).parent.parent / "data" / "parse" / "feeds"
URL = "http://feeds.example/feed"
ITEM = b"<item><title>a</title><link>http://feeds.example/1</link><description>b</description></item>"


def _rss(inside: bytes) -> bytes:
    return b"<rss version='2.0'><channel>" + inside + b"</channel></rss>"


def _many_attributes(count: int) -> bytes:
    return (
        b"<rss "
        + b" ".join(b'a%d="1"' % number for number in range(count))
        + b"><channel>"
        + ITEM
        + b"</channel></rss>"
    )


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(1, wall=30.0) as pool:
        yield pool


@pytest.mark.parametrize(
    "path", [path for path in sorted(FEEDS.iterdir()) if ".expect." not in path.name], ids=str
)
def test_ordinary_feeds_are_harmless(path: Path) -> None:
    """Small ordinary feeds are parsed at home, but for those with a DTD."""
    body = path.read_bytes()
    assert harmless(body) == (b"<!DOCTYPE" not in body)


@pytest.mark.parametrize(
    "body",
    [
        _rss(ITEM * (MAX_BYTES // len(ITEM) + 1)),
        b'{"items": [' + b" " * MAX_BYTES,
        b"<!DOCTYPE rss><rss/>",
        b"<?xml version='1.0'?><!doctype rss><rss/>",
        _rss(b"<a>" * 200 + b"</a>" * 200),
        _rss(b"<item><description><![CDATA[" + b"<div>" * 200 + b"]]></description></item>"),
        _many_attributes(1000),
        _rss(b"<!-- a -->" * 60),
        _rss(b"<item>"),
        b"<!--" * 100,
        _rss(ITEM).decode().encode("utf-16"),
        _rss("é".encode("latin-1")),
        b"\xff\xfe",
        b"",
    ],
)
def test_harmful_or_unknown(body: bytes) -> None:
    """What is large, deep, wide, malformed, or has a DTD goes to a worker."""
    assert not harmless(body)


@given(st.binary(max_size=200))
def test_any_bytes(body: bytes) -> None:
    """Any bytes are harmless or not; nothing is raised."""
    assert harmless(body) in {True, False}
    assert harmless(b"<rss>" + body) in {True, False}


def test_the_check_costs_a_small_part_of_parsing() -> None:
    """Asking whether a feed of nearly 32 KiB is harmless is much quicker than parsing it."""
    body = _rss(ITEM * (MAX_BYTES // len(ITEM) - 1))
    assert harmless(body)
    asked, parsed = (
        min(_seconds(action) for _ in range(5))
        for action in (lambda: harmless(body), lambda: parse(body, url=URL))
    )
    assert asked < parsed / 3


def _seconds(action: object) -> float:
    assert callable(action)
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


FLOOD = 2**18
"""Bytes, about; enough to tell what grows faster than its input."""

HOSTILE = {
    "a megabyte of comment openings": (b"<!--" * 2**18, 0),
    "the same within a feed": (_rss(ITEM + b"<!--" * 2**18), 1),
    "an item after it": (b"<rss><channel>" + b"<!--" * 2**18 + ITEM, 1),
    "declarations": (_rss(ITEM + b"<!" * (FLOOD // 2)), 1),
    "instructions": (_rss(ITEM + b"<?" * (FLOOD // 2)), 1),
    "CDATA openings": (_rss(ITEM + b"<![CDATA[" * (FLOOD // 9)), 1),
    "ampersands": (_rss(ITEM + b"&" * FLOOD), 1),
    "brackets": (_rss(ITEM + b"<" * FLOOD), 1),
    "quotes": (_rss(ITEM + b"<a b='" * (FLOOD // 6)), 1),
    "spaces in a tag": (_rss(ITEM + b"<a" + b" " * FLOOD), 1),
    "end tags": (_rss(ITEM + b"</a>" * (FLOOD // 4)), 1),
    "a root with 200,000 attributes": (_many_attributes(200_000), 1),
    "a million elements deep": (_rss(b"<a>" * 2**20), 0),
    "deep JSON": (b'{"items":' * 2**18, 0),
    "a page of link tags": (b"<html>" + b"<link " * 2**18, 0),
    "a billion laughs": (
        b"<!DOCTYPE r [<!ENTITY a 'ha'>"
        + b"".join(b"<!ENTITY b%d '&b%d;&b%d;'>" % (n + 1, n, n) for n in range(30))
        + b"]>"
        + _rss(ITEM),
        0,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_document(name: str, workers: Workers) -> None:
    """A document made to hang a parser ends soon, with the entries that are in it, and harms no process."""
    body, entries = HOSTILE[name]
    began = time.monotonic()
    try:
        found = len(workers.submit(parse, body, url=URL).result().entries)
    except ParseError:
        found = 0
    assert found == entries
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_flood_of_entries(count: int, workers: Workers) -> None:
    """A flood of entries is cut to the newest within the time and memory of a worker."""
    items = b"".join(b"<item><guid>%d</guid><title>t</title></item>" % number for number in range(count))
    document = workers.submit(parse, _rss(items), url=URL, max_entries=10).result()
    assert (len(document.entries), document.cut) == (10, count - 10)
