import html
import json
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Literal

import feedparser
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from lxml import etree
from publishing import SITE, START, article, provenance, render_feed

from aggregator.model import Article, Enclosure, Node, Origin
from aggregator.parse.dates import parse_date
from aggregator.publish.entry import entry_id, is_uri, uri
from aggregator.publish.feeds import EntryCache, Format

NODE = Node("category", ("新媒体", "News & Views", "<b>x</b>"))
FOLDER = "feeds/新媒体/News--Views/bxb"
FORMATS: tuple[Format, ...] = ("atom", "rss", "json")
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "media": "http://search.yahoo.com/mrss/",
}
SCHEMA = Draft202012Validator(
    json.loads((Path(__file__).parents[1] / "data/publish/jsonfeed-1.1.schema.json").read_bytes())
)
HOSTILE = [
    "AT&T: R&D",
    "1 < 2 and 3 > 2",
    "<script>alert(1)</script>",
    "<b>bold</b> &amp; &lt;i&gt;",
    "]]> end",
    "List<String> &nbsp;",
    "quo\"te's “x”",
    "{{ x }} {% y %}",
    "\x0bcontrol\x85\ufffe",
    "lone \ud800 surrogate",
    "半岛网：新闻",
    "🎉",
]
FULL = article(
    title="A & B",
    authors=("Ann Author", "周 作者"),
    enclosures=(
        Enclosure("https://cdn.example.net/a.mp3", "audio/mpeg", 123, "Sound"),
        Enclosure("https://cdn.example.net/b.mp4"),
    ),
    image="https://cdn.example.net/i.jpg?w=1&h=2",
    tags=("tag", "新闻"),
    language="en",
    rights="© 2022 someone",
    updated=START + timedelta(days=1),
)


def render(fmt: Format, *articles: Article, **options: Any) -> bytes:
    return render_feed(fmt, NODE, articles, SITE, FOLDER, **options)


def tree(fmt: Literal["atom", "rss"], *articles: Article) -> etree._Element:
    return etree.fromstring(render(fmt, *articles))


def items(*articles: Article) -> list[dict[str, Any]]:
    feed = json.loads(render("json", *articles))
    SCHEMA.validate(feed)
    found: list[dict[str, Any]] = feed["items"]
    return found


def texts(element: etree._Element, path: str) -> list[str | None]:
    return [found.text for found in element.iterfind(path, NS)]


def plain(detail: Any) -> str:
    """A title as feedparser read it, as plain text."""
    return html.unescape(detail.value) if detail.type == "text/html" else str(detail.value)


@pytest.mark.parametrize("fmt", FORMATS[:2])
def test_feedparser_reads_back_what_went_in(fmt: Format) -> None:
    """Ids, links, titles, dates, bodies and authors survive the way through Atom and RSS."""
    articles = [article(n, title=f"{n} {text}".strip()) for n, text in enumerate(HOSTILE)]
    found = feedparser.parse(render(fmt, *articles), sanitize_html=False)
    assert not found.bozo
    assert [entry.id for entry in found.entries] == [entry.guid for entry in articles]
    assert [entry.link for entry in found.entries] == [entry.link for entry in articles]
    assert [parse_date(entry.published) for entry in found.entries] == [entry.date for entry in articles]
    assert [entry.content[0].value for entry in found.entries] == [entry.body for entry in articles]
    assert [entry.summary for entry in found.entries] == [entry.summary for entry in articles]
    assert {entry.author for entry in found.entries} == {"Ann Author"}
    expected = [
        " ".join("".join(c for c in entry.title if c not in "\x0b\x85\ufffe\ud800").split())
        for entry in articles
    ]
    assert [plain(entry.title_detail) for entry in found.entries] == expected


def test_atom_says_everything() -> None:
    """An Atom entry has its links, people, dates, categories, image, rights, language and source."""
    (entry,) = tree("atom", FULL).iterfind("a:entry", NS)
    links = [dict(link.attrib) for link in entry.iterfind("a:link", NS)]
    assert links == [
        {"rel": "alternate", "type": "text/html", "href": "https://www.example.net/1"},
        {"rel": "via", "href": FULL.sources[0].location},
        {
            "rel": "enclosure",
            "type": "audio/mpeg",
            "href": "https://cdn.example.net/a.mp3",
            "length": "123",
            "title": "Sound",
        },
        {"rel": "enclosure", "type": "video/mp4", "href": "https://cdn.example.net/b.mp4"},
    ]
    assert texts(entry, "a:author/a:name") == ["Ann Author", "周 作者"]
    assert texts(entry, "a:published") == ["2022-09-13T08:28:50+00:00"]
    assert [found.get("term") for found in entry.iterfind("a:category", NS)] == [
        "新媒体",
        "Aljazeera 半岛网",
        "新闻",
        "tag",
    ]
    assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    assert texts(entry, "a:rights") == ["© 2022 someone"]
    assert [found.get("url") for found in entry.iterfind("media:thumbnail", NS)] == [FULL.image]
    source = entry.find("a:source", NS)
    assert source is not None
    assert texts(source, "a:id") == [FULL.sources[0].location]
    assert texts(source, "a:title") == ["Aljazeera 半岛网"]
    assert len(texts(source, "a:updated")) == 1
    assert {link.get("rel"): link.get("href") for link in source.iterfind("a:link", NS)} == {
        "self": FULL.sources[0].location,
        "alternate": "https://www.example.net/",
    }


