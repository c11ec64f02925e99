"""A source that suddenly shows many old entries does not push today's out of anybody's feed.

Held means: stored, posted and counted, but in no feed and on no page until it is released. What
another source shows too is no flood. A source's first fetch and seed directories never are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Node
from aggregator.store.batch import Batch
from aggregator.store.bulk import insert_one
from aggregator.store.chunks import chunks
from aggregator.store.codec import moment
from aggregator.store.listing import places, relist
from aggregator.store.lookup import Head
from aggregator.store.nodes import is_node
from aggregator.store.schema import articles, floods, listing, nodes, sources

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_HISTORY_DAYS = 30
# So many times what a source gives in that time is out of the ordinary.
_OUT_OF_ORDER = 10


@dataclass(frozen=True, slots=True)
class Flood:
    """A flood that has just come, and the articles held back."""

    id: int
    held: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class FloodRow:
    """A flood of which articles are still held; `expected` is what the source gives in such a time."""

    id: int
    source: str
    at: datetime
    held: int
    expected: int


def rise(batch: Batch, fresh: Iterable[Head], echoed: Sequence[int]) -> Flood | None:
    """The flood that these new articles are, if they are one.

    `echoed` are the dates of what else is new from this source, and known from others: it is never
    held, and counts all the same, so that it does not matter who is asked first.
    """
    limit = batch.policy.flood_limit
    heads = list(fresh)
    first = batch.seed or batch.known.last_success is None
    if limit is None or first or len(heads) + len(echoed) <= limit:
        return None
    begin = batch.now - int(batch.policy.flood_age * _SECOND)
    expected = _expected(batch)
    old = [head for head in heads if head.sort_at < begin]
    young = [head for head in heads if head.sort_at >= begin]
    echoed_old = sum(date < begin for date in echoed)
    echoed_young = len(echoed) - echoed_old
    held = old if len(old) + echoed_old > limit + expected else []
    # An archive that is dated anew looks young.
    held += young if len(young) + echoed_young > 2 * limit + _OUT_OF_ORDER * expected else []
    if not held:
        return None
    row = {"source_id": batch.known.id, "at": batch.now, "expected": expected}
    return Flood(insert_one(batch.conn, floods, row), tuple(held))


def _expected(batch: Batch) -> int:
    """How many articles the source gave, in the time since its last success, by its rate of late."""
    statement = (
        sa.select(sa.func.count())
        .select_from(listing.join(nodes, nodes.c.id == listing.c.node_id))
        .where(is_node(Node("source", (batch.source.name,))))
        .where(listing.c.sort_at >= batch.now - _HISTORY_DAYS * _DAY)
    )
    lately = batch.conn.execute(statement).scalar_one()
    silent = batch.now - (batch.known.last_success or batch.now)
    return int(lately * silent / (_HISTORY_DAYS * _DAY))


def held_floods(conn: Connection) -> list[FloodRow]:
    """The floods of which articles are held, the oldest first."""
    held = sa.func.count(articles.c.id)
    statement = (
        sa.select(floods.c.id, sources.c.name, floods.c.at, floods.c.expected, held)
        .join_from(floods, sources, sources.c.id == floods.c.source_id)
        .join(articles, articles.c.flood_id == floods.c.id)
        .group_by(floods.c.id, sources.c.name, floods.c.at, floods.c.expected)
        .order_by(floods.c.id)
    )
    return [
        FloodRow(flood_id, name, moment(at), count, expected)
        for flood_id, name, at, expected, count in conn.execute(statement)
    ]


def held_ids(conn: Connection, flood_id: int) -> list[int]:
    """The articles that are held for a flood; empty if there is none of that number."""
    return list(conn.execute(sa.select(articles.c.id).where(articles.c.flood_id == flood_id)).scalars())


def release(conn: Connection, flood_id: int) -> int:
    """Let what is held into the live feeds; returns how many articles that are."""
    ids = held_ids(conn, flood_id)
    for some in chunks(ids):
        before = places(conn, some)
        conn.execute(sa.update(articles).where(articles.c.id.in_(some)).values(flood_id=None))
        relist(conn, before, places(conn, some))
    return len(ids)
