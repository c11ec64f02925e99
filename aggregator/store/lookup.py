"""Finds, for the new entries of one source, the stored articles that they might be."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.refine import similarity
from aggregator.store import likeness
from aggregator.store.batch import Batch
from aggregator.store.bulk import Lookup
from aggregator.store.codec import day_of, unpack
from aggregator.store.content import IS_ORIGIN, Given, rank
from aggregator.store.identity import Candidate, Named, Own, Rung, Texts
from aggregator.store.schema import articles, contents, files, marks, outputs, sightings, sources

_DAY_SECONDS = 86400
_COMMON = 50

_CARRIED = Lookup(
    lambda ids: sa.select(
        sightings.c.article_id,
        sightings.c.source_id,
        sightings.c.key,
        sightings.c.exact,
        sightings.c.guid,
        sightings.c.published,
        sightings.c.first_seen,
    ).where(sightings.c.article_id.in_(ids))
)
# Joined by the article alone: an index leads to its sightings, of which there are few.
_TOLD = Lookup(
    lambda values: (
        sa.select(
            marks.c.mark,
            marks.c.article_id,
            marks.c.source_id,
            sightings.c.source_id,
            sightings.c.published,
            sightings.c.first_seen,
        )
        .join(sightings, sightings.c.article_id == marks.c.article_id)
        .where(marks.c.mark.in_(values))
    )
)
_FILES = Lookup(
    lambda paths: sa.select(files.c.path).where(
        files.c.source_id == sa.bindparam("source_id", None), files.c.path.in_(paths)
    )
)
_HEADS = Lookup(
    lambda ids: (
        sa.select(
            articles.c.id,
            articles.c.uid,
            contents.c.title,
            articles.c.first_seen,
            articles.c.published,
            articles.c.sort_at,
            articles.c.updated,
            articles.c.flood_id,
            articles.c.guid,
            articles.c.origin_source,
            articles.c.origin_key,
            sightings.c.published,
            sightings.c.first_seen,
            sightings.c.link,
            sightings.c.text,
            sources.c.name,
            sa.case((sources.c.active, None), else_=sources.c.location),
        )
        .join_from(articles, sightings, IS_ORIGIN)
        .join(sources, sources.c.id == sightings.c.source_id)
        .join(contents, contents.c.article_id == articles.c.id)
        .where(articles.c.id.in_(ids))
    )
)
_POSTED = Lookup(
    lambda uids: sa.select(outputs.c.key).where(
        outputs.c.kind == sa.literal_column("'post'"), outputs.c.key.in_(uids)
    )
)
_BODIES = Lookup(
    lambda ids: sa.select(contents.c.article_id, contents.c.body).where(contents.c.article_id.in_(ids))
)


@dataclass(frozen=True, slots=True)
class Head:
    """What deciding needs of a stored article; `rank` and `text` are of its origin, `guid` it shows.

    `left` is where its origin was, if that is no longer in the settings.
    """

    id: int
    uid: str
    title: str
    first_seen: int
    published: int | None
    sort_at: int
    updated: int
    flood_id: int | None
    guid: str | None
    origin: tuple[int, bytes]
    rank: tuple[int, bool, str]
    text: bytes
    left: str | None = None


_OWN = ("id", "uid", "title", "first_seen", "published", "sort_at", "updated", "flood_id", "guid")


class Finder:
    """Candidates for the new entries of one source, those stored a moment ago included.

    `keys` are those of all entries that the source shows.
    """

    def __init__(self, batch: Batch, keys: Collection[bytes], new: Collection[Named]) -> None:
        self._batch = batch
        self._bodies: dict[int, str] = {}
        wanted = [each for one in new for each in one.lookups]
        found = batch.shared.marked.rows(batch.shared.conn, {mark for _, mark in wanted})
        telling = {mark for name, mark in wanted if name in {"text", "titled"}}
        self._marked = _grouped((row[:2] for row in found), telling)
        mine = [row for row in found if row[2] == batch.known.id and row[0] in self._marked]
        texts = {mark for name, mark in wanted if name == "text" and mark in self._marked}
        self._told = _told(batch.conn, texts) if texts else defaultdict(list)
        bands, begin, end = banded(batch, new)
        self._banded = _grouped(batch.shared.bands.rows(batch.shared.conn, bands, begin, end))
        ids = {one for found in (self._marked, self._banded) for group in found.values() for one in group}
        self.heads = heads(batch.conn, ids) if ids else {}
        self._candidates = candidates(batch, self.heads, keys) if ids else {}
        self._shown = {
            mark for mark, article, _ in mine if any(own.present for own in self._candidates[article].own)
        }
        self.posted = posted(batch.conn, (head.uid for head in self.heads.values())) if ids else set()

    def date(self, one: Given) -> int:
        """When an entry was published, or now."""
        return _date(self._batch, one)

    def candidates(self, one: Named) -> Mapping[Rung, list[Candidate]]:
        """The articles that bear the marks of this entry, by rung."""
        bands, marks = one.given.entry.bands, (mark for _, mark in one.lookups)
        if self._banded.keys().isdisjoint(bands) and self._marked.keys().isdisjoint(marks):
            return {}
        found: dict[Rung, set[int]] = defaultdict(set)
        titled: set[int] = set()
        told: dict[int, tuple[int, ...]] = {}
        for name, mark in one.lookups:
            ids = self._marked.get(mark, ())
            if name == "titled":
                titled.update(ids)
            else:
                found[name].update(ids)
            if name == "text":
                told = {each: tuple(self._told[mark, each]) for each in ids}
        found["near"].update(each for band in bands for each in self._banded.get(band, ()))
        # Orphaned bands of articles that were removed lead nowhere.
        candidates = {
            rung: [self._candidates[each] for each in ids if each in self._candidates]
            for rung, ids in found.items()
        }
        texts = candidates.get("text", ())
        candidates["text"] = [
            replace(each, told=told[each.article_id], titled=each.article_id in titled) for each in texts
        ]
        return candidates

    def repeats(self, one: Named) -> bool:
        """Whether the source shows this very text under another key, so that it does not tell which."""
        told = (mark for name, mark in one.lookups if name not in ("link", "churn"))
        return not self._batch.seed and not self._shown.isdisjoint(told)

    def texts(self, one: Given) -> Texts:
        """How the texts of articles compare with that of an entry."""
        runs = cache(lambda: likeness.runs_of(one.entry.body))
        writing = cache(lambda: similarity.writing(one.entry.title, one.entry.body))
        return Texts(
            alike=lambda other: likeness.alike(runs(), likeness.runs_of(self._body(other))),
            compare=lambda other: similarity.compare(
                writing(), similarity.writing(self.heads[other].title, self._body(other))
            ),
        )

    def _body(self, article_id: int) -> str:
        if article_id not in self._bodies:
            self._bodies |= bodies(self._batch.conn, [article_id])
        return self._bodies.get(article_id, "")

    def is_own(self, article_id: int) -> bool:
        """Whether this source gave the article before."""
        return bool(self._candidates[article_id].own)

    def is_absent(self, head: Head) -> bool:
        """Whether the origin is a sighting of this source that it does not show any more."""
        own = self._candidates[head.id].own
        mine = head.origin[0] == self._batch.known.id
        return mine and any(one.key == head.origin[1] and not one.present for one in own)

    def renamed(self, article_id: int, uid: str) -> None:
        """An article has another uid from now on."""
        if article_id in self.heads:
            self.heads[article_id] = replace(self.heads[article_id], uid=uid)
            self._candidates[article_id] = replace(self._candidates[article_id], uid=uid)

    def sighted(self, named: Named, head: Head) -> None:
        """Take in that this entry has just become a sighting of this article."""
        if not self._batch.seed and head.id not in self._candidates:
            # No other entry of a feed's document can be this article.
            return
        one = named.given
        before = self._candidates.get(head.id, _candidate(head))
        own = Own(one.key, one.exact, present=True, date=self.date(one))
        carried = before.sources | {self._batch.known.id}
        self._candidates[head.id] = replace(_candidate(head), own=(*before.own, own), sources=carried)
        self.heads[head.id] = head
        if not self._batch.seed:
            return
        # Each file is a document of its own, so files of one batch may meet.
        for mark in named.marks:
            self._marked[mark].add(head.id)
            self._told[mark, head.id].append(self.date(one))
        self._bodies.setdefault(head.id, one.entry.body)


def banded(batch: Batch, new: Iterable[Named]) -> tuple[set[int], int, int]:
    """The bands under which to look for these entries, and the days from which to which."""
    given = [one.given for one in new if one.given.entry.bands]
    if batch.policy.near == "off" or not given:
        return set(), 0, 0
    days = [day_of(_date(batch, one)) for one in given]
    reach = int(batch.policy.window // _DAY_SECONDS) + 1
    return {band for one in given for band in one.entry.bands}, min(days) - reach, max(days) + reach


def _date(batch: Batch, one: Given) -> int:
    return rank(one.published, batch.now, None, "")[0]


def _grouped(
    pairs: Iterable[tuple[bytes | int, int]], telling: Collection[bytes] | None = None
) -> dict[bytes | int, set[int]]:
    """The articles by what leads to them.

    Words (`telling`; None: all) that very many articles share tell nothing: the closing line of a site.
    """
    found: dict[bytes | int, set[int]] = defaultdict(set)
    for name, article_id in pairs:
        found[name].add(article_id)
    for name in [name for name, ids in found.items() if len(ids) > _COMMON]:
        if telling is None or name in telling:
            del found[name]
    return found


def _told(conn: Connection, texts: Iterable[bytes]) -> dict[tuple[bytes, int], list[int]]:
    """For each of these marks and article that bears it the dates of the sightings that it comes from."""
    found: dict[tuple[bytes, int], list[int]] = defaultdict(list)
    for mark, article_id, marked_by, source_id, published, first_seen in _TOLD(conn, texts):
        if marked_by == source_id:
            found[mark, article_id].append(rank(published, first_seen, None, "")[0])
    return found


def heads(conn: Connection, ids: Iterable[int]) -> dict[int, Head]:
    """The heads of these articles."""
    found = {}
    for row in _HEADS(conn, ids):
        own, origin, (published, first_seen, link, text, name, left) = row[:9], row[9:11], row[11:]
        found[row[0]] = Head(
            **dict(zip(_OWN, own, strict=True)),
            origin=tuple(origin),
            rank=rank(published, first_seen, link, name),
            text=text,
            left=left,
        )
    return found


def candidates(batch: Batch, found: Mapping[int, Head], keys: Collection[bytes]) -> dict[int, Candidate]:
    """These articles as candidates for entries of the batch's source, which shows `keys`."""
    rows = _CARRIED(batch.conn, found)
    mine = [row for row in rows if row.source_id == batch.known.id]
    there: set[str] = set()
    if batch.seed:
        paths = (row.guid for row in mine if row.guid)
        stamped = {row[0] for row in _FILES(batch.conn, paths, source_id=batch.known.id)}
        there = stamped.difference(batch.recording.gone)
    carried: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        carried[row.article_id].add(row.source_id)
    own: dict[int, list[Own]] = defaultdict(list)
    for row in mine:
        present = row.key in keys or row.guid in there
        date = rank(row.published, row.first_seen, None, "")[0]
        own[row.article_id].append(Own(row.key, row.exact, present, date))
    return {
        head.id: replace(_candidate(head), own=tuple(own[head.id]), sources=frozenset(carried[head.id]))
        for head in found.values()
    }


def _candidate(head: Head) -> Candidate:
    return Candidate(head.id, head.uid, head.title, head.rank[0], head.origin[0])


def bodies(conn: Connection, ids: Iterable[int]) -> dict[int, str]:
    """What these articles say."""
    return {row[0]: unpack(row[1]) for row in _BODIES(conn, ids)}


def posted(conn: Connection, uids: Iterable[str]) -> set[str]:
    """Those of these uids under which a post was written: they are fixed for good."""
    return {row[0] for row in _POSTED(conn, uids)}
