"""The table of sources: what the settings say of them, and what is remembered between passes."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.errors import StoreError
from aggregator.model import FileStamp, Node, Rhythm, SourceKind, SourceState, Validators
from aggregator.options import Source
from aggregator.store import stale
from aggregator.store.bulk import Lookup, inserting, updating
from aggregator.store.chunks import chunks
from aggregator.store.codec import from_json, micros, moment, pack, to_json, unpack
from aggregator.store.listing import mark_shown, places, relist
from aggregator.store.nodes import nodes_of
from aggregator.store.schema import files, listing, nodes, seen, sightings, sources, tombs

_MOMENTS = frozenset(
    {
        "next_due",
        "last_attempt",
        "last_success",
        "failing_since",
        "retry_after",
        "moved_since",
        "fresh_until",
        "feed_updated",
    }
)
_SETS = frozenset({"void_guids", "void_links"})
_FIELDS = tuple(field.name for field in fields(SourceState))
_PLAIN = tuple(name for name in _FIELDS if name not in {*_MOMENTS, *_SETS, "validators", "rhythm"})
_LATELY = 30  # days
_FEED = ("feed_link", "feed_id")
"""What outputs show of a feed; its title they take from the settings."""

_KNOWN = Lookup(
    lambda names: sa.select(
        sources.c.name,
        sources.c.id,
        sources.c.last_success,
        sa.select(tombs.c.id).where(tombs.c.source_id == sources.c.id).exists().label("taken_down"),
        sa.select(tombs.c.id).where(tombs.c.id > sa.literal_column("0")).exists().label("any_tombs"),
        sa.select(sightings.c.key).where(sightings.c.source_id == sources.c.id).exists().label("carries"),
        *(sources.c[name] for name in _FEED),
    ).where(sources.c.name.in_(names))
)

_IDS = Lookup(lambda names: sa.select(sources.c.name, sources.c.id).where(sources.c.name.in_(names)))
_STATE = (*_PLAIN, *sorted(_MOMENTS), *sorted(_SETS), "etag", "last_modified", "rhythm")
_SAVE = updating(sources, _STATE)
_SEEN = inserting(seen, update=("entries",))
_LAST_SEEN = Lookup(
    lambda names: (
        sa.select(sources.c.name, seen.c.entries)
        .join(seen, sources.c.id == seen.c.source_id)
        .where(sources.c.name.in_(names))
    )
)
_STAMP = inserting(files, update=("mtime_ns", "size", "inode"))


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as the store knows it; `per_day` counts articles dated within the last 30 days."""

    name: str
    kind: SourceKind
    location: str
    active: bool
    state: SourceState
    articles: int
    per_day: float


@dataclass(frozen=True, slots=True)
class Known:
    """What writing needs of a stored source; `carries`: whether it ever gave anything that is stored."""

    id: int
    last_success: int | None
    taken_down: bool
    any_tombs: bool
    carries: bool
    feed: tuple[str | None, ...]


def known(conn: Connection, names: Collection[str]) -> dict[str, Known]:
    """The stored sources of these names. StoreError: one was never reconciled."""
    found = {
        name: Known(number, success, taken_down, any_tombs, carries, tuple(feed))
        for name, number, success, taken_down, any_tombs, carries, *feed in _KNOWN(conn, names)
    }
    for name in names:
        if name not in found:
            raise StoreError(f"source {name!r} is not in the store; reconcile the settings first")
    return found


def reconcile(conn: Connection, wanted: Sequence[Source], now: datetime) -> None:
    """Make the table follow the settings; see `Store.reconcile`."""
    stored = {row.name: row for row in conn.execute(sa.select(sources))}
    names = {source.name for source in wanted}
    left = [name for name, row in stored.items() if row.active and name not in names]
    for some in chunks(left):
        conn.execute(sa.update(sources).where(sources.c.name.in_(some)).values(active=False))
    # What no source and no article belongs to any more is gone: the pages that listed it are out of date.
    touched = {node for name in left for node in _nodes(stored[name])}
    for source in wanted:
        row = stored.get(source.name)
        settings = _settings(source)
        if row is None:
            conn.execute(
                sa.insert(sources), {**settings, "first_seen": micros(now), **columns(SourceState())}
            )
        elif any(getattr(row, name) != value for name, value in settings.items()):
            _change(conn, row, settings)
            touched |= _nodes(row)
        else:
            continue
        touched |= nodes_of(source.name, source.categories)
    if touched:
        stale.mark_nodes(conn, touched)


def _nodes(row: sa.Row[Any]) -> frozenset[Node]:
    """The nodes of a source as it is stored."""
    return nodes_of(row.name, tuple(from_json(row.categories)))


def _settings(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "kind": source.kind,
        "location": source.location,
        "categories": to_json(source.categories),
        "active": True,
    }


def _change(conn: Connection, row: sa.Row[Any], settings: Mapping[str, Any]) -> None:
    """Store new settings; the articles follow where its outputs show them."""
    update = sa.update(sources).where(sources.c.id == row.id).values(**settings)
    if all(getattr(row, name) == settings[name] for name in ("categories", "location", "kind")):
        conn.execute(update)
        return
    ids = list(
        conn.execute(
            sa.select(sightings.c.article_id).distinct().where(sightings.c.source_id == row.id)
        ).scalars()
    )
    before = [places(conn, some) for some in chunks(ids)]
    conn.execute(update)
    for old in before:
        relist(conn, old, places(conn, old))


def feed_changed(conn: Connection, source: Known, state: SourceState) -> None:
    """Where the feed's own link or id moved: the feeds that show them are out of date."""
    if not source.carries or source.feed == tuple(getattr(state, name) for name in _FEED):
        return
    ids = list(
        conn.execute(
            sa.select(sightings.c.article_id).distinct().where(sightings.c.source_id == source.id)
        ).scalars()
    )
    for some in chunks(ids):
        mark_shown(conn, places(conn, some))


