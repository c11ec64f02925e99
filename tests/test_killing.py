"""SIGKILL at any moment: nothing lost, nothing doubled, no half-written file."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import Reply, Request, Server
from lxml import etree
from world import World, source

FEEDS = 6
ENTRIES = 8
KILLING = Path(__file__).parent / "support" / "killing.py"
BODY = "".join(f"<p>{'A sentence that takes room. ' * 20}{number}</p>" for number in range(6))


def feed(number: int, newest: int) -> bytes:
    items = "".join(
        f"<item><title>{number}-{entry}</title><link>https://s{number}.example/{entry}</link>"
        f"<guid>https://s{number}.example/{entry}</guid><description><![CDATA[{BODY}{number}-{entry}]]>"
        "</description></item>"
        for entry in range(newest, max(-1, newest - ENTRIES), -1)
    )
    return f"<rss version='2.0'><channel><title>Feed {number}</title>{items}</channel></rss>".encode()


def kill_passes(folder: Path, rounds: int, seed: int) -> None:
    """Each round shows one entry more in every feed, kills a pass, and lets another end."""

    def answer(request: Request) -> Reply:
        shown = int((folder / "round").read_text("ascii"))
        number = int(request.path.strip("/"))
        return Reply(feed(number, shown), etag=f'"{number}-{shown}"')

    with Server({"*": answer}) as server:
        tables = "".join(source(f"s{n}", server.url(f"/{n}"), "G", f"S{n % 2}") for n in range(FEEDS))
        world = World(folder, tables)
        command = [sys.executable, str(KILLING), str(folder), str(rounds), str(seed)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr
    check_nothing_is_lost_or_doubled(world, rounds)


def check_nothing_is_lost_or_doubled(world: World, rounds: int) -> None:
    expected = sorted(f"{number}-{entry}" for number in range(FEEDS) for entry in range(rounds))
    database = sqlite3.connect(world.folder / "storage" / "aggregator.db")
    try:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        titles = database.execute("SELECT title FROM contents ORDER BY title").fetchall()
    finally:
        database.close()
    assert sorted(title for (title,) in titles) == expected
    posts = world.posts()
    assert sorted(post.name.rsplit("-", 1)[0] for post in posts) == expected
    assert all(post.read_bytes().endswith(b"</div>\n            ") for post in posts)
    for file in world.outputs.rglob("*"):
        assert not file.name.endswith(".tmp"), file
        if file.suffix == ".xml":
            etree.parse(file)
        elif file.suffix == ".json":
            json.loads(file.read_text("utf-8"))


def test_a_killed_pass_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    """Ten kills at random moments, each followed by a pass that completes."""
    kill_passes(tmp_path, 11, seed=1)


@pytest.mark.soak
def test_five_hundred_kills_lose_nothing(tmp_path: Path) -> None:
    """The same with 500 kills."""
    kill_passes(tmp_path, 501, seed=2)
