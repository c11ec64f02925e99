"""Takedowns, floods, retention, copies and trials, by their commands."""

import json
import os
import resource
import sqlite3
from pathlib import Path

import pytest
from loopback import Reply, Route, Server
from typer.testing import CliRunner
from world import World, source

from aggregator.cli import app
from aggregator.errors import AggregatorError


def rss(*items: str) -> bytes:
    return f"<rss version='2.0'><channel><title>T</title>{''.join(items)}</channel></rss>".encode()


def item(name: str, date: str = "Mon, 02 Nov 2026 08:00:00 GMT") -> str:
    return (
        f"<item><title>{name}</title><link>https://s.example/{name}</link><pubDate>{date}</pubDate>"
        f"<description>{name} words</description></item>"
    )


def command(world: World, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--config", str(world.folder / "feeds.toml")])
    assert result.exit_code == 0, result.output
    return result.stdout


def titles(world: World) -> set[str]:
    return {entry["title"] for entry in world.feed()}


def test_a_takedown_stays_down_until_it_is_undone(tmp_path: Path) -> None:
    """It leaves store, posts and feeds, does not come back by itself, is listed, and can be undone."""
    with Server({"/f": Reply(rss(item("one"), item("two")))}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
        assert "1 articles removed" in command(
            world, "takedown", "https://s.example/one", "--reason", "asked"
        )
        assert (titles(world), len(world.posts())) == ({"two"}, 1)
        server.routes["/f"] = Reply(rss(item("one"), item("two"), item("three")))
        world.run(everything=True, after=3600)
        assert titles(world) == {"two", "three"}
        (tomb,) = json.loads(command(world, "takedown", "--json"))
        assert (tomb["link"], tomb["reason"]) == ("https://s.example/one", "asked")
        command(world, "takedown", "--undo", str(tomb["id"]))
        server.routes["/f"] = Reply(rss(item("one"), item("two"), item("three"), item("four")))
        world.run(everything=True, after=3600)
        assert titles(world) == {"one", "two", "three", "four"}


def test_a_takedown_tells_what_it_had_to_leave(tmp_path: Path) -> None:
    """A post that somebody edited is theirs to remove; one that cannot be removed makes it fail."""
    with Server({"/f": Reply(rss(item("one"), item("two")))}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
    one, two = world.posts()
    one.write_bytes(one.read_bytes() + b"more")
    said = command(world, "takedown", "https://s.example/one")
    assert "no longer belongs here" in said
    assert "--force" not in said
    assert one.exists()
    two.unlink()
    two.mkdir()
    words = ["takedown", "https://s.example/two", "--config", str(tmp_path / "feeds.toml")]
    result = CliRunner().invoke(app, words)
    assert (result.exit_code, "a folder is in its place" in result.stdout) == (1, True), result.output


def flooded(folder: Path) -> World:
    """An article, and 40 old ones that came all at once."""
    old = [item(f"old{number}", "Mon, 02 Mar 2020 08:00:00 GMT") for number in range(40)]
    with Server({"/f": [Reply(rss(item("one"))), Reply(rss(item("one"), *old))]}) as server:
        world = World(folder, source("f", server.url("/f")))
        world.run()
        world.run(everything=True, after=3600)
    return world


def test_what_is_done_can_be_read_by_programs(tmp_path: Path) -> None:
    """With --json, nothing else is printed, also where something is removed, released or undone."""
    world = flooded(tmp_path)
    wishes = {
        ("takedown", "https://s.example/one"): 1,
        ("takedown", "--undo", "1"): 0,
        ("floods", "--release", "1"): 40,
        ("takedown", "--source", "f"): 40,
    }
    for words, count in wishes.items():
        done = json.loads(command(world, *words, "--json"))
        assert (done["articles"], done["publish"]["problems"]) == (count, []), words


def test_a_flood_is_held_and_released(tmp_path: Path) -> None:
    """Old articles that come all at once stay out of the live feeds until the operator lets them in."""
    world = flooded(tmp_path)
    assert (titles(world), len(world.posts())) == ({"one"}, 41)
    (flood,) = json.loads(command(world, "floods", "--json"))
    assert (flood["source"], flood["held"]) == ("f", 40)
    command(world, "floods", "--release", str(flood["id"]))
    assert len(titles(world)) == 41
    assert json.loads(command(world, "floods", "--json")) == []


def test_what_retention_does_not_keep_goes(tmp_path: Path) -> None:
    """`keep` of the storage holds for a source that says nothing else."""
    with Server({"/f": Reply(rss(item("old", "Mon, 02 Mar 2020 08:00:00 GMT")))}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
        assert "0 articles removed" in command(world, "prune")
        world.write('[storage]\nkeep = "365d"\n' + source("f", server.url("/f")))
        assert "1 articles removed" in command(world, "prune")
    assert world.feed() == []


@pytest.mark.sqlite
def test_looking_at_sources_writes_nothing(tmp_path: Path) -> None:
    """It waits for nobody's write, and settings on trial do not make the stored sources follow them."""
    with Server({"/f": Reply(rss(item("one")))}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
    world.write(source("g", "https://g.example/"))
    database = sqlite3.connect(tmp_path / "storage" / "aggregator.db", isolation_level=None)
    try:
        database.execute("BEGIN IMMEDIATE")
        rows = json.loads(command(world, "sources", "--json"))
    finally:
        database.close()
    assert [(row["name"], row["status"], row["articles"]) for row in rows] == [
        ("g", "new", 0),
        ("f", "left", 1),
    ]
    with world.store() as store:
        assert [(row.name, row.active) for row in store.source_rows(world.clock)] == [("f", True)]


@pytest.mark.sqlite
def test_a_backup_is_a_database(tmp_path: Path) -> None:
    """The copy opens, and holds what the store holds."""
    with Server({"/f": Reply(rss(item("one")))}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
    command(world, "backup", str(tmp_path / "copy.db"))
    database = sqlite3.connect(tmp_path / "copy.db")
    try:
        assert database.execute("SELECT title FROM contents").fetchall() == [("one",)]
    finally:
        database.close()


def failed(world: World, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--config", str(world.folder / "feeds.toml")])
    assert isinstance(result.exception, AggregatorError), result.output
    return str(result.exception)


@pytest.mark.sqlite
def test_a_backup_is_handed_to_nobody(tmp_path: Path) -> None:
    """Like the database it is for its owner alone, and it may not lie among the outputs."""
    world = World(tmp_path, "")
    world.run()
    command(world, "backup", str(tmp_path / "copy.db"))
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    (tmp_path / "way").symlink_to(world.outputs)
    for folder in (world.outputs, world.outputs / "posts", tmp_path / "way"):
        assert "is handed out" in failed(world, "backup", str(folder / "copy.db"))
    assert not list(world.outputs.rglob("copy.db"))


@pytest.mark.sqlite
def test_without_a_database_there_is_no_backup(tmp_path: Path) -> None:
    """A disk that is not mounted must not pass for an empty database that was copied."""
    world = World(tmp_path, "")
    assert "there is no database" in failed(world, "backup", str(tmp_path / "copy.db"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["feeds.toml"]


@pytest.mark.sqlite
def test_half_a_backup_is_none(tmp_path: Path) -> None:
    """Where the disk is full, nothing stays that looks like a copy."""
    world = World(tmp_path, "")
    world.run()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        message = failed(world, "backup", str(tmp_path / "copy.db"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "the copy could not be written" in message
    assert not list(tmp_path.glob("copy*"))


@pytest.mark.sqlite
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write among the files of others")
def test_root_is_told_whose_files_these_are(tmp_path: Path) -> None:
    """Outputs that root makes would be in the daemon's way for good."""
    world = World(tmp_path, "")
    world.run()
    words = ["publish", "--config", str(tmp_path / "feeds.toml")]
    assert CliRunner().invoke(app, words).stderr == ""
    os.chown(tmp_path / "storage" / "aggregator.db", 65534, 65534)
    assert "work as that user" in CliRunner().invoke(app, words).stderr


def test_other_rules_can_be_tried_on_history(tmp_path: Path) -> None:
    """`dedup --dry-run` counts, and writes nothing."""
    with Server({"/f": Reply(rss(item("one"), item("two")))}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
    found = json.loads(command(world, "dedup", "--dry-run", "--near", "merge", "--json"))
    assert (found["articles"], found["stay"], found["merges"]) == (2, 2, {})


def test_the_hub_hears_of_takedowns_floods_and_pruning(tmp_path: Path) -> None:
    """A command that changes feeds tells the hub as a pass does."""
    old = [item(f"old{number}", "Mon, 02 Mar 2020 08:00:00 GMT") for number in range(40)]
    routes: dict[str, Route] = {
        "/hub": Reply(b"", 204),
        "/f": [Reply(rss(item("one"), item("two"))), Reply(rss(item("one"), item("two"), *old))],
    }
    with Server(routes) as server:
        settings = f'[publish]\nhub = "{server.url("/hub")}"\n' + source("f", server.url("/f"))
        world = World(tmp_path, settings)
        world.run()
        world.run(everything=True, after=3600)
        command(world, "publish")
        for words in (
            ("takedown", "https://s.example/one"),
            ("floods", "--release", "1"),
            ("takedown", "--undo", "1"),
            ("prune",),
        ):
            if words == ("prune",):
                world.write('[storage]\nkeep = "365d"\n' + settings)
            before = len(server.asked("/hub"))
            command(world, *words)
            assert len(server.asked("/hub")) > before, words
            assert b"feeds%2Fall%2Fatom.xml" in server.asked("/hub")[-1].body


def refused(world: World, *words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--config", str(world.folder / "feeds.toml")])
    assert result.exit_code == 2, result.output
    return " ".join(result.stderr.split())


def test_nothing_is_not_the_name_of_an_article(tmp_path: Path) -> None:
    """A script whose variable is empty hears that nothing was taken down."""
    world = World(tmp_path, "")
    world.run()
    assert "no article is named ''" in refused(world, "takedown", "")
    assert "no source is named ''" in refused(world, "takedown", "--source", "")


def test_an_article_and_its_source_are_not_taken_down_at_once(tmp_path: Path) -> None:
    """Who names both may mean the article alone: nothing is removed, nor is anything passed over."""
    with Server({"/f": Reply(rss(item("one"), item("two")))}) as server:
        world = World(tmp_path, source("f", server.url("/f")))
        world.run()
    told = refused(world, "takedown", "https://s.example/one", "--source", "f")
    assert "URL-OR-ID and --source: one at a time" in told
    assert "one at a time" in refused(world, "takedown", "--undo", "1", "--source", "f")
    assert (titles(world), command(world, "takedown", "--json").strip()) == ({"one", "two"}, "[]")


def test_a_source_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    """As it is for `run --source`."""
    assert "no source is named 'nobody'" in refused(World(tmp_path, ""), "takedown", "--source", "nobody")


def test_a_flood_that_is_not_there_is_wrong_usage(tmp_path: Path) -> None:
    """A mistyped number is told, and of two wishes none is carried out."""
    world = World(tmp_path, "")
    assert "no articles are held for a flood 7" in refused(world, "floods", "--release", "7")
    assert "no articles are held for a flood 7" in refused(world, "floods", "--drop", "7")
    assert "one at a time" in refused(world, "floods", "--drop", "7", "--release", "7")
    for words in (("floods", "--drop"), ("floods", "--release"), ("takedown", "--undo")):
        assert "less than or equal" in refused(world, *words, "9" * 20)


def test_help_names_the_settings_that_it_is_about() -> None:
    """Brackets would be markup, and be gone."""
    assert "As dedup.near in the settings." in " ".join(
        CliRunner().invoke(app, ["dedup", "--help"], env={"COLUMNS": "200"}).stdout.split()
    )
