"""`parse.feed`: what of a document arrives, and what is said when there is none."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from aggregator.errors import ParseError
from aggregator.model import Document
from aggregator.parse.feed import parse
from aggregator.parse.strict import MOST_TAGS

DATA = Path(__file__).parent.parent / "data" / "parse"
URL = "http://feeds.example/feed"


def _cases() -> Iterator[Any]:
    for expected in sorted((DATA / "feeds").glob("*.expect.json")):
        name = expected.name.removesuffix(".expect.json")
        source = next(path for path in DATA.glob(f"feeds/{name}.*") if path != expected)
        yield pytest.param(source, expected, id=name)


def _plain(value: object) -> object:
    """The value as JSON would have it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _at(value: Any, path: str) -> object:
    for step in path.split("."):
        if step == "#":
            return len(value)
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _rss(*items: str) -> bytes:
    return f'<rss version="2.0"><channel><title>t</title>{"".join(items)}</channel></rss>'.encode()


def _item(number: int, date: str = "") -> str:
    dated = f"<pubDate>{date}</pubDate>" if date else ""
    return f"<item><guid>g{number}</guid><title>n{number}</title>{dated}</item>"


def _guids(document: Document) -> list[str | None]:
    return [entry.guid for entry in document.entries]


@pytest.mark.parametrize(("source", "expected"), list(_cases()))
def test_format(source: Path, expected: Path) -> None:
    """Everything that a feed of this format says is in the document."""
    found = _plain(asdict(parse(source.read_bytes(), url=URL)))
    wanted = json.loads(expected.read_text("utf-8"))
    assert {path: _at(found, path) for path in wanted} == wanted


def test_one_entry_is_whole_from_the_sample() -> None:
    """The sample feed that the seed file came from gives its one entry."""
    sample = Path(__file__).parents[2] / "../shared/samples/feeds/aljazeera.xml"
    if not sample.exists():
        pytest.skip("the shared samples are not here")
    (entry,) = parse(sample.read_bytes(), url=URL).entries
    assert entry.published == datetime.fromisoformat("2022-09-13T09:28:50+00:00")


@pytest.mark.parametrize("body", [b"", b"  \r\n\t ", b"\xef\xbb\xbf", b"\0\0\0"])
def test_empty_document_says_so(body: bytes) -> None:
    """A document without a character is reported as empty."""
    with pytest.raises(ParseError, match="empty"):
        parse(body, url=URL)


def test_web_page_names_its_feeds() -> None:
    """A web page is reported with its title and the feeds it names, made absolute."""
    page = (
        b"<!DOCTYPE html><html><head><title>My  blog &amp; more</title><base href='/b/'>"
        b"<link rel='alternate' type='application/rss+xml' href='rss.xml'>"
        b'<LINK REL="Alternate" TYPE="application/feed+json; charset=utf-8" HREF="//cdn.example/feed.json">'
        b"<link rel=alternate type=application/atom+xml href='http://[x'>"
        b"<link rel=alternate type=text/html href=fr.html></head><body>..."
    )
    with pytest.raises(ParseError) as caught:
        parse(page, url=URL, content_type="text/html")
    assert str(caught.value) == (
        'this is a web page, not a feed: "My blog & more"; the feeds it names: '
        "http://feeds.example/b/rss.xml, http://cdn.example/feed.json"
    )


