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

Everything happens in the caller's transaction. Sources that are recorded together share lookups and
writes (see `shared`); what they give is stored as if each came after the other.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Counts
from aggregator.options import Policy
from aggregator.store import tombs
from aggregator.store.arrivals import add
from aggregator.store.batch import Batch, Recording, Sighted
from aggregator.store.chunks import chunks
from aggregator.store.codec import day_of, digest, micros
from aggregator.store.content import Given, given
from aggregator.store.edits import Edited, edit, without_recycled
from aggregator.store.identity import Named, named
from aggregator.store.lookup import banded
from aggregator.store.renames import follow
from aggregator.store.schema import marks
from aggregator.store.shared import Shared
from aggregator.store.sources import feed_changed, known, save_stamps

_MOST = 2000
"""Entries that are taken in together, about: more of them cost memory, and save nothing more."""
_LATE_DAYS = 40
"""Bands are looked up together for sources whose new entries are not older than this."""


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The entries of a source by key: all, those that moved, and those that are new and may be stored.

    `plain`: all that are new may be; `expired` of them are too old.
    """

    by_key: Mapping[bytes, Given]
    moved: Sequence[Edited]
    admitted: Mapping[bytes, Named]
    plain: bool
    expired: int


def record_all(conn: Connection, policy: Policy, given: Sequence[Recording], now: datetime) -> list[Counts]:
    """Store what sources gave; see `Store.record_all`."""
    counts: list[Counts] = []
    for some in _parts(given):
        counts += _record_some(conn, policy, some, now)
    return counts


def _parts(given: Sequence[Recording]) -> Iterator[list[Recording]]:
    """Parts of some size, in none of which a source comes twice."""
    part: dict[str, Recording] = {}
    size = 0
    for one in given:
        if part and (size + len(one.entries) > _MOST or one.source.name in part):
            yield list(part.values())
            part, size = {}, 0
        part[one.source.name] = one
        size += len(one.entries)
    yield list(part.values())


def _record_some(conn: Connection, policy: Policy, given: Sequence[Recording], now: datetime) -> list[Counts]:
    if not given:
        return []
    shared = Shared(conn)
    stored = known(conn, [one.source.name for one in given])
    batches = [Batch(shared, policy, one, stored[one.source.name], micros(now)) for one in given]
    for batch in batches:
        save_stamps(conn, batch.known.id, batch.recording.stamps, batch.recording.gone)
        follow(conn, batch.known.id, batch.recording.gone)
        feed_changed(conn, batch.known, batch.recording.state)
    ordered = list(zip(batches, _foreseen(shared, batches), strict=True))
    counts = [_record(batch, _sort(batch, one.by_key) if shared.forgot else one) for batch, one in ordered]
    shared.settled()
    return counts


def _foreseen(shared: Shared, batches: Sequence[Batch]) -> list[_Sorted]:
    """The entries of all sources in order, and what deciding about the new ones needs is looked up."""
    taken_in = [_taken_in(batch) for batch in batches]
    carrying = [pair for pair in zip(batches, taken_in, strict=True) if pair[0].known.carries]
    shared.sighted.ask(shared.conn, {(batch.known.id, key) for batch, one in carrying for key in one})
    found = [_sort(batch, by_key) for batch, by_key in zip(batches, taken_in, strict=True)]
    new = [one for each in found for one in each.admitted.values()]
    shared.reserve(len(new))
    shared.marked.ask(shared.conn, {mark for one in new for _, mark in one.lookups})
    shared.uids.ask(shared.conn, {one.given.entry.uid for one in new})
    looked = [banded(batch, one.admitted.values()) for batch, one in zip(batches, found, strict=True)]
    late = [one for one in looked if one[1] >= day_of(batches[0].now) - _LATE_DAYS]
    if late:
        bands, begins, ends = zip(*late, strict=True)
        shared.bands.ask(shared.conn, set().union(*bands), min(begins), max(ends))
    return found


def _taken_in(batch: Batch) -> dict[bytes, Given]:
    taken_in = [given(entry, seed=batch.seed) for entry in batch.recording.entries]
    # Of entries with one key the first in the document counts.
    return {one.key: one for one in reversed(taken_in)}


def _sort(batch: Batch, by_key: Mapping[bytes, Given]) -> _Sorted:
    there = {*batch.recording.shown, *by_key}
    sighted = {key: _back(batch, found, there) for key, found in _sighted(batch, by_key).items()}
    moved = [
        (sighted[key], one)
        for key, one in by_key.items()
        if key in sighted and (sighted[key].back or sighted[key].differs(one))
    ]
    new = {key: named(one, batch.known.id, batch.now) for key, one in by_key.items() if key not in sighted}
    lasting = tombs.lasting(batch, new)
    admitted = tombs.admitted(batch, lasting)
    return _Sorted(by_key, moved, admitted, len(admitted) == len(new), len(new) - len(lasting))


def _back(batch: Batch, found: Sighted, there: Collection[bytes]) -> Sighted:
    """Noted where a feed shows an entry under a former key, and no more under that of the article's words."""
    gone = found.origin is not None and found.origin not in there
    return replace(found, back=True) if gone and not batch.seed else found


