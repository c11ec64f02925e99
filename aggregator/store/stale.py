"""What is out of date: posts, and the feeds of nodes with the archives of their months (see `months`).

Every mark carries the serial of the change that made it. Who publishes hands back the serial as
of which it read, and what has changed since stays marked.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Node
from aggregator.store import months
from aggregator.store.bulk import Single, inserting, updating
from aggregator.store.chunks import chunks
from aggregator.store.nodes import as_node, ensure_nodes
from aggregator.store.schema import articles, counters, nodes, outputs, stale_months, stale_nodes, stale_posts

_POSTS = inserting(stale_posts, update=("serial",))
_NODES = inserting(stale_nodes, update=("serial",))
_CHANGED = updating(articles, ("changed",))
_ADVANCE = Single(
    lambda _: (
        sa.update(counters)
        .where(counters.c.name == sa.bindparam("b_name"))
        .values(value=counters.c.value + sa.bindparam("b_more"))
        .returning(counters.c.value)
    ),
    ("b_name", "b_more"),
)


@dataclass(frozen=True, slots=True)
class Stale:
    """What is out of date: some posts by article id, and nodes.

    `serial` goes back to `published`, so that what changes in the meantime stays out of date.
    """

    posts: tuple[int, ...]
    nodes: tuple[Node, ...]
    serial: int


def advance(conn: Connection, name: str, more: int = 1) -> int:
    """Raise a counter of the database and return its new value.

    On PostgreSQL this also makes writers queue up, as BEGIN IMMEDIATE does on SQLite.
    """
    return int(_ADVANCE(conn, b_name=name, b_more=more)[0])


def mark(conn: Connection, posts: Iterable[int], node_ids: Iterable[int], shown: Iterable[int] = ()) -> int:
    """These posts and nodes (by id) are out of date; returns the serial of that change.

    `shown` are articles that feeds show otherwise now, while their posts stay as they are.
    """
    serial = advance(conn, "serial")
    posts = sorted(set(posts))
    _POSTS.tuples(conn, [(one, serial) for one in posts])
    _CHANGED.tuples(conn, [(serial, one) for one in sorted({*posts, *shown})])
    _NODES.tuples(conn, [(one, serial) for one in sorted(set(node_ids))])
    return serial


def mark_nodes(conn: Connection, listed: Collection[Node]) -> None:
    """The live feeds of these nodes are out of date."""
    mark(conn, (), ensure_nodes(conn, listed).values())


def mark_all(conn: Connection) -> None:
    """Everything is out of date, as if nothing had ever been written."""
    serial = sa.literal(advance(conn, "serial"))
    for table, column, source in (
        (stale_posts, "article_id", articles.c.id),
        (stale_nodes, "node_id", nodes.c.id),
    ):
        conn.execute(sa.delete(table))
        conn.execute(sa.insert(table).from_select([column, "serial"], sa.select(source, serial)))
    months.mark_all(conn, serial)
    conn.execute(sa.update(outputs).where(outputs.c.entries.is_not(None)).values(entries=None))


def stale(conn: Connection, posts: int) -> Stale:
    """All nodes and at most `posts` posts that are out of date, oldest articles first."""
    serial = conn.execute(sa.select(counters.c.value).where(counters.c.name == "serial")).scalar_one()
    some = conn.execute(sa.select(stale_posts.c.article_id).order_by(stale_posts.c.article_id).limit(posts))
    listed = conn.execute(
        sa.select(nodes.c.kind, nodes.c.path).join_from(
            stale_nodes, nodes, nodes.c.id == stale_nodes.c.node_id
        )
    )
    return Stale(tuple(some.scalars()), tuple(sorted(as_node(*row) for row in listed)), serial)


def unmark(conn: Connection, posts: Collection[int], listed: Collection[Node], serial: int) -> None:
    """These are up to date as of `serial`; nodes with their months."""
    node_ids = sorted(ensure_nodes(conn, listed).values())
    for table, column, ids in (
        (stale_posts, stale_posts.c.article_id, sorted(posts)),
        (stale_nodes, stale_nodes.c.node_id, node_ids),
        (stale_months, stale_months.c.node_id, node_ids),
    ):
        for some in chunks(ids):
            conn.execute(sa.delete(table).where(column.in_(some), table.c.serial <= serial))
