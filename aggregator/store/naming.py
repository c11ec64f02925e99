"""Which uid an article has: that of its origin, for the first of those who want it; fixed by its post."""

import hashlib
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.store.identity import derived
from aggregator.store.listing import places, relist
from aggregator.store.lookup import Head, heads, posted, taken_uids
from aggregator.store.schema import articles


def free(conn: Connection, uid: str, taken: Collection[str]) -> str:
    """The uid, or one made of it if an article has that all the same."""
    while uid in taken or taken_uids(conn, [uid]):
        uid = hashlib.sha256(uid.encode()).hexdigest()[:32]
    return uid


def holder(conn: Connection, uid: str) -> Head | None:
    """The stored article that has this uid and may still be renamed: no post bears it."""
    if posted(conn, [uid]):
        return None
    ids = conn.execute(sa.select(articles.c.id).where(articles.c.uid == uid)).scalars()
    return next(iter(heads(conn, list(ids)).values()), None)


def rename(conn: Connection, head: Head, taken: Collection[str]) -> str:
    """Give a stored article a derived uid; returns it."""
    uid = free(conn, derived(head.uid, head.rank[2], head.origin[1]), taken)
    before = places(conn, [head.id])
    conn.execute(sa.update(articles).where(articles.c.id == head.id).values(uid=uid))
    relist(conn, before, places(conn, [head.id]))
    return uid
