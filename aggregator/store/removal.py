"""Taking articles out of every table, and their files out of the outputs."""

from collections.abc import Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.store import outputs
from aggregator.store.chunks import chunks
from aggregator.store.listing import places, relist
from aggregator.store.schema import (
    articles,
    contents,
    marks,
    related,
    revisions,
    seen,
    sightings,
    stale_posts,
)

# Children before the articles that they point at; bands lead nowhere and are left to `prune`.
_TABLES = (
    (sightings, sightings.c.article_id),
    (marks, marks.c.article_id),
    (revisions, revisions.c.article_id),
    (contents, contents.c.article_id),
    (stale_posts, stale_posts.c.article_id),
    (articles, articles.c.id),
)


def remove(conn: Connection, ids: Collection[int]) -> None:
    """Remove articles; what listed them is out of date, and their posts are to be removed."""
    for some in chunks(sorted(set(ids))):
        touched = others(conn, some)
        retire_posts(conn, some)
        relist(conn, places(conn, some), {})
        _forget_seen(conn, some)
        unrelate(conn, some, touched)
        for table, column in _TABLES:
            conn.execute(sa.delete(table).where(column.in_(some)))
        touch(conn, touched - set(ids))


def _forget_seen(conn: Connection, ids: Collection[int]) -> None:
    """The documents of their sources are looked at as a whole again: what was removed may come back."""
    gave = sa.select(sightings.c.source_id).where(sightings.c.article_id.in_(ids))
    conn.execute(sa.delete(seen).where(seen.c.source_id.in_(gave)))


def retire_posts(conn: Connection, ids: Collection[int]) -> None:
    """The files of these articles' posts are to be removed."""
    uids = list(conn.execute(sa.select(articles.c.uid).where(articles.c.id.in_(list(ids)))).scalars())
    outputs.retire(conn, outputs.paths_of(conn, "post", uids))


def others(conn: Connection, ids: Iterable[int]) -> set[int]:
    """The articles that name these as related."""
    found: set[int] = set()
    for some in chunks(sorted(set(ids))):
        statement = sa.select(related.c.other_id).where(related.c.article_id.in_(some))
        found.update(conn.execute(statement).scalars())
    return found


def unrelate(conn: Connection, ids: Collection[int], neighbours: Iterable[int]) -> None:
    """These articles name nobody, and of `neighbours`, all that named them, nobody names them."""
    conn.execute(sa.delete(related).where(related.c.article_id.in_(list(ids))))
    for some in chunks(sorted(neighbours)):
        named = sa.and_(related.c.article_id.in_(some), related.c.other_id.in_(list(ids)))
        conn.execute(sa.delete(related).where(named))


def touch(conn: Connection, ids: Iterable[int]) -> None:
    """Everything that shows these articles is out of date."""
    for some in chunks(sorted(set(ids))):
        stand = places(conn, some)
        relist(conn, stand, stand)
