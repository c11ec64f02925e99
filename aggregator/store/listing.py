"""Nodes, and which articles are listed under them.

An article is listed under the category path of each of its sightings, under every ancestor of
those paths, and under each source that carried it. `places` computes that from the sightings;
`relist` brings `listing` from one state to the next and notes what is then out of date.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import CategoryPath, Node
from aggregator.store import months
from aggregator.store.bulk import Bulk, Lookup, deleting, insert, inserting
from aggregator.store.codec import from_json, moment, to_json
from aggregator.store.schema import (
    articles,
    counters,
    listing,
    nodes,
    sightings,
    sources,
    stale_nodes,
    stale_posts,
)

_TIE_BITS = 60

_NODES = Lookup(
    lambda paths: sa.select(nodes.c.id, nodes.c.kind, nodes.c.path).where(nodes.c.path.in_(paths))
)
_NODES_BY_ID = Lookup(
    lambda ids: sa.select(nodes.c.id, nodes.c.kind, nodes.c.path).where(nodes.c.id.in_(ids))
)
_PLACES = Lookup(
    lambda ids: (
        sa.select(
            articles.c.id,
            articles.c.uid,
            articles.c.sort_at,
            sources.c.name,
            sources.c.categories,
            sightings.c.node_id,
        )
        .join_from(articles, sightings, sightings.c.article_id == articles.c.id)
        .join(sources, sources.c.id == sightings.c.source_id)
        .where(articles.c.id.in_(ids))
    )
)
_LIST = inserting(listing)
_UNLIST = deleting(listing)
_COUNT = Bulk(
    lambda _: (
        sa.update(nodes)
        .where(nodes.c.id == sa.bindparam("b_id"))
        .values(articles=nodes.c.articles + sa.bindparam("b_more"))
    ),
    ("b_id", "b_more"),
)
_STALE_POSTS = inserting(stale_posts, update=("serial",))
_STALE_NODES = inserting(stale_nodes, update=("serial",))
_SERIAL = (
    sa.update(counters)
    .where(counters.c.name == sa.bindparam("b_name"))
    .values(value=counters.c.value + sa.bindparam("b_more"))
    .returning(counters.c.value)
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article stands: its sort keys and the nodes that list it."""

    sort_at: int
    tie: int
    nodes: frozenset[Node]


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node, how many articles it lists, and the date that sorts the newest of them."""

    node: Node
    articles: int
    newest: datetime | None


def advance(conn: Connection, name: str, more: int = 1) -> int:
    """Raise a counter of the database and return its new value.

    On PostgreSQL this also makes writers queue up, as BEGIN IMMEDIATE does on SQLite.
    """
    return int(conn.execute(_SERIAL, {"b_name": name, "b_more": more}).scalar_one())


def tie(uid: str) -> int:
    """What orders articles of one date: falls as the uid rises."""
    return (1 << _TIE_BITS) - 1 - int(uid[: _TIE_BITS // 4], 16)


def nodes_of(source: str, path: CategoryPath) -> frozenset[Node]:
    """The nodes that list an article which this source gave under this path."""
    above = (Node("category", path[:depth]) for depth in range(len(path) + 1))
    return frozenset((Node("source", (source,)), *above))


def ensure_nodes(conn: Connection, wanted: Collection[Node]) -> dict[Node, int]:
    """The ids of these nodes; those that are new are stored."""
    found = node_ids(conn, wanted)
    missing = sorted(set(wanted) - found.keys())
    if missing:
        rows = [{"kind": node.kind, "path": to_json(node.path), "articles": 0} for node in missing]
        conn.execute(insert(conn, nodes).on_conflict_do_nothing(), rows)
        found |= node_ids(conn, missing)
    return found


def node_ids(conn: Connection, wanted: Collection[Node]) -> dict[Node, int]:
    """The ids of those of these nodes that are stored."""
    rows = _NODES(conn, (to_json(node.path) for node in wanted))
    found = {as_node(kind, path): node_id for node_id, kind, path in rows}
    return {node: found[node] for node in wanted if node in found}


def nodes_by_id(conn: Connection, ids: Iterable[int]) -> dict[int, Node]:
    """The nodes with these ids."""
    return {node_id: as_node(kind, path) for node_id, kind, path in _NODES_BY_ID(conn, ids)}


def as_node(kind: str, path: str) -> Node:
    """A node from its columns."""
    return Node("source" if kind == "source" else "category", tuple(from_json(path)))


def places(conn: Connection, ids: Iterable[int]) -> dict[int, Place]:
    """Where these articles belong by their sightings as they are stored now."""
    rows = _PLACES(conn, ids)
    own = nodes_by_id(conn, {row.node_id for row in rows if row.node_id is not None})
    paths: dict[tuple[str, str], frozenset[Node]] = {}
    found: dict[int, Place] = {}
    for article_id, uid, sort_at, name, categories, node_id in rows:
        path = to_json(own[node_id].path) if node_id is not None else categories
        if (name, path) not in paths:
            paths[name, path] = nodes_of(name, tuple(from_json(path)))
        before = found.get(article_id)
        listed = paths[name, path] | before.nodes if before else paths[name, path]
        found[article_id] = Place(sort_at, tie(uid), listed)
    return found


def relist(conn: Connection, before: Mapping[int, Place], after: Mapping[int, Place]) -> None:
    """Bring `listing` from one state to the other; what either of them shows is then out of date."""
    if not before and not after:
        return
    shown = {node for place in (*before.values(), *after.values()) for node in place.nodes}
    ids = ensure_nodes(conn, shown)
    old, new = _listed(before, ids), _listed(after, ids)
    gone, come = old - new, new - old
    names = ("node_id", "sort_at", "tie", "article_id")
    _UNLIST(conn, [{f"b_{name}": value for name, value in zip(names, row, strict=True)} for row in gone])
    # In the order of the primary key, which is the order on disk.
    _LIST(conn, [dict(zip(names, row, strict=True)) for row in sorted(come)])
    more = Counter(node_id for node_id, *_ in come)
    more.subtract(Counter(node_id for node_id, *_ in gone))
    _COUNT(conn, [{"b_id": node_id, "b_more": count} for node_id, count in sorted(more.items()) if count])
    serial = _mark(conn, {*before, *after}, ids.values())
    months.moved(conn, gone, come, old & new, serial)


def _listed(state: Mapping[int, Place], ids: Mapping[Node, int]) -> set[tuple[int, int, int, int]]:
    return {
        (ids[node], place.sort_at, place.tie, article_id)
        for article_id, place in state.items()
        for node in place.nodes
    }


def mark_stale(conn: Connection, posts: Iterable[int], listed: Iterable[Node]) -> None:
    """Note that these posts and the feeds of these nodes are out of date."""
    _mark(conn, posts, ensure_nodes(conn, set(listed)).values())


def mark_shown(conn: Connection, shown: Mapping[int, Place]) -> None:
    """Note that the feeds and archives that show these articles are out of date; their posts are not."""
    listed = _listed(shown, ensure_nodes(conn, {node for place in shown.values() for node in place.nodes}))
    if listed:
        serial = _mark(conn, (), {node_id for node_id, *_ in listed})
        months.moved(conn, (), (), listed, serial)


def _mark(conn: Connection, posts: Iterable[int], listed: Iterable[int]) -> int:
    serial = advance(conn, "serial")
    _STALE_POSTS(conn, [{"article_id": one, "serial": serial} for one in sorted(set(posts))])
    _STALE_NODES(conn, [{"node_id": one, "serial": serial} for one in sorted(listed)])
    return serial


def all_nodes(conn: Connection) -> list[NodeRow]:
    """Every node that lists an article or belongs to an active source, ordered."""
    active = sa.select(sources.c.name, sources.c.kind, sources.c.categories).where(sources.c.active)
    wanted: set[Node] = set()
    for name, kind, categories in conn.execute(active):
        # The files of a seed directory may name other categories than the settings do.
        wanted |= (
            {Node("source", (name,))} if kind == "seed" else nodes_of(name, tuple(from_json(categories)))
        )
    newest = (
        sa.select(listing.c.sort_at)
        .where(listing.c.node_id == nodes.c.id)
        .order_by(listing.c.sort_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = conn.execute(sa.select(nodes.c.kind, nodes.c.path, nodes.c.articles, newest.label("newest")))
    found = [NodeRow(as_node(row.kind, row.path), row.articles, moment(row.newest)) for row in rows]
    return sorted((row for row in found if row.articles or row.node in wanted), key=lambda row: row.node)


def newest_ids(conn: Connection, node: Node, limit: int) -> list[int]:
    """The ids of the newest articles of a node, newest first, equal dates by uid."""
    statement = (
        sa.select(listing.c.article_id)
        .join(nodes, nodes.c.id == listing.c.node_id)
        .where(nodes.c.kind == node.kind, nodes.c.path == to_json(node.path))
        .order_by(listing.c.sort_at.desc(), listing.c.tie.desc(), listing.c.article_id.desc())
        .limit(limit)
    )
    return list(conn.execute(statement).scalars())
