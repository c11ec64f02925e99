"""Two stored articles that turn out to be one writing become one article."""

from collections.abc import Iterable
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.store.batch import Batch, sort_date
from aggregator.store.bulk import insert
from aggregator.store.identity import may_merge
from aggregator.store.listing import places, relist
from aggregator.store.lookup import Head, candidates, heads, posted
from aggregator.store.removal import others, remove, touch
from aggregator.store.schema import articles, marks, sightings


def merge_all(batch: Batch, pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Merge each pair of articles unless a source carried both; returns who became whom."""
    survivors: dict[int, int] = {}
    for pair in pairs:
        one, other = (_survivor(survivors, article_id) for article_id in pair)
        found = heads(batch.conn, {one, other})
        if len(found) < 2:
            continue
        known = candidates(batch, found, ())
        if may_merge(known[one], known[other]):
            winner, loser = sorted(found.values(), key=lambda head: (head.rank, head.uid))
            _merge(batch.conn, winner, loser)
            survivors[loser.id] = winner.id
    if survivors:
        batch.shared.forget()
    return {gone: _survivor(survivors, gone) for gone in survivors}


def _survivor(survivors: dict[int, int], article_id: int) -> int:
    while article_id in survivors:
        article_id = survivors[article_id]
    return article_id


def _merge(conn: Connection, winner: Head, loser: Head) -> None:
    """The first to publish keeps its words; a uid under which a post was written is kept."""
    fixed = posted(conn, [winner.uid, loser.uid])
    named = loser if loser.uid in fixed and winner.uid not in fixed else winner
    first_seen = min(winner.first_seen, loser.first_seen)
    head = replace(
        winner,
        uid=named.uid,
        guid=named.guid,
        first_seen=first_seen,
        sort_at=sort_date(winner.published, winner.sort_at, first_seen),
        flood_id=None if None in {winner.flood_id, loser.flood_id} else winner.flood_id,
    )
    neighbours = others(conn, [winner.id, loser.id])
    relist(conn, places(conn, [winner.id, loser.id]), {})
    _move(conn, winner.id, loser.id)
    remove(conn, [loser.id])
    columns = ("uid", "guid", "first_seen", "sort_at", "flood_id")
    values = {name: getattr(head, name) for name in columns}
    conn.execute(sa.update(articles).where(articles.c.id == head.id).values(values))
    relist(conn, {}, places(conn, [head.id]))
    touch(conn, neighbours - {winner.id, loser.id})


def _move(conn: Connection, winner: int, loser: int) -> None:
    """Hand sightings and marks over; whom the loser's words were like goes with these words."""
    conn.execute(sa.update(sightings).where(sightings.c.article_id == loser).values(article_id=winner))
    columns = ("mark", "article_id", "source_id")
    chosen = sa.select(marks.c.mark, sa.literal(winner), marks.c.source_id).where(marks.c.article_id == loser)
    conn.execute(insert(conn, marks).from_select(columns, chosen).on_conflict_do_nothing())
