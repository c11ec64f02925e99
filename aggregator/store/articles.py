"""Recording what a source gave: which entries are new, changed, known elsewhere or unchanged.

    entries ─► known key? ── yes ─► moved? ── no ──► unchanged, nothing is written
                  │ no                │ yes ───────► edited (the origin's words count)
                  ▼
               identity.place ── match ─► a further sighting of a stored article
                  │ none
                  ▼
               a new article

Everything happens in the caller's transaction.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Counts, FileStamp, Node, Refined, SourceState
from aggregator.options import Source
from aggregator.store import identity
from aggregator.store.bulk import Lookup
from aggregator.store.chunks import chunks
from aggregator.store.codec import digest, micros
from aggregator.store.content import Given, given, rank
from aggregator.store.listing import Place, advance, ensure_nodes, nodes_of, places, relist, tie
from aggregator.store.lookup import Finder, Head, Shown, heads, taken_uids
from aggregator.store.renames import follow
from aggregator.store.rows import Rows
from aggregator.store.schema import marks, sightings
from aggregator.store.sources import Known, feed_changed, known, save_stamps, save_state

_SIGHTED = Lookup(
    lambda keys: sa.select(
        sightings.c.key, sightings.c.article_id, sightings.c.published, sightings.c.text, sightings.c.extras
    ).where(sightings.c.source_id == sa.bindparam("source_id"), sightings.c.key.in_(keys))
)


@dataclass(frozen=True, slots=True)
class Sighted:
    """A stored sighting: the article, and what tells that the entry moved."""

    article_id: int
    published: int | None
    text: bytes
    extras: bytes

    def differs(self, one: Given) -> bool:
        """Whether the entry moved since."""
        return self.text != one.text or self.extras != one.extras


@dataclass(frozen=True, slots=True)
class Batch:
    """What all entries of one `record` share."""

    conn: Connection
    source: Source
    known: Known
    now: int
    feed_updated: int | None
    gone: Collection[str]

    @property
    def seed(self) -> bool:
        """Whether the source is a seed directory."""
        return self.source.kind == "seed"


def record(
    conn: Connection,
    source: Source,
    entries: Sequence[Refined],
    state: SourceState,
    now: datetime,
    *,
    void_guids: frozenset[str],
    void_links: frozenset[str],
    stamps: Mapping[str, FileStamp] | None,
    gone: Collection[str],
) -> Counts:
    """Store one source's entries and state; see `Store.record`."""
    stored = known(conn, source)
    save_stamps(conn, stored.id, stamps or {}, gone)
    follow(conn, stored.id, gone)
    _forget_links(conn, stored.id, void_links)
    batch = Batch(conn, source, stored, micros(now), micros(state.feed_updated), frozenset(gone))
    counts = _store(batch, entries)
    feed_changed(conn, stored, state)
    void_guids |= state.void_guids
    void_links |= state.void_links
    save_state(conn, stored.id, replace(state, void_guids=void_guids, void_links=void_links))
    return counts


def _store(batch: Batch, entries: Sequence[Refined]) -> Counts:
    by_key: dict[bytes, Given] = {}
    for entry in entries:
        taken_in = given(entry, seed=batch.seed)
        # Of entries with one key the first in the document counts.
        by_key.setdefault(taken_in.key, taken_in)
    sighted = _sighted(batch, by_key)
    new = {key: one for key, one in by_key.items() if key not in sighted}
    edited = [
        (sighted[key], one) for key, one in by_key.items() if key in sighted and sighted[key].differs(one)
    ]
    counts = Counts(unchanged=len(by_key) - len(new) - len(edited))
    if new:
        counts = _add(batch, new, by_key.keys(), counts)
    if edited:
        counts = _edit(batch, edited, counts)
    return counts


def _sighted(batch: Batch, keys: Iterable[bytes]) -> dict[bytes, Sighted]:
    return {row[0]: Sighted(*row[1:]) for row in _SIGHTED(batch.conn, keys, source_id=batch.known.id)}


def _forget_links(conn: Connection, source_id: int, links: Collection[str]) -> None:
    """Links that turned out to identify nothing lead to no article any more."""
    for some in chunks([digest("link", link) for link in sorted(links)]):
        conn.execute(sa.delete(marks).where(marks.c.mark.in_(some), marks.c.source_id == source_id))


# --- new entries ------------------------------------------------------------------------


def _add(batch: Batch, new: Mapping[bytes, Given], keys: Collection[bytes], counts: Counts) -> Counts:
    finder = Finder(batch.conn, Shown(batch.known.id, batch.seed, keys, batch.gone), new)
    prefixes = {one.entry.uid_prefix for one in new.values() if one.entry.uid_prefix}
    next_id = advance(batch.conn, "article", len(new)) - len(new)
    taken = taken_uids(batch.conn, (one.entry.uid for one in new.values()))
    rows = _rows(batch, new.values())
    fresh: dict[int, Place] = {}
    joined: set[int] = set()
    for one in new.values():
        match = identity.place(one.entry, finder.candidates(one), seed=batch.seed, prefixes=prefixes)
        if match is None:
            next_id += 1
            head = _new_head(batch, next_id, _free_uid(batch.conn, one.entry, taken), one)
            rows.new_article(head, one.entry)
        else:
            head = _join(batch, finder, rows, finder.heads[match.article_id], one)
        rows.sighting(head, one, match.rung if match else "new", batch.now)
        finder.sighted(one, head)
        if match is None or head.id in fresh:
            listed = nodes_of(batch.source.name, one.entry.categories or batch.source.categories)
            before = fresh[head.id].nodes if head.id in fresh else frozenset[Node]()
            fresh[head.id] = Place(head.sort_at, tie(head.uid), before | listed)
        else:
            joined.add(head.id)
    _write(batch, rows, joined, fresh)
    return replace(counts, new=len(fresh), duplicate=len(new) - len(fresh))


