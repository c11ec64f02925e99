"""Rows on their way into the tables, written in one go in the order that the tables need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import itemgetter

from sqlalchemy.engine import Connection

from aggregator.model import Refined
from aggregator.store import identity
from aggregator.store.bulk import Row, deleting, inserting, updating
from aggregator.store.codec import digest
from aggregator.store.content import Given, content_row
from aggregator.store.lookup import Head
from aggregator.store.schema import articles, contents, marks, sightings

_HEAD = ("published", "sort_at", "updated", "origin_source", "origin_key")
_SEEN = ("published", "node_id", "guid", "link", "text", "extras", "exact", "feed_updated")
_WORDS = ("title", "link", "body", "details")

_ARTICLES = inserting(articles)
_CONTENTS = inserting(contents)
_SIGHTINGS = inserting(sightings)
_MARKS = inserting(marks, ignore=True)
_UPDATE_ARTICLES = updating(articles, _HEAD)
_UPDATE_CONTENTS = updating(contents, _WORDS)
_UPDATE_SIGHTINGS = updating(sightings, _SEEN)
_DROP_SIGHTINGS = deleting(sightings)


@dataclass
class Rows:
    """What one `record` writes about articles of one source."""

    source_id: int
    feed_updated: int | None
    nodes: Mapping[tuple[str, ...], int]
    """The ids of the category paths that entries name themselves."""
    articles: dict[int, Row] = field(default_factory=dict)
    contents: dict[int, Row] = field(default_factory=dict)
    sightings: list[Row] = field(default_factory=list)
    marks: dict[tuple[bytes, int], Row] = field(default_factory=dict)
    article_updates: dict[int, Row] = field(default_factory=dict)
    content_updates: dict[int, Row] = field(default_factory=dict)
    sighting_updates: list[Row] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)

    def new_article(self, head: Head, entry: Refined) -> None:
        """An article nobody gave before."""
        row = {"id": head.id, "uid": head.uid, "first_seen": head.first_seen}
        self.articles[head.id] = row | _head_columns(head)
        self.contents[head.id] = content_row(head.id, entry)

    def new_words(self, head: Head, entry: Refined) -> None:
        """The article is to say what this entry says."""
        row = content_row(head.id, entry)
        if head.id in self.articles:
            self.articles[head.id] |= _head_columns(head)
            self.contents[head.id] = row
            return
        self.article_updates[head.id] = {"b_id": head.id} | _head_columns(head)
        del row["article_id"]
        self.content_updates[head.id] = {"b_article_id": head.id} | row

    def sighting(self, head: Head, given: Given, rung: str, now: int) -> None:
        """The source gave this entry for the first time."""
        row: Row = {"source_id": self.source_id, "key": given.key, "article_id": head.id, "rung": rung}
        self.sightings.append(row | {"first_seen": now, "published": given.published} | self._seen(given))
        self._mark(head.id, given.entry)

    def seen_again(self, article_id: int, given: Given, published: int | None) -> None:
        """The source gave this entry otherwise than before."""
        row: Row = {"b_source_id": self.source_id, "b_key": given.key}
        self.sighting_updates.append(row | self._seen(given) | {"published": published})
        self._mark(article_id, given.entry)

    def drop_sighting(self, key: bytes) -> None:
        """The source gives this under another key now."""
        self.dropped.append({"b_source_id": self.source_id, "b_key": key})

    def _seen(self, given: Given) -> Row:
        entry = given.entry
        return {
            "node_id": self.nodes[entry.categories] if entry.categories else None,
            "guid": entry.guid,
            "link": entry.link,
            "text": given.text,
            "extras": given.extras,
            "exact": digest("hash", entry.exact_hash),
            "feed_updated": self.feed_updated,
        }

    def _mark(self, article_id: int, entry: Refined) -> None:
        for mark in identity.marks(entry):
            self.marks[mark, article_id] = {
                "mark": mark,
                "article_id": article_id,
                "source_id": self.source_id,
            }

    def flush(self, conn: Connection) -> None:
        """Write everything."""
        _ARTICLES(conn, list(self.articles.values()))
        _CONTENTS(conn, list(self.contents.values()))
        _SIGHTINGS(conn, sorted(self.sightings, key=itemgetter("key")))
        _MARKS(conn, [self.marks[name] for name in sorted(self.marks)])
        _UPDATE_ARTICLES(conn, list(self.article_updates.values()))
        _UPDATE_CONTENTS(conn, list(self.content_updates.values()))
        _UPDATE_SIGHTINGS(conn, self.sighting_updates)
        _DROP_SIGHTINGS(conn, self.dropped)


def _head_columns(head: Head) -> Row:
    return {
        "published": head.published,
        "sort_at": head.sort_at,
        "updated": head.updated,
        "origin_source": head.origin[0],
        "origin_key": head.origin[1],
    }
