"""Whole passes on PostgreSQL; the tests of passes run on it with `--postgresql`."""

from pathlib import Path

import pytest
from growing import FEEDS, feed
from loopback import Reply, Request, Server
from world import World, source

pytestmark = pytest.mark.postgresql


def test_outputs_are_those_of_sqlite(tmp_path: Path) -> None:
    """Byte for byte, at first and after each pass that brings more; the last brings nothing."""
    shown = [0]

    def answer(request: Request) -> Reply:
        return Reply(feed(int(request.path.strip("/")), shown[0]))

    with Server({"*": answer}) as server:
        tables = "".join(source(f"s{n}", server.url(f"/{n}"), "组", f"S {n % 2}") for n in range(FEEDS))
        worlds = []
        for name, storage in [("postgresql", ""), ("sqlite", '[storage]\nurl = "sqlite:///a.db"\n')]:
            (tmp_path / name).mkdir()
            worlds.append(World(tmp_path / name, tables + storage))
        for number in [3, 4, 20, 20]:
            shown[0] = number
            before = worlds[0].snapshot()
            for world in worlds:
                world.run(everything=True, after=3600)
            ours, theirs = ({path: data for path, (_, data) in world.snapshot().items()} for world in worlds)
            assert ours == theirs
    assert worlds[0].snapshot() == before
    assert len(worlds[0].posts()) == 13 * FEEDS
