"""The record of files that were written, and small facts of the whole database."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.store.bulk import Lookup, inserting
from aggregator.store.chunks import chunks
from aggregator.store.schema import articles, meta, obsolete, outputs, stale_nodes, stale_posts

SEVERAL = frozenset({"archive"})
"""Kinds of which several files have one key, so that a new one replaces no other."""

_OWNERS = Lookup(
    lambda paths: sa.select(outputs.c.path, outputs.c.sha256, outputs.c.key, outputs.c.entries).where(
        outputs.c.path.in_(paths)
    )
)
_PATHS = Lookup(
    lambda keys: sa.select(outputs.c.key, outputs.c.path).where(
        outputs.c.kind == sa.bindparam("kind", None), outputs.c.key.in_(keys)
    )
)
_WRITTEN = inserting(outputs, update=("sha256", "size", "kind", "key", "entries"))
_RETIRED = inserting(obsolete, ignore=True)
_FACT = inserting(meta, update=("value",))


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """A file that was written.

    path    posix, relative to the outputs directory
    sha256  of its bytes, 32 bytes raw
    size    in bytes
    kind    "post", "feed", "page" or "archive"
    key     what it is of, within its kind: the uid of a post's article, the node of a feed, ...
    entries which articles it holds, as `publish.pieces` notes them
    """

    path: str
    sha256: bytes
    size: int
    kind: str
    key: str
    entries: bytes | None = None


class Owner(NamedTuple):
    """What was last written at a path; see `OutputRecord`."""

    sha256: bytes
    key: str
    entries: bytes | None


def record(conn: Connection, files: Sequence[OutputRecord]) -> None:
    """Upsert the records; other files of the same things become obsolete."""
    if not files:
        return
    _WRITTEN.tuples(conn, [(one.path, one.sha256, one.size, one.kind, one.key, one.entries) for one in files])
    written = {one.path for one in files}
    for kind in sorted({one.kind for one in files} - SEVERAL):
        keys = sorted({one.key for one in files if one.kind == kind})
        retire(conn, [path for path in paths_of(conn, kind, keys) if path not in written])
    for some in chunks(sorted(written)):
        conn.execute(sa.delete(obsolete).where(obsolete.c.path.in_(some)))


def paths_of(conn: Connection, kind: str, keys: Sequence[str]) -> list[str]:
    """The files written of these things."""
    return [path for _, path in _PATHS(conn, keys, kind=kind)]


def paths_by_key(conn: Connection, kind: str, keys: Sequence[str]) -> dict[str, list[str]]:
    """The same by key; no key of which there are none."""
    found: dict[str, list[str]] = {}
    for key, path in _PATHS(conn, keys, kind=kind):
        found.setdefault(key, []).append(path)
    return found


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


def owners(conn: Connection, paths: Iterable[str]) -> dict[str, Owner]:
    """What was last written at these paths."""
    return {path: Owner(*rest) for path, *rest in _OWNERS(conn, paths)}


def with_digits(conn: Connection, digits: Iterable[str]) -> list[int]:
    """The ids of the articles whose uids begin with these hex digits, in order."""
    ids: list[int] = []
    for start in sorted(set(digits)):
        statement = sa.select(articles.c.id).where(articles.c.uid >= start, articles.c.uid < start + "g")
        ids += conn.execute(statement).scalars()
    return sorted(ids)


def is_fresh(conn: Connection) -> bool:
    """Whether nothing is out of date or to be removed."""
    tables = (stale_posts, stale_nodes, obsolete)
    left = (conn.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() for table in tables)
    return not any(left)


def get_meta(conn: Connection, key: str) -> str | None:
    """A small fact, or None."""
    return conn.execute(sa.select(meta.c.value).where(meta.c.key == key)).scalar_one_or_none()


def set_meta(conn: Connection, key: str, value: str) -> None:
    """Keep a small fact."""
    _FACT(conn, [{"key": key, "value": value}])
