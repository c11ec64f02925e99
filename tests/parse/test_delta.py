"""`parse.delta` and `parse.split`: what is new comes out as from the whole document, at less cost."""

from collections.abc import Mapping
from pathlib import Path

import deltas
import pytest
from deltas import URL, compare, crowded
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.errors import ParseError
from aggregator.parse.delta import Delta, parse_changes
from aggregator.parse.feed import parse
from aggregator.parse.split import split
from aggregator.refine.urls import canonical

FEEDS = Path(__file__).parent.parent / "data" / "parse" / "feeds"
XML = [path for path in sorted(FEEDS.glob("*.xml")) if b"<!DOCTYPE" not in path.read_bytes()]
SPLIT = [path for path in XML if split(path.read_bytes())]
# CDF writes ITEM, and entries of one feed bear one name.
CROWDED = [path for path in SPLIT if path.stem != "cdf"]


def _item(number: int, text: str = "x") -> str:
    link = f"<link>http://feeds.example/{number}</link>"
    return (
        f"<item><title>n{number}</title>{link}<guid>g{number}</guid><description>{text}</description></item>"
    )


def _rss(inside: str, head: str = "<language>en</language>") -> bytes:
    return f'<rss version="2.0"><channel><title>t</title>{head}{inside}</channel></rss>'.encode()


def _changes(
    body: bytes, seen: Mapping[bytes, bytes] | None = None, url: str = URL, most: int = 5000
) -> Delta:
    return parse_changes(body, url=url, canonical=canonical, seen=seen or {}, max_entries=most)


def _guids(delta: Delta) -> list[str | None]:
    return [entry.guid for entry in delta.document.entries]


def test_all_formats_can_be_split() -> None:
    """Feeds of all formats are split."""
    assert SPLIT == XML


@pytest.mark.parametrize("path", CROWDED, ids=lambda path: path.stem)
@settings(max_examples=20, deadline=None)
@given(st.data())
def test_new_entries_are_those_of_the_whole(path: Path, data: st.DataObject) -> None:
    """Whichever entries are old, the others come out exactly as from the whole document."""
    crowd = crowded(path.read_bytes())
    assert crowd is not None
    parts = split(crowd)
    assert parts is not None
    new = data.draw(st.frozensets(st.integers(0, len(parts.pieces) - 1)))
    assert compare(crowd, new) in ({True, None} if len(new) == len(parts.pieces) else {True})


def test_first_time_everything_is_new() -> None:
    """Without hashes, all entries come, and hashes to remember: one for each and one for what is around."""
    delta = _changes(_rss(_item(1) + _item(2)))
    assert (_guids(delta), delta.cut_out, len(delta.seen)) == (["g1", "g2"], 0, 3)
    assert {len(digest) for digest in delta.seen} == {8}


def test_only_what_changed_comes() -> None:
    """A new entry and an edited one come, with all that the feed says of itself; the old ones do not."""
    seen = _changes(_rss(_item(1) + _item(2) + _item(3))).seen
    delta = _changes(_rss(_item(4) + _item(1) + _item(2, "edited") + _item(3)), seen)
    assert (_guids(delta), delta.cut_out, delta.document.title) == (["g4", "g2"], 2, "t")
    assert len(delta.seen) == 5


def test_nothing_new() -> None:
    """When only the feed's own words changed, no entry comes."""
    seen = _changes(_rss(_item(1) + _item(2))).seen
    delta = _changes(_rss(_item(2) + _item(1), "<language>en</language><ttl>60</ttl>"), seen)
    assert (_guids(delta), delta.cut_out, delta.document.rhythm.ttl) == ([], 2, 3600.0)


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ("<language>de</language>", URL),
        ("<language>en</language><link>http://other.example/</link>", URL),
        ("<language>en</language><managingEditor>ana@feeds.example (Ana)</managingEditor>", URL),
        ("<language>en</language>", "http://moved.example/feed"),
    ],
)
def test_what_entries_take_from_around_them(head: str, url: str) -> None:
    """When language, link, author or address of the feed change, all entries count as new."""
    seen = _changes(_rss(_item(1) + _item(2))).seen
    assert _guids(_changes(_rss(_item(1) + _item(2), head), seen, url)) == ["g1", "g2"]


