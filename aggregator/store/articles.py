"""Recording what a source gave: which entries are new, changed, known elsewhere or unchanged.

    entries ─► known key? ── yes ─► moved? ── no ──► unchanged, nothing is written
                  │ no                │ yes
                  │                   ├─ another writing under a used guid ─┐
                  │                   └─ edits: the origin's words count    │
                  ▼                                                         │
               removed for good? ── yes ─► nothing is written  ◄────────────┤
                  │ no                                                      │
                  ▼                                                         │
               arrivals: identity.place ── match ─► a further sighting ◄────┘
                  │ none
                  ▼
               a new article

Everything happens in the caller's transaction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Counts, FileStamp, Refined, SourceState
from aggregator.options import Policy, Source
from aggregator.store import tombs
from aggregator.store.arrivals import add
from aggregator.store.batch import Batch, Sighted
from aggregator.store.bulk import Lookup
from aggregator.store.chunks import chunks
from aggregator.store.codec import digest, micros
from aggregator.store.content import given
from aggregator.store.edits import edit, without_recycled
from aggregator.store.identity import named
from aggregator.store.renames import follow
from aggregator.store.schema import marks, sightings
from aggregator.store.sources import feed_changed, known, save_seen, save_stamps, save_state

_SIGHTED = Lookup(
    lambda keys: sa.select(
        sightings.c.key,
        sightings.c.article_id,
        sightings.c.published,
        sightings.c.text,
        sightings.c.extras,
        sightings.c.link,
    ).where(sightings.c.source_id == sa.bindparam("source_id"), sightings.c.key.in_(keys))
)


def record(
    conn: Connection,
    policy: Policy,
    source: Source,
    entries: Sequence[Refined],
    state: SourceState,
    now: datetime,
    *,
    void_guids: frozenset[str],
    void_links: frozenset[str],
    stamps: Mapping[str, FileStamp] | None,
    gone: Collection[str],
    shown: Collection[bytes] = (),
    seen: bytes = b"",
) -> Counts:
    """Store one source's entries and state; see `Store.record`."""
    stored = known(conn, source)
    save_stamps(conn, stored.id, stamps or {}, gone)
    follow(conn, stored.id, gone)
    batch = Batch(
        conn,
        policy,
        source,
        stored,
        micros(now),
        micros(state.feed_updated),
        frozenset(gone),
        frozenset(shown),
    )
    counts, more_guids, more_links, plain = _store(batch, entries)
    _forget_links(batch, void_links | more_links)
    feed_changed(conn, stored, state)
    if batch.source.kind == "feed":
        save_seen(conn, stored.id, seen if plain else b"")
    void_guids |= state.void_guids | more_guids
    void_links |= state.void_links | more_links
    save_state(conn, stored.id, replace(state, void_guids=void_guids, void_links=void_links))
    return counts


def _store(batch: Batch, entries: Sequence[Refined]) -> tuple[Counts, frozenset[str], frozenset[str], bool]:
    """Store entries; returns also the guids and links that were seen to identify nothing.

    And whether each entry was stored under the name that it came with; else it is to be looked at again.
    """
    taken_in = [given(entry, seed=batch.seed) for entry in entries]
    # Of entries with one key the first in the document counts.
    by_key = {one.key: one for one in reversed(taken_in)}
    sighted = _sighted(batch, by_key)
    new = {key: one for key, one in by_key.items() if key not in sighted}
    moved = [
        (sighted[key], one) for key, one in by_key.items() if key in sighted and sighted[key].differs(one)
    ]
    edited, recycled = without_recycled(batch, moved)
    again = _sighted(batch, (one.key for one in recycled)) if recycled else {}
    new |= {one.key: one for one in recycled if one.key not in again}
    unseen = {key: named(one, batch.known.id, batch.now) for key, one in new.items()}
    admitted = tombs.admitted(batch, unseen)
    shown = batch.shown | by_key.keys()
    counts = Counts(unchanged=len(shown) - len(admitted) - len(edited))
    void_links: frozenset[str] = frozenset()
    if admitted:
        counts, void_links = add(batch, admitted, {*shown, *admitted}, counts)
    if edited:
        counts = edit(batch, edited, counts)
    void_guids = frozenset(one.entry.guid for one in recycled if one.entry.guid)
    plain = len(admitted) == len(unseen) and not recycled and not void_links
    return counts, void_guids, void_links, plain


def _sighted(batch: Batch, keys: Iterable[bytes]) -> dict[bytes, Sighted]:
    return {row[0]: Sighted(*row[1:]) for row in _SIGHTED(batch.conn, keys, source_id=batch.known.id)}


def _forget_links(batch: Batch, links: Collection[str]) -> None:
    """Links that turned out to identify nothing lead to no article any more."""
    for some in chunks([digest("link", link) for link in sorted(links)]):
        forgotten = sa.delete(marks).where(marks.c.mark.in_(some), marks.c.source_id == batch.known.id)
        batch.conn.execute(forgotten)
