"""The articles of a node by month, for the archives of its feed.

`months` counts them as `listing` changes, so that no scan is needed to know how many documents an
archive has. `stale_months` says which stretch of a month is out of date: from the oldest place
that changed, to the newest, or to the month's end where an article came or went, since all after
it then count on by one.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import Node
from aggregator.store.bulk import Bulk, Lookup, Single, insert
from aggregator.store.codec import EPOCH, micros, to_json
from aggregator.store.schema import listing, months, nodes, stale_months

END = 2**62
"""Later than every article, in microseconds."""

Listed = tuple[int, int, int, int]
"""A row of `listing`: node, sort_at, tie, article."""

_DAY = 86_400_000_000

_ORDER = (listing.c.sort_at, listing.c.tie, listing.c.article_id)
_MONTHS = Lookup(
    lambda ids: sa.select(months.c.node_id, months.c.month, months.c.articles).where(
        months.c.node_id.in_(ids), months.c.articles > sa.literal_column("0")
    )
)
_STALE = Lookup(
    lambda ids: sa.select(
        stale_months.c.node_id, stale_months.c.month, stale_months.c.since, stale_months.c.until
    ).where(stale_months.c.node_id.in_(ids))
)


_MONTH = sa.and_(
    listing.c.node_id
    == sa.select(nodes.c.id)
    .where(nodes.c.kind == sa.bindparam("kind"), nodes.c.path == sa.bindparam("path"))
    .scalar_subquery(),
    listing.c.sort_at >= sa.bindparam("begin"),
    listing.c.sort_at <= sa.bindparam("end"),
)
_LISTED = Single(
    lambda _: sa.select(sa.func.count()).select_from(listing).where(_MONTH), ("kind", "path", "begin", "end")
)


def _reading(order: Sequence[sa.ColumnElement[int]]) -> Single:
    """Reads ids from one end of a month."""
    statement = (
        sa.select(listing.c.article_id)
        .where(_MONTH)
        .order_by(*order)
        .limit(sa.bindparam("most"))
        .offset(sa.bindparam("skipped"))
    )
    return Single(lambda _: statement, ("kind", "path", "begin", "end", "most", "skipped"))


_FROM_START, _FROM_END = _reading(_ORDER), _reading([column.desc() for column in _ORDER])


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a month that is out of date, by `sort_at` in microseconds, both ends included."""

    since: int
    until: int


@lru_cache(maxsize=4096)
def _month_of_day(day: int) -> str:
    date = datetime.fromordinal(EPOCH.toordinal() + day)
    return f"{date.year:04d}-{date.month:02d}"


def month_of(sort_at: int) -> str:
    """The month in UTC, as `YYYY-MM`, of a moment in microseconds."""
    return _month_of_day(sort_at // _DAY)


@lru_cache(maxsize=4096)
def _bounds(month: str) -> tuple[int, int]:
    """The first moment of a month and the last, in microseconds."""
    year, number = map(int, month.split("-"))
    begin = micros(datetime(year, number, 1, tzinfo=UTC))
    if (year, number) == (9999, 12):
        return begin, END
    return begin, micros(datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)) - 1


def _counting(conn: Connection) -> Any:  # noqa: ANN401 - one of two unrelated classes
    statement = insert(conn, months)
    return statement.on_conflict_do_update(
        index_elements=["node_id", "month"],
        set_={"articles": months.c.articles + statement.excluded.articles},
    )


def _widening(conn: Connection) -> Any:  # noqa: ANN401 - one of two unrelated classes
    statement = insert(conn, stale_months)
    new, old = statement.excluded, stale_months.c
    return statement.on_conflict_do_update(
        index_elements=["node_id", "month"],
        set_={
            "since": sa.case((new.since < old.since, new.since), else_=old.since),
            "until": sa.case((new.until > old.until, new.until), else_=old.until),
            "serial": new.serial,
        },
    )


_COUNT = Bulk(_counting, ("node_id", "month", "articles"))
_WIDEN = Bulk(_widening, ("node_id", "month", "since", "until", "serial"))


def moved(
    conn: Connection,
    gone: Collection[Listed],
    come: Collection[Listed],
    kept: Collection[Listed],
    serial: int,
) -> None:
    """Count rows of `listing` that went and came; these and those that show edits are out of date."""
    counts: Counter[tuple[int, str]] = Counter()
    stretches: dict[tuple[int, str], tuple[int, int]] = {}
    for rows, more in ((gone, -1), (come, 1), (kept, 0)):
        for node_id, sort_at, *_ in rows:
            name = (node_id, month_of(sort_at))
            counts[name] += more
            since, until = stretches.get(name, (sort_at, sort_at))
            stretches[name] = (min(since, sort_at), END if more else max(until, sort_at))
    _COUNT.tuples(conn, [(*name, count) for name, count in sorted(counts.items()) if count])
    _WIDEN.tuples(conn, [(*name, *stretch, serial) for name, stretch in sorted(stretches.items())])


def mark(conn: Connection, pairs: Iterable[tuple[int, str]], serial: int) -> None:
    """These months of nodes (by id) are out of date from end to end."""
    whole = {"since": -END, "until": END, "serial": serial}
    _WIDEN(conn, [{"node_id": node_id, "month": month} | whole for node_id, month in sorted(pairs)])


def counts(conn: Connection, node_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many articles these nodes list in each month."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for node_id, month, articles in _MONTHS(conn, node_ids):
        found[node_id][month] = articles
    return found


def stale(conn: Connection, node_ids: Iterable[int]) -> dict[int, dict[str, Stretch]]:
    """Which stretches of the months of these nodes are out of date."""
    found: dict[int, dict[str, Stretch]] = defaultdict(dict)
    for node_id, month, since, until in _STALE(conn, node_ids):
        found[node_id][month] = Stretch(since, until)
    return found


def mark_all(conn: Connection, serial: sa.ColumnElement[int]) -> None:
    """Every month is out of date."""
    conn.execute(sa.delete(stale_months))
    everything = sa.select(months.c.node_id, months.c.month, sa.literal(-END), sa.literal(END), serial)
    names = ["node_id", "month", "since", "until", "serial"]
    conn.execute(sa.insert(stale_months).from_select(names, everything))


def affected(conn: Connection, node: Node, month: str, count: int, stretch: Stretch) -> tuple[int, int]:
    """Which places of a month, counted from its oldest article, a stretch covers: from, and up to.

    Counted from the month's end, as what changes is mostly new.
    """
    begin, end = _bounds(month)
    starts = (max(stretch.since, begin), min(stretch.until, end) + 1)
    given = {"kind": node.kind, "path": to_json(node.path), "end": end}
    first, stop = (count - _LISTED(conn, begin=start, **given)[0] for start in starts)
    return first, stop


def slice_ids(conn: Connection, node: Node, month: str, part: slice, count: int) -> list[int]:
    """The ids of the articles of one part of a month of `count` articles, newest first.

    `part` counts from the oldest. Read from the nearer end of the month.
    """
    begin, end = _bounds(month)
    from_end = part.start > count - part.stop
    read, skipped = (_FROM_END, count - part.stop) if from_end else (_FROM_START, part.start)
    size = part.stop - part.start
    given = {"kind": node.kind, "path": to_json(node.path), "begin": begin, "end": end}
    rows = read.all(conn, most=size, skipped=skipped, **given)
    ids = [row[0] for row in rows]
    return ids if from_end else ids[::-1]


def by_node(ids: Mapping[Any, int], found: Mapping[int, Any]) -> dict[Any, Any]:
    """The same values under nodes instead of their ids."""
    return {node: found.get(node_id, {}) for node, node_id in ids.items()}
