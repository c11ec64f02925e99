"""Opening databases: new, old, newer, damaged, locked away; and what transactions promise."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from entries import NOON, entry, feed

from aggregator.errors import StoreError
from aggregator.model import Node, SourceState
from aggregator.store import Store, engine
from aggregator.store.schema import REVISIONS, metadata


def url(file: Path) -> str:
    return f"sqlite:///{file}"


def test_a_new_database_has_the_schema_of_the_newest_revision(tmp_path: Path) -> None:
    """The migrations lead to exactly the tables that the code knows; folders are made."""
    file = tmp_path / "new" / "folder" / "a.db"
    Store.open(url(file)).close()
    made = sa.create_engine(url(file))
    with made.connect() as conn:
        context = MigrationContext.configure(conn)
        assert context.get_current_revision() == REVISIONS[-1]
        assert compare_metadata(context, metadata) == []
    made.dispose()


def test_the_list_of_revisions_is_that_of_the_migrations() -> None:
    """`REVISIONS` names every migration in order, so that Alembic need not be asked at each start."""
    config = Config()
    config.set_main_option("script_location", str(engine._MIGRATIONS))
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    assert tuple(script.revision for script in scripts)[::-1] == REVISIONS


def test_opening_a_current_database_does_not_load_alembic(tmp_path: Path) -> None:
    """Alembic is for upgrades; a usual start does without it."""
    Store.open(url(tmp_path / "a.db")).close()
    code = (
        "import sys; from aggregator.store import Store; "
        f"Store.open({url(tmp_path / 'a.db')!r}).close(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    """The sentence names both revisions, and the file is left alone."""
    Store.open(url(tmp_path / "a.db")).close()
    with sqlite3.connect(tmp_path / "a.db") as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    conn.close()
    with pytest.raises(StoreError, match=f"revision 9999.*up to {REVISIONS[-1]}"):
        Store.open(url(tmp_path / "a.db"))


def test_a_file_that_is_no_database_is_one_clear_sentence(tmp_path: Path) -> None:
    """The sentence names the file and says what to do."""
    (tmp_path / "a.db").write_bytes(b"this is not a database at all" * 100)
    with pytest.raises(StoreError, match=r"a\.db: file is not a database; .*restore a backup") as caught:
        Store.open(url(tmp_path / "a.db"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("place", ["folder", "file/a.db"])
def test_an_unusable_path_is_one_clear_sentence(tmp_path: Path, place: str) -> None:
    """A folder is no database, and a file no folder."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=str(tmp_path)) as caught:
        Store.open(url(tmp_path / place))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_an_unusable_url_is_one_clear_sentence(text: str) -> None:
    """What is no URL, of another database, or only in memory is refused with what would be right."""
    with pytest.raises(StoreError, match=r"sqlite|file"):
        Store.open(text)


def test_durability_is_as_promised(tmp_path: Path) -> None:
    """WAL, full synchronisation, foreign keys and a patient lock on every connection."""
    database = engine.open_database(url(tmp_path / "a.db"))
    with database.read() as one, database.read() as two:
        for conn in (one, two):
            found = [
                conn.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            ]
            assert found == ["wal", 2, 1, 30000]
    database.close()


def test_readers_go_on_while_a_write_is_open(store: Store) -> None:
    """A reader in another thread sees the state before the write, without waiting."""
    store.reconcile([feed("A")], NOON)
    seen: list[int] = []
    with store.together():
        store.record(feed("A"), [entry("1")], SourceState(), NOON)
        reader = threading.Thread(
            target=lambda: seen.append(len(store.articles(store.newest(Node("category", ()), 9))))
        )
        reader.start()
        reader.join()
    assert seen == [0]


def test_a_snapshot_sees_one_state_however_long_it_lasts(store: Store) -> None:
    """What another thread commits meanwhile shows up once the snapshot is over."""
    everything = Node("category", ())
    store.reconcile([feed("A")], NOON)
    with store.snapshot():
        assert store.articles(store.newest(everything, 9)) == []
        writer = threading.Thread(
            target=lambda: store.record(feed("A"), [entry("1")], SourceState(), NOON), daemon=True
        )
        writer.start()
        writer.join()
        assert store.articles(store.newest(everything, 9)) == []
    assert len(store.articles(store.newest(everything, 9))) == 1


def test_writers_wait_for_one_another(store: Store) -> None:
    """Many threads that record at once lose nothing."""
    sources = [feed(f"S{number}") for number in range(8)]
    store.reconcile(sources, NOON)

    def work(name: str) -> None:
        for number in range(5):
            store.record(feed(name), [entry(f"{name}-{number}")], SourceState(), NOON)

    threads = [threading.Thread(target=work, args=(source.name,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.articles(store.newest(Node("category", ()), 100))) == 40


def test_a_refused_write_is_a_store_error(tmp_path: Path) -> None:
    """What the driver says comes out as a sentence with the file's name and advice."""
    with Store.open(url(tmp_path / "a.db")) as store:
        with sqlite3.connect(tmp_path / "a.db") as conn:
            conn.execute("DROP TABLE meta")
        conn.close()
        with pytest.raises(StoreError, match=r"a\.db: no such table: meta"):
            store.get_meta("x")


COMPACTING = """
import resource, sys
from aggregator.store.engine import open_database
database = open_database(sys.argv[1])
with database.write() as conn:
    conn.exec_driver_sql("CREATE TABLE more (data BLOB)")
    for _ in range(800):
        conn.exec_driver_sql("INSERT INTO more VALUES (randomblob(100000))")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
database.compact()
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_compacting_takes_little_memory(tmp_path: Path) -> None:
    """The copy that it makes of a database of 80 MB is in a file."""
    command = [sys.executable, "-c", COMPACTING, f"sqlite:///{tmp_path}/a.db"]
    assert int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) < 60


def test_compacting_that_fails_is_a_store_error(tmp_path: Path) -> None:
    """What the driver says itself is a sentence too: here, that somebody else is writing."""
    with Store.open(f"sqlite:///{tmp_path}/a.db") as store:
        other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with store._database._engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA busy_timeout=0")
        with pytest.raises(StoreError, match="another process has kept it locked"):
            store.compact()
        other.close()


def test_an_interrupt_stays_one(tmp_path: Path) -> None:
    """Ctrl-C in the midst of a statement is no fault of the database; the transaction is undone."""
    sources = [feed("A", "news")]
    with Store.open(url(tmp_path / "a.db")) as store:
        store.reconcile(sources, NOON)

        def interrupt(_cursor: object, statement: str, *_rest: object) -> None:
            if statement.startswith("INSERT INTO articles"):
                raise KeyboardInterrupt

        sa.event.listen(store._database._engine, "do_execute", interrupt)
        sa.event.listen(store._database._engine, "do_executemany", interrupt)
        with pytest.raises(KeyboardInterrupt), store.together():
            store.record(sources[0], [entry("a")], SourceState(), NOON)
    with Store.open(url(tmp_path / "a.db")) as store:
        assert store.stale(10).posts == ()
