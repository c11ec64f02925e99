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

from aggregator.model import Counts, FileStamp, Node, Refined, Source, SourceState
from aggregator.store import identity
from aggregator.store.chunks import chunks
from aggregator.store.codec import digest, micros
from aggregator.store.content import extras_digest, rank, text_digest
from aggregator.store.listing import Place, advance, ensure_nodes, mark_stale, nodes_of, places, relist, tie
from aggregator.store.lookup import Finder, Head, Shown, heads, taken_uids
from aggregator.store.rows import Rows
from aggregator.store.schema import marks, sightings
from aggregator.store.sources import Known, feed_changed, known, save_stamps, save_state

_SIGHTED = sa.select(
    sightings.c.key, sightings.c.article_id, sightings.c.published, sightings.c.text, sightings.c.extras
).where(
    sightings.c.source_id == sa.bindparam("source_id"),
    sightings.c.key.in_(sa.bindparam("keys", expanding=True)),
)


@dataclass(frozen=True, slots=True)
class Sighted:
    """A stored sighting: the article, and what tells that the entry moved."""

    article_id: int
    published: int | None
    text: bytes
    extras: bytes


@dataclass(frozen=True, slots=True)
class Batch:
    """What all entries of one `record` share."""

    conn: Connection
    source: Source
    known: Known
    now: int
    feed_updated: int | None
    keys: Collection[bytes]
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
    by_key: dict[bytes, Refined] = {}
    for entry in entries:
        # Of entries with one key the first in the document counts.
        by_key.setdefault(digest("key", entry.key), entry)
    batch = Batch(
        conn, source, stored, micros(now), micros(state.feed_updated), by_key.keys(), frozenset(gone)
    )
    sighted = _sighted(batch)
    new = {key: entry for key, entry in by_key.items() if key not in sighted}
    edited = {
        key: (sighted[key], entry)
        for key, entry in by_key.items()
        if key in sighted and _moved(sighted[key], entry, seed=batch.seed)
    }
    _forget_links(conn, stored.id, void_links)
    counts = Counts(unchanged=len(by_key) - len(new) - len(edited))
    if new:
        counts = _add(batch, new, counts)
    if edited:
        counts = _edit(batch, edited, counts)
    feed_changed(conn, stored, state)
    void_guids |= state.void_guids
    save_state(
        conn, stored.id, replace(state, void_guids=void_guids, void_links=state.void_links | void_links)
    )
    return counts


def _sighted(batch: Batch) -> dict[bytes, Sighted]:
    return {
        row[0]: Sighted(*row[1:])
        for some in chunks(list(batch.keys))
        for row in batch.conn.execute(_SIGHTED, {"keys": some, "source_id": batch.known.id})
    }


def _moved(sighted: Sighted, entry: Refined, *, seed: bool) -> bool:
    return sighted.text != text_digest(entry) or sighted.extras != extras_digest(entry, seed=seed)


def _forget_links(conn: Connection, source_id: int, links: Collection[str]) -> None:
    """Links that turned out to identify nothing lead to no article any more."""
    for some in chunks([digest("link", link) for link in sorted(links)]):
        conn.execute(sa.delete(marks).where(marks.c.mark.in_(some), marks.c.source_id == source_id))


# --- new entries ------------------------------------------------------------------------


def _add(batch: Batch, new: Mapping[bytes, Refined], counts: Counts) -> Counts:
    shown = Shown(batch.known.id, batch.seed, batch.keys, batch.gone)
    finder = Finder(batch.conn, shown, new.values())
    prefixes = {entry.uid_prefix for entry in new.values() if entry.uid_prefix}
    next_id = advance(batch.conn, "article", len(new)) - len(new)
    taken = taken_uids(batch.conn, (entry.uid for entry in new.values()))
    rows = _rows(batch, new.values())
    fresh: dict[int, Place] = {}
    joined: set[int] = set()
    for key, entry in new.items():
        match = identity.place(entry, finder.candidates(entry), seed=batch.seed, prefixes=prefixes)
        if match is None:
            next_id += 1
            head = _new_head(batch, next_id, _free_uid(entry, taken), key, entry)
            rows.new_article(head, entry)
            rows.sighting(head, key, entry, "new", batch.now, micros(entry.published))
        else:
            head = _join(batch, finder, rows, finder.heads[match.article_id], key, entry)
            rows.sighting(head, key, entry, match.rung, batch.now, micros(entry.published))
            if head.id not in fresh:
                joined.add(head.id)
        if head.id not in joined:
            listed = nodes_of(batch.source.name, entry.categories or batch.source.categories)
            before = fresh[head.id].nodes if head.id in fresh else frozenset[Node]()
            fresh[head.id] = Place(head.sort_at, tie(head.uid), before | listed)
        finder.sighted(entry, key, head)
    _write(batch, rows, joined, fresh)
    return replace(counts, new=len(fresh), duplicate=len(new) - len(fresh))


