"""`aggregator show`: an article in plain text, and its history."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from loopback import Reply, Server
from typer.testing import CliRunner, Result
from world import World, source

from aggregator import terminal
from aggregator.cli import app
from aggregator.refine.worddiff import diff

FIRST = (
    "<p>市议会周二决定关闭老桥。</p><p>The ferry stays.</p><ul><li>one</li><li>two</li></ul>"
    "<p>到三月为止。</p>"
)
SECOND = FIRST.replace("周二", "周三晚").replace("为止", "底为止")


def feed(title: str, body: str) -> Reply:
    return Reply(
        "<rss version='2.0'><channel><title>T</title><item>"
        f"<title>{title}</title><link>https://s.example/bridge</link><guid isPermaLink='false'>s-1</guid>"
        "<pubDate>Mon, 02 Nov 2026 08:00:00 GMT</pubDate>"
        f"<description><![CDATA[{body}]]></description></item></channel></rss>".encode()
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A source whose only article was edited once."""
    with Server({"/f": [feed("老桥", FIRST), feed("老桥关闭", SECOND)]}) as server:
        world = World(tmp_path, source("Council", server.url("/f")))
        world.run()
        world.run(everything=True, after=3600)
    return world


def show(world: World, *words: str) -> Result:
    return CliRunner().invoke(app, ["show", *words, "--config", str(world.folder / "feeds.toml")])


def test_an_article_is_printed_as_plain_text(world: World) -> None:
    """Heading and blocks of the body, as it is now."""
    printed = show(world, "https://s.example/bridge").stdout
    assert printed.startswith("老桥关闭\n  uid   ")
    assert "  link  https://s.example/bridge\n" in printed
    assert (
        "published 2026-11-02 08:00 UTC, first seen 2026-11-02 12:00 UTC, updated 2026-11-02 13:00" in printed
    )
    assert "  from  Council: https://s.example/bridge\n" in printed
    assert printed.endswith(
        "市议会周三晚决定关闭老桥。\n\nThe ferry stays.\n\none\n\ntwo\n\n到三月底为止。\n"
    )


def test_the_history_is_told_by_words(world: World) -> None:
    """The oldest version, then what each edit changed, marked; untouched lines are left out."""
    printed = show(world, "s-1", "--history").stdout
    assert "\n市议会周二决定关闭老桥。\n" in printed
    assert printed.endswith(
        "\nedited 2026-11-02 13:00 UTC\ntitle: 老桥{+关闭+}\n"
        "text: 市议会周[-二-]{+三晚+}决定关闭老桥。\n…\n到三月{+底+}为止。\n"
    )
    (one,) = json.loads(show(world, "s-1", "--history", "--json").stdout)
    assert one["edits"][0]["title"] == [["same", "老桥"], ["new", "关闭"]]
    assert one["first"].startswith("市议会周二")


def test_an_article_that_was_never_edited_says_so(tmp_path: Path) -> None:
    """There is a history of one version."""
    with Server({"/f": feed("老桥", FIRST)}) as server:
        world = World(tmp_path, source("Council", server.url("/f")))
        world.run()
    assert show(world, "s-1", "--history").stdout.endswith("\n到三月为止。\n\nno earlier version is kept\n")


def test_what_is_not_here_is_said(world: World) -> None:
    """Exit status 1, and a sentence; nothing of a terminal's own gets through."""
    result = show(world, "\x1b[2Jx")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no article has the link, guid or uid" in result.stderr
    assert "\x1b" not in result.stderr


def test_colour_is_for_terminals(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Marks stay beside it."""
    for name in ("NO_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as if it were one
    monkeypatch.setenv("TERM", "xterm")
    terminal._print_marked("", diff("a b", "a c\x1b"))
    assert capsys.readouterr().out == "a \x1b[31m[-b-]\x1b[0m\x1b[32m{+c +}\x1b[0m\n"


def test_a_moment_is_in_utc(world: World) -> None:
    """JSON has moments in ISO 8601."""
    (one,) = json.loads(show(world, "s-1", "--json").stdout)
    assert datetime.fromisoformat(one["updated"]) == datetime(2026, 11, 2, 13, tzinfo=UTC)
    assert (one["first"], one["edits"]) == (None, [])
