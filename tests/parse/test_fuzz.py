"""`parse.feed` under hostile input: nothing but a Document or a ParseError comes out, and soon."""

import time
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import NASTY, broken

from aggregator.errors import ParseError
from aggregator.model import Document
from aggregator.parse.feed import parse
from aggregator.parse.limits import harmless

FEEDS = Path(__file__).parent.parent / "data" / "parse" / "feeds"
LIMIT = 10.0
"""Seconds; what takes longer would be killed in a worker, and none of these may need that."""


def _feeds() -> list[bytes]:
    return [path.read_bytes() for path in sorted(FEEDS.iterdir()) if ".expect." not in path.name]


def _survives(body: bytes, content_type: str | None = None) -> Document | None:
    """Parses; None if there is no feed. Anything but a Document or ParseError fails the test."""
    began = time.monotonic()
    harmless(body)
    document, complaint = None, ""
    try:
        document = parse(body, url="http://feeds.example/feed", content_type=content_type)
    except ParseError as error:
        complaint = str(error)
    assert time.monotonic() - began < LIMIT
    assert bool(complaint) != bool(document)
    assert "\n" not in complaint
    if document:
        _well_typed(document)
    return document


def _well_typed(document: Document) -> None:
    for entry in document.entries:
        for moment in (entry.published, entry.updated):
            assert moment is None or moment.tzinfo is UTC
        texts = (
            entry.guid,
            entry.link,
            entry.language,
            entry.base,
            *entry.authors,
            *entry.tags,
            *entry.images,
        )
        assert all(isinstance(text, str) for text in texts if text is not None)
        for text in (entry.title, entry.body, entry.summary):
            assert isinstance(text.value, str)
            text.value.encode()


@pytest.mark.parametrize("seed", range(4))
def test_broken_feeds(seed: int) -> None:
    """Feeds broken in a hundred ways give a Document or a ParseError."""
    for body in broken(_feeds(), 100, seed):
        _survives(body)


@pytest.mark.soak
@pytest.mark.timeout(1500)
def test_twenty_thousand_broken_feeds() -> None:
    """The same for 20,000 documents; most of them still have entries."""
    outcomes = [_survives(body) for body in broken(_feeds(), 20_000, seed=20220913)]
    saved = sum(1 for document in outcomes if document and document.entries)
    assert saved > 10_000


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([None, "text/xml; charset=utf-16", "x; charset=punycode", "\0;charset="]),
)
def test_any_bytes(body: bytes, content_type: str | None) -> None:
    """Bytes of any kind give a Document or a ParseError, whatever the header says."""
    _survives(body, content_type)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from((*NASTY, b"<rss>", b"<feed>", b"<entry>", b"<id>", b"</id>", b"a", b" ")), max_size=40
    )
)
def test_any_markup(pieces: list[bytes]) -> None:
    """Markup in any order gives a Document or a ParseError."""
    _survives(b"<rss version='2.0'><channel><item>" + b"".join(pieces))
