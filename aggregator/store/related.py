"""Articles that say nearly the same and stay apart: they name each other."""

from collections.abc import Iterable, Mapping

from sqlalchemy.engine import Connection

from aggregator.store.bulk import inserting
from aggregator.store.identity import Near
from aggregator.store.removal import touch
from aggregator.store.schema import related

_RELATE = inserting(related, update=("likeness",))


def relate(conn: Connection, found: Iterable[tuple[int, Near]], survivors: Mapping[int, int]) -> None:
    """Note pairs of articles, both ways; `survivors` says which articles became which others."""
    pairs: dict[tuple[int, int], float] = {}
    for article_id, near in found:
        one, other = survivors.get(article_id, article_id), survivors.get(near.article_id, near.article_id)
        if one != other:
            pairs[one, other] = pairs[other, one] = near.likeness
    rows = [
        {"article_id": one, "other_id": other, "likeness": likeness}
        for (one, other), likeness in sorted(pairs.items())
    ]
    _RELATE(conn, rows)
    touch(conn, {one for one, _ in pairs})
