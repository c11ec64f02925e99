"""Killed at any moment, the store opens again and holds whole sources only."""

import random
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from entries import NOON, feed

from aggregator.model import Node
from aggregator.store import Store

ENTRIES = 20
# Records new entries for one source after the other until it is killed; says how far it came.
WORK = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent.parent / "support")!r})
from itertools import count
from entries import NOON, entry, feed
from aggregator.model import FileStamp, SourceState
from aggregator.store import Store
url, begin = sys.argv[1], int(sys.argv[2])
with Store.open(url) as store:
    print("open", flush=True)
    for number in count(begin):
        source = feed("ABC"[number % 3])
        names = [f"{{number}}-{{one}}" for one in range({ENTRIES})]
        entries = [entry(name, body=f"<p>{{name}}</p>" * 99) for name in names]
        stamps = {{str(number): FileStamp(1, 1)}}
        store.record(source, entries, SourceState(failures=number), NOON, stamps=stamps)
        print(number, flush=True)
"""


def run_and_kill(url: str, begin: int, seconds: float) -> int:
    """The last number that was said to be recorded before the kill."""
    with subprocess.Popen(
        [sys.executable, "-c", WORK, url, str(begin)], stdout=subprocess.PIPE, text=True
    ) as work:
        assert work.stdout is not None
        work.stdout.readline()
        with suppress(subprocess.TimeoutExpired):
            work.wait(seconds)
        work.kill()
        said = work.stdout.read().split()
    return int(said[-1]) if said else begin - 1


def test_a_killed_store_holds_whole_sources(tmp_path: Path) -> None:
    """After each of several kills: integrity, all that was reported, and nothing by halves."""
    file = tmp_path / "a.db"
    url = f"sqlite:///{file}"
    with Store.open(url) as store:
        store.reconcile([feed(name) for name in "ABC"], NOON)
    chance = random.Random()
    begin = 0
    for _ in range(4):
        last = run_and_kill(url, begin, chance.uniform(0.0, 0.25))
        with sqlite3.connect(file) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert conn.execute("PRAGMA foreign_key_check").fetchall() == []
        conn.close()
        with Store.open(url) as store:
            done = check_whole(store)
        assert done in {last, last + 1}
        begin = done + 1


def check_whole(store: Store) -> int:
    """Everything fits together; returns the number of the last whole record."""
    articles = store.articles(store.newest(Node("category", ()), 100_000))
    records = {int(str(one.guid).partition("-")[0]) for one in articles}
    assert records == set(range(len(records)))
    assert len(articles) == ENTRIES * len(records)
    stamps = {int(path) for name in "ABC" for path in store.file_stamps(name)}
    assert stamps == records
    last = max(records, default=-1)
    assert max((state.failures for state in store.states().values()), default=-1) in {last, 0}
    assert len(store.stale(100_000).posts) == len(articles)
    assert {row.articles for row in store.nodes() if row.node.path == ()} == {len(articles)}
    return last