def _new_head(batch: Batch, article_id: int, uid: str, key: bytes, entry: Refined) -> Head:
    published = micros(entry.published)
    return Head(
        id=article_id,
        uid=uid,
        first_seen=batch.now,
        published=published,
        sort_at=_sort_at(published, micros(entry.file_time), batch.now),
        updated=_first_updated(entry, batch.now),
        origin=(batch.known.id, key),
        rank=rank(published, batch.now, entry.link, batch.source.name),
        text=text_digest(entry),
    )


def _join(batch: Batch, finder: Finder, rows: Rows, head: Head, key: bytes, entry: Refined) -> Head:
    """The head of a stored article after this new sighting of it."""
    mine = rank(micros(entry.published), batch.now, entry.link, batch.source.name)
    renamed = finder.is_absent(head.id, head.origin, batch.known.id)
    if renamed and batch.seed:
        rows.drop_sighting(head.origin[1])
    if not renamed and mine >= head.rank:
        return head
    published = micros(entry.published)
    if renamed:
        moved = head.text != text_digest(entry)
        updated = _edited(head.updated, entry, batch.now) if moved else head.updated
        published = published if batch.seed else head.published or published
    else:
        updated = _first_updated(entry, head.first_seen)
        published = head.published if published is None else published
    after = replace(
        head,
        published=published,
        sort_at=_sort_at(published, head.sort_at, head.first_seen),
        updated=updated,
        origin=(batch.known.id, key),
        rank=head.rank if renamed else mine,
        text=text_digest(entry),
    )
    rows.new_words(after, entry)
    return after


def _free_uid(entry: Refined, taken: set[str]) -> str:
    """The entry's uid, or one derived from it if another article has it."""
    uid, count = entry.uid, 0
    while uid in taken:
        count += 1
        derived = hashlib.sha256(f"{entry.uid}\0{entry.key}\0{count}".encode("utf-8", "surrogatepass"))
        kept = entry.uid_prefix or ""
        uid = (kept + derived.hexdigest())[:32]
    taken.add(uid)
    return uid


# --- entries that were given before -----------------------------------------------------


def _edit(batch: Batch, edited: Mapping[bytes, tuple[Sighted, Refined]], counts: Counts) -> Counts:
    stored = heads(batch.conn, (sighted.article_id for sighted, _ in edited.values()))
    rows = _rows(batch, (entry for _, entry in edited.values()))
    changed = set()
    for key, (sighted, entry) in edited.items():
        head = stored[sighted.article_id]
        published = micros(entry.published)
        if not batch.seed and sighted.published is not None:
            # A feed that dates its entries anew does not reorder the archive.
            published = sighted.published
        rows.seen_again(head.id, key, entry, published)
        if head.origin != (batch.known.id, key):
            continue
        text_moved = sighted.text != text_digest(entry)
        if not batch.seed and published is None:
            published = head.published
        after = replace(
            head,
            published=published,
            sort_at=_sort_at(published, head.sort_at, head.first_seen),
            updated=_edited(head.updated, entry, batch.now) if text_moved else head.updated,
        )
        rows.new_words(after, entry)
        changed.add(head.id)
    _write(batch, rows, stored.keys(), {})
    return replace(counts, changed=len(changed), unchanged=counts.unchanged + len(edited) - len(changed))


# --- both -------------------------------------------------------------------------------


def _rows(batch: Batch, entries: Iterable[Refined]) -> Rows:
    own = {Node("category", entry.categories) for entry in entries if entry.categories}
    ids = {node.path: node_id for node, node_id in ensure_nodes(batch.conn, own).items()}
    return Rows(batch.known.id, batch.seed, batch.feed_updated, ids)


def _write(batch: Batch, rows: Rows, touched: Collection[int], fresh: Mapping[int, Place]) -> None:
    before = places(batch.conn, touched)
    rows.flush(batch.conn)
    after = {**places(batch.conn, touched), **fresh}
    relist(batch.conn, before, after)
    listed = {node for place in (*before.values(), *after.values()) for node in place.nodes}
    mark_stale(batch.conn, after, listed)


def _sort_at(published: int | None, otherwise: int | None, first_seen: int) -> int:
    if published is not None and 0 <= published <= first_seen:
        return published
    return first_seen if otherwise is None else otherwise


def _first_updated(entry: Refined, now: int) -> int:
    date = _sort_at(micros(entry.published), micros(entry.file_time), now)
    own = micros(entry.updated)
    return own if own is not None and date < own <= now else date


def _edited(before: int, entry: Refined, now: int) -> int:
    own = micros(entry.updated)
    return own if own is not None and before < own <= now else max(before, now)
