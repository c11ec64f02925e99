"""Opening the database, its transactions, and its errors as sentences.

All writes pass through one lock and one transaction at a time; on SQLite each begins with
BEGIN IMMEDIATE, so that it never fails half-way for want of the write lock. Reads have
connections of their own and see the state of the moment at which they began (on PostgreSQL, whose
statements would each see a newer one, by REPEATABLE READ).
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock, local
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from aggregator.errors import StoreError
from aggregator.store.schema import REVISIONS

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_SECONDS = 30

_SQLITE_ON_CONNECT = (
    "PRAGMA journal_mode=WAL",  # readers and the writer do not wait for one another
    "PRAGMA synchronous=FULL",  # what was committed survives a power cut
    "PRAGMA foreign_keys=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-32768",  # 32 MiB: the inner pages of all indexes of a large store
)

_ENGINE: dict[str, dict[str, Any]] = {
    "sqlite": {"connect_args": {"timeout": _BUSY_SECONDS, "check_same_thread": False}},
    "postgresql": {"pool_pre_ping": True},  # a server that was started anew has closed our connections
}

_READS = {"postgresql": {"isolation_level": "REPEATABLE READ"}}

_UPKEEP = {"sqlite": ("PRAGMA optimize", "PRAGMA wal_checkpoint(TRUNCATE)")}

_SUPPORTED = ("sqlite", "postgresql")

# What a driver says, and what a person can do about it.
_ADVICE = (
    ("unable to open", "check that the folder exists and may be written"),
    ("not a database", "the file is damaged or something else; move it away or restore a backup"),
    ("malformed", "the file is damaged; restore a backup"),
    ("readonly", "the file or its folder may not be written; check the permissions"),
    ("read-only", "the file or its folder may not be written; check the permissions"),
    ("locked", "another process has kept it locked; end that process or try again"),
    ("disk is full", "make room on the disk"),
    ("disk i/o", "check the disk and that its folder still exists"),
    ("authentication failed", "correct the user or the password"),
    ("fatal:  role", "create that user with createuser, or name another"),
    ("fatal:  database", "create it with createdb, or correct the name"),
    ("connection to server", "start the server, or correct the host and port"),
    ("resolve host", "correct the host"),
)


class Database:
    """An open database of the newest revision."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self.url = url
        self._engine = engine
        self._reader = engine.execution_options(**_READS.get(engine.dialect.name, {}))
        self._lock = RLock()
        self._writing: Connection | None = None
        self._threads = local()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection that sees one state of the database."""
        held: Connection | None = getattr(self._threads, "snapshot", None)
        if held is not None:
            yield held
            return
        with told(self.url), self._reader.connect() as conn, conn.begin():
            yield conn

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that this thread reads within is of one state, which costs less than one state each."""
        with self.read() as conn:
            self._threads.snapshot = conn
            try:
                yield
            finally:
                self._threads.snapshot = None

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: all of it is stored, or nothing if an error leaves the block.

        Within `write` on the same thread it is a part of the outer one, undone alone by an
        error that leaves it.
        """
        with self._lock, told(self.url):
            if self._writing is not None:
                with _savepoint(self._writing):
                    yield self._writing
                return
            with self._engine.connect().execution_options(writes=True) as conn, conn.begin():
                self._writing = conn
                try:
                    yield conn
                finally:
                    self._writing = None

    def upkeep(self) -> None:
        """Refresh what the query planner knows, and fold the write-ahead log into the file."""
        with self._lock, told(self.url), self._engine.connect() as conn:
            driver: Any = conn.connection.driver_connection
            for statement in _UPKEEP.get(self.dialect, ()):
                driver.execute(statement)

    def compact(self) -> None:
        """Give the space of what was removed back to the disk (PostgreSQL sees to that itself)."""
        if self.dialect == "sqlite":
            with self._lock, told(self.url), self._engine.connect() as conn:
                driver: Any = conn.connection.driver_connection
                driver.execute("PRAGMA temp_store=FILE")  # the copy is as large as the database
                try:
                    driver.execute("VACUUM")
                finally:
                    driver.execute("PRAGMA temp_store=MEMORY")

    def backup(self, target: Path) -> None:
        """Copy the database to a new file while it is in use; see `Store.backup`."""
        if self.dialect != "sqlite":
            raise StoreError("backup is for SQLite; use pg_dump for PostgreSQL")
        try:
            target.touch(mode=0o600, exist_ok=False)  # addresses of sources may hold secrets
        except FileExistsError:
            raise StoreError(f"{target}: is there already; name a new file") from None
        except OSError as error:
            right = "name one in a folder that is there and writable"
            raise StoreError(f"{target}: cannot be made: {error.strerror}; {right}") from error
        try:
            self._copy(target)
        except BaseException:
            target.unlink(missing_ok=True)  # nobody is to take half a copy for a whole one
            raise

    def _copy(self, target: Path) -> None:
        with told(self.url), self._engine.connect() as conn:
            driver: Any = conn.connection.driver_connection
            try:
                with closing(sqlite3.connect(target)) as copy:
                    driver.backup(copy)
            except sqlite3.Error as error:
                raise StoreError(f"{target}: the copy could not be written ({error})") from error

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()


def open_database(text: str) -> Database:
    """Open (or create) the database at an SQLAlchemy URL and bring its schema up to date.

    StoreError: the URL is unusable, the database cannot be opened or written, or it is of a
    newer program.
    """
    url = _checked_url(text)
    with told(url):
        engine = _engine(url)
        try:
            _bring_up_to_date(engine, url)
        except BaseException:
            engine.dispose()
            raise
    return Database(url, engine)


def connect(text: str) -> Connection:
    """A connection of its own, each statement a transaction. Raises StoreError."""
    url = _checked_url(text)
    with told(url):
        return _engine(url).connect().execution_options(isolation_level="AUTOCOMMIT")


def _checked_url(text: str) -> URL:
    try:
        url = make_url(text)
        dialect = url.get_backend_name()
    except ArgumentError as error:
        raise StoreError(
            f"{text!r} is no database URL; write it like sqlite:///storage/aggregator.db"
        ) from error
    if dialect not in _SUPPORTED:
        raise StoreError(f"{_name(url)}: {dialect!r} is not supported; use sqlite or postgresql")
    if dialect == "sqlite":
        if url.database in {None, "", ":memory:"}:
            raise StoreError(f"{text}: a database in memory keeps nothing; name a file")
        _make_private(Path(str(url.database)))
    return url


def _make_private(file: Path) -> None:
    """Make the file, if it is not there, for its owner alone; SQLite's other files follow its mode."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists():
            file.touch(mode=0o600)
    except OSError as error:
        raise StoreError(f"{file}: cannot be made: {error.strerror}; make its folder writable") from error


