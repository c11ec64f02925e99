"""Files of seed directories that are gone: their articles stay, but a renamed file counts once."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.store.bulk import deleting
from aggregator.store.chunks import chunks
from aggregator.store.codec import digest
from aggregator.store.listing import places, relist
from aggregator.store.schema import articles, files, sightings

_DROP = deleting(sightings)

_GONE = sa.select(
    sightings.c.key, sightings.c.article_id, articles.c.origin_key, articles.c.origin_source
).join_from(sightings, articles, articles.c.id == sightings.c.article_id)
_SIBLINGS = (
    sa.select(sightings.c.article_id, sightings.c.key, sightings.c.guid)
    .join_from(
        sightings,
        files,
        sa.and_(files.c.source_id == sightings.c.source_id, files.c.path == sightings.c.guid),
    )
    .order_by(sightings.c.guid)
)


def follow(conn: Connection, source_id: int, gone: Collection[str]) -> None:
    """Where another file of the directory holds the article of a file that is gone, that one stands for it.

    The stamps of the files that exist must be stored before. A file that becomes the article's origin
    is to be read again, as the words of the old file may have differed.
    """
    for paths in chunks(sorted(gone)):
        keys = [digest("key", f"g:{path}") for path in paths]
        lost: list[Any] = list(
            conn.execute(_GONE.where(sightings.c.source_id == source_id, sightings.c.key.in_(keys)))
        )
        ids = sorted({row.article_id for row in lost})
        siblings: dict[int, Any] = {}
        for row in conn.execute(
            _SIBLINGS.where(sightings.c.source_id == source_id, sightings.c.article_id.in_(ids))
        ):
            siblings.setdefault(row.article_id, row)
        renamed = [row for row in lost if row.article_id in siblings]
        touched = [row.article_id for row in renamed]
        before = places(conn, touched)
        for row in renamed:
            if (row.origin_source, row.origin_key) == (source_id, row.key):
                _hand_over(conn, source_id, siblings[row.article_id])
        _DROP(conn, [{"b_source_id": source_id, "b_key": row.key} for row in renamed])
        if renamed:
            after = places(conn, touched)
            relist(conn, before, after)


def _hand_over(conn: Connection, source_id: int, heir: Any) -> None:  # noqa: ANN401 - a row
    conn.execute(sa.update(articles).where(articles.c.id == heir.article_id).values(origin_key=heir.key))
    conn.execute(sa.delete(files).where(files.c.source_id == source_id, files.c.path == heir.guid))
    conn.execute(
        sa.update(sightings)
        .where(sightings.c.source_id == source_id, sightings.c.key == heir.key)
        .values(extras=b"")
    )
