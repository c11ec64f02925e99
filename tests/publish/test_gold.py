"""Byte for byte what is published of a small site. After a change that is meant:

python -m pytest tests/publish/test_gold.py --basetemp=DIR   writes the new files below DIR
"""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from publishing import SITE, START, article, month_of, provenance, render_archive, render_feed, render_page

from aggregator import __version__
from aggregator.model import Enclosure, Node, Tombstone
from aggregator.options import FetchPolicy, Source, Terms
from aggregator.publish.archives import archive_path, plan
from aggregator.publish.feeds import EntryCache, Format
from aggregator.publish.opml import render_opml, render_sources_opml
from aggregator.publish.paths import FEED_FILES, OPML, SOURCES_OPML, feed_folders, page_path

GOLD = Path(__file__).parents[1] / "data/publish/gold"
FORMATS: tuple[Format, ...] = ("atom", "rss", "json")
SOURCE = "Aljazeera 半岛网"
NODES = [Node("category", ()), Node("category", ("新媒体",)), Node("source", (SOURCE,))]
ARTICLES = [
    article(
        1,
        title="A & B: <b>“新闻”</b>",
        authors=("Ann Author", "周 作者"),
        enclosures=(
            Enclosure("https://cdn.example.net/a.mp3", "audio/mpeg", 123, "Sound"),
            Enclosure("https://cdn.example.net/b.mp4"),
        ),
        image="https://cdn.example.net/i.jpg?w=1&h=2",
        tags=("tag",),
        language="en",
        updated=START + timedelta(days=1),
        sources=(provenance(SOURCE), provenance("Other", link="https://other.example/1")),
    ),
    article(
        2, title="", guid="no uri", body='<p>First sentence. Second &amp; <img src="https://a.example/"></p>'
    ),
    article(3, body="", summary="", link=None, rights="© someone"),
]
OLD = [
    article(n, sort_at=when, published=when, updated=when)
    for n in range(4, 8)
    for when in [START - timedelta(days=20 * n)]
]
SOURCES = [
    Source(name=SOURCE, kind="feed", categories=("新媒体",), url="https://feeds.example.net/a?b=1&c=2"),
    Source(
        name="Secret",
        kind="feed",
        categories=(),
        url="https://x.example/",
        fetch=FetchPolicy(auth="user:word"),
    ),
]


def published() -> dict[str, bytes]:
    """Every file of the site by its path."""
    site = replace(
        SITE,
        entries_per_feed=3,
        hub="https://hub.example/",
        terms=(
            (NODES[1], Terms(noindex=True, licence="CC BY https://creativecommons.org/licenses/by/4.0/")),
        ),
    )
    folders, cache, every = feed_folders(NODES), EntryCache(), ARTICLES + OLD
    months: dict[str, list[int]] = {}
    for place in range(len(every) - 1, -1, -1):
        months.setdefault(month_of(every[place]), []).append(place)
    pages = plan({month: len(places) for month, places in months.items()}, site.entries_per_feed, 2)
    graves = [Tombstone("https://www.example.net/0", START)]
    files = {OPML: render_opml(folders, site), SOURCES_OPML: render_sources_opml(SOURCES, site)}
    for node, folder in folders.items():
        files[page_path(node, folder)] = render_page(node, folders, every, site)
        for fmt in FORMATS:
            files[f"{folder}/{FEED_FILES[fmt]}"] = render_feed(
                fmt, node, every, site, folder, cache, prev_archive=pages[-1].name, tombstones=graves
            )
    for page in pages:
        held = [every[place] for place in reversed(months[page.month][page.start : page.stop])]
        files[archive_path("feeds/all", page.name)] = render_archive(
            page, NODES[0], held, site, "feeds/all", cache
        )
    return {path: data.replace(__version__.encode(), b"VERSION") for path, data in files.items()}


def test_a_site_is_published_to_the_byte(tmp_path: Path) -> None:
    """The same articles and settings give the same files, to the last byte, on every machine."""
    found = published()
    for path, data in found.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    kept = {path.relative_to(GOLD).as_posix() for path in GOLD.rglob("*") if path.is_file()}
    assert sorted(found) == sorted(kept)
    for path in found:
        assert found[path].decode() == (GOLD / path).read_text("utf-8"), path