def test_rss_says_everything() -> None:
    """An RSS item has one enclosure, the others in Media RSS, and its description before its content."""
    (item,) = tree("rss", FULL).iterfind("channel/item")
    names = [child.tag for child in item]
    assert names.index("description") < names.index(f"{{{NS['content']}}}encoded")
    assert [dict(found.items()) for found in item.iterfind("enclosure")] == [
        {"url": "https://cdn.example.net/a.mp3", "length": "123", "type": "audio/mpeg"}
    ]
    assert [found.get("url") for found in item.iterfind("media:content", NS)] == [
        "https://cdn.example.net/b.mp4"
    ]
    assert texts(item, "dc:creator") == ["Ann Author", "周 作者"]
    assert texts(item, "dc:language") == ["en"]
    assert texts(item, "pubDate") == [format_datetime(FULL.date, usegmt=True)]
    assert [(found.get("url"), found.text) for found in item.iterfind("source")] == [
        (FULL.sources[0].location, "Aljazeera 半岛网")
    ]
    assert [found.get("isPermaLink") for found in item.iterfind("guid")] == ["true"]


def test_json_says_everything() -> None:
    """A JSON Feed item has every key of the specification that the article has a value for."""
    assert items(FULL) == [
        {
            "id": "https://www.example.net/1",
            "url": "https://www.example.net/1",
            "title": "A & B",
            "content_html": "<p>Body of 1</p>",
            "summary": "Summary of 1",
            "image": FULL.image,
            "date_published": "2022-09-13T08:28:50+00:00",
            "date_modified": items(FULL)[0]["date_modified"],
            "authors": [{"name": "Ann Author"}, {"name": "周 作者"}],
            "tags": ["新媒体", "Aljazeera 半岛网", "新闻", "tag"],
            "language": "en",
            "attachments": [
                {
                    "url": "https://cdn.example.net/a.mp3",
                    "mime_type": "audio/mpeg",
                    "title": "Sound",
                    "size_in_bytes": 123,
                },
                {"url": "https://cdn.example.net/b.mp4", "mime_type": "video/mp4"},
            ],
            "_source": {"title": "Aljazeera 半岛网", "url": "https://www.example.net/"},
            "_rights": {"note": "© 2022 someone"},
        }
    ]


def test_a_feed_names_itself() -> None:
    """The self link is the public address, percent-encoded; the title names the path and the site."""
    address = "https://news.example.org/feeds/%E6%96%B0%E5%AA%92%E4%BD%93/News--Views/bxb/"
    atom, rss, feed = tree("atom", FULL), tree("rss", FULL), json.loads(render("json", FULL))
    assert texts(atom, "a:id") == [f"{address}atom.xml"]
    assert [link.get("href") for link in atom.iterfind("a:link[@rel='self']", NS)] == [f"{address}atom.xml"]
    assert [link.get("href") for link in rss.iterfind("channel/a:link[@rel='self']", NS)] == [
        f"{address}rss.xml"
    ]
    assert feed["feed_url"] == f"{address}feed.json"
    assert feed["title"] == "新媒体 / News & Views / <b>x</b> - World news"
    assert html.unescape(atom.findtext("a:title", "", NS)) == feed["title"]
    assert html.unescape(rss.findtext("channel/title", "")) == feed["title"]
    assert rss.findtext("channel/generator", "").startswith("aggregator")
    assert atom.findtext("a:generator", "", NS) == "aggregator"


