"""`aggregator explain`: what is said of how an article came about."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from entries import STORY, WIRE
from loopback import Reply, Server
from typer.testing import CliRunner
from world import World, source

from aggregator.cli import app
from aggregator.explaining import Explanation, explained, nothing_found

ONE, TWO, LATER = (
    f"Mon, 02 Nov {year} {hour}:00:00 GMT" for year, hour in ((2026, "08"), (2026, "09"), (2099, "09"))
)
BODY = (
    "<p>" + "One article that says enough to be recognised by its text wherever it comes. " * 4 + "</p>"
    '<p><a href="https://b.example/?utm_source=x&amp;id=1">more</a></p>'
    '<img src="https://a.example/i.jpg"><iframe src="https://frames.example/1"></iframe>'
)
OTHER = "<p>" + "Another writing, on the sky above and on what flies in it, and why it does. " * 4 + "</p>"


def feed(title: str, link: str, guid: str, date: str, body: str = BODY) -> Reply:
    return Reply(
        f"<rss version='2.0'><channel><title>T</title><item><title>{title}</title><link>{link}</link>"
        f"<guid isPermaLink='false'>{guid}</guid><pubDate>{date}</pubDate>"
        f"<description><![CDATA[{body}]]></description></item></channel></rss>".encode()
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One article in two sources, and another that is dated in the future."""
    routes = {
        "/one": feed("Harbour", "https://a.example/1", "tag:a,1", ONE),
        "/two": feed("Harbour", "https://www.a.example/1?utm_medium=rss", "two-1", TWO),
        "/three": feed("Sky", "https://c.example/x", "c-1", LATER, OTHER),
    }
    with Server(routes) as server:
        # One worker asks in the order of the settings.
        tables = "workers = 1\n"
        tables += "".join(source(name.title(), server.url(f"/{name}")) for name in ("one", "two", "three"))
        world = World(tmp_path, tables)
        world.run()
        world.write(tables + '[[rules]]\nsource = "Two"\ndrop = { title = "harbour" }\n')
    return world


def explain(world: World, text: str) -> list[Explanation]:
    with world.store() as store:
        return explained(text, world.settings, store)[0]


def test_an_article_is_found_by_all_that_names_it(world: World) -> None:
    """Its link in any spelling, the guids of its sources, its uid, 8 digits of that, its post."""
    (article,) = explain(world, "https://a.example/1")
    for text in (
        "http://www.a.example/1?utm_source=mail",
        "tag:a,1",
        "two-1",
        article.uid,
        article.uid[:8].upper(),
        f"posts/2026/11/Harbour-{article.uid[:8]}.md",
        f"  {article.uid}\n",
    ):
        assert [one.uid for one in explain(world, text)] == [article.uid], text
    assert explain(world, "https://nowhere.example/") == []


def test_the_sightings_say_which_rung_matched(world: World) -> None:
    """In their order, with the source whose words the article has."""
    (article,) = explain(world, "tag:a,1")
    found = {seen.source: (seen.rung, seen.words) for seen in article.sightings}
    assert sorted(found) == ["One", "Two"]
    assert sorted(rung for rung, _ in found.values()) == ["link", "new"]
    assert [seen.rung for seen in article.sightings] == ["new", "link"]
    assert found["One"][1] is True
    assert article.sightings[1].how == "the same link"


def test_the_date_is_explained(world: World) -> None:
    """Who gave it, or why there is none."""
    (harbour,) = explain(world, "tag:a,1")
    (sky,) = explain(world, "c-1")
    assert harbour.date_why == f'as One gave it ("{ONE}")'
    assert harbour.sorted_why == "its date"
    in_future = f'the source gave one in the future ("{LATER}")'
    assert sky.date_why == f"{in_future}, so the moment it was first seen stands in"
    assert sky.date == sky.first_seen == world.clock