@pytest.mark.parametrize(
    "twin",
    [
        "<item><guid>g1</guid><title>other</title></item>",
        "<item><guid isPermaLink='false'><![CDATA[ g1 ]]></guid><title>other</title></item>",
        "<item><guid>g9</guid><link>http://feeds.example/1</link></item>",
        "<item><guid>g9</guid><link>HTTP://FEEDS.example/1?utm_source=rss#top</link></item>",
        "<item><guid>g9</guid><link>/1</link></item>",
    ],
)
def test_a_name_borne_twice(twin: str) -> None:
    """A new entry with the guid or link of an old one takes the whole document: the name is nobody's."""
    seen = _changes(_rss(_item(1) + _item(2))).seen
    delta = _changes(_rss(twin + _item(1) + _item(2)), seen)
    assert (len(delta.document.entries), delta.cut_out) == (3, 0)


def test_a_name_borne_twice_under_a_base() -> None:
    """Relative links are compared as the addresses that they are under the feed's xml:base."""
    head, one = (
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='/a/'>",
        "<entry><id>1</id><link href='x'/></entry>",
    )
    seen = _changes(f"{head}{one}</feed>".encode()).seen
    two = "<entry><id>2</id><link href='http://feeds.example/{}/x'/></entry>"
    assert _changes(f"{head}{one}{two.format('b')}</feed>".encode(), seen).cut_out == 1
    assert _changes(f"{head}{one}{two.format('a')}</feed>".encode(), seen).cut_out == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<!-- ", " -->"),
        ("<![CDATA[", "]]>"),
        ("<x>", "</x>"),
        ("<item><description>", "</description></item>"),
    ],
)
def test_an_old_entry_where_no_entry_can_be(before: str, after: str) -> None:
    """What looks like an entry that was seen, but is none there, is read as without a history."""
    seen = _changes(_rss(_item(1) + _item(2))).seen
    body = _rss(f"{before}{_item(1)}{after}{_item(2)}{_item(3)}")
    whole = parse(body, url=URL)
    delta = _changes(body, seen)
    left = [entry for entry in whole.entries if entry.guid != "g2"] if delta.cut_out else whole.entries
    assert list(delta.document.entries) == list(left)


@pytest.mark.parametrize("foreign", ["<?entry?>", "<?entry x?>", "<?other?>"])
def test_instructions_that_look_like_ours(foreign: str) -> None:
    """An instruction of the document's own stands for no entry, wherever it is."""
    seen = _changes(_rss(_item(1) + _item(2))).seen
    body = _rss(f"{foreign}{_item(1)}{foreign}{_item(3, foreign)}{_item(2)}{foreign}")
    delta = _changes(body, seen)
    assert (_guids(delta), delta.cut_out, len(delta.pieces)) == (["g3"], 2, 3)


def test_namespaces_that_entries_declare() -> None:
    """What the first entry declares for itself is not around the others: it can be cut out."""
    items = [_item(number).replace("<item>", "<item xmlns:a='urn:a'>") for number in (1, 2, 3)]
    seen = _changes(_rss(items[0] + items[1])).seen
    assert _changes(_rss(items[2] + items[0] + items[1]), seen).cut_out == 2


@pytest.mark.parametrize(
    "odd",
    [
        "<item><guid>a</guid><guid>b</guid></item>",
        "<item><guid>a<b/></guid></item>",
        "<item xml:base='http://x.example/'><guid>a</guid></item>",
        "<item><g:id xmlns:g='urn:g'>7</g:id></item>",
        "<item><link uri='at://x'>y</link></item>",
        "<item\nid='&lt;'  ><guid>a</guid></item>",
    ],
)
def test_odd_entries(odd: str) -> None:
    """How an entry says what it is called does not matter: once read, it is known by that."""
    seen = _changes(_rss(_item(1) + odd)).seen
    delta = _changes(_rss(_item(2) + odd + _item(1)), seen)
    assert (_guids(delta), delta.cut_out) == (["g2"], 2)
    twin = odd.replace("<link", "<title>x</title><link").replace("<guid>a", "<title>x</title><guid>a")
    shared = _changes(_rss(twin + odd + _item(1)), seen)
    assert (shared.cut_out == 0) == (twin != odd and "at://" not in odd)


