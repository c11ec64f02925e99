"""Finds, for the new entries of one source, the stored articles that they might be."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.store.bulk import Lookup
from aggregator.store.codec import digest
from aggregator.store.content import Given, rank
from aggregator.store.identity import Candidate, Own, Rung, lookups, marks
from aggregator.store.schema import articles, files, sightings, sources
from aggregator.store.schema import marks as marks_table

_MARKED = Lookup(
    lambda marks: (
        sa.select(marks_table.c.mark, marks_table.c.article_id)
        .distinct()
        .where(marks_table.c.mark.in_(marks))
    )
)
_OWN = Lookup(
    lambda ids: sa.select(sightings.c.article_id, sightings.c.key, sightings.c.exact, sightings.c.guid).where(
        sightings.c.article_id.in_(ids), sightings.c.source_id == sa.bindparam("source_id")
    )
)
_FILES = Lookup(
    lambda paths: sa.select(files.c.path).where(
        files.c.source_id == sa.bindparam("source_id"), files.c.path.in_(paths)
    )
)
_ORIGIN = sa.and_(sightings.c.source_id == articles.c.origin_source, sightings.c.key == articles.c.origin_key)
_HEADS = Lookup(
    lambda ids: (
        sa.select(
            articles.c.id,
            articles.c.uid,
            articles.c.first_seen,
            articles.c.published,
            articles.c.sort_at,
            articles.c.updated,
            articles.c.origin_source,
            articles.c.origin_key,
            sightings.c.published,
            sightings.c.first_seen,
            sightings.c.link,
            sightings.c.text,
            sources.c.name,
        )
        .join_from(articles, sightings, _ORIGIN)
        .join(sources, sources.c.id == sightings.c.source_id)
        .where(articles.c.id.in_(ids))
    )
)
_UIDS = Lookup(lambda uids: sa.select(articles.c.uid).where(articles.c.uid.in_(uids)))


@dataclass(frozen=True, slots=True)
class Head:
    """What deciding needs of a stored article; `rank` and `text` are of its origin."""

    id: int
    uid: str
    first_seen: int
    published: int | None
    sort_at: int
    updated: int
    origin: tuple[int, bytes]
    rank: tuple[int, bool, str]
    text: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """What a source shows now: the keys in its document and, of a seed directory, its files."""

    source_id: int
    seed: bool
    keys: Collection[bytes]
    gone: Collection[str]


class Finder:
    """Candidates for the new entries of one source, those stored a moment ago included."""

    def __init__(self, conn: Connection, shown: Shown, entries: Mapping[bytes, Given]) -> None:
        self._seed = shown.seed
        self._lookups = {key: lookups(given.entry) for key, given in entries.items()}
        self._marked: dict[bytes, list[int]] = defaultdict(list)
        for mark, article_id in _MARKED(
            conn, (mark for found in self._lookups.values() for mark in found.values())
        ):
            self._marked[mark].append(article_id)
        self.heads = heads(conn, {one for ids in self._marked.values() for one in ids})
        own = _own(conn, shown, self.heads)
        self._candidates = {
            head.id: Candidate(head.id, head.uid, tuple(own.get(head.id, ()))) for head in self.heads.values()
        }

    def candidates(self, given: Given) -> Mapping[Rung, list[Candidate]]:
        """The articles that bear the marks of this entry, by rung."""
        return {
            rung: [self._candidates[article_id] for article_id in self._marked.get(mark, ())]
            for rung, mark in self._lookups[given.key].items()
        }

    def is_absent(self, article_id: int, origin: tuple[int, bytes], source_id: int) -> bool:
        """Whether the origin is a sighting of this source that it does not show any more."""
        own = self._candidates[article_id].own
        return origin[0] == source_id and any(one.key == origin[1] and not one.present for one in own)

    def sighted(self, given: Given, head: Head) -> None:
        """Take in that this entry has just become a sighting of this article."""
        before = self._candidates.get(head.id, Candidate(head.id, head.uid))
        own = Own(given.key, digest("hash", given.entry.exact_hash), present=True)
        self._candidates[head.id] = replace(before, own=(*before.own, own))
        self.heads[head.id] = head
        if self._seed:
            # Each file is a document of its own, so files of one batch may meet.
            for mark in marks(given.entry):
                if head.id not in self._marked[mark]:
                    self._marked[mark].append(head.id)


def heads(conn: Connection, ids: Iterable[int]) -> dict[int, Head]:
    """The heads of these articles."""
    found = {}
    for row in _HEADS(conn, ids):
        head, (source_id, key, published, first_seen, link, text, name) = row[:6], row[6:]
        order = rank(published, first_seen, link, name)
        article_id, uid, seen, dated, sort_at, updated = head
        found[article_id] = Head(
            article_id, uid, seen, dated, sort_at, updated, (source_id, key), order, text
        )
    return found


def _own(conn: Connection, shown: Shown, ids: Iterable[int]) -> dict[int, list[Own]]:
    rows = _OWN(conn, ids, source_id=shown.source_id)
    there: set[str] = set()
    if shown.seed:
        paths = (row.guid for row in rows if row.guid)
        there = {row[0] for row in _FILES(conn, paths, source_id=shown.source_id)}.difference(shown.gone)
    found: dict[int, list[Own]] = defaultdict(list)
    for row in rows:
        present = row.key in shown.keys or row.guid in there
        found[row.article_id].append(Own(row.key, row.exact, present))
    return found


def taken_uids(conn: Connection, uids: Iterable[str]) -> set[str]:
    """Those of these uids that articles have already."""
    return {row[0] for row in _UIDS(conn, uids)}
