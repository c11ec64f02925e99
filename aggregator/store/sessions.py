"""Locks that a session of PostgreSQL holds: they end with its process, on whatever machine that runs."""

import os
import platform
from typing import Any

import sqlalchemy as sa

from aggregator.store.engine import connect, told

_SPACE = int.from_bytes(b"aggr")
"""The first of the two keys of our locks (PostgreSQL, Advisory Locks); the second is the caller's."""

_NAME = sa.text("SELECT set_config('application_name', :name, false)")
_TAKE = sa.text("SELECT pg_try_advisory_lock(:space, :key)")
_HOLDER = sa.text(
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND classid = :space AND objid = :key AND granted"
)


class SessionLock:
    """A lock of a database, by a small number. `close` gives it back."""

    def __init__(self, url: str, key: int) -> None:
        """Open a session. Raises StoreError."""
        self._key = key
        self._conn = connect(url)
        self._ask(_NAME, name=f"{os.getpid()} on {platform.node()}"[:60])

    def take(self) -> bool:
        """Whether the lock is held from now on."""
        return bool(self._ask(_TAKE, space=_SPACE, key=self._key))

    def holder(self) -> str:
        """The process that holds it, and its machine; empty if that is not known."""
        return str(self._ask(_HOLDER, space=_SPACE, key=self._key) or "")

    def close(self) -> None:
        """End the session, and with it the lock."""
        self._conn.close()
        self._conn.engine.dispose()

    def _ask(self, statement: sa.TextClause, **given: object) -> Any:  # noqa: ANN401 - whatever it gives
        with told(self._conn.engine.url):
            return self._conn.scalar(statement, given)
