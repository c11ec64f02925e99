"""Writes of many rows by statements that are turned into text once.

SQLAlchemy builds the parameters of every row anew, type by type; where thousands of rows pass, that
costs more than the database does. Our columns hold what drivers take as it is.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

Row = dict[str, Any]

# INSERT ... ON CONFLICT is the same text in both dialects, but not in SQLAlchemy's core.
_INSERT = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert(conn: Connection, table: sa.Table) -> Any:  # noqa: ANN401 - one of two unrelated classes
    """An INSERT that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return _INSERT[conn.dialect.name](table)


class Bulk:
    """A statement for many rows, each a dict with all of `names`.

    `build` makes it for a connection's dialect; it holds no values of its own.
    """

    def __init__(self, build: Callable[[Connection], Any], names: Sequence[str]) -> None:
        self._build = build
        self._names = tuple(names)
        self._texts: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def __call__(self, conn: Connection, rows: Sequence[Row]) -> None:
        """Run the statement for each row; no row, no statement."""
        if not rows:
            return
        text, order = self._text(conn)
        if order is None:
            conn.exec_driver_sql(text, list(rows))
        elif len(order) == 1:
            conn.exec_driver_sql(text, [(row[order[0]],) for row in rows])
        else:
            conn.exec_driver_sql(text, list(map(itemgetter(*order), rows)))

    def _text(self, conn: Connection) -> tuple[str, tuple[str, ...] | None]:
        dialect = conn.dialect.name
        if dialect not in self._texts:
            compiled = self._build(conn).compile(dialect=conn.dialect, column_keys=list(self._names))
            order = tuple(compiled.positiontup) if compiled.positional else None
            self._texts[dialect] = (str(compiled), order)
        return self._texts[dialect]


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
