"""Statements of the hot path, which SQLAlchemy turns into text once.

It builds the parameters of every row anew, type by type, and lays out every IN anew; where thousands of
rows pass, that costs more than the database does. Our columns hold what drivers take and give as it is.
"""

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from itertools import chain
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from aggregator.store.chunks import SIZE, chunks

Row = dict[str, Any]

Text = tuple[str, tuple[str, ...] | None, Row]
"""A statement as text, its parameters in order if the driver wants them so, and those it sets itself."""

_SIZES = (*(2**power for power in range(9)), SIZE)
_VALUES = tuple(f"v_{at}" for at in range(1, 2 * SIZE + 1))
"""As SQLAlchemy names what a parameter `v` expands to."""


def insert(conn: Connection, table: sa.Table) -> Any:  # noqa: ANN401 - one of two unrelated classes
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`.

    The same text in both dialects, but not in SQLAlchemy's core; only the one in use is imported.
    """
    dialect = import_module(f"sqlalchemy.dialects.{conn.dialect.name}")
    return dialect.insert(table)


def insert_one(conn: Connection, table: sa.Table, row: Row) -> int:
    """Insert a row whose id the database gives, and return that."""
    key = conn.execute(sa.insert(table).values(row)).inserted_primary_key
    assert key is not None, "one row has one key"
    return int(key[0])


class Bulk:
    """A statement for many rows, each a dict with all of `names`.

    `build` makes it for a connection's dialect; it holds no values of its own.
    """

    def __init__(self, build: Callable[[Connection], Any], names: Sequence[str]) -> None:
        self._build = build
        self._names = tuple(names)
        self._texts: dict[str, Text] = {}

    def __call__(self, conn: Connection, rows: Sequence[Row]) -> None:
        """Run the statement for each row; no row, no statement."""
        if not rows:
            return
        text, order, _ = self._text(conn)
        if order is None:
            _run(conn, text, list(rows))
        elif len(order) == 1:
            _run(conn, text, [(row[order[0]],) for row in rows])
        else:
            _run(conn, text, list(map(itemgetter(*order), rows)))

    def tuples(self, conn: Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        """The same for rows that are tuples in the order of `names`, of which there may be many."""
        if not rows:
            return
        text, order, _ = self._text(conn)
        if order == self._names:
            _run(conn, text, list(rows))
        else:
            self(conn, [dict(zip(self._names, row, strict=True)) for row in rows])

    def _text(self, conn: Connection) -> Text:
        dialect = conn.dialect.name
        if dialect not in self._texts:
            self._texts[dialect] = _text(conn, self._build(conn), self._names)
        return self._texts[dialect]


class Single:
    """A statement that is run often, once at a time, with the parameters `names`."""

    def __init__(self, build: Callable[[Connection], Any], names: Sequence[str]) -> None:
        self._build = build
        self._names = tuple(names)
        self._texts: dict[str, Text] = {}

    def __call__(self, conn: Connection, **named: object) -> Any:  # noqa: ANN401 - a row
        """Run it and return the first row, None if there is none."""
        return next(iter(self.all(conn, **named)), None)

    def all(self, conn: Connection, **named: object) -> list[Any]:
        """Run it and return all rows."""
        dialect = conn.dialect.name
        if dialect not in self._texts:
            self._texts[dialect] = _text(conn, self._build(conn), self._names)
        text, order, own = self._texts[dialect]
        given = own | named
        return _run(conn, text, given if order is None else tuple(given[name] for name in order))


class Lookup:
    """A SELECT of the rows that belong to any of many values, or of many pairs of values.

    `build` makes it for values that stand in an IN, or for the parameters of all pairs in turn; parameters
    besides those have names, and no value (None) yet.
    """

    def __init__(self, build: Callable[[Any], sa.Select[Any]], *, pairs: bool = False) -> None:
        self._build = build
        self._pairs = pairs
        self._texts: dict[tuple[str, int], Text] = {}

    def __call__(self, conn: Connection, values: Iterable[Any], **named: object) -> list[Any]:
        """The rows for these values, in no order; the same value twice counts once."""
        rows: list[Any] = []
        for some in chunks(sorted(set(values))):
            size = next(size for size in _SIZES if size >= len(some))
            # The last value again and again: few texts serve all lengths.
            padded = [*some, *(some[-1:] * (size - len(some)))]
            flat = list(chain.from_iterable(padded)) if self._pairs else padded
            text, order, own = self._text(conn, len(flat))
            given = own | dict(zip(_VALUES, flat, strict=False)) | named
            ordered = given if order is None else tuple(map(given.__getitem__, order))
            rows += _run(conn, text, ordered)
        return rows

    def _text(self, conn: Connection, size: int) -> Text:
        name = (conn.dialect.name, size)
        if name not in self._texts:
            # One parameter that expands to all: SQLAlchemy takes five times as long for a list of 500.
            values: sa.BindParameter[Any] = sa.bindparam("v", [None] * size, expanding=True)
            parameters = list(map(sa.bindparam, _VALUES[:size])) if self._pairs else values
            self._texts[name] = _text(conn, self._build(parameters), None, render_postcompile=not self._pairs)
        return self._texts[name]


def _run(conn: Connection, text: str, parameters: Any) -> list[Any]:  # noqa: ANN401 - as drivers take them
    """Run a text, for one row or a list of them, and return the rows that it gives."""
    result = conn.exec_driver_sql(text, parameters)
    return list(result.fetchall()) if result.returns_rows else []


def _text(conn: Connection, statement: Any, names: Sequence[str] | None, **how: bool) -> Text:  # noqa: ANN401 - any statement
    keys = list(names) if names else None
    compiled = statement.compile(dialect=conn.dialect, column_keys=keys, compile_kwargs=how)
    order = tuple(compiled.positiontup) if compiled.positional else None
    return str(compiled), order, {name: value for name, value in compiled.params.items() if value is not None}


def inserting(table: sa.Table, *, ignore: bool = False, update: Sequence[str] = ()) -> Bulk:
    """INSERT of whole rows; rows whose key is there are ignored, or their columns updated."""

    def build(conn: Connection) -> Any:  # noqa: ANN401 - one of two unrelated classes
        statement = insert(conn, table)
        if ignore:
            return statement.on_conflict_do_nothing()
        if update:
            return statement.on_conflict_do_update(
                index_elements=[column.name for column in table.primary_key],
                set_={name: statement.excluded[name] for name in update},
            )
        return statement

    return Bulk(build, [column.name for column in table.columns])


def updating(table: sa.Table, names: Sequence[str]) -> Bulk:
    """UPDATE of the named columns of the rows whose primary key is given as `b_<column>`."""
    return Bulk(lambda _: sa.update(table).where(*_by_key(table)), [*names, *_key_names(table)])


def deleting(table: sa.Table) -> Bulk:
    """DELETE of the rows whose primary key is given as `b_<column>`."""
    return Bulk(lambda _: sa.delete(table).where(*_by_key(table)), _key_names(table))


def _by_key(table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [column == sa.bindparam(f"b_{column.name}") for column in table.primary_key]


def _key_names(table: sa.Table) -> list[str]:
    return [f"b_{column.name}" for column in table.primary_key]
