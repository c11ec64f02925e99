"""What PostgreSQL does in its own way; all tests that have a store run on it with `--postgresql`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from databases import empty, server
from entries import NOON, entry, feed

from aggregator.errors import StoreError
from aggregator.model import Node, SourceState
from aggregator.store import Store
from aggregator.store.schema import REVISIONS, metadata

pytestmark = pytest.mark.postgresql


@pytest.fixture
def url(tmp_path: Path) -> str:
    return empty(tmp_path / "a.db")


@pytest.fixture
def conn(url: str) -> Iterator[sa.Connection]:
    """A connection beside the store's."""
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def test_the_migrations_lead_to_the_tables_that_the_code_knows(conn: sa.Connection) -> None:
    """As on SQLite."""
    context = MigrationContext.configure(conn)
    assert context.get_current_revision() == REVISIONS[-1]
    assert compare_metadata(context, metadata) == []


def test_a_database_of_a_newer_program_is_refused(url: str, conn: sa.Connection) -> None:
    """The sentence names both revisions."""
    conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    conn.commit()
    with pytest.raises(StoreError, match=rf"revision 9999, this program knows up to {REVISIONS[-1]}"):
        Store.open(url)


def test_a_store_outlives_its_connections(url: str) -> None:
    """A server that was started anew has closed them all; a daemon goes on with new ones."""
    with Store.open(url) as store:
        store.reconcile([feed("A")], NOON)
        assert store.articles(store.newest(Node("category", ()), 9)) == []
        name = sa.make_url(url).database
        server().ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", values=[name]
        )
        store.record(feed("A"), [entry("1")], SourceState(), NOON)
        assert len(store.articles(store.newest(Node("category", ()), 9))) == 1


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1/none", "start the server, or correct the host"),
        ("/none?host={folder}", "create it"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_clear_sentence(url: str, address: str, said: str) -> None:
    """It names the database without the password, and what to do."""
    address = address.format(folder=sa.make_url(url).query["host"])
    before, slash, rest = address.partition("/")
    with pytest.raises(StoreError, match=said) as error:
        Store.open(f"postgresql+psycopg://tests:secret@{before}{slash}{rest}")
    assert "\n" not in str(error.value)
    assert "secret" not in str(error.value)


def test_a_backup_is_pg_dumps_business(url: str, tmp_path: Path) -> None:
    """It says so."""
    with Store.open(url) as store, pytest.raises(StoreError, match="pg_dump"):
        store.backup(tmp_path / "copy")