def test_web_page_without_feeds() -> None:
    """A page that names no feed is quoted, on one line."""
    with pytest.raises(ParseError, match=r'not a feed: "Bad gateway"; it names no feed'):
        parse(b"<html>\n<script>var x</script><h1>Bad\n gateway</h1></html>", url=URL)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"Not Found", 'it is not XML and it begins "Not Found"'),
        (b"<kml><name>A map</name></kml>", "its root element is <kml>"),
        (b"<opml><outline><rss-list/></outline></opml>", "its root element is <opml>"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "it is not XML"),
        (b'{"error": "no such feed"}', "no JSON Feed"),
        (b"[1, 2]", "no JSON Feed"),
        (b'{"items": [', "not valid JSON"),
        (b"[" * 100_000, "not valid JSON"),
        (b"<!--" * 1000, "it is not XML"),
    ],
)
def test_no_feed(body: bytes, said: str) -> None:
    """A document that is no feed is reported with what it is instead, on one line."""
    with pytest.raises(ParseError) as caught:
        parse(body, url=URL)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_feed_and_no_words() -> None:
    """What has no text is not quoted."""
    with pytest.raises(ParseError, match=r"its root element is <opml>$"):
        parse(b"<opml><body/></opml>", url=URL)


@pytest.mark.parametrize("root", ["rss", "feed", "rdf:RDF", "channel"])
def test_feed_without_entries(root: str) -> None:
    """A feed that has no entry yet is a feed."""
    name = root.partition(":")[0]
    body = f'<{root} xmlns:{name}="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></{root}>'
    assert parse(body.encode(), url=URL).entries == ()


@pytest.mark.parametrize(
    "entity", ['x "y"', "x SYSTEM 'file:///etc/passwd'", '% p SYSTEM "http://h.example/"', 'a "&b;&b;"']
)
def test_entity_definitions_are_refused(entity: str) -> None:
    """A DTD that defines an entity is refused before anything expands."""
    body = f"<?xml version='1.0'?><!-- x --><!DOCTYPE rss [<!ENTITY {entity}>]><rss><channel/></rss>"
    with pytest.raises(ParseError, match="entities"):
        parse(body.encode(), url=URL)


def test_deep_nesting_is_refused() -> None:
    """A document nested deeper than any real one is refused, not followed."""
    with pytest.raises(ParseError, match="nested too deep"):
        parse(b"<rss>" + b"<a>" * 100_000, url=URL)


def test_newest_entries_are_kept() -> None:
    """Of too many entries the newest stay, in document order, and the rest is counted."""
    body = _rss(_item(1, "2022-01-01"), _item(2, "2022-01-03"), _item(3), _item(4, "2022-01-02"), _item(5))
    document = parse(body, url=URL, max_entries=3)
    assert _guids(document) == ["g2", "g3", "g4"]
    assert document.cut == 2
    assert "2 older entries" in document.notes[0]


@pytest.mark.parametrize("most", [0, 5, 6])
def test_no_cap(most: int) -> None:
    """A cap of 0, or one that is not reached, cuts nothing."""
    document = parse(_rss(*map(_item, range(5))), url=URL, max_entries=most)
    assert (len(document.entries), document.cut, document.notes) == (5, 0, ())


def test_undated_entries_are_kept_from_the_top() -> None:
    """Without dates, the first entries of the document count as the newest."""
    assert _guids(parse(_rss(*map(_item, range(5))), url=URL, max_entries=2)) == ["g0", "g1"]


def test_json_feed_is_capped_too() -> None:
    """The cap is the same for JSON Feed."""
    items = [{"id": str(number), "date_published": f"2022-01-0{number + 1}"} for number in range(5)]
    document = parse(json.dumps({"items": items}).encode(), url=URL, max_entries=2)
    assert (_guids(document), document.cut) == (["3", "4"], 3)


@pytest.mark.parametrize(
    ("item", "link"),
    [
        ("<link></link><guid>https://e.org/1</guid>", "https://e.org/1"),
        ("<guid>https://e.org/1</guid><link/>", "https://e.org/1"),
        ('<guid isPermaLink="True">https://e.org/1</guid>', "https://e.org/1"),
        ('<link/><guid isPermaLink="false">https://e.org/1</guid>', None),
        ('<guid isPermaLink="FALSE">https://e.org/1</guid><link> </link>', None),
        ("<guid>https://e.org/1</guid><link>https://e.org/2</link>", "https://e.org/2"),
    ],
)
@pytest.mark.parametrize("broken", ["", "<b>&unknown</i>"])
def test_a_guid_is_the_link_where_there_is_none(item: str, link: str | None, broken: str) -> None:
    """RSS 2.0: a guid is a permalink unless it says otherwise; an empty link changes nothing of that."""
    body = _rss(f"<item><title>t</title>{item}<description>x{broken}</description></item>")
    assert [entry.link for entry in parse(body, url=URL).entries] == [link]


