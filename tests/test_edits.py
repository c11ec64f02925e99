"""Edits of feeds.toml take effect on what was planned and remembered before."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from loopback import Reply, Server
from typer.testing import CliRunner
from world import World, source

from aggregator import edits
from aggregator.cli import app
from aggregator.model import SourceState


def rss(*names: str) -> bytes:
    items = "".join(
        f"<item><title>{name}</title><link>https://s.example/{name}</link>"
        f"<pubDate>Mon, 02 Mar 2020 08:00:00 GMT</pubDate><description>{name} words</description></item>"
        for name in names
    )
    return f"<rss version='2.0'><channel><title>T</title>{items}</channel></rss>".encode()


def run(world: World, settings: str, *words: str) -> str:
    world.write(settings)
    result = CliRunner().invoke(app, ["run", *words, "--config", str(world.folder / "feeds.toml")])
    assert result.exit_code == 0, result.output
    return result.stdout


def state(world: World, name: str = "f") -> SourceState:
    with world.store() as store:
        return store.states()[name]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("max_entries = 1\n", "max_entries = 0\n"),
        ('keep = "30d"\n', ""),
        ('[[rules]]\nsource = "f"\ndrop = { title = "two" }\n[[rules]]\ndrop = { title = "one" }\n', ""),
    ],
)
def test_what_a_setting_left_out_comes_in_when_it_is_taken_back(
    tmp_path: Path, before: str, after: str
) -> None:
    """Also from a server that says that its document has not changed."""
    with Server({"/f": Reply(rss("one", "two"), etag='"1"')}) as server:
        table = source("f", server.url("/f"))
        world = World(tmp_path, "")
        run(world, table + before)
        assert len(world.feed()) < 2
        run(world, table + before, "--all")
        run(world, table + after, "--all")
        assert {item["title"] for item in world.feed()} == {"one", "two"}
        run(world, table + after, "--all")
        asked = ["if-none-match" in request.headers for request in server.asked("/f")]
    assert asked == [False, True, False, True]


def test_a_zone_that_was_wrong_is_corrected_in_seeds(tmp_path: Path) -> None:
    """The files of a folder are read again when what is made of them changed."""
    (tmp_path / "seeds").mkdir()
    post = "\n---\ntitle: 'T'\ncategories: \n - A\ndate: 2021-03-30 12:00:00\n---\n\n<p>words</p>"
    (tmp_path / "seeds" / "a.md").write_text(post, "utf-8")
    world = World(tmp_path, "")
    table = '[[seeds]]\npath = "seeds"\n'
    run(world, table)
    assert world.feed()[0]["date_published"] == "2021-03-30T12:00:00+00:00"
    run(world, table + 'timezone = "Asia/Shanghai"\n')
    assert world.feed()[0]["date_published"] == "2021-03-30T04:00:00+00:00"


def test_a_shorter_interval_does_not_wait_for_the_end_of_the_longer(tmp_path: Path) -> None:
    """A source that was to be asked in a month is asked after an hour; what its server said stays."""
    with Server({"/f": Reply(rss("one")), "/g": Reply(rss("two"))}) as server:
        tables = [source("f", server.url("/f")), source("g", server.url("/g"))]
        server.routes["/g"] = Reply(rss("two"), headers={"Cache-Control": "max-age=864000"})
        world = World(tmp_path, "")
        run(world, "".join(table + 'interval = "30d"\nmax_interval = "30d"\n' for table in tables))
        run(world, "".join(table + 'interval = "1h"\nmax_interval = "1h"\n' for table in tables))
        assert len(server.requests) == 2
    for name, least in (("f", 1), ("g", 240)):
        known = state(world, name)
        assert known.next_due is not None
        assert known.last_attempt is not None
        assert least <= (known.next_due - known.last_attempt) / timedelta(hours=1) <= least + 1, name


def test_settings_that_stay_cost_nothing(tmp_path: Path) -> None:
    """The same text again writes nothing, and a source that is new is no edit."""
    world = World(tmp_path, source("f", "http://f.example/"))
    with world.store() as store:
        store.reconcile(world.settings.sources, world.clock)
        edits.follow(world.settings, store)
        store.save_states({"f": SourceState(failures=3, next_due=world.clock)})
        edits.follow(world.settings, store)
        world.write(source("f", "http://f.example/") + source("g", "http://g.example/"))
        edits.follow(world.settings, store)
        assert store.states()["f"].next_due == world.clock
        assert sorted(json.loads(store.get_meta(edits.FACT) or "")) == ["f", "g"]
        world.write(source("f", "http://f.example/") + 'timeout = "60s"\n')
        edits.follow(world.settings, store)
        assert store.states()["f"].next_due is None
