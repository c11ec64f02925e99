"""What sources that are recorded together share: lookups made for all at once, and rows that wait.

A statement for one row costs nearly what one for fifty does. Two rules make the outcome that of one
source after the other:

- What is looked up here is found in the tables or among what waits for them.
- All else is read and written by way of `settled`, which first writes what waits.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.model import SourceState
from aggregator.store import upstream
from aggregator.store.bulk import Lookup, Row, inserting
from aggregator.store.listing import Place, relist
from aggregator.store.schema import articles, bands, contents, marks, sightings, tomb_marks
from aggregator.store.sources import save_seen, save_state
from aggregator.store.stale import advance

_MARKED = Lookup(
    lambda values: sa.select(marks.c.mark, marks.c.article_id, marks.c.source_id).where(
        marks.c.mark.in_(values)
    )
)
_UIDS = Lookup(lambda uids: sa.select(articles.c.uid).where(articles.c.uid.in_(uids)))
_STOPPED = Lookup(
    lambda values: sa.select(tomb_marks.c.mark, tomb_marks.c.tomb_id).where(tomb_marks.c.mark.in_(values))
)
_BANDED = Lookup(
    lambda values: sa.select(bands.c.band, bands.c.day, bands.c.article_id).where(
        bands.c.band.in_(values),
        bands.c.day >= sa.bindparam("begin", None),
        bands.c.day <= sa.bindparam("end", None),
    )
)


def _by_pairs(parameters: Sequence[sa.BindParameter[Any]]) -> sa.Select[Any]:
    # Joined to a list of pairs, as SQLite reads the whole table for an IN of pairs.
    names = sa.column("source", sightings.c.source_id.type), sa.column("key", sightings.c.key.type)
    pairs = list(zip(parameters[::2], parameters[1::2], strict=True))
    wanted = sa.values(*names, name="wanted").data(pairs).cte()
    own = articles.c.origin_source == sightings.c.source_id
    statement = sa.select(
        sightings.c.source_id,
        sightings.c.key,
        sightings.c.article_id,
        sightings.c.published,
        sightings.c.text,
        sightings.c.extras,
        sightings.c.link,
        sa.case((own, articles.c.origin_key), else_=None).label("origin"),
    )
    among = sa.and_(sightings.c.source_id == wanted.c.source, sightings.c.key == wanted.c.key)
    return statement.join(wanted, among).join(articles, articles.c.id == sightings.c.article_id)


_SIGHTED = Lookup(_by_pairs, pairs=True)

_ARTICLES = inserting(articles)
_CONTENTS = inserting(contents)
_SIGHTINGS = inserting(sightings)
_MARKS = inserting(marks, ignore=True)
_BANDS = inserting(bands, ignore=True)


class Kept:
    """Rows by their first column, which is looked up once: those stored, and those added since."""

    def __init__(self, lookup: Callable[[Connection, Iterable[Any]], Iterable[Any]]) -> None:
        self._lookup = lookup
        self._asked: set[Any] = set()
        self._stored: dict[Any, list[Any]] = defaultdict(list)
        self._added = _Added()

    def ask(self, conn: Connection, values: set[Any]) -> None:
        """Look these values up, for `rows` to know."""
        missing = values - self._asked
        self._asked |= missing
        for row in self._lookup(conn, missing):
            self._stored[row[0]].append(row)

    def rows(self, conn: Connection, values: set[Any]) -> list[Any]:
        """The rows of these values in no order; one that was added and written may come twice."""
        self.ask(conn, values)
        stored = [row for value in self._stored.keys() & values for row in self._stored[value]]
        return [*stored, *self._added.rows(values)]

    def add(self, rows: Collection[Any]) -> None:
        """These rows are there too."""
        self._added.add(rows)


class Bands:
    """The same for bands, within the range of days that is looked up once; others as they are asked."""

    def __init__(self) -> None:
        self._range = (0, -1)
        self._known = Kept(self._lookup)
        self._added = _Added()

    def _lookup(self, conn: Connection, values: Iterable[int]) -> Iterable[Any]:
        return _BANDED(conn, values, begin=self._range[0], end=self._range[1])

    def ask(self, conn: Connection, values: set[int], begin: int, end: int) -> None:
        """Look up these bands in a range of days, for `rows` to know; once."""
        self._range = (begin, end)
        self._known.ask(conn, values)

    def rows(self, conn: Connection, values: set[int], begin: int, end: int) -> list[tuple[int, int]]:
        """Band and article of those that bear any of these bands, in a range of days."""
        known = self._range[0] <= begin and end <= self._range[1]
        stored = self._known.rows(conn, values) if known else _BANDED(conn, values, begin=begin, end=end)
        found = (*stored, *self._added.rows(values))
        return [(band, article_id) for band, day, article_id in found if begin <= day <= end]

    def add(self, rows: Collection[tuple[int, int, int]]) -> None:
        """These rows (band, day, article) are there too."""
        self._added.add(rows)


class _Added:
    """Rows of which hardly one is asked for, so that they are not sorted by value."""

    def __init__(self) -> None:
        self._values: set[Any] = set()
        self._rows: list[Any] = []

    def add(self, rows: Collection[Any]) -> None:
        self._values.update(map(itemgetter(0), rows))
        self._rows += rows

    def rows(self, values: set[Any]) -> list[Any]:
        return [] if self._values.isdisjoint(values) else [row for row in self._rows if row[0] in values]


class Shared:
    """See the module. `conn` is for what has nothing to do with what waits."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.forgot = False
        self._next_id = self._last_id = 0
        self._know_nothing()
        self._wait_for_nothing()

    def _know_nothing(self) -> None:
        self.sighted = Kept(_sighted)
        self.marked = Kept(_MARKED)
        self.uids = Kept(_UIDS)
        self.stopped = Kept(_STOPPED)
        self.bands = Bands()

    def _wait_for_nothing(self) -> None:
        self._articles: dict[int, Row] = {}
        self._rows: dict[str, list[Any]] = defaultdict(list)
        self._links: dict[str, str] = {}
        self._fresh: dict[int, Place] = {}

    def forget(self) -> None:
        """What was looked up counts no more: something else was done than adding to it."""
        self.settled()
        self._know_nothing()
        self.forgot = True

    # --- what waits

    def reserve(self, count: int) -> None:
        """Take so many ids of articles for `take_ids` to hand out."""
        if count:
            self._last_id = advance(self.conn, "article", count)
            self._next_id = self._last_id - count

    def take_ids(self, count: int) -> int:
        """The number after which so many ids are free."""
        if self._last_id - self._next_id < count:
            self.reserve(count)
        self._next_id += count
        return self._next_id - count

    def add(
        self,
        articles: Mapping[int, Row],
        contents: Iterable[Row],
        sightings: Iterable[Row],
        marks: Collection[tuple[bytes, int, int]],
        bands: Collection[tuple[int, int, int]],
        links: Mapping[str, str],
    ) -> None:
        """New rows; `links` has the canonical links of links, for `upstream.taken`."""
        self._articles |= articles
        self._rows["contents"] += contents
        self._rows["sightings"] += sightings
        self._rows["marks"] += marks
        self._rows["bands"] += bands
        self._links |= links
        self.uids.add([(row["uid"],) for row in articles.values()])
        self.marked.add(marks)
        self.bands.add(bands)

    def list(self, fresh: Mapping[int, Place]) -> None:
        """New articles are to be listed at their places."""
        self._fresh |= fresh

    def remember(self, source_id: int, state: SourceState, seen: bytes | None) -> None:
        """A source's state, and what its document held (None: it is no feed)."""
        self._rows["states"].append((source_id, state))
        if seen is not None:
            self._rows["seen"].append((source_id, seen))

    def settled(self) -> Connection:
        """The connection, once what waits is in the tables."""
        if not self._rows and not self._fresh:
            return self.conn
        conn, articles, rows = self.conn, self._articles, self._rows
        links, fresh = self._links, self._fresh
        self._wait_for_nothing()
        for one in upstream.taken(conn, {one: row["guid"] for one, row in articles.items()}, links):
            articles[one]["guid"] = None
        _ARTICLES(conn, list(articles.values()))
        _CONTENTS(conn, rows["contents"])
        _SIGHTINGS(conn, sorted(rows["sightings"], key=lambda row: (row["source_id"], row["key"])))
        _MARKS.tuples(conn, sorted(rows["marks"]))
        _BANDS.tuples(conn, sorted(rows["bands"]))
        relist(conn, {}, fresh)
        save_seen(conn, rows["seen"])
        save_state(conn, rows["states"])
        return conn


def _sighted(conn: Connection, pairs: Iterable[tuple[int, bytes]]) -> Iterable[Any]:
    return ((row[:2], row[2:]) for row in _SIGHTED(conn, pairs))