def _record(batch: Batch, one: _Sorted) -> Counts:
    """Store a source's entries and state."""
    recording, state = batch.recording, batch.recording.state
    counts, more_guids, more_links, plain = _store(batch, one)
    _forget_links(batch, recording.void_links | more_links)
    void_guids = recording.void_guids | state.void_guids | more_guids
    void_links = recording.void_links | state.void_links | more_links
    state = replace(state, void_guids=void_guids, void_links=void_links)
    seen = recording.seen if plain else b""
    batch.shared.remember(batch.known.id, state, seen if batch.source.kind == "feed" else None)
    return counts


def _store(batch: Batch, one: _Sorted) -> tuple[Counts, frozenset[str], frozenset[str], bool]:
    """Store entries; returns also the guids and links that were seen to identify nothing.

    And whether each entry was stored under the name that it came with; else it is to be looked at again.
    """
    edited, recycled = without_recycled(batch, one.moved)
    admitted = {**one.admitted}
    if recycled:
        again = _sighted(batch, [each.key for each in recycled])
        fresh = [each for each in recycled if each.key not in again]
        more = {each.key: named(each, batch.known.id, batch.now) for each in fresh}
        admitted = {key: each for key, each in admitted.items() if key not in more}
        admitted |= tombs.admitted(batch, tombs.lasting(batch, more))
    shown = {*batch.recording.shown, *one.by_key}
    unchanged = len(shown) - len(admitted) - len(edited) - one.expired
    counts = Counts(unchanged=unchanged, expired=one.expired)
    void_links: frozenset[str] = frozenset()
    if admitted:
        # Under a guid that names another writing now, the source does not show the old one.
        there = shown - {each.key for _, each in one.moved} | {each.key for _, each in edited}
        counts, void_links = add(batch, admitted, {*there, *admitted}, counts)
    if edited:
        counts = edit(batch, edited, counts)
    void_guids = frozenset(each.entry.guid for each in recycled if each.entry.guid)
    return counts, void_guids, void_links, one.plain and not recycled and not void_links


def _sighted(batch: Batch, keys: Iterable[bytes]) -> dict[bytes, Sighted]:
    if not batch.known.carries:
        return {}
    pairs = {(batch.known.id, key) for key in keys}
    return {pair[1]: Sighted(*row) for pair, row in batch.shared.sighted.rows(batch.shared.conn, pairs)}


def _forget_links(batch: Batch, links: Collection[str]) -> None:
    """Links that turned out to identify nothing lead to no article any more."""
    for some in chunks([digest("link", link) for link in sorted(links)]):
        forgotten = sa.delete(marks).where(marks.c.mark.in_(some), marks.c.source_id == batch.known.id)
        if batch.conn.execute(forgotten).rowcount:
            batch.shared.forget()
