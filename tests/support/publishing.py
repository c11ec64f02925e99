"""Articles as the store hands them to the publishing room."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.model import Article, Node, Outline, Provenance
from aggregator.options import Site
from aggregator.publish import feeds, pages
from aggregator.publish.archives import ArchivePage
from aggregator.publish.entry import listed
from aggregator.publish.feeds import EntryCache, Format
from aggregator.publish.files import Output, Written
from aggregator.publish.pieces import Kind, Listed, Piece, Rendered, Take

SITE = Site(title="World news", base_url="https://news.example.org/", language="zh")
START = datetime(2022, 9, 13, 9, 28, 50, tzinfo=UTC)


def provenance(name: str = "Aljazeera 半岛网", **values: Any) -> Provenance:
    """A feed source; `values` replace what is made up here."""
    given: dict[str, Any] = {
        "source": name,
        "kind": "feed",
        "location": "https://feeds.example.net/"
        + hashlib.sha256(name.encode(errors="replace")).hexdigest()[:8]
        + ".xml",
        "feed_link": "https://www.example.net/",
        "categories": ("新媒体", "Aljazeera 半岛网", "新闻"),
    }
    return Provenance(**(given | values))


def article(number: int = 1, **values: Any) -> Article:
    """Article `number`; each is an hour older than the one before. `values` replace what is made up here."""
    when = START - timedelta(hours=number)
    link = f"https://www.example.net/{number}"
    given: dict[str, Any] = {
        "id": number,
        "uid": hashlib.sha256(link.encode()).hexdigest()[:32],
        "title": f"Title {number}",
        "first_seen": when,
        "sort_at": when,
        "updated": when,
        "published": when,
        "sources": (provenance(),),
        "guid": link,
        "link": link,
        "authors": ("Ann Author",),
        "body": f"<p>Body of {number}</p>",
        "summary": f"Summary of {number}",
    }
    return Article(**(given | values))


def month_of(article: Article) -> str:
    """The month in whose archive an article stands."""
    return f"{article.sort_at:%Y-%m}"


def outlines(articles: Sequence[Article]) -> list[Outline]:
    """The articles as the store gives them in outline."""
    return [
        Outline(
            id=one.id,
            uid=one.uid,
            guid=one.guid,
            updated=one.updated,
            size=len(one.body.encode("utf-8", "replace")),
            changed=0,
            source=one.sources[0].source if one.sources else "",
            more=sum(map(len, (one.title, one.summary, *one.authors, *one.tags)))
            + sum(len(file.url) for file in one.enclosures),
        )
        for one in articles
    ]


def taking(kind: Kind, site: Site, articles: Sequence[Article], cache: EntryCache | None = None) -> Take:
    """Every entry rendered, none copied."""
    used = EntryCache() if cache is None else cache
    by_uid = {one.uid: one for one in articles}

    def take(shown: Listed) -> list[Piece | None]:
        pairs = zip(shown.articles, shown.ids, strict=True)
        return [used.piece(kind, by_uid[one.uid], article_id, site) for one, article_id in pairs]

    return take


def feed_of(
    fmt: Format,
    node: Node,
    articles: Sequence[Article],
    site: Site,
    folder: str,
    cache: EntryCache | None = None,
    **options: Any,
) -> Rendered:
    """The live feed of a node, in parts."""
    found = outlines(articles)
    live = listed(found[: feeds.shown(found, site)])
    return feeds.render_feed(fmt, node, live, site, folder, taking(fmt, site, articles, cache), **options)


def render_feed(*values: Any, **options: Any) -> bytes:
    """The live feed of a node; takes what `feed_of` does."""
    return feed_of(*values, **options).data


def render_archive(
    page: ArchivePage,
    node: Node,
    articles: Sequence[Article],
    site: Site,
    folder: str,
    cache: EntryCache | None = None,
    **options: Any,
) -> bytes:
    """An archive document of a node."""
    take = taking("atom", site, articles, cache)
    return feeds.render_archive(page, node, listed(outlines(articles)), site, folder, take, **options).data


def write(output: Output, files: Mapping[str, bytes], ours: Mapping[str, bytes] | None = None) -> Written:
    """A batch of files brought on disk, and recorded at once unless `ours` says what was recorded before."""
    written = output.place(output.stage(files, ours))
    if ours is None:
        output.finish()
    return written


def render_page(node: Node, folders: Mapping[Node, str], articles: Sequence[Article], site: Site) -> bytes:
    """The page of a node."""
    newest = listed(outlines(articles[: pages.NEWEST]))
    return pages.render_page(node, folders, newest, site, taking("page", site, articles)).data
