"""Which articles are listed under which nodes.

An article is listed under the category path of each of its sightings, under every ancestor of
those paths, and under each source that carried it. `places` computes that from the sightings;
`relist` brings `listing` and all counts from one state to the next and notes what is then out
of date. What is held back is counted, but stands in no listing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Node
from aggregator.store import months, stale
from aggregator.store.bulk import Bulk, Lookup, Single, deleting, inserting
from aggregator.store.codec import from_json, to_json
from aggregator.store.months import Listed
from aggregator.store.nodes import ensure_nodes, nodes_by_id, nodes_of
from aggregator.store.schema import articles, listing, nodes, sightings, sources

_TIE_BITS = 60

_PLACES = Lookup(
    lambda ids: (
        sa.select(
            articles.c.id,
            articles.c.uid,
            articles.c.sort_at,
            articles.c.flood_id,
            sources.c.name,
            sources.c.categories,
            sightings.c.node_id,
        )
        .join_from(articles, sightings, sightings.c.article_id == articles.c.id)
        .join(sources, sources.c.id == sightings.c.source_id)
        .where(articles.c.id.in_(ids))
    )
)
_NEWEST = Single(
    lambda _: (
        sa.select(listing.c.article_id)
        .join(nodes, nodes.c.id == listing.c.node_id)
        .where(nodes.c.kind == sa.bindparam("kind"), nodes.c.path == sa.bindparam("path"))
        .order_by(listing.c.sort_at.desc(), listing.c.tie.desc(), listing.c.article_id.desc())
        .limit(sa.bindparam("most"))
    ),
    ("kind", "path", "most"),
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


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article stands: its sort keys, the nodes that list it, and whether it is held back."""

    sort_at: int
    tie: int
    nodes: frozenset[Node]
    held: bool = False


def tie(uid: str) -> int:
    """What orders articles of one date: falls as the uid rises."""
    return (1 << _TIE_BITS) - 1 - int(uid[: _TIE_BITS // 4], 16)


def places(conn: Connection, ids: Iterable[int]) -> dict[int, Place]:
    """Where these articles belong by their sightings as they are stored now."""
    rows = _PLACES(conn, ids)
    own = nodes_by_id(conn, {row.node_id for row in rows if row.node_id is not None})
    paths: dict[tuple[str, str], frozenset[Node]] = {}
    found: dict[int, Place] = {}
    for article_id, uid, sort_at, flood_id, name, categories, node_id in rows:
        path = to_json(own[node_id].path) if node_id is not None else categories
        if (name, path) not in paths:
            paths[name, path] = nodes_of(name, tuple(from_json(path)))
        before = found.get(article_id)
        listed = paths[name, path] | before.nodes if before else paths[name, path]
        found[article_id] = Place(sort_at, tie(uid), listed, flood_id is not None)
    return found


def relist(conn: Connection, before: Mapping[int, Place], after: Mapping[int, Place]) -> None:
    """Bring `listing` from one state to the other; what either of them shows is then out of date.

    Articles that are not in `after` are about to be removed.
    """
    if not before and not after:
        return
    stands = {place.nodes for place in (*before.values(), *after.values())}
    ids = ensure_nodes(conn, {node for stand in stands for node in stand})
    # Articles of one source stand under the same nodes.
    ids_of = {stand: [ids[node] for node in stand] for stand in stands}
    old, new = _listed(before, ids_of), _listed(after, ids_of)
    gone, come = old - new, new - old
    names = ("node_id", "sort_at", "tie", "article_id")
    _UNLIST(conn, [{f"b_{name}": value for name, value in zip(names, row, strict=True)} for row in gone])
    # In the order of the primary key, which is the order on disk.
    _LIST.tuples(conn, sorted(come))
    more = Counter(chain.from_iterable(ids_of[place.nodes] for place in after.values()))
    more.subtract(Counter(chain.from_iterable(ids_of[place.nodes] for place in before.values())))
    _COUNT(conn, [{"b_id": node_id, "b_more": count} for node_id, count in sorted(more.items()) if count])
    serial = stale.mark(conn, after, ids.values())
    months.moved(conn, gone, come, old & new, serial)


def mark_shown(conn: Connection, shown: Mapping[int, Place]) -> None:
    """Note that the feeds and archives that show these articles are out of date; their posts are not."""
    ids = ensure_nodes(conn, {node for place in shown.values() for node in place.nodes})
    listed = _listed(shown, {place.nodes: [ids[node] for node in place.nodes] for place in shown.values()})
    if listed:
        serial = stale.mark(conn, (), {node_id for node_id, *_ in listed}, shown)
        months.moved(conn, (), (), listed, serial)


def _listed(state: Mapping[int, Place], ids_of: Mapping[frozenset[Node], Sequence[int]]) -> set[Listed]:
    return {
        (node_id, place.sort_at, place.tie, article_id)
        for article_id, place in state.items()
        if not place.held
        for node_id in ids_of[place.nodes]
    }


def newest_ids(conn: Connection, node: Node, limit: int) -> list[int]:
    """The ids of the newest articles of a node's live feed, newest first, equal dates by uid."""
    return [row[0] for row in _NEWEST.all(conn, kind=node.kind, path=to_json(node.path), most=limit)]
