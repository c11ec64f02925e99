from datetime import UTC, datetime, timedelta

import feedparser
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from publishing import SITE, START, article, month_of, outlines, render_archive, render_feed

from aggregator.model import Article, Node, Tombstone
from aggregator.publish.archives import ArchivePage, archive_path, plan
from aggregator.publish.feeds import shown

NODE = Node("category", ("新闻",))
FOLDER = "feeds/新闻"
NS = {
    "a": "http://www.w3.org/2005/Atom",
    "fh": "http://purl.org/syndication/history/1.0",
    "at": "http://purl.org/atompub/tombstones/1.0",
}


def names(months: dict[str, int], live: int = 50, size: int = 50) -> list[str]:
    return [page.name for page in plan(months, live, size)]


def test_a_small_feed_has_no_archive() -> None:
    """What the live feed holds in full needs no archive."""
    assert plan({}, 50, 50) == ()
    assert plan({"2022-08": 20, "2022-09": 30}, 50, 50) == ()


def test_months_that_are_over_are_archived() -> None:
    """Each month before the newest has a document, a large one several, in order."""
    assert names({"2022-07": 120, "2022-08": 50, "2022-09": 10}) == [
        "2022-07",
        "2022-07-2",
        "2022-07-3",
        "2022-08",
    ]


def test_the_month_under_way_is_archived_in_full_parts() -> None:
    """Of the newest month only what is full has a document; the live feed holds the rest."""
    assert names({"2022-09": 149}) == ["2022-09", "2022-09-2"]
    assert names({"2022-09": 150}) == ["2022-09", "2022-09-2", "2022-09-3"]


def test_a_live_feed_that_was_cut_short_leaves_no_gap() -> None:
    """Where the live feed cannot hold the rest, the last part is archived before it is full."""
    assert names({"2022-09": 80}, live=20) == ["2022-09", "2022-09-2"]


def test_documents_are_linked_in_a_row() -> None:
    """Each document names the one before and the one after."""
    assert plan({"2022-08": 60, "2022-09": 60}, 50, 50) == (
        ArchivePage("2022-08", "2022-08", 0, 50, None, "2022-08-2"),
        ArchivePage("2022-08-2", "2022-08", 50, 60, "2022-08", "2022-09"),
        ArchivePage("2022-09", "2022-09", 0, 50, "2022-08-2", None),
    )


MONTHS = st.dictionaries(st.dates().map(lambda day: f"{day:%Y-%m}"), st.integers(1, 300), max_size=8)


@given(MONTHS, st.integers(1, 60), st.integers(1, 60))
def test_archives_and_live_feed_hold_everything(months: dict[str, int], live: int, size: int) -> None:
    """Whatever the counts, every article is in exactly one document or in the live feed."""
    pages = plan(months, live, size)
    order = [(month, number) for month in sorted(months) for number in range(months[month])]
    archived = [(page.month, number) for page in pages for number in range(page.start, page.stop)]
    assert archived == sorted(set(archived))
    assert set(archived) | set(order[-live:]) == set(order)
    assert all(0 < page.stop - page.start <= size for page in pages)


@given(MONTHS, st.integers(1, 60))
def test_a_new_article_changes_no_document(months: dict[str, int], size: int) -> None:
    """One more article in the newest month leaves all documents as they are, but for a link to a new one."""
    if not months:
        return
    before = plan(months, size, size)
    grown = plan({**months, max(months): months[max(months)] + 1}, size, size)
    if before:
        assert [(page.name, page.stop, page.prev) for page in grown][: len(before)] == [
            (page.name, page.stop, page.prev) for page in before
        ]
        assert len(grown) - len(before) in {0, 1}


def history() -> tuple[list[Article], dict[str, list[Article]]]:
    """130 articles, one a day, newest first; and by month, oldest first."""
    articles = [
        article(n, sort_at=when, published=when, updated=when, first_seen=when)
        for n in range(130)
        for when in [START - timedelta(days=n)]
    ]
    months: dict[str, list[Article]] = {}
    for one in reversed(articles):
        months.setdefault(month_of(one), []).append(one)
    return articles, months


def test_a_subscriber_can_walk_back_to_the_first_article() -> None:
    """From the live feed over prev-archive every article is reached, and every link leads where it says."""
    articles, months = history()
    pages = plan({month: len(held) for month, held in months.items()}, shown(outlines(articles), SITE), 20)
    served = {
        f"https://news.example.org/feeds/%E6%96%B0%E9%97%BB/archive/{page.name}.atom": render_archive(
            page, NODE, months[page.month][page.start : page.stop][::-1], SITE, FOLDER
        )
        for page in pages
    }
    live = "https://news.example.org/feeds/%E6%96%B0%E9%97%BB/atom.xml"
    served[live] = render_feed("atom", NODE, articles, SITE, FOLDER, prev_archive=pages[-1].name)
    seen: set[str] = set()
    address: str | None = live
    while address:
        feed = feedparser.parse(served.pop(address))
        links = {link.rel: link.href for link in feed.feed.links}
        assert links["self"] == address
        assert feed.feed.id == live
        assert address == live or links["current"] == live
        seen |= {entry.id for entry in feed.entries}
        address = links.get("prev-archive")
    assert served == {}
    assert seen == {one.guid for one in articles}


def test_an_archive_says_what_it_is() -> None:
    """An archive document bears the mark of RFC 5005 and links to the next one; the hub is not told of it."""
    page = ArchivePage("2022-08", "2022-08", 0, 1, None, "2022-08-2")
    root = etree.fromstring(render_archive(page, NODE, [article()], SITE, FOLDER))
    assert root.find("fh:archive", NS) is not None
    assert [link.get("rel") for link in root.iterfind("a:link", NS)] == [
        "self",
        "alternate",
        "current",
        "next-archive",
    ]
    assert archive_path(FOLDER, page.name) == "feeds/新闻/archive/2022-08.atom"


def test_what_was_taken_down_has_a_tombstone() -> None:
    """RFC 6721: readers that know tombstones drop the entry; the feed is as new as the takedown."""
    grave = Tombstone("urn:uuid:1", datetime(2023, 1, 2, tzinfo=UTC))
    page = ArchivePage("2022-09", "2022-09", 0, 1)
    for data in (
        render_feed("atom", NODE, [article()], SITE, FOLDER, tombstones=[grave]),
        render_archive(page, NODE, [article()], SITE, FOLDER, tombstones=[grave]),
    ):
        root = etree.fromstring(data)
        (found,) = root.iterfind("at:deleted-entry", NS)
        assert dict(found.items()) == {"ref": "urn:uuid:1", "when": "2023-01-02T00:00:00+00:00"}
        assert root.findtext("a:updated", "", NS) == "2023-01-02T00:00:00+00:00"
    assert b"deleted-entry" not in render_feed("rss", NODE, [article()], SITE, FOLDER, tombstones=[grave])