def _engine(url: URL) -> Engine:
    try:
        engine = sa.create_engine(
            url,
            poolclass=QueuePool,
            pool_size=4,
            max_overflow=64,
            query_cache_size=500,
            **_ENGINE[url.get_backend_name()],
        )
    except (SQLAlchemyError, ImportError) as error:
        advice = "; install it with pip install 'aggregator[postgresql]'" if "psycopg" in str(error) else ""
        raise StoreError(f"{_name(url)}: no driver for it could be loaded ({error}){advice}") from error
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
    if type(connection).__module__.startswith("sqlite3"):
        # The driver would begin transactions late and of its own choice.
        connection.isolation_level = None
        for statement in _SQLITE_ON_CONNECT:
            connection.execute(statement)


def _begin(conn: Connection) -> None:
    if conn.dialect.name != "sqlite":
        return
    writes = conn.get_execution_options().get("writes", False)
    conn.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _bring_up_to_date(engine: Engine, url: URL) -> None:
    with engine.connect() as conn:
        found = _revision(conn)
    if found == REVISIONS[-1]:
        return
    with engine.connect().execution_options(writes=True) as conn, conn.begin():
        # Another process may have been quicker.
        found = _revision(conn)
        if found not in {None, *REVISIONS}:
            raise StoreError(
                f"{_name(url)}: its schema is revision {found}, this program knows up to {REVISIONS[-1]}; "
                "use the newer program that wrote it, or restore an older backup"
            )
        if found != REVISIONS[-1]:
            _upgrade(conn)


def _revision(conn: Connection) -> str | None:
    try:
        with conn.begin_nested():
            row = conn.exec_driver_sql("SELECT version_num FROM alembic_version").first()
    except DBAPIError as error:
        if any(sign in str(error.orig) for sign in ("no such table", "does not exist")):
            return None
        raise
    return None if row is None else str(row[0])


def _upgrade(conn: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def _name(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return url.render_as_string(hide_password=True)


@contextmanager
def _savepoint(conn: Connection) -> Iterator[None]:
    """Undoes what is written within if an error leaves it.

    SQLAlchemy's own gives each savepoint another name, and so compiles three statements for each.
    """
    conn.exec_driver_sql("SAVEPOINT part")
    try:
        yield
    except BaseException:
        conn.exec_driver_sql("ROLLBACK TO SAVEPOINT part")
        conn.exec_driver_sql("RELEASE SAVEPOINT part")
        raise
    conn.exec_driver_sql("RELEASE SAVEPOINT part")


@contextmanager
def told(url: URL) -> Iterator[None]:
    """What goes wrong with a database within is a StoreError, a sentence that names it."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:  # the latter where the driver is asked itself
        if _is_interrupted(error):
            raise KeyboardInterrupt from error
        raise StoreError(_sentence(url, error)) from error


def _is_interrupted(error: BaseException | None) -> bool:
    """Whether somebody stopped the program in the midst of a statement: undoing it is refused then."""
    return error is not None and (isinstance(error, KeyboardInterrupt) or _is_interrupted(error.__context__))


def _sentence(url: URL, error: SQLAlchemyError | sqlite3.Error) -> str:
    said = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    first = said.strip().splitlines()[0] if said.strip() else type(error).__name__
    folded = first.casefold()
    advice = next((text for sign, text in _ADVICE if sign in folded), "")
    return f"{_name(url)}: {first}" + (f"; {advice}" if advice else "")
