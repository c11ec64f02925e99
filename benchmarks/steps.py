"""Where the time of W1 and W4 goes, step by step in one process, beside the least that each could take.

    python benchmarks/steps.py [FEEDS]          default: 500

Seconds of CPU. No server and no other processes: what a whole pass takes besides is fetching, handing
work over, starting up, and waiting for the disk. The floors do one thing and nothing else.
"""

import os
import pickle
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from xml.parsers import expat

import feeds
import nh3
import rig

from aggregator.config import Settings, load
from aggregator.digest import digest_feed
from aggregator.digested import Digested
from aggregator.model import SourceState
from aggregator.publish.files import Output
from aggregator.publish_files import Desk, PublishReport
from aggregator.publish_posts import publish_posts
from aggregator.publishing import publish
from aggregator.store import Recording, Store

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BATCH = 50
"""Sources in one commit."""

T = TypeVar("T")


def timed(name: str, act: Callable[[], T]) -> T:
    """Do one step and print what it took of the processor."""
    begun = time.process_time()
    result = act()
    print(f"{name:44} {time.process_time() - begun:7.2f}", flush=True)
    return result


def digest(settings: Settings, documents: Sequence[bytes], before: Sequence[Digested]) -> list[Digested]:
    """Every document parsed and refined, going by what the one before it left."""
    known = [one.seen for one in before] or [b""] * len(documents)
    kind = "application/rss+xml"
    return [
        digest_feed(source, SourceState(), body, source.location, kind, NOW, seen)
        for source, body, seen in zip(settings.sources, documents, known, strict=True)
    ]


def record(settings: Settings, store: Store, digested: Sequence[Digested]) -> None:
    """Everything stored, some sources in one commit."""
    given = [
        Recording(
            source=source,
            entries=one.refined.articles,
            state=replace(SourceState(), feed_title=one.document.title, feed_link=one.document.link),
            shown=one.shown,
            seen=one.seen,
        )
        for source, one in zip(settings.sources, digested, strict=True)
    ]
    for start in range(0, len(given), BATCH):
        store.record_all(given[start : start + BATCH], NOW)


def posts(settings: Settings, store: Store) -> None:
    """The posts that are out of date."""
    output = Output(settings.outputs)
    publish_posts(Desk(settings.site, settings.sources, store, output, PublishReport(), lambda: False))


def steps(settings: Settings, store: Store, version: int, before: Sequence[Digested]) -> list[Digested]:
    """One workload."""
    documents = [feeds.document(number, version) for number in range(len(settings.sources))]
    digested = timed("  parse and refine", lambda: digest(settings, documents, before))
    timed("  hand over (two processes)", lambda: [pickle.loads(pickle.dumps(one)) for one in digested])
    timed("  store", lambda: record(settings, store, digested))
    timed("  posts", lambda: posts(settings, store))
    timed("  feeds, archives and pages", lambda: publish(settings, store))
    return digested


def floors(settings: Settings, folder: Path) -> None:
    """The least that a step could take: one library, or the system, and the same bytes."""
    documents = [feeds.document(number, 0) for number in range(len(settings.sources))]
    bodies = [
        feeds.body(feed * 1000 + item) for feed in range(len(documents)) for item in range(feeds.ENTRIES)
    ]
    (folder / "documents").write_bytes(b"".join(documents))
    timed("  read the documents from a file", (folder / "documents").read_bytes)
    timed("  expat alone", lambda: [expat.ParserCreate().Parse(one, True) for one in documents])  # noqa: FBT003
    timed("  nh3 alone", lambda: [nh3.clean(body) for body in bodies])

    def insert() -> None:
        with sqlite3.connect(folder / "floor.db") as database:
            database.execute("CREATE TABLE bodies (id INTEGER PRIMARY KEY, body TEXT)")
            database.executemany("INSERT INTO bodies (body) VALUES (?)", [(body,) for body in bodies])

    timed("  SQLite alone, bodies as they are", insert)
    written = [path.read_bytes() for path in sorted(settings.outputs.rglob("*")) if path.is_file()]
    (folder / "copy").mkdir()

    def copy() -> None:
        for number, data in enumerate(written):
            name = f"{folder}/copy/{number}"
            with open(name + ".tmp", "wb") as file:  # noqa: PTH123 - as quick as can be
                file.write(data)
            os.replace(name + ".tmp", name)  # noqa: PTH105

    size = sum(map(len, written)) / 1e6
    timed(f"  write {len(written)} outputs of {size:.0f} MB", copy)


def main(count: int) -> None:
    """Print both workloads and the floors."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rig.write_settings(folder, [f"http://127.0.0.1:9/{number}.xml" for number in range(count)])
        settings = load(folder / "feeds.toml")
        with Store.open(f"sqlite:///{folder}/bench.db") as store:
            store.reconcile(settings.sources, NOW)
            publish(settings, store)  # where there are no outputs yet, it would make the posts once more
            print(f"W1, {count} feeds, everything is new")
            digested = steps(settings, store, 0, [])
            print("W4, one new entry in each")
            steps(settings, store, 1, digested)
        print("floors of W1")
        floors(settings, folder)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
