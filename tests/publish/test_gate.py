from dataclasses import replace

import pytest
from publishing import SITE, article, feed_of, render_feed

from aggregator.model import Node
from aggregator.publish import gate
from aggregator.publish.feeds import Format
from aggregator.publish.pieces import Rendered

FORMATS: tuple[Format, ...] = ("atom", "rss", "json")


def check(fmt: Format, data: bytes) -> tuple[str, ...]:
    return gate.check(fmt, Rendered(data, (), b""))


def made(fmt: Format) -> bytes:
    return render_feed(fmt, Node("category", ()), [article(1), article(2)], SITE, "feeds/all")


@pytest.mark.parametrize("fmt", FORMATS)
def test_our_feeds_pass(fmt: Format) -> None:
    """What we render has nothing wrong with it, an empty feed neither."""
    assert check(fmt, made(fmt)) == ()
    assert check(fmt, render_feed(fmt, Node("category", ()), [], SITE, "feeds/all")) == ()


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("data", [b"", b"<html>", b"\xff\xfe\x00", b"[]", b"{}", b"null", b"<a/>"])
def test_what_is_no_feed_fails(fmt: Format, data: bytes) -> None:
    """Broken or foreign documents are found out in every format."""
    assert check(fmt, data)


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_cut_file_fails(fmt: Format) -> None:
    """A document that ends too early is not well-formed."""
    assert "not well-formed" in check(fmt, made(fmt)[:-10])[0]


@pytest.mark.parametrize("fmt", FORMATS)
def test_an_id_that_is_there_twice_fails(fmt: Format) -> None:
    """Readers would show one entry of the two."""
    data = made(fmt).replace(b"https://www.example.net/2", b"https://www.example.net/1")
    assert check(fmt, data) == ("id https://www.example.net/1 is there 2 times",)


@pytest.mark.parametrize(
    ("fmt", "part", "finding"),
    [
        ("atom", b"<title>World news</title>", "feed has no title"),
        ("atom", b"<author><name>Ann Author</name></author>", "entry has no author/name"),
        ("atom", b"<id>https://www.example.net/2</id>", "entry has no id"),
        ("atom", b'rel="self"', "it has no link to itself"),
        ("rss", b"<link>https://news.example.org/index.html</link>", "channel has no link"),
        ("rss", b"<title>Title 2</title>", "item has no title"),
        ("rss", b'rel="self"', "it has no link to itself"),
        ("json", b'"content_html":"<p>Body of 2</p>",', "item https://www.example.net/2 has no content"),
        ("json", b'"id":"https://www.example.net/2",', "an item has no id"),
        ("json", b'"title":"World news",', "the feed has no title"),
    ],
)
def test_what_is_required_and_missing_is_named(fmt: Format, part: bytes, finding: str) -> None:
    """Each element that a reader needs is missed."""
    data = made(fmt)
    assert part in data
    assert finding in check(fmt, data.replace(part, b""))


@pytest.mark.parametrize("fmt", FORMATS)
def test_entries_that_passed_are_not_looked_at_again(fmt: Format) -> None:
    """Of a document with copied entries the new ones are judged, and that no id is there twice."""
    feed = feed_of(fmt, Node("category", ()), [article(1), article(2)], SITE, "feeds/all")
    old, new = (replace(piece, checked=True) for piece in feed.pieces), feed.pieces[1]
    bad = replace(new, data=bytes(new.data).replace(b"Title 2", b"\x00"))
    assert gate.check(fmt, replace(feed, pieces=(next(old), bad)))
    assert gate.check(fmt, replace(feed, pieces=(bad, replace(bad, checked=True))))
    assert gate.check(fmt, replace(feed, pieces=(replace(bad, checked=True), new))) == ()
    assert "there 2 times" in gate.check(fmt, replace(feed, ids=feed.ids[:1] * 2))[0]


def test_a_monster_fails() -> None:
    """A document that readers would give up on is kept back."""
    assert "more than" in check("json", b" " * (gate.MAX_BYTES + 1))[0]


def test_an_archive_may_be_a_monster() -> None:
    """A missing archive would end the chain that leads to all older articles."""
    feed = feed_of("atom", Node("category", ()), [article(1)], SITE, "feeds/all")
    padded = replace(feed, end=b"<!--" + b" " * gate.MAX_BYTES + b"-->" + feed.end)
    assert "more than" in gate.check("atom", padded)[0]
    assert gate.check("atom", padded, live=False) == ()


def test_entities_are_not_expanded() -> None:
    """The check itself cannot be made to eat all memory."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><feed>&b;</feed>'
    assert check("atom", bomb)