def test_dates_come_from_the_articles() -> None:
    """A feed is as new as the newest change in it; an empty one has a date that never moves."""
    old, edited = article(1), article(2, updated=START + timedelta(days=3))
    atom, rss = tree("atom", old, edited), tree("rss", old, edited)
    assert atom.findtext("a:updated", "", NS).startswith("2022-09-16T09:28:50")
    assert rss.findtext("channel/lastBuildDate") == "Fri, 16 Sep 2022 09:28:50 GMT"
    assert tree("atom").findtext("a:updated", "", NS).startswith("1990-01-01T00:00:00")
    assert render("atom") == render("atom")


def test_ids_of_strangers_are_kept_or_replaced() -> None:
    """A guid that is a URI is the id, verbatim; any other gives way to a urn:uuid that stays."""
    kept = article(1, guid="tag:example.net,2022:a?b=c")
    replaced = article(2, guid="post 12345")
    none = article(3, guid=None)
    assert entry_id(kept.guid, kept.uid) == "tag:example.net,2022:a?b=c"
    assert entry_id(replaced.guid, replaced.uid).startswith(f"urn:uuid:{replaced.uid[:8]}-")
    assert entry_id(none.guid, none.uid) == entry_id(None, article(3, title="edited").uid)
    assert [
        guid.get("isPermaLink") for guid in tree("rss", kept, replaced, none).iterfind("channel/item/guid")
    ] == ["false"] * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.net/a", True),
        ("http:example", False),
        ("http://[::1]/a", True),
        ("http://example.c[o/", False),
        ("urn:uuid:12345678-1234-1234-1234-123456789abc", True),
        ("urn:uuid:1234", False),
        ("urn:isbn:0451450523", True),
        ("yt:video:abc", True),
        ("tag:example.net:1", False),
        ("javascript:alert(1)", False),
        ("https://example.net/ä", False),
        ("a b:c", False),
        ("12345", False),
        ("", False),
    ],
)
def test_what_is_a_uri(text: str, *, expected: bool) -> None:
    """Ids must be URIs of RFC 3986, as readers compare them letter by letter."""
    assert is_uri(text) is expected


@pytest.mark.parametrize("fmt", FORMATS)
def test_ids_are_unique_within_a_feed(fmt: Format) -> None:
    """Of two articles with one guid the first stored keeps it, whatever their order in the feed."""
    older, newer = article(1, guid="urn:x-one:1"), article(2, guid="urn:x-one:1")
    found = [render(fmt, *order).decode() for order in ((older, newer), (newer, older))]
    for text in found:
        assert text.count("urn:x-one:1") == 1
        assert f"urn:uuid:{newer.uid[:8]}" in text


def test_untitled_articles() -> None:
    """An untitled article has its first sentence as title in Atom and RSS, and none in JSON Feed."""
    note = article(title="", body="<p>First sentence. Second one.</p>", summary="")
    assert texts(tree("atom", note), "a:entry/a:title") == ["First sentence."]
    assert texts(tree("rss", note), "channel/item/title") == ["First sentence."]
    assert "title" not in items(note)[0]


def test_an_article_of_nothing_still_has_content() -> None:
    """Without title, body, summary, link and author an entry names its source and date."""
    bare = article(
        title="", body="", summary="", link=None, guid=None, authors=(), image="data:x", tags=("",)
    )
    (entry,) = tree("atom", bare).iterfind("a:entry", NS)
    assert texts(entry, "a:author/a:name") == ["Aljazeera 半岛网"]
    assert "Aljazeera 半岛网" in str(entry.findtext("a:content", "", NS))
    assert entry.find("a:link[@rel='alternate']", NS) is None
    assert items(bare)[0]["content_text"]


def test_a_missing_summary_is_made_from_the_body() -> None:
    """The description of an RSS item is never the whole body."""
    long = article(body=f"<p>{'word ' * 1000}</p>", summary="")
    description = tree("rss", long).findtext("channel/item/description", "")
    assert description.startswith("word word")
    assert len(description) < 300


@pytest.mark.parametrize("before", range(960, 1010, 7))
def test_an_excerpt_never_shows_half_a_tag(before: int) -> None:
    """Wherever the reading of a long body stops, no markup gets into the excerpt."""
    start = f"<p><i data-x='{'y' * (before - 60)}'></i>"
    link = "x &amp; <a href='https://example.net/?a=1&amp;b=2' title='z'>y</a> end</p>"
    long = article(body=start + link + "<p></p>" * 5000, summary="")
    description = tree("rss", long).findtext("channel/item/description", "")
    assert html.unescape(description) == "x & y end"


def test_nothing_of_this_machine_shows() -> None:
    """A source that is a file or folder has no address in outputs, and an id made from its name."""
    seed = article(sources=(provenance("Archive", kind="seed", location="/home/me/seeds", feed_link=None),))
    for fmt in FORMATS:
        assert b"/home/me" not in render(fmt, seed)
    assert tree("atom", seed).findtext("a:entry/a:source/a:id", "", NS).startswith("urn:uuid:")