def test_a_link_that_is_a_guid_borne_twice() -> None:
    """The link of an entry may stand in its guid alone; a new one that shares it takes the whole document."""
    body = _rss("<item><title>a</title><guid>http://feeds.example/1#a</guid></item>" + _item(2))
    twin = "<item><title>b</title><guid>http://feeds.example/1#b</guid></item>"
    assert _changes(body.replace(b"<item>", twin.encode() + b"<item>", 1), _changes(body).seen).cut_out == 0


def test_an_entry_within_an_entry() -> None:
    """What feedparser takes for two entries is not cut as one."""
    body = _rss(_item(1) + "<item><guid>2</guid><item><guid>3</guid></item></item>")
    assert _changes(body, _changes(body).seen).cut_out == 0


def test_too_many_entries_are_parsed_as_a_whole() -> None:
    """Which entries are the newest only the whole document tells."""
    body = _rss("".join(_item(number) for number in range(5)))
    seen = _changes(body).seen
    delta = _changes(body, seen, most=3)
    assert (len(delta.document.entries), delta.document.cut, delta.seen) == (3, 2, {})


@pytest.mark.parametrize(
    "body",
    [
        _rss(_item(1) + "<item>"),
        _rss(_item(1, "&nbsp;")),
        _rss(_item(1, "<dc:creator>a</dc:creator>")),
        b"<!DOCTYPE rss>" + _rss(_item(1)),
        _rss(_item(1) + "<item/>"),
        _rss(_item(1) + "<item><source>x<item></item></source></item>"),
        _rss("<x>" + _item(1) + "</x>"),
        _rss(_item(1) + "<item id='1'/>" + _item(2)),
        _rss(_item(1) + "<item id='>'/>" + _item(2)),
        _rss(_item(1) + "<item id='1"),
        _rss(_item(1) + "<entry><id>2</id></entry>"),
        _rss(_item(1) + "<!--" + _item(2) + "-->"),
        _rss(_item(1, "<![CDATA[</item><item>]]>")),
        _rss(_item(1, "<![CDATA[</item>]]>")),
        b'{"items": [{"id": "1"}]}',
    ],
)
def test_unusual_documents_are_parsed_as_a_whole(body: bytes) -> None:
    """A document that is malformed or oddly built is never cut, and leaves no hashes of entries."""
    first = _changes(body)
    second = _changes(body, first.seen)
    assert first.document == second.document == parse(body, url=URL)
    assert (first.seen, second.cut_out) == ({}, 0)


def test_new_entry_that_is_refused() -> None:
    """A new entry that the whole document is refused for is not accepted by itself."""
    seen = _changes(_rss(_item(1))).seen
    with pytest.raises(ParseError, match="too deep"):
        _changes(_rss(_item(1) + _item(2, "<a>" * 600 + "</a>" * 600)), seen)


def test_addresses_that_cannot_be_joined() -> None:
    """A link that is no address at all is compared as it is written."""
    wrong = "<item><guid>g{}</guid><link>http://[{}</link></item>"
    seen = _changes(_rss(wrong.format(1, 1) + _item(2))).seen
    assert _changes(_rss(wrong.format(1, 1) + _item(2) + wrong.format(3, 3)), seen).cut_out == 2


def test_notes_are_kept() -> None:
    """What was odd about the characters of a document is said of its changes too."""
    seen = _changes(_rss(_item(1) + _item(2))).seen
    delta = _changes(_rss(_item(1) + _item(3)).replace(b"n3", b"n\xff3"), seen)
    assert (delta.cut_out, len(delta.document.notes)) == (1, 1)


def test_no_feed_is_no_feed() -> None:
    """What is no feed raises as it does without a history."""
    with pytest.raises(ParseError, match="web page"):
        _changes(b"<html></html>", {b"12345678": b""})


def test_encoding_does_not_matter() -> None:
    """An entry is the same entry when the server changes its encoding."""
    text = _rss(_item(1, "été") + _item(2, "à")).decode()
    seen = _changes(text.encode()).seen
    delta = _changes(f'<?xml version="1.0" encoding="iso-8859-1"?>{text}'.encode("latin-1"), seen)
    assert delta.cut_out == 2


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes(inside: bytes) -> None:
    """Whatever stands in a feed, splitting it raises nothing."""
    split(inside)
    split(b"<rss><channel><item>" + inside + b"</item></channel></rss>")
    deltas.crowded(b"<feed xmlns='http://www.w3.org/2005/Atom'><entry>" + inside + b"</entry></feed>")