@pytest.mark.parametrize(
    "body",
    [
        (
            b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:e:1</id><content type="xhtml">'
            b'<div xmlns="http://www.w3.org/1999/xhtml">a<br/>b</div></content></entry></feed>'
        ),
        _rss("<item><guid>1</guid><description>a<br/>b</description></item>"),
        _rss("<item><guid>1</guid><description>a<br></br>b</description></item>"),
    ],
)
def test_a_line_break_in_xhtml_is_one(body: bytes) -> None:
    """HTML takes the end tag of a `br` for one more, so none is written."""
    assert [entry.body.value for entry in parse(body, url=URL).entries] == ["a<br>b"]


@pytest.mark.parametrize(
    "text",
    [
        "&lt;![CDATA[A &lt;b&gt;bold&lt;/b&gt; word]]&gt;",
        "<![CDATA[<![CDATA[A <b>bold</b> word]]>]]>",
        "<![CDATA[ <![CDATA[A <b>bold</b> word]]> ]]>",
    ],
)
def test_a_cdata_section_in_another_is_none(text: str) -> None:
    """Text that was wrapped twice, or escaped with its section, comes without the second wrapping."""
    body = _rss(f"<item><guid>1</guid><title>{text}</title><description>{text}</description></item>")
    (entry,) = parse(body, url=URL).entries
    assert (entry.title.value, entry.body.value) == ("A <b>bold</b> word",) * 2


@pytest.mark.parametrize(
    ("written", "html"),
    [
        ("The &lt;svg&gt; element", False),
        ("&lt;script&gt; or &lt;style&gt;?", False),
        ("How &lt;a&gt; works", False),
        ("List&lt;String&gt;", False),
        ("A &lt;b&gt;bold&lt;/b&gt; word", True),
        ("A &lt;code&gt;word&lt;/code&gt;", True),
        ("A &lt;a href='/x'&gt;link", True),
        ("&lt;p&gt;Title", True),
        ("One&lt;br/&gt;two", True),
        ("&lt;script&gt;x()&lt;/script&gt;", True),
    ],
)
def test_what_is_markup_in_a_title(written: str, html: bool) -> None:  # noqa: FBT001 - a table
    """RSS does not say what titles are: an element that begins and never ends is what the title is about."""
    (entry,) = parse(_rss(f"<item><guid>1</guid><title>{written}</title></item>"), url=URL).entries
    assert entry.title.html is html


def test_very_many_categories_cost_little() -> None:
    """Of twenty thousand categories the first hundreds are kept, in no time."""
    item = "".join(f"<category>c{number}</category>" for number in range(20_000))
    (entry,) = parse(_rss(f"<item><guid>1</guid>{item}</item>"), url=URL).entries
    assert entry.tags == tuple(f"c{number}" for number in range(len(entry.tags)))
    assert len(entry.tags) == MOST_TAGS


@pytest.mark.parametrize("odd", [True, "12", None, -1, 1e300, [], float("nan")])
def test_a_json_attachment_has_numbers_or_nothing(odd: object) -> None:
    """What is no number of bytes or seconds is as good as missing."""
    attachment = {"url": "https://e.org/a.mp3", "size_in_bytes": odd, "duration_in_seconds": odd}
    body = json.dumps({"items": [{"id": "1", "attachments": [attachment]}]}).encode()
    (enclosure,) = parse(body, url=URL).entries[0].enclosures
    assert (enclosure.length, enclosure.duration) == (None, None)
