"""Real readers subscribe to served outputs: what they show agrees with what was published."""

import html
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from publishing import SITE, article, render_feed, write
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aggregator.model import Article, Node
from aggregator.publish.feeds import Format
from aggregator.publish.files import Output
from aggregator.publish.paths import FEED_FILES
from aggregator.publish.rss import unambiguous
from aggregator.serve.app import create_app
from aggregator.serve.server import Server

pytestmark = pytest.mark.soak

ELFEED = Path(__file__).parent.parent / "data" / "serve" / "elfeed.el"
FORMATS: tuple[Format, ...] = ("atom", "rss", "json")
TITLES = ["Plain", "AT&T & R&D", "1 < 2", "Q&amp;A", "半岛网：新闻", "🎉 “quotes” 'n' \"more\"", "C++ / C#"]
ARTICLES = [
    article(
        n,
        title=f"{n} {TITLES[n % len(TITLES)]}",
        body=f'<p>Body <b>{n}</b> &amp; 半岛 <a href="https://x.example/?a=1&amp;b=2">link</a></p>',
    )
    for n in range(40)
]


class Recorder:
    """An application that notes the status of every answer by path."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.answers: list[tuple[str, int]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers.append((scope["path"], message["status"]))
            await send(message)

        await self.app(scope, receive, noted)

    def take(self) -> list[tuple[str, int]]:
        """The answers since the last call."""
        found, self.answers = self.answers, []
        return sorted(found)


def has_elfeed() -> bool:
    places = Path("/usr/share/emacs/site-lisp/elpa")
    return shutil.which("emacs") is not None and any(places.glob("elfeed-*"))


@pytest.fixture(name="site")
def make_site(tmp_path: Path) -> Iterator[tuple[Server, Recorder]]:
    node, folder = Node("category", ("新闻",)), "feeds/新闻"
    files = {f"{folder}/{FEED_FILES[fmt]}": render_feed(fmt, node, ARTICLES, SITE, folder) for fmt in FORMATS}
    write(Output(tmp_path / "outputs"), files)
    recorder = Recorder(create_app(tmp_path / "outputs"))
    with Server(recorder, "127.0.0.1:0") as server:
        yield server, recorder


def expected(one: Article) -> tuple[str, str | None, str, int, str]:
    return (one.guid or "", one.link, one.title, int(one.date.timestamp()), one.body)


@pytest.mark.skipif(shutil.which("newsboat") is None, reason="newsboat is not installed")
@pytest.mark.parametrize("fmt", FORMATS[:2])
def test_newsboat(site: tuple[Server, Recorder], tmp_path: Path, fmt: Format) -> None:
    """newsboat shows every entry with its id, link, title, date and content, and gets 304 in the end.

    2.21 keeps the validators of a feed that it has stored already, so its second poll is whole too.
    """
    server, recorder = site
    path = f"feeds/%E6%96%B0%E9%97%BB/{FEED_FILES[fmt]}"
    (tmp_path / "urls").write_text(f"{server.url}{path}\n")
    (tmp_path / "config").write_text("")
    options = [f"--url-file={tmp_path / 'urls'}", f"--config-file={tmp_path / 'config'}"]
    options.append(f"--cache-file={tmp_path / 'cache.db'}")
    environment = {**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    for status in (200, 200, 304):
        subprocess.run(["newsboat", *options, "-x", "reload"], check=True, env=environment, timeout=50)
        assert recorder.take() == [(f"/feeds/新闻/{FEED_FILES[fmt]}", status)]
    with sqlite3.connect(tmp_path / "cache.db") as database:
        rows = database.execute("SELECT guid, url, title, pubDate, content FROM rss_item").fetchall()
        titles = database.execute("SELECT title FROM rss_feed").fetchall()
    database.close()
    assert titles == [("新闻 - World news",)]
    # It takes titles of RSS for plain text, where most readers take them for HTML.
    shown = unambiguous if fmt == "rss" else str
    assert sorted(rows) == sorted((a, b, shown(c), d, e) for a, b, c, d, e in map(expected, ARTICLES))


@pytest.mark.parametrize("fmt", FORMATS)
def test_reader(site: tuple[Server, Recorder], fmt: Format) -> None:
    """The reader library shows every entry likewise, in all three formats; its second poll gets 304."""
    make_reader = pytest.importorskip("reader", reason="reader is not installed").make_reader
    server, recorder = site
    reader = make_reader(":memory:")
    reader.add_feed(f"{server.url}feeds/%E6%96%B0%E9%97%BB/{FEED_FILES[fmt]}")
    for status in (200, 304):
        reader.update_feeds(scheduled=False)
        assert recorder.take() == [(f"/feeds/新闻/{FEED_FILES[fmt]}", status)]
    # It hands titles of Atom and RSS on as HTML.
    text = str if fmt == "json" else html.unescape
    found = sorted(
        (entry.id, entry.link, text(entry.title), int(entry.published.timestamp()), entry.content[0].value)
        for entry in reader.get_entries()
    )
    assert found == sorted(map(expected, ARTICLES))
    reader.close()


@pytest.mark.skipif(not has_elfeed(), reason="emacs with elfeed is not installed")
@pytest.mark.parametrize("fmt", FORMATS[:2])
def test_elfeed(site: tuple[Server, Recorder], tmp_path: Path, fmt: Format) -> None:
    """elfeed, the reader of Emacs, shows every entry likewise; its second poll gets 304."""
    server, recorder = site
    path = f"feeds/%E6%96%B0%E9%97%BB/{FEED_FILES[fmt]}"
    command = ["emacs", "--batch", "--load", str(ELFEED), f"{server.url}{path}", str(tmp_path / "elfeed")]
    environment = {**os.environ, "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    # It takes every title for plain text, also those that say that they are HTML (RFC 4287 3.1.1.2).
    shown = unambiguous if fmt == "rss" else partial(html.escape, quote=False)
    wanted = sorted((a, b, shown(c), d, e) for a, b, c, d, e in map(expected, ARTICLES))
    for status in (200, 304):
        asked = subprocess.run(command, check=True, env=environment, capture_output=True, timeout=50)
        assert recorder.take() == [(f"/feeds/新闻/{FEED_FILES[fmt]}", status)]
        rows = json.loads(asked.stdout)
        assert {row.pop() for row in rows} == {"新闻 - World news"}
        assert sorted(map(tuple, rows)) == wanted
