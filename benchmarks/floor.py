"""The least that the libraries take for W1: they alone, in the program's shape, and nothing else.

    python benchmarks/floor.py ADDRESS FEEDS

Two threads fetch ({} in ADDRESS is the number of a feed), two processes run feedparser, with expat's own
buffer, and nh3, and write a file for each entry; one thread inserts the rows in bulk. No identity, no
near duplicates, no repairs, no feeds, no pages, nothing flushed: what it leaves in the folder is of no use.
"""

import hashlib
import json
import multiprocessing
import queue
import sys
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.sax.expatreader import ExpatParser

import feedparser
import nh3
import requests
import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert

AHEAD = 50
"""Feeds that are fetched and not stored, at most."""
BATCH = 1000
"""Rows of an insert."""
COLUMNS = ("guid", "link", "title", "body", "published", "hash")

Rows = list[dict[str, Any]]


class Buffered(ExpatParser):
    """Hands text on in large pieces."""

    def reset(self) -> None:
        """Begin a document."""
        super().reset()
        self._parser.buffer_text = True  # type: ignore[attr-defined]


def prepare() -> None:
    """In a worker: have feedparser take that driver."""
    driver = ModuleType("buffered")
    driver.create_parser = Buffered  # type: ignore[attr-defined]
    sys.modules["buffered"] = driver
    feedparser.api.PREFERRED_XML_PARSERS[:] = ["buffered"]


def digest(number: int, body: bytes) -> Rows:
    """In a worker: the rows of a feed; its files are written."""
    feed = feedparser.parse(
        body,
        response_headers={"content-type": "application/xml"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    rows = []
    for place, entry in enumerate(feed.entries):
        text = nh3.clean(entry.content[0].value if "content" in entry else entry.get("summary", ""))
        guid, link, title = (entry.get(key, "") for key in ("id", "link", "title"))
        head = f"---\ntitle: {json.dumps(title)}\nlink: {link}\n---\n"
        Path(f"posts/{number}-{place}.md").write_text(head + text, "utf-8")
        known = hashlib.sha256(text.encode()).hexdigest()
        values = (guid, link, title, text, entry.get("published", ""), known)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def main(address: str, feeds: int) -> None:
    """Collect and store all feeds in the current folder."""
    Path("posts").mkdir(exist_ok=True)
    columns = [sa.Column(name, sa.String) for name in COLUMNS]
    table = sa.Table("articles", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), *columns)
    sa.Index("ix_guid", table.c.guid, unique=True)
    engine = sa.create_engine("sqlite:///floor.db")
    table.metadata.create_all(engine)
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    done: queue.SimpleQueue[Future[Rows]] = queue.SimpleQueue()
    room = threading.Semaphore(AHEAD)
    for number in range(feeds):
        todo.put(number)

    def fetch() -> None:
        session = requests.Session()
        while not todo.empty():
            number = todo.get()
            room.acquire()
            body = session.get(address.format(number), timeout=30).content
            workers.submit(digest, number, body).add_done_callback(done.put)

    with ProcessPoolExecutor(2, multiprocessing.get_context("fork"), prepare) as workers:
        workers.submit(prepare).result()  # before there are threads
        for _ in range(2):
            threading.Thread(target=fetch, daemon=True).start()
        rows: Rows = []
        for left in range(feeds, 0, -1):
            rows += done.get().result()
            room.release()
            if len(rows) >= BATCH or left == 1:
                with engine.begin() as conn:
                    conn.execute(insert(table).on_conflict_do_nothing(), rows)
                rows = []
    engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