def states(conn: Connection) -> dict[str, SourceState]:
    """The state of every source, by name; also of those that left the settings."""
    return {row.name: _state(row) for row in conn.execute(sa.select(sources))}


def save_states(conn: Connection, given: Mapping[str, SourceState]) -> None:
    """Store the states of sources by name."""
    ids = dict(map(tuple, _IDS(conn, given)))
    save_state(conn, ((ids[name], state) for name, state in given.items()))


def save_state(conn: Connection, given: Iterable[tuple[int, SourceState]]) -> None:
    """The same by the ids of sources."""
    _SAVE(conn, [{"b_id": source_id, **columns(state)} for source_id, state in given])


_UNREAD = {"etag": None, "last_modified": None, "body_hash": None}
"""The columns of a source whose document is to be read whatever it was before."""


def read_anew(conn: Connection, names: Collection[str]) -> None:
    """See `Store.read_anew`."""
    for some in chunks(sorted(names)):
        of_these = sa.select(sources.c.id).where(sources.c.name.in_(some))
        conn.execute(sa.update(sources).where(sources.c.name.in_(some)).values(_UNREAD))
        conn.execute(sa.delete(files).where(files.c.source_id.in_(of_these)))


def last_seen(conn: Connection, names: Iterable[str]) -> dict[str, bytes]:
    """What was remembered of feeds' last documents, by name."""
    return {row.name: row.entries for row in _LAST_SEEN(conn, names)}


def save_seen(conn: Connection, given: Sequence[tuple[int, bytes]]) -> None:
    """Remember what the last documents of feeds (by id) held."""
    _SEEN.tuples(conn, given)


def columns(state: SourceState) -> dict[str, Any]:
    """A state as column values."""
    return {
        **{name: getattr(state, name) for name in _PLAIN},
        **{name: micros(getattr(state, name)) for name in _MOMENTS},
        **{name: _pack_set(getattr(state, name)) for name in _SETS},
        "etag": state.validators.etag,
        "last_modified": state.validators.last_modified,
        "rhythm": _pack_rhythm(state.rhythm),
    }


def _state(row: sa.Row[Any]) -> SourceState:
    values: dict[str, Any] = {name: getattr(row, name) for name in _PLAIN}
    values |= {name: moment(getattr(row, name)) for name in _MOMENTS}
    values |= {name: _unpack_set(getattr(row, name)) for name in _SETS}
    return SourceState(
        **values, validators=Validators(row.etag, row.last_modified), rhythm=_unpack_rhythm(row.rhythm)
    )


def _pack_set(values: frozenset[str]) -> bytes | None:
    return pack(to_json(sorted(values))) if values else None


def _unpack_set(data: bytes | None) -> frozenset[str]:
    return frozenset(from_json(unpack(data))) if data else frozenset()


def _pack_rhythm(rhythm: Rhythm) -> str:
    if rhythm == Rhythm():
        return ""
    newest = micros(rhythm.newest)
    hours, days = sorted(rhythm.skip_hours), sorted(rhythm.skip_days)
    return to_json([rhythm.ttl, rhythm.period, hours, days, rhythm.gap, newest])


def _unpack_rhythm(text: str) -> Rhythm:
    if not text:
        return Rhythm()
    ttl, period, hours, days, *learned = from_json(text)
    gap, newest = learned or (None, None)
    return Rhythm(
        ttl=ttl,
        period=period,
        skip_hours=frozenset(hours),
        skip_days=frozenset(days),
        gap=gap,
        newest=moment(newest),
    )


def file_stamps(conn: Connection, name: str) -> dict[str, FileStamp]:
    """The stamps of a seed directory's files, by path relative to it."""
    statement = (
        sa.select(files.c.path, files.c.mtime_ns, files.c.size, files.c.inode)
        .join(sources, sources.c.id == files.c.source_id)
        .where(sources.c.name == name)
    )
    return {path: FileStamp(mtime, size, int(inode)) for path, mtime, size, inode in conn.execute(statement)}


def save_stamps(
    conn: Connection, source_id: int, stamps: Mapping[str, FileStamp], gone: Iterable[str]
) -> None:
    """Store the stamps of files that were read and forget the files that are gone."""
    for some in chunks(sorted(gone)):
        conn.execute(sa.delete(files).where(files.c.source_id == source_id, files.c.path.in_(some)))
    _STAMP.tuples(
        conn,
        [
            (source_id, path, stamp.mtime_ns, stamp.size, str(stamp.inode))
            for path, stamp in sorted(stamps.items())
        ],
    )


def source_rows(conn: Connection, now: datetime) -> list[SourceRow]:
    """Every source with its state, number of articles, and articles a day of late, by name."""
    since = micros(now - timedelta(days=_LATELY))
    lately = (
        sa.select(sa.func.count())
        .select_from(listing)
        .where(listing.c.node_id == nodes.c.id, listing.c.sort_at >= since)
        .scalar_subquery()
    )
    counted = {
        from_json(path)[0]: (count, recent)
        for path, count, recent in conn.execute(
            sa.select(nodes.c.path, nodes.c.articles, lately).where(nodes.c.kind == "source")
        )
    }
    rows = []
    for row in conn.execute(sa.select(sources).order_by(sources.c.name)):
        count, recent = counted.get(row.name, (0, 0))
        kind: SourceKind = "seed" if row.kind == "seed" else "feed"
        rows.append(SourceRow(row.name, kind, row.location, row.active, _state(row), count, recent / _LATELY))
    return rows
