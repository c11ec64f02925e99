"""Gone means gone: what was removed is not stored again, by whichever rung it would come back.

A tomb holds the hashes that the article would be recognised by and none of its words. Tombs are
made by a takedown (of an article, or of all that a source gave and will give), by retention, and by
dropping a flood; they can be undone, and the article then comes back when a source shows it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.errors import StoreError
from aggregator.model import Node
from aggregator.refine.identity import normal
from aggregator.store import months, stale
from aggregator.store.batch import Batch, sort_date_of
from aggregator.store.bulk import Lookup, Row, insert_one, inserting
from aggregator.store.chunks import chunks
from aggregator.store.codec import digest, from_json, micros, moment, to_json
from aggregator.store.identity import Named
from aggregator.store.listing import places, relist
from aggregator.store.months import month_of
from aggregator.store.nodes import as_node, ensure_nodes
from aggregator.store.removal import remove
from aggregator.store.schema import (
    articles,
    contents,
    files,
    marks,
    nodes,
    sightings,
    sources,
    tomb_marks,
    tomb_nodes,
    tombs,
)

Kind = Literal["takedown", "retention", "flood"]

_MARK = inserting(tomb_marks, ignore=True)
_NODE = inserting(tomb_nodes, ignore=True)


@dataclass(frozen=True, slots=True)
class Tomb:
    """What was removed: an article by `uid` (with the guid and link of its origin), or a whole `source`."""

    id: int
    kind: Kind
    at: datetime
    reason: str
    uid: str | None = None
    guid: str | None = None
    link: str | None = None
    source: str | None = None


# --- what is not let in ---------------------------------------------------------------------


def lasting(batch: Batch, new: Mapping[bytes, Named]) -> Mapping[bytes, Named]:
    """The new entries that retention would not remove at once."""
    if batch.source.keep is None or batch.known.taken_down:
        return new
    oldest = batch.now - int(batch.source.keep * 1_000_000)
    return {key: one for key, one in new.items() if sort_date_of(one.given, batch.now) >= oldest}


def admitted(batch: Batch, new: Mapping[bytes, Named]) -> Mapping[bytes, Named]:
    """The new entries that may be stored: not what was removed.

    Retention let an article go for its date. Where that lasts again, as `keep` was lengthened or the clock
    was wrong, it comes back, and its tomb is opened.
    """
    if batch.known.taken_down:
        return {}
    if not new or not batch.known.any_tombs:
        return new
    marks = {key: _marks(batch.known.id, one) for key, one in new.items()}
    aged = {
        key: _dated("aged", batch.known.id, one.given.entry.title, one.given.published)
        for key, one in new.items()
    }
    shared = batch.shared
    found: dict[bytes, set[int]] = defaultdict(set)
    for mark, tomb_id in shared.stopped.rows(shared.conn, set().union(*marks.values(), *aged.values())):
        found[mark].add(tomb_id)

    def named_by(own: Collection[bytes]) -> set[int]:
        return {tomb_id for mark in own for tomb_id in found.get(mark, ())}

    let_in = {key: one for key, one in new.items() if named_by(marks[key]) <= named_by(aged[key])}
    if opening := {tomb_id for key in let_in for tomb_id in named_by(marks[key])}:
        _open(batch.conn, opening)
    return let_in


def _marks(source_id: int, one: Named) -> set[bytes]:
    # A title alone stops nothing; with the second of publishing it is the article under a new key.
    found = {mark for rung, mark in one.lookups if rung != "churn"}
    named = _dated("moment", source_id, one.given.entry.title, one.given.published)
    return {*found, _key_mark(source_id, one.given.key), *named}


def _key_mark(source_id: int, key: bytes) -> bytes:
    return digest("sighting", str(source_id), key.hex())


def _dated(kind: str, source_id: int, title: str, published: int | None) -> set[bytes]:
    name = normal(title)
    return {digest(kind, str(source_id), name, str(published))} if name and published is not None else set()


# --- burying --------------------------------------------------------------------------------


def bury(conn: Connection, ids: Collection[int], kind: Kind, reason: str, now: datetime) -> int:
    """Remove articles for good; returns how many there were."""
    count = 0
    for some in chunks(sorted(set(ids))):
        rows = conn.execute(_FACTS.where(articles.c.id.in_(some))).all()
        count += len(rows)
        stand = places(conn, some)
        carried = _sightings(conn, some)
        for row in rows:
            tomb_id = insert_one(conn, tombs, _grave(row, kind, reason, now, carried[row.id]))
            keys = {_key_mark(one.source_id, one.key) for one in carried[row.id]}
            for one in carried[row.id]:
                keys |= _dated("moment", one.source_id, row.title, one.published)
                if kind == "retention" and one.published == row.sort_at:
                    keys |= _dated("aged", one.source_id, row.title, one.published)
            _inscribe(conn, tomb_id, row.id, keys)
            if kind == "takedown":
                ids_of = ensure_nodes(conn, stand[row.id].nodes)
                month = month_of(stand[row.id].sort_at)
                _NODE(
                    conn,
                    [{"node_id": one, "month": month, "tomb_id": tomb_id} for one in sorted(ids_of.values())],
                )
        remove(conn, some)
    return count


_FACTS = sa.select(
    articles.c.id, articles.c.uid, articles.c.guid, articles.c.sort_at, contents.c.link, contents.c.title
).join_from(articles, contents, contents.c.article_id == articles.c.id)


class _Sighting(NamedTuple):
    source_id: int
    name: str
    key: bytes
    guid: str | None
    published: int | None


def _sightings(conn: Connection, ids: Sequence[int]) -> dict[int, list[_Sighting]]:
    found: dict[int, list[_Sighting]] = {article_id: [] for article_id in ids}
    statement = (
        sa.select(
            sightings.c.article_id,
            sources.c.id,
            sources.c.name,
            sightings.c.key,
            sightings.c.guid,
            sightings.c.published,
        )
        .join_from(sightings, sources, sources.c.id == sightings.c.source_id)
        .where(sightings.c.article_id.in_(ids))
    )
    for article_id, *row in conn.execute(statement):
        found[article_id].append(_Sighting(*row))
    return found


def _grave(row: Any, kind: Kind, reason: str, now: datetime, carried: Iterable[_Sighting]) -> Row:  # noqa: ANN401 - a row
    return {
        "kind": kind,
        "at": micros(now),
        "reason": reason,
        "uid": row.uid,
        "guid": row.guid,
        "link": row.link,
        "source_id": None,
        "sightings": to_json(sorted([one.name, one.guid or ""] for one in carried)),
    }


def _inscribe(conn: Connection, tomb_id: int, article_id: int, keys: Iterable[bytes]) -> None:
    statement = sa.select(marks.c.mark).distinct().where(marks.c.article_id == article_id)
    found = {*conn.execute(statement).scalars(), *keys}
    _MARK(conn, [{"mark": mark, "tomb_id": tomb_id} for mark in sorted(found)])


def take_down_source(conn: Connection, name: str, reason: str, now: datetime) -> int:
    """Remove the articles of which this source is the origin, whoever copied them, and take no more of it.

    What it carried of others stays theirs. Returns how many went. StoreError: there is no such source.
    """
    source_id = conn.execute(sa.select(sources.c.id).where(sources.c.name == name)).scalar_one_or_none()
    if source_id is None:
        raise StoreError(f"no source is named {name!r}; `aggregator sources` lists them")
    mine = sa.select(articles.c.id).where(articles.c.origin_source == source_id)
    carried = sa.select(sightings.c.article_id).where(
        sightings.c.source_id == source_id, sightings.c.article_id.not_in(mine)
    )
    count = bury(conn, list(conn.execute(mine).scalars()), "takedown", reason, now)
    _leave_to_others(conn, source_id, set(conn.execute(carried).scalars()))
    values = {
        "kind": "takedown",
        "at": micros(now),
        "reason": reason,
        "source_id": source_id,
        "sightings": "[]",
    }
    conn.execute(sa.insert(tombs).values(values))
    return count


def _leave_to_others(conn: Connection, source_id: int, ids: Collection[int]) -> None:
    """Take a source out of articles whose origin is another."""
    for some in chunks(sorted(ids)):
        before = places(conn, some)
        for table in (sightings, marks):
            conn.execute(sa.delete(table).where(table.c.article_id.in_(some), table.c.source_id == source_id))
        relist(conn, before, places(conn, some))


# --- looking at tombs and undoing them --------------------------------------------------------

_TOMBS = sa.select(tombs, sources.c.name).join_from(
    tombs, sources, sources.c.id == tombs.c.source_id, isouter=True
)
_KINDS: list[sa.ColumnElement[str]] = [
    sa.literal_column("'category'"),
    sa.literal_column("'source'"),
]  # by them, the index is of use
_LISTED = Lookup(
    lambda paths: (
        sa.select(nodes.c.kind.label("node_kind"), nodes.c.path, tomb_nodes.c.month, *_TOMBS.selected_columns)
        .join_from(nodes, tomb_nodes, tomb_nodes.c.node_id == nodes.c.id)
        .join(tombs, tombs.c.id == tomb_nodes.c.tomb_id)
        .join(sources, sources.c.id == tombs.c.source_id, isouter=True)
        .where(nodes.c.kind.in_(_KINDS), nodes.c.path.in_(paths))
        .order_by(tombs.c.at.desc(), tombs.c.id.desc())
    )
)


class Buried(NamedTuple):
    """A takedown, and the month (`YYYY-MM`) in which the node that listed the article has it."""

    month: str
    tomb: Tomb


def all_tombs(conn: Connection, kind: Kind) -> list[Tomb]:
    """The tombs of one kind, the oldest first."""
    return [_tomb(row) for row in conn.execute(_TOMBS.where(tombs.c.kind == kind).order_by(tombs.c.id))]


def of_nodes(conn: Connection, wanted: Collection[Node]) -> dict[Node, list[Buried]]:
    """The takedowns of articles that these nodes listed, the newest first; no node without any."""
    found: dict[Node, list[Buried]] = {}
    for row in _LISTED(conn, (to_json(node.path) for node in wanted)):
        found.setdefault(as_node(row.node_kind, row.path), []).append(Buried(row.month, _tomb(row)))
    return {node: found[node] for node in wanted if node in found}


def by_marks(conn: Connection, found: Iterable[bytes]) -> list[Tomb]:
    """The tombs that stop what bears any of these marks."""
    ids = sa.select(tomb_marks.c.tomb_id).where(tomb_marks.c.mark.in_(list(found)))
    return [_tomb(row) for row in conn.execute(_TOMBS.where(tombs.c.id.in_(ids)).order_by(tombs.c.id))]


def by_uid(conn: Connection, prefix: str) -> list[Tomb]:
    """The tombs of articles whose uid begins so."""
    begins = sa.and_(tombs.c.uid >= prefix, tombs.c.uid < prefix + "g")
    return [_tomb(row) for row in conn.execute(_TOMBS.where(begins).order_by(tombs.c.id))]


def _tomb(row: Any) -> Tomb:  # noqa: ANN401 - a row
    return Tomb(row.id, row.kind, moment(row.at), row.reason, row.uid, row.guid, row.link, row.name)


def undo(conn: Connection, tomb_id: int) -> Tomb | None:
    """Open a tomb: its sources are asked for everything again at their next turn. None if there is none."""
    row = conn.execute(_TOMBS.where(tombs.c.id == tomb_id)).first()
    if row is None:
        return None
    listed = conn.execute(
        sa.select(tomb_nodes.c.node_id, tomb_nodes.c.month).where(tomb_nodes.c.tomb_id == tomb_id)
    ).all()
    serial = stale.mark(conn, (), {node for node, _ in listed})
    months.mark(conn, {(node, month) for node, month in listed}, serial)
    carried = from_json(row.sightings)
    _ask_again(conn, {name for name, _ in carried} | ({row.name} if row.name else set()), carried)
    _open(conn, {tomb_id})
    return _tomb(row)


def _open(conn: Connection, ids: Collection[int]) -> None:
    for table, column in (
        (tomb_marks, tomb_marks.c.tomb_id),
        (tomb_nodes, tomb_nodes.c.tomb_id),
        (tombs, tombs.c.id),
    ):
        for some in chunks(sorted(ids)):
            conn.execute(sa.delete(table).where(column.in_(some)))


def _ask_again(conn: Connection, names: Collection[str], carried: Iterable[Sequence[str]]) -> None:
    """Forget what would keep these sources from showing their entries again."""
    everything = {"etag": None, "last_modified": None, "body_hash": None, "fresh_until": None}
    for some in chunks(sorted(names)):
        conn.execute(sa.update(sources).where(sources.c.name.in_(some)).values(everything))
    for name, path in carried:
        of_source = sa.select(sources.c.id).where(sources.c.name == name).scalar_subquery()
        conn.execute(sa.delete(files).where(files.c.source_id == of_source, files.c.path == path))