def _new_head(batch: Batch, article_id: int, uid: str, one: Given) -> Head:
    return Head(
        id=article_id,
        uid=uid,
        first_seen=batch.now,
        published=one.published,
        sort_at=_sort_at(one.published, micros(one.entry.file_time), batch.now),
        updated=_first_updated(one, batch.now),
        origin=(batch.known.id, one.key),
        rank=rank(one.published, batch.now, one.entry.link, batch.source.name),
        text=one.text,
    )


def _join(batch: Batch, finder: Finder, rows: Rows, head: Head, one: Given) -> Head:
    """The head of a stored article after this new sighting of it."""
    mine = rank(one.published, batch.now, one.entry.link, batch.source.name)
    renamed = finder.is_absent(head.id, head.origin, batch.known.id)
    if not renamed and mine >= head.rank:
        return head
    published = head.published if one.published is None else one.published
    if renamed:
        moved = head.text != one.text
        updated = _edited(head.updated, one.entry, batch.now) if moved else head.updated
        published = one.published if batch.seed else head.published or published
    else:
        updated = _first_updated(one, head.first_seen)
    after = replace(
        head,
        published=published,
        sort_at=_sort_at(published, head.sort_at, head.first_seen),
        updated=updated,
        origin=(batch.known.id, one.key),
        rank=head.rank if renamed else mine,
        text=one.text,
    )
    rows.new_words(after, one.entry)
    if renamed and batch.seed:
        rows.drop_sighting(head.origin[1])
    return after


def _free_uid(conn: Connection, entry: Refined, taken: set[str]) -> str:
    """The entry's uid, or one derived from it if another article has it."""
    uid, count = entry.uid, 0
    while uid in taken:
        count += 1
        derived = hashlib.sha256(f"{entry.uid}\0{entry.key}\0{count}".encode("utf-8", "surrogatepass"))
        kept = entry.uid_prefix or ""
        uid = (kept + derived.hexdigest())[:32]
        taken |= taken_uids(conn, [uid])
    taken.add(uid)
    return uid


# --- entries that were given before -----------------------------------------------------


def _edit(batch: Batch, edited: Sequence[tuple[Sighted, Given]], counts: Counts) -> Counts:
    stored = heads(batch.conn, (sighted.article_id for sighted, _ in edited))
    rows = _rows(batch, (one for _, one in edited))
    changed = set()
    for sighted, one in edited:
        head = stored[sighted.article_id]
        # A feed that dates its entries anew does not reorder the archive.
        kept = not batch.seed and sighted.published is not None
        published = sighted.published if kept else one.published
        rows.seen_again(head.id, one, published)
        if head.origin != (batch.known.id, one.key):
            continue
        if not batch.seed and published is None:
            published = head.published
        moved = sighted.text != one.text
        after = replace(
            head,
            published=published,
            sort_at=_sort_at(published, head.sort_at, head.first_seen),
            updated=_edited(head.updated, one.entry, batch.now) if moved else head.updated,
        )
        rows.new_words(after, one.entry)
        changed.add(head.id)
    _write(batch, rows, stored.keys(), {})
    return replace(counts, changed=len(changed), unchanged=counts.unchanged + len(edited) - len(changed))


# --- both -------------------------------------------------------------------------------


def _rows(batch: Batch, entries: Iterable[Given]) -> Rows:
    own = {Node("category", one.entry.categories) for one in entries if one.entry.categories}
    ids = {node.path: node_id for node, node_id in ensure_nodes(batch.conn, own).items()}
    return Rows(batch.known.id, batch.feed_updated, ids)


def _write(batch: Batch, rows: Rows, touched: Collection[int], fresh: Mapping[int, Place]) -> None:
    before = places(batch.conn, touched)
    rows.flush(batch.conn)
    after = {**places(batch.conn, touched), **fresh}
    relist(batch.conn, before, after)


def _sort_at(published: int | None, otherwise: int | None, first_seen: int) -> int:
    if published is not None and 0 <= published <= first_seen:
        return published
    return first_seen if otherwise is None else otherwise


def _first_updated(one: Given, now: int) -> int:
    date = _sort_at(one.published, micros(one.entry.file_time), now)
    own = micros(one.entry.updated)
    return own if own is not None and date < own <= now else date


def _edited(before: int, entry: Refined, now: int) -> int:
    own = micros(entry.updated)
    return own if own is not None and before < own <= now else max(before, now)
