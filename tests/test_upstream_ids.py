"""An id names one entry, in whichever document of a feed it stands, and an entry keeps its id."""

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from loopback import Reply, Server
from typer.testing import CliRunner
from world import World, source

from aggregator.cli import app

SHARED = "https://x.example/shared"
MOVED = "https://new.example"
ATOM = "{http://www.w3.org/2005/Atom}"
GONE = "{http://purl.org/atompub/tombstones/1.0}deleted-entry"


def rss(*items: str) -> Reply:
    return Reply(f"<rss version='2.0'><channel><title>T</title>{''.join(items)}</channel></rss>".encode())


def item(name: str, year: int, guid: str) -> str:
    return (
        f"<item><title>{name}</title><link>https://{name}.example/p</link><guid>{guid}</guid>"
        f"<pubDate>Mon, 02 Nov {year} 08:00:00 GMT</pubDate><description>{name} words</description></item>"
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three sources that give different writings of different years one guid, and a post that links to it."""
    linked = item("linked", 2020, SHARED).replace("https://linked.example/p", SHARED)
    routes = {
        "/a": rss(linked),
        "/b": rss(item("bbb1", 2021, SHARED), item("bbb2", 2022, "https://bbb.example/2")),
        "/c": rss(item("ccc1", 2026, SHARED)),
    }
    with Server(routes) as server:
        tables = "workers = 1\n[outputs]\nentries_per_feed = 1\n"
        tables += "".join(source(name, server.url(f"/{name}"), "x", name) for name in "abc")
        world = World(tmp_path, tables)
        world.run()
        first = ids(world)
        routes["/b"] = rss(item("bbb1", 2021, SHARED).replace("words", "edited"))
        world.run(everything=True, after=3600)
        # An edit names nothing anew.
        assert ids(world) == first
    return world


def moving(host: str, number: int) -> str:
    date = datetime(2026, 11, 2, 8, tzinfo=UTC) - timedelta(days=number)
    words = f"Post {number} of a blog that says enough on its own to be known for it. " * 4
    return (
        f"<item><title>About {number}</title><link>{host}/posts/{number}.html</link>"
        f"<guid>{host}/posts/{number}.html</guid><pubDate>{format_datetime(date)}</pubDate>"
        f"<description>{words}</description></item>"
    )


def test_a_blog_that_moves_is_nothing_new_to_subscribers(tmp_path: Path) -> None:
    """New guids, another host, https: no entry has another id, and only links and what tells of it moved."""
    old, new = ("".join(moving(host, n) for n in range(60)) for host in ("http://old.example", MOVED))
    with Server({"/f": [rss(old), rss(new)]}) as server:
        world = World(tmp_path, "[outputs]\nentries_per_feed = 20\n" + source("Blog", server.url("/f")))
        world.run()
        before = feeds(world)
        report = world.run(everything=True, after=3600)
    assert (report.sources[0].counts.new, report.sources[0].counts.duplicate) == (0, 60)
    after = feeds(world)
    assert before.keys() == after.keys()
    for name, text in before.items():
        links = re.compile(r'(?:href="|<link>|"url":")http://old\.example')
        moved = links.sub(lambda found: found[0].replace("http://old.example", MOVED), text)
        assert unmoved(moved) == unmoved(after[name]), name


def feeds(world: World) -> dict[str, str]:
    """Every feed by its path, archives too."""
    files = (file for file in (world.outputs / "feeds").rglob("*") if file.is_file())
    return {str(file.relative_to(world.outputs)): file.read_text("utf-8") for file in files}


def unmoved(text: str) -> str:
    """A feed without when it and its entries changed, and whether their ids are addresses still."""
    dates = (
        r'<updated>[^<]*|<lastBuildDate>[^<]*|"date_modified":"[^"]*|<atom:updated>[^<]*|isPermaLink="\w+"'
    )
    return re.sub(dates, "", text)


def ids(world: World) -> dict[str, set[str]]:
    """What each id is of, by title, over every Atom document there is."""
    found = defaultdict(set)
    for file in world.outputs.rglob("*"):
        if file.suffix in {".atom", ".xml"} and b"<feed" in file.read_bytes():
            for entry in fromstring(file.read_bytes()).iter(f"{ATOM}entry"):
                found[str(entry.findtext(f"{ATOM}id"))].add(str(entry.findtext(f"{ATOM}title")))
    return dict(found)


def test_no_id_is_of_two_entries(world: World) -> None:
    """The first that was stored bears the guid verbatim, in archives, live feeds and those of its source."""
    found = ids(world)
    assert all(len(titles) == 1 for titles in found.values())
    assert set.union(*found.values()) == {"linked", "bbb1", "bbb2", "ccc1"}
    assert found[SHARED] <= {"linked", "bbb1", "ccc1"}
    assert found["https://bbb.example/2"] == {"bbb2"}
    own = [one for one in found if one.startswith("urn:uuid:")]
    assert len(own) == 2


def test_a_tombstone_names_the_entry_that_went(world: World) -> None:
    """Taking one down removes no reader's copy of the other."""
    found = {titles.copy().pop(): name for name, titles in ids(world).items()}
    gone = next(title for title in ("bbb1", "ccc1") if found[title] != SHARED)
    settings = str(world.folder / "feeds.toml")
    assert (
        CliRunner().invoke(app, ["takedown", f"https://{gone}.example/p", "--config", settings]).exit_code
        == 0
    )
    deleted = {
        entry.get("ref")
        for file in world.outputs.rglob("*.atom")
        for entry in fromstring(file.read_bytes()).iter(GONE)
    }
    assert deleted <= {found[gone]}
    assert SHARED in ids(world)
