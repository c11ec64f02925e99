"""What is out of date, which files were written, and small facts of the whole database."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Node
from aggregator.store import months
from aggregator.store.bulk import Lookup, inserting
from aggregator.store.chunks import chunks
from aggregator.store.listing import advance, as_node, ensure_nodes
from aggregator.store.schema import (
    articles,
    counters,
    meta,
    nodes,
    obsolete,
    outputs,
    stale_months,
    stale_nodes,
    stale_posts,
)

SEVERAL = frozenset({"archive"})
"""Kinds of which several files have one key, so that a new one replaces no other."""

_OWNERS = Lookup(
    lambda paths: sa.select(outputs.c.path, outputs.c.sha256, outputs.c.key).where(outputs.c.path.in_(paths))
)
_WRITTEN = inserting(outputs, update=("sha256", "size", "kind", "key"))
_RETIRED = inserting(obsolete, ignore=True)
_FACT = inserting(meta, update=("value",))


@dataclass(frozen=True, slots=True)
class Stale:
    """What is out of date: some posts by article id, and nodes.

    `serial` goes back to `published`, so that what changes in the meantime stays out of date.
    """

    posts: tuple[int, ...]
    nodes: tuple[Node, ...]
    serial: int


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A file that was written.

    path    posix, relative to the outputs directory
    sha256  of its bytes, 32 bytes raw
    size    in bytes
    kind    "post", "feed", "page", ...
    key     what it is of, within its kind: the uid of a post's article, the slug of a feed, ...
    """

    path: str
    sha256: bytes
    size: int
    kind: str
    key: str


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


def mark_all_stale(conn: Connection) -> None:
    """Everything is out of date, as if nothing had ever been written."""
    serial = sa.literal(advance(conn, "serial"))
    for table, column, source in (
        (stale_posts, "article_id", articles.c.id),
        (stale_nodes, "node_id", nodes.c.id),
    ):
        conn.execute(sa.delete(table))
        conn.execute(sa.insert(table).from_select([column, "serial"], sa.select(source, serial)))
    months.mark_all(conn, serial)


def published(
    conn: Connection,
    files: Sequence[OutputRecord],
    *,
    posts: Collection[int],
    listed: Collection[Node],
    serial: int,
) -> None:
    """Note files as written and what they are of as fresh; see `Store.published`."""
    _record(conn, files)
    node_ids = sorted(ensure_nodes(conn, listed).values())
    for table, column, ids in (
        (stale_posts, stale_posts.c.article_id, sorted(posts)),
        (stale_nodes, stale_nodes.c.node_id, node_ids),
        (stale_months, stale_months.c.node_id, node_ids),
    ):
        for some in chunks(ids):
            conn.execute(sa.delete(table).where(column.in_(some), table.c.serial <= serial))


def _record(conn: Connection, files: Sequence[OutputRecord]) -> None:
    """Upsert the records; other files of the same things become obsolete."""
    if not files:
        return
    rows = [
        {"path": one.path, "sha256": one.sha256, "size": one.size, "kind": one.kind, "key": one.key}
        for one in files
    ]
    _WRITTEN(conn, rows)
    written = {one.path for one in files}
    for kind in sorted({one.kind for one in files} - SEVERAL):
        keys = sorted({one.key for one in files if one.kind == kind})
        retire(conn, [path for path in paths_of(conn, kind, keys) if path not in written])
    for some in chunks(sorted(written)):
        conn.execute(sa.delete(obsolete).where(obsolete.c.path.in_(some)))


def paths_of(conn: Connection, kind: str, keys: Sequence[str]) -> list[str]:
    """The files written of these things."""
    return [
        path
        for some in chunks(keys)
        for path in conn.execute(
            sa.select(outputs.c.path).where(outputs.c.kind == kind, outputs.c.key.in_(some))
        ).scalars()
    ]


def retire(conn: Connection, paths: Iterable[str]) -> None:
    """Note that these files are to be removed."""
    _RETIRED(conn, [{"path": path} for path in sorted(set(paths))])


def obsolete_paths(conn: Connection) -> tuple[str, ...]:
    """The files that are to be removed."""
    return tuple(conn.execute(sa.select(obsolete.c.path).order_by(obsolete.c.path)).scalars())


def removed(conn: Connection, paths: Iterable[str]) -> None:
    """Forget files that were removed."""
    for some in chunks(sorted(set(paths))):
        conn.execute(sa.delete(outputs).where(outputs.c.path.in_(some)))
        conn.execute(sa.delete(obsolete).where(obsolete.c.path.in_(some)))


def all_outputs(conn: Connection, kinds: Collection[str] = ()) -> dict[str, OutputRecord]:
    """Every file (of these kinds, if there are any) that was written and not yet removed, by path."""
    columns = (outputs.c.path, outputs.c.sha256, outputs.c.size, outputs.c.kind, outputs.c.key)
    statement = sa.select(*columns).order_by(outputs.c.path)
    if kinds:
        statement = statement.where(outputs.c.kind.in_(sorted(kinds)))
    return {row[0]: OutputRecord(*row) for row in conn.execute(statement)}


def keys(conn: Connection, kind: str) -> set[str]:
    """What there are files of, within a kind."""
    statement = sa.select(outputs.c.key).distinct().where(outputs.c.kind == kind)
    return set(conn.execute(statement).scalars())


def owners(conn: Connection, paths: Iterable[str]) -> dict[str, tuple[bytes, str]]:
    """The digest and the key of what was last written at these paths."""
    return {path: (sha256, key) for path, sha256, key in _OWNERS(conn, paths)}


def with_digits(conn: Connection, digits: Iterable[str]) -> list[int]:
    """The ids of the articles whose uids begin with these hex digits, in order."""
    ids: list[int] = []
    for start in sorted(set(digits)):
        statement = sa.select(articles.c.id).where(articles.c.uid >= start, articles.c.uid < start + "g")
        ids += conn.execute(statement).scalars()
    return sorted(ids)


def get_meta(conn: Connection, key: str) -> str | None:
    """A small fact, or None."""
    return conn.execute(sa.select(meta.c.value).where(meta.c.key == key)).scalar_one_or_none()


def set_meta(conn: Connection, key: str, value: str) -> None:
    """Keep a small fact."""
    _FACT(conn, [{"key": key, "value": value}])
