"""`parse.strict_leaves`: entries whose elements are read without machinery are what they are with it."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aggregator.parse.sax import run
from aggregator.parse.strict import Strict
from aggregator.parse.strict_leaves import Quick

NAMES = (
    *("title", "link", "guid", "id", "pubDate", "published", "updated", "date", "dc:date", "author"),
    *("dc:creator", "category", "dc:subject", "description", "content:encoded", "comments", "slash:comments"),
    *("summary", "content", "source", "image", "textInput", "url", "name", "email", "tags", "links"),
    *("authors", "title_detail", "media:title", "media:description", "media:content", "itunes:summary"),
    *("itunes:author", "language", "rights", "body", "svg", "item"),
)
ATTRIBUTES = (
    *("", "", "", ' isPermaLink="false"', ' ispermalink="false"', ' type="html"', ' type="xhtml"'),
    *(' xml:base="http://b.example/c/"', ' xml:base="d/"', ' xml:lang="de_DE"', ' href="e"'),
    *(' rel="enclosure" href="f"', ' mode="base64"', ' xmlns:q="urn:q"'),
)
TEXTS = (
    *("", " ", "x", "a &amp; b", "&lt;b&gt;x&lt;/b&gt;", "http://a.example/b?x=1&amp;y=2", "rel/x", "中文"),
    *("caf\u00c3\u00a9", "\x85q", "2022-09-13", "Ana &lt;a@b.example&gt;", "<![CDATA[<p>y</p>]]>"),
    *("t<!-- c -->u", "<x:y xmlns:x='urn:z'>k</x:y>", "<div xmlns='http://www.w3.org/1999/xhtml'>q</div>"),
    "<svg xmlns='http://www.w3.org/2000/svg'><title>z</title></svg>",
)
SPACES = (
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" '
    'xmlns:slash="http://purl.org/rss/1.0/modules/slash/" xmlns:media="http://search.yahoo.com/mrss/" '
    'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd"'
)


def _element(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.tuples(st.sampled_from(NAMES), st.sampled_from(ATTRIBUTES), inside)
    return parts.map(lambda part: f"<{part[0]}{part[1]}>{part[2]}</{part[0]}>")


ELEMENTS = st.recursive(
    _element(st.sampled_from(TEXTS)),
    lambda deeper: _element(st.lists(deeper, max_size=2).map("".join)),
    max_leaves=4,
)
ITEMS = st.lists(ELEMENTS, max_size=10).map(lambda elements: f"<item>{''.join(elements)}</item>")


def _found(parser: Strict, data: bytes) -> list[Any]:
    """All that a parser found, in order, and what it keeps in mind of it."""
    run(parser, data)
    plain = [repr(dict(entry)) for entry in (*parser.entries, parser.feeddata, parser.sourcedata)]
    return [plain, parser.version, parser.depth, parser.lang, parser.baseuri, len(parser.elementstack)]


@given(
    st.sampled_from(
        (f'<rss version="2.0" {SPACES}>', f'<feed xmlns="http://www.w3.org/2005/Atom" {SPACES}>')
    ),
    ITEMS,
    ITEMS,
)
def test_same_as_without(root: str, one: str, other: str) -> None:
    """Whatever stands in entries, in whichever order: the short way and the long way find the same."""
    data = f"{root}<title>T</title>{one}{other}</{root[1:5].strip()}>".encode()
    long = Strict("http://feeds.example/feed", None, "utf-8")
    short = Quick("http://feeds.example/feed", None, "utf-8")
    assert _found(short, data) == _found(long, data)
