"""Rows of one source on their way into the tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aggregator.model import CategoryPath, Node
from aggregator.store import identity, revisions, upstream
from aggregator.store.batch import Batch
from aggregator.store.bulk import Row, deleting, updating
from aggregator.store.codec import day_of
from aggregator.store.content import Given, content_row
from aggregator.store.identity import Named
from aggregator.store.lookup import Head
from aggregator.store.nodes import ensure_nodes
from aggregator.store.schema import articles, contents, sightings

_HEAD = ("uid", "guid", "published", "sort_at", "updated", "flood_id", "origin_source", "origin_key")
_SEEN = ("published", "node_id", "guid", "link", "text", "extras", "exact", "feed_updated")
_WORDS = ("title", "link", "body", "details")

_UPDATE_ARTICLES = updating(articles, _HEAD)
_UPDATE_CONTENTS = updating(contents, _WORDS)
_UPDATE_SIGHTINGS = updating(sightings, _SEEN)
_DROP_SIGHTINGS = deleting(sightings)


@dataclass
class Rows:
    """What one `record` writes about articles of one source.

    `nodes` are the ids of the category paths that entries name themselves, `links` their canonical links.
    """

    batch: Batch
    nodes: Mapping[CategoryPath, int]
    articles: dict[int, Row] = field(default_factory=dict)
    contents: dict[int, Row] = field(default_factory=dict)
    sightings: list[Row] = field(default_factory=list)
    marks: set[tuple[bytes, int, int]] = field(default_factory=set)
    bands: list[tuple[int, int, int]] = field(default_factory=list)
    article_updates: dict[int, Row] = field(default_factory=dict)
    content_updates: dict[int, Row] = field(default_factory=dict)
    sighting_updates: list[Row] = field(default_factory=list)
    dropped: list[Row] = field(default_factory=list)
    edited: dict[int, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def new_article(self, head: Head, given: Given) -> None:
        """An article nobody gave before."""
        row = {"id": head.id, "first_seen": head.first_seen, "changed": 0}
        self.articles[head.id] = row | _head_columns(head)
        self.contents[head.id] = content_row(head.id, given.entry)
        self.band(head, given)

    def new_head(self, head: Head) -> None:
        """Something of a stored article moved that is not its words."""
        if head.id in self.articles:
            self.articles[head.id] |= _head_columns(head)
        else:
            self.article_updates[head.id] = {"b_id": head.id} | _head_columns(head)

    def renamed(self, article_id: int, uid: str) -> None:
        """A stored article was given another uid."""
        if article_id in self.article_updates:
            self.article_updates[article_id]["uid"] = uid

    def new_words(self, head: Head, given: Given, *, edited: bool) -> None:
        """The article is to say what this entry says; `edited`: which is not what it said before."""
        self.new_head(head)
        row = content_row(head.id, given.entry)
        if edited:
            self.band(head, given)
        if head.id in self.contents:
            self.contents[head.id] = row
            return
        self.content_updates[head.id] = {"b_article_id": row.pop("article_id")} | row
        if edited:
            self.edited[head.id] = self.batch.now

    def sighting(self, head: Head, named: Named, rung: str, evidence: str | None) -> None:
        """The source gave this entry for the first time."""
        given = named.given
        row: Row = {
            "source_id": self.batch.known.id,
            "key": given.key,
            "article_id": head.id,
            "rung": rung,
            "evidence": evidence,
            "first_seen": self.batch.now,
            "published": given.published,
        }
        self.sightings.append(row | self._seen(given))
        self._mark(head.id, named)

    def seen_again(self, article_id: int, given: Given, published: int | None) -> None:
        """The source gave this entry otherwise than before."""
        row: Row = {"b_source_id": self.batch.known.id, "b_key": given.key, "published": published}
        self.sighting_updates.append(row | self._seen(given))
        self._mark(article_id, identity.named(given, self.batch.known.id, self.batch.now))

    def drop_sighting(self, key: bytes) -> None:
        """The source gives this under another key now."""
        self.dropped.append({"b_source_id": self.batch.known.id, "b_key": key})

    def _seen(self, given: Given) -> Row:
        entry = given.entry
        if entry.link and entry.canonical_link and not self.batch.source.full_text:  # a page may name another
            self.links[entry.link] = entry.canonical_link
        return {
            "node_id": self.nodes[entry.categories] if entry.categories else None,
            "guid": entry.guid,
            "link": entry.link,
            "text": given.text,
            "extras": given.extras,
            "exact": given.exact,
            "feed_updated": self.batch.feed_updated,
        }

    def _mark(self, article_id: int, named: Named) -> None:
        source_id = self.batch.known.id
        self.marks.update((mark, article_id, source_id) for mark in named.marks)

    def band(self, head: Head, given: Given) -> None:
        """The article is found by what these words share with others, around its date."""
        if self.batch.policy.near != "off":
            day = day_of(head.sort_at)
            self.bands += ((band, day, head.id) for band in given.entry.bands)

    def flush(self) -> None:
        """What is new waits to be written with that of other sources; what changes is written."""
        if self.article_updates:
            written = self.articles | self.article_updates
            guids = {one: row["guid"] for one, row in written.items()}
            for article_id in upstream.taken(self.batch.conn, guids, self.links):
                written[article_id]["guid"] = None
        new = self.articles, self.contents.values(), self.sightings, self.marks, self.bands
        self.batch.shared.add(*new, self.links)
        if not (self.article_updates or self.sighting_updates or self.dropped):
            return
        conn = self.batch.conn
        revisions.keep(conn, self.edited, self.batch.policy.keep_revisions)
        _UPDATE_ARTICLES(conn, list(self.article_updates.values()))
        _UPDATE_CONTENTS(conn, list(self.content_updates.values()))
        _UPDATE_SIGHTINGS(conn, self.sighting_updates)
        _DROP_SIGHTINGS(conn, self.dropped)


def rows_for(batch: Batch, entries: Iterable[Given]) -> Rows:
    """Empty rows that know the categories these entries name."""
    own = {Node("category", one.entry.categories) for one in entries if one.entry.categories}
    return Rows(batch, {node.path: node_id for node, node_id in ensure_nodes(batch.shared.conn, own).items()})


def _head_columns(head: Head) -> Row:
    return {
        "uid": head.uid,
        "guid": head.guid,
        "published": head.published,
        "sort_at": head.sort_at,
        "updated": head.updated,
        "flood_id": head.flood_id,
        "origin_source": head.origin[0],
        "origin_key": head.origin[1],
    }
