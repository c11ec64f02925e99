"""Nodes: category paths and sources, each with the number of articles that it lists."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import CategoryPath, Node
from aggregator.store.bulk import Lookup, insert
from aggregator.store.codec import from_json, to_json
from aggregator.store.schema import nodes, sources

_KINDS = ("category", "source")
# The kinds are named for the index, which begins with them.
_NODES = Lookup(
    lambda paths: sa.select(nodes.c.id, nodes.c.kind, nodes.c.path).where(
        nodes.c.kind.in_(_KINDS), nodes.c.path.in_(paths)
    )
)
_NODES_BY_ID = Lookup(
    lambda ids: sa.select(nodes.c.id, nodes.c.kind, nodes.c.path).where(nodes.c.id.in_(ids))
)


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A node, and how many articles it lists."""

    node: Node
    articles: int


@lru_cache(maxsize=1024)
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


@lru_cache(maxsize=4096)
def as_node(kind: str, path: str) -> Node:
    """A node from its columns."""
    return Node("source" if kind == "source" else "category", tuple(from_json(path)))


def is_node(node: Node) -> sa.ColumnElement[bool]:
    """The condition that a row of `nodes` is this one."""
    return sa.and_(nodes.c.kind == node.kind, nodes.c.path == to_json(node.path))


def all_nodes(conn: Connection) -> list[NodeRow]:
    """Every node that lists an article or belongs to an active source, ordered."""
    active = sa.select(sources.c.name, sources.c.kind, sources.c.categories).where(sources.c.active)
    wanted: set[Node] = set()
    for name, kind, categories in conn.execute(active):
        # The files of a seed directory may name other categories than the settings do.
        wanted |= (
            {Node("source", (name,))} if kind == "seed" else nodes_of(name, tuple(from_json(categories)))
        )
    rows = conn.execute(sa.select(nodes.c.kind, nodes.c.path, nodes.c.articles))
    found = [NodeRow(as_node(row.kind, row.path), row.articles) for row in rows]
    return sorted((row for row in found if row.articles or row.node in wanted), key=lambda row: row.node)
