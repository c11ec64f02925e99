"""What articles said before: kept when an edit replaces their words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.store.bulk import Lookup, inserting
from aggregator.store.codec import moment, unpack
from aggregator.store.schema import articles, contents, revisions

_WORDS = Lookup(
    lambda ids: (
        sa.select(
            contents.c.article_id, contents.c.title, contents.c.link, contents.c.body, articles.c.updated
        )
        .join_from(contents, articles, articles.c.id == contents.c.article_id)
        .where(contents.c.article_id.in_(ids))
    )
)
_LAST = Lookup(
    lambda ids: (
        sa.select(revisions.c.article_id, sa.func.max(revisions.c.number))
        .where(revisions.c.article_id.in_(ids))
        .group_by(revisions.c.article_id)
    )
)
_KEEP = inserting(revisions)


@dataclass(frozen=True, slots=True)
class Revision:
    """A version of an article; `until` is None for what it says now."""

    title: str
    link: str | None
    body: str
    since: datetime
    until: datetime | None


def keep(conn: Connection, moved: Mapping[int, int], limit: int) -> None:
    """Keep what these articles say, before it is replaced at these moments (microseconds).

    Of each article the newest `limit` versions stay.
    """
    if not moved or limit <= 0:
        return
    last = {row[0]: row[1] for row in _LAST(conn, moved)}
    rows = [
        {
            "article_id": row.article_id,
            "number": last.get(row.article_id, 0) + 1,
            "since": row.updated,
            "until": moved[row.article_id],
            "title": row.title,
            "link": row.link,
            "body": row.body,
        }
        for row in _WORDS(conn, moved)
    ]
    _KEEP(conn, rows)
    for row in rows:
        if row["number"] > limit:
            conn.execute(
                sa.delete(revisions).where(
                    revisions.c.article_id == row["article_id"], revisions.c.number <= row["number"] - limit
                )
            )


def versions(conn: Connection, article_id: int) -> tuple[Revision, ...]:
    """Every version of an article that is kept, the oldest first; empty if there is no such article."""
    kept = conn.execute(
        sa.select(revisions).where(revisions.c.article_id == article_id).order_by(revisions.c.number)
    )
    before = [
        Revision(row.title, row.link, unpack(row.body), moment(row.since), moment(row.until)) for row in kept
    ]
    now = [
        Revision(row.title, row.link, unpack(row.body), moment(row.updated), None)
        for row in _WORDS(conn, [article_id])
    ]
    return (*before, *now)