def test_an_entry_republished_already_keeps_its_origin() -> None:
    """atom:source names the feed that an entry was first published in, not the one it came through."""
    planet = article(origin=Origin("First <feed>", "https://first.example.net/", "urn:x-first:feed"))
    source = tree("atom", planet).find("a:entry/a:source", NS)
    assert source is not None
    assert texts(source, "a:id") == ["urn:x-first:feed"]
    assert html.unescape(source.findtext("a:title", "", NS)) == "First <feed>"


def test_a_feed_has_no_more_than_the_settings_say() -> None:
    """Only the first `entries_per_feed` articles are in the live document."""
    assert len(items(*(article(n) for n in range(80)))) == 50


@pytest.mark.parametrize("fmt", FORMATS)
def test_a_bad_article_costs_only_itself(fmt: Format) -> None:
    """What cannot be rendered is left out and reported; the others are there."""
    cache = EntryCache()
    text = render(fmt, article(1, sources=()), article(2), cache=cache).decode()
    assert "Title 2" in text
    assert "Title 1" not in text
    assert list(cache.problems) == [article(1).uid]
    assert "https://www.example.net/1: left out of feeds" in cache.problems[article(1).uid]


def test_cached_entries_give_the_same_bytes() -> None:
    """Whatever was rendered before, in whatever order and with however small a cache: the same bytes."""
    articles = [FULL, *(article(n, title=HOSTILE[n % len(HOSTILE)]) for n in range(2, 30))]
    jobs = [(fmt, start) for fmt in FORMATS for start in range(0, 20, 5)]
    expected = {job: render(job[0], *articles[job[1] : job[1] + 10]) for job in jobs}
    for size in (1, 7, 1000):
        cache = EntryCache(size)
        random.Random(size).shuffle(jobs)
        assert {job: render(job[0], *articles[job[1] : job[1] + 10], cache=cache) for job in jobs} == expected


def test_years_keep_four_digits() -> None:
    """The date form of RFC 822 is right for every year that a datetime has."""
    for year in (1, 999, 9999):
        when = datetime(year, 6, 1, tzinfo=UTC)
        dated = article(published=when, updated=when)
        assert f" {year:04d} " in tree("rss", dated).findtext("channel/item/pubDate", "")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://例え.jp/路?q=a b&c=%zz#片", "https://xn--r8jz45g.jp/%E8%B7%AF?q=a%20b&c=%25zz#%E7%89%87"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://a.example/?x=%E8&y=1,2", "https://a.example/?x=%E8&y=1,2"),
        ("https://a.example/b//c;d/?x=1&y=/?", "https://a.example/b//c;d/?x=1&y=/?"),
        ("HTTPS://A.example/x?", "https://A.example/x"),
        ("https://a.example/x ", "https://a.example/x"),
        ("javascript:alert(1)", None),
        ("/relative", None),
        ("https://[::1", None),
        ("https://[::1]:80/a[b]", "https://[::1]:80/a%5Bb%5D"),
        ("https://example.c[o.test/", None),
        ("https://exa mple.test/", None),
        (None, None),
    ],
)
def test_addresses_become_uris(address: str | None, expected: str | None) -> None:
    """Links are ASCII and keep the escapes that they have; what is no web address is left out."""
    assert uri(address) == expected


TEXT = st.text(max_size=80) | st.sampled_from(HOSTILE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXT, TEXT, TEXT, TEXT, TEXT)
def test_any_text_gives_strict_xml_and_json(title: str, body: str, author: str, tag: str, name: str) -> None:
    """Whatever strangers put into an article, every format parses, and no entry is lost."""
    cache = EntryCache()
    odd = article(
        title=title,
        body=body,
        summary=body,
        authors=(author,),
        tags=(tag,),
        link=f"https://example.net/{body}",
        guid=author,
        rights=tag,
        language=tag,
        enclosures=(Enclosure(f"https://example.net/{tag}", author, 1, title),),
        image=f"https://example.net/?{title}",
        sources=(provenance(name, feed_id=title, categories=(name,)),),
    )
    for fmt in ("atom", "rss"):
        root = etree.fromstring(render_feed(fmt, Node("source", (name,)), [odd], SITE, "feeds/x", cache))
        assert len(root.findall(".//a:entry", NS) + root.findall(".//item")) == 1
    SCHEMA.validate(json.loads(render("json", odd, cache=cache)))
    assert cache.problems == {}