def test_a_date_that_is_none_is_quoted(tmp_path: Path) -> None:
    """What the source wrote instead of a date is said, so that its owner can be told."""
    with Server({"/x": feed("Sea", "https://a.example/2", "tag:a,2", "Invalid Date")}) as server:
        world = World(tmp_path, source("X", server.url("/x")))
        world.run()
    (sea,) = explain(world, "tag:a,2")
    assert sea.date_why.startswith('what the source wrote ("Invalid Date") is no date')


def test_what_was_cleaned_out_and_what_would_drop_it_is_said(world: World) -> None:
    """Notes in sentences; the image's origin; the rules as they stand now."""
    (article,) = explain(world, "tag:a,1")
    assert "tracking parameters were taken off links" in article.cleaned
    assert "a frame that is no known player became a link" in article.cleaned
    assert (article.image, article.image_why) == ("https://a.example/i.jpg", "the first image of the text")
    assert article.dropped_by == ("[[rules]] 1 (drop), from Two",)
    assert explain(world, "c-1")[0].dropped_by == ()


def test_what_says_nearly_the_same_is_named(tmp_path: Path) -> None:
    """Articles that name each other, and near misses with the reason."""
    routes = {
        "/one": feed("Bridge, part 1", "https://a.example/1", "a-1", ONE, STORY),
        "/two": feed("The old bridge", "https://b.example/1", "b-1", TWO, WIRE),
        "/three": feed("Bridge, part 2", "https://c.example/1", "c-1", TWO, WIRE),
    }
    with Server(routes) as server:
        tables = "".join(source(name.title(), server.url(f"/{name}")) for name in ("one", "two", "three"))
        world = World(tmp_path, tables)
        world.run()
    (bridge,) = explain(world, "a-1")
    assert {(other.title, other.why) for other in bridge.alike} == {
        ("The old bridge", "the two name each other"),
        ("Bridge, part 2", "two parts of a series"),
    }
    assert all(0.5 < other.likeness < 1 for other in bridge.alike)
    printed = CliRunner().invoke(app, ["explain", "a-1", "--config", str(tmp_path / "feeds.toml")]).stdout
    assert "'The old bridge': the two name each other" in printed


def test_what_was_removed_is_explained(world: World) -> None:
    """When, why, and how to undo it."""
    settings = ["--config", str(world.folder / "feeds.toml")]
    uid = explain(world, "tag:a,1")[0].uid
    run = CliRunner().invoke
    run(app, ["takedown", "tag:a,1", "--reason", "asked", *settings])
    for text in ("https://a.example/1", uid, uid[:8]):
        result = run(app, ["explain", text, *settings])
        assert result.exit_code == 0
        assert result.stdout.startswith("https://a.example/1\n  removed      ")
        assert ": taken down (asked)\n  undo         aggregator takedown --undo 1\n" in result.stdout
    (tomb,) = json.loads(run(app, ["explain", uid, "--json", *settings]).stdout)
    assert (tomb["kind"], tomb["reason"]) == ("takedown", "asked")


def test_a_missing_article_may_have_been_dropped(world: World) -> None:
    """The sentence names the sources whose rules drop entries."""
    with world.store() as store:
        assert nothing_found("x", world.settings, store) == "no article has the link, guid or uid 'x'"
        store.set_meta("dropped", '{"Two": 3}')
        assert "rules drop entries of Two" in nothing_found("x", world.settings, store)


def test_the_command_prints_it(world: World) -> None:
    """As text, as JSON, and with exit 1 for what is not here; nothing of a terminal's own gets through."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "aggregator", "explain", *arguments]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(
            command,
            cwd=world.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    plain, as_json, nothing = run("tag:a,1"), run("c-1", "--json"), run("\x1b[2Jx")
    assert plain.returncode == 0
    assert plain.stdout.startswith("Harbour\n  uid ")
    assert "from Two: the same link" in plain.stdout
    assert "would be dropped by [[rules]] 1 (drop), from Two" in plain.stdout
    (sky,) = json.loads(as_json.stdout)
    assert (sky["title"], sky["sightings"][0]["source"]) == ("Sky", "Three")
    assert (nothing.returncode, nothing.stdout) == (1, "")
    assert "no article has the link, guid or uid" in nothing.stderr
    assert "\x1b" not in nothing.stderr
