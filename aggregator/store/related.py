"""Articles that say nearly the same and stay apart: they name each other."""

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy.engine import Connection

from aggregator.store.bulk import inserting
from aggregator.store.chunks import chunks
from aggregator.store.identity import Near
from aggregator.store.removal import others, touch, unrelate
from aggregator.store.schema import related

_RELATE = inserting(related, update=("likeness",))


def relate(
    conn: Connection,
    found: Mapping[int, Sequence[Near]],
    survivors: Mapping[int, int],
    fresh: Collection[int],
) -> None:
    """Note whom the new words of articles are like, both ways; it takes the place of what was noted before.

    `survivors` says which articles became which others: their words are gone, and what they were
    like with them. The `fresh` ones have nothing noted.
    """
    words = {one: near for one, near in found.items() if one not in survivors}
    _forget(conn, words.keys() - fresh)
    pairs: dict[tuple[int, int], float] = {}
    for one, near in words.items():
        for other in near:
            if other.article_id not in survivors:
                pairs[one, other.article_id] = pairs[other.article_id, one] = other.likeness
    _RELATE.tuples(conn, [(*pair, likeness) for pair, likeness in sorted(pairs.items())])
    touch(conn, {one for one, _ in pairs})


def _forget(conn: Connection, ids: Collection[int]) -> None:
    for some in chunks(sorted(ids)):
        if touched := others(conn, some):
            unrelate(conn, some, touched)
            touch(conn, touched)
