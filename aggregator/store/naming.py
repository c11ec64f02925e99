"""Which uid an article has: that of its origin, for the first of those who want it; fixed by its post."""

import hashlib
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.store.identity import derived
from aggregator.store.listing import places, relist
from aggregator.store.lookup import Head, heads, posted
from aggregator.store.schema import articles


def free(conn: Connection, uid: str, taken: Collection[str]) -> str:
    """The uid, or one made of it if an article has that all the same."""
    while uid in taken or _bearer(conn, uid) is not None:
        uid = hashlib.sha256(uid.encode()).hexdigest()[:32]
    return uid


def holder(conn: Connection, uid: str) -> Head | None:
    """The stored article that has this uid and may still be renamed: no post bears it."""
    bearer = None if posted(conn, [uid]) else _bearer(conn, uid)
    return None if bearer is None else heads(conn, [bearer]).get(bearer)


def _bearer(conn: Connection, uid: str) -> int | None:
    """The article that has this uid."""
    return conn.execute(sa.select(articles.c.id).where(articles.c.uid == uid)).scalar_one_or_none()


def rename(conn: Connection, head: Head, taken: Collection[str]) -> str:
    """Give a stored article a derived uid; returns it."""
    uid = free(conn, derived(head.uid, head.rank[2], head.origin[1]), taken)
    before = places(conn, [head.id])
    conn.execute(sa.update(articles).where(articles.c.id == head.id).values(uid=uid))
    relist(conn, before, places(conn, [head.id]))
    return uid
