"""Retention: articles leave when every source that carried them lets them go."""

from collections.abc import Callable, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.options import Source
from aggregator.store import tombs
from aggregator.store.chunks import chunks
from aggregator.store.codec import day_of, micros
from aggregator.store.engine import Database
from aggregator.store.schema import articles, bands, sightings, sources

AT_ONCE = 1000
"""Articles that are removed in one transaction: nobody waits for long, and what is done stays done."""
Ends = Callable[[], bool]
_SECOND = 1_000_000
# Nearly equal texts are sought within days; bands this old are of articles that nobody sends any more.
_BAND_DAYS = 60


def expired(conn: Connection, sources_: Sequence[Source], default: float | None, now: datetime) -> list[int]:
    """The articles that every source which carried them lets go by now.

    A source's `keep` counts, for sources that left the settings `default` (seconds; None: for ever).
    The age is that of the date which sorts.
    """
    keeps = {source.name: source.keep for source in sources_}
    names = {row.id: row.name for row in conn.execute(sa.select(sources.c.id, sources.c.name))}
    limits = {source_id: keeps.get(name, default) for source_id, name in names.items()}
    shortest = min((limit for limit in limits.values() if limit is not None), default=None)
    if shortest is None:
        return []
    old = list(
        conn.execute(
            sa.select(articles.c.id).where(articles.c.sort_at < micros(now) - int(shortest * _SECOND))
        ).scalars()
    )
    found = []
    for some in chunks(old):
        statement = (
            sa.select(articles.c.id, articles.c.sort_at, sightings.c.source_id)
            .join_from(articles, sightings, sightings.c.article_id == articles.c.id)
            .where(articles.c.id.in_(some))
        )
        kept: set[int] = set()
        for article_id, sort_at, source_id in conn.execute(statement):
            limit = limits[source_id]
            if limit is None or sort_at >= micros(now) - int(limit * _SECOND):
                kept.add(article_id)
        found += [article_id for article_id in some if article_id not in kept]
    return found


def prune(
    database: Database, sources_: Sequence[Source], default: float | None, now: datetime, ends: Ends
) -> int:
    """Remove what retention lets go (see `expired`), and what nothing needs any more; how many articles.

    In many transactions; between two, `ends` may leave the rest for another time.
    """
    with database.read() as conn:
        ids = expired(conn, sources_, default, now)
    removed = 0
    for some in chunks(ids, AT_ONCE):
        with database.write() as conn:
            removed += tombs.bury(conn, some, "retention", "", now)
        if ends():
            break
    with database.write() as conn:
        conn.execute(sa.delete(bands).where(bands.c.day < day_of(micros(now)) - _BAND_DAYS))
    return removed
