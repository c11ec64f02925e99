"""The front door: what commands print and how they exit, as real processes."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from loopback import Raw, Reply, Route, Server
from world import LOOPBACK, source

FEED = b"""<rss version='2.0'><channel><title>T</title>
<item><title>One</title><link>https://a.example/1</link><description>words</description></item></channel></rss>"""

# What is started in the background, as these tests may be, ignores Ctrl-C.
HEEDING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from aggregator.cli import main
main()
"""


def aggregator(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aggregator", *arguments],
        cwd=folder,
        env={**os.environ, "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def write(folder: Path, settings: str) -> None:
    (folder / "feeds.toml").write_text(LOOPBACK + settings, encoding="utf-8")


def test_run_prints_a_line_a_source_and_what_it_wrote(tmp_path: Path) -> None:
    """The summary names each source, its outcome and its counts; a second run finds nothing new."""
    with Server({"/f": Reply(FEED)}) as server:
        write(tmp_path, source("Good", server.url("/f")) + source("Bad", server.url("/none")))
        first = aggregator("run", folder=tmp_path)
        second = aggregator("run", "--json", "--all", folder=tmp_path)
    lines = [line.split() for line in first.stdout.splitlines()]
    assert first.returncode == 0
    assert ["source", "outcome", "new", "changed", "duplicate", "seconds"] in lines
    assert ["Good", "updated", "1", "0", "0"] in [line[:5] for line in lines]
    assert any(line.startswith("Bad: ") and "404" in line for line in first.stdout.splitlines())
    assert "Good: updated" in first.stderr
    rows = {row["source"]: row for row in json.loads(second.stdout)["sources"]}
    assert (rows["Good"]["result"], rows["Bad"]["result"]) == ("unchanged", "failed")


def test_check_lists_mistakes_and_warnings_as_json(tmp_path: Path) -> None:
    """Mistakes exit 2, with each by its place, what was found and what would be right."""
    (tmp_path / "feeds.toml").write_text('x = 1\n[[seeds]]\npath = "none"\n')
    wrong = aggregator("check", "--json", folder=tmp_path)
    (tmp_path / "feeds.toml").write_text('[scale]\nengine = "procrastinate"\n')
    odd = aggregator("check", "--json", folder=tmp_path)
    said, found = json.loads(wrong.stdout), json.loads(odd.stdout)
    assert wrong.returncode == 2
    assert [(one["where"], one["found"]) for one in said["problems"]] == [
        ("key x", "unknown key"),
        ("[[seeds]] 1, key path", f"{tmp_path}/none is not there"),
    ]
    assert all(one["right"] for one in said["problems"])
    assert odd.returncode == 0
    assert (found["problems"], found["sources"], found["file"]) == ([], [], str(tmp_path / "feeds.toml"))
    assert ["engine" in warning for warning in found["warnings"]] == [True]


def test_strict_turns_a_failed_source_into_exit_1(tmp_path: Path) -> None:
    """A source that fails never fails the pass, unless the operator says so."""
    with Server() as server:
        write(tmp_path, source("Bad", server.url("/none")))
        assert aggregator("run", folder=tmp_path).returncode == 0
        assert aggregator("run", "--strict", "--all", folder=tmp_path).returncode == 1


def test_a_run_is_interrupted(tmp_path: Path) -> None:
    """Ctrl-C ends a pass at once, says so in a line, and shows no trace."""
    with Server({"/f": Reply(FEED), "/late": Raw([30.0])}) as server:
        write(tmp_path, source("Good", server.url("/f")) + source("Late", server.url("/late")))
        command = [sys.executable, "-c", HEEDING, "run"]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as run:
            assert run.stderr is not None
            assert "Good: updated" in run.stderr.readline()
            run.send_signal(signal.SIGINT)
            said = run.stderr.read()
    assert run.returncode == 130
    assert said.splitlines() == [
        "aggregator: stopped; what was stored stays, the rest will be collected again"
    ]


@pytest.mark.parametrize("command", ["run", "publish"])
def test_sets_an_interpreter_aside_first(tmp_path: Path, command: str) -> None:
    """What worker processes come from is forked before the database is opened."""
    write(tmp_path, "")
    script = (
        "import sys\nfrom aggregator.cli import main\n"
        "sys.addaudithook(lambda event, _: event in {'os.fork', 'sqlite3.connect'} and print('>', event))\n"
        f"sys.argv = ['aggregator', {command!r}]\nmain()"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=False, text=True
    )
    events = [line[2:] for line in said.stdout.splitlines() if line.startswith("> ")]
    assert (events[0], events.count("os.fork")) == ("os.fork", 1)
    assert "sqlite3.connect" in events


def test_run_can_be_told_one_source(tmp_path: Path) -> None:
    """`--source` asks that one alone; a name that is nobody's is wrong usage."""
    with Server({"/f": Reply(FEED)}) as server:
        write(tmp_path, source("One", server.url("/f")) + source("Two", server.url("/f?2")))
        report = json.loads(aggregator("run", "--source", "Two", "--json", folder=tmp_path).stdout)
        wrong = aggregator("run", "--source", "Twoo", folder=tmp_path)
    assert [row["source"] for row in report["sources"]] == ["Two"]
    assert wrong.returncode == 2
    assert "did you mean 'Two'" in " ".join(wrong.stderr.replace("│", " ").split())


def test_run_says_why_it_asked_not(tmp_path: Path) -> None:
    """Who names a source, or wants all, learns what holds it back; a gone one is due at no time."""
    later = Reply(b"", 503, headers={"Retry-After": "3600"})
    routes: dict[str, Route] = {"/f": Reply(FEED), "/gone": Reply(b"", 410), "/later": later}
    with Server(routes) as server:
        gone = source("Gone", server.url("/gone"))
        write(tmp_path, gone + source("Good", server.url("/f")) + "enabled = false\n")
        first = aggregator("run", "--all", folder=tmp_path)
        again = aggregator("run", "--all", folder=tmp_path)
        (health,) = [
            row
            for row in json.loads(aggregator("sources", "--json", folder=tmp_path).stdout)
            if row["name"] == "Gone"
        ]
        off = aggregator("run", "--source", "Good", "--json", folder=tmp_path)
        write(tmp_path, source("Later", server.url("/later")))
        aggregator("run", folder=tmp_path)
        waits = aggregator("run", "--source", "Later", "--all", folder=tmp_path)
    assert "not asked" not in first.stderr
    assert again.stderr == (
        "Gone: not asked: the server says that it is gone for good (410); remove it, or correct its url\n"
    )
    assert (health["status"], health["next_due"]) == ("gone", None)
    assert off.stderr == "Good: not asked: it has enabled = false\n"
    assert "Later: not asked: the server asked to be left alone until 20" in waits.stderr


@pytest.mark.parametrize("command", ["explain", "show", "takedown"])
def test_a_name_that_is_no_utf8_names_nothing(tmp_path: Path, command: str) -> None:
    """A name from a terminal in another encoding is not found, without a trace."""
    write(tmp_path, "")
    told = aggregator(command, "caf\udce9", folder=tmp_path)
    assert (told.returncode in {1, 2}, "Traceback" in told.stderr, "caf?" in told.stderr) == (
        True,
        False,
        True,
    )


def test_rebuild_wants_a_folder(tmp_path: Path) -> None:
    """A mistyped folder is wrong usage, and is no seed directory to be corrected in the settings."""
    write(tmp_path, "")
    told = aggregator("rebuild", "--from", "nowhere", folder=tmp_path)
    assert (told.returncode, "nowhere is no folder" in told.stderr) == (2, True)


def test_mistakes_in_the_settings_are_exit_2(tmp_path: Path) -> None:
    """Every command says what is wrong, on standard error, and does nothing."""
    write(tmp_path, "[site]\ntitel = 'x'\n")
    for command in (["run"], ["check"], ["sources"], ["publish"], ["daemon"]):
        result = aggregator(*command, folder=tmp_path)
        assert (result.returncode, result.stdout) == (2, "")
        assert "[site], key titel: unknown key; did you mean title?" in result.stderr
    assert not (tmp_path / "storage").exists()


def test_the_settings_file_can_be_named(tmp_path: Path) -> None:
    """By an option or by a variable; without one, the missing file is named."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write(elsewhere, "")
    file = str(elsewhere / "feeds.toml")
    assert aggregator("check", "--config", file, folder=tmp_path).returncode == 0
    assert aggregator("check", folder=tmp_path, AGGREGATOR_CONFIG=file).returncode == 0
    missing = aggregator("check", folder=tmp_path)
    assert missing.returncode == 2
    assert "feeds.toml" in missing.stderr


def test_check_reports_missing_folders_and_tries_sources(tmp_path: Path) -> None:
    """`check` names what is not there; `check --fetch` asks each source and stores nothing."""
    write(tmp_path, '[[seeds]]\npath = "nowhere"\n')
    missing = aggregator("check", folder=tmp_path)
    assert (missing.returncode, "nowhere is not there" in missing.stderr) == (2, True)
    with Server({"/f": Reply(FEED)}) as server:
        write(tmp_path, source("Good", server.url("/f")) + source("Bad", server.url("/none")))
        tried = json.loads(aggregator("check", "--fetch", "--json", folder=tmp_path).stdout)["sources"]
    assert [(row["source"], row["entries"], row["failed"]) for row in tried] == [
        ("Good", 1, False),
        ("Bad", 0, True),
    ]
    assert not (tmp_path / "storage").exists()


def test_check_warns_of_markdown_that_is_read_as_html(tmp_path: Path) -> None:
    """A folder of Markdown files needs a setting, and `check` says which."""
    seeds = tmp_path / "seeds"
    seeds.mkdir()
    (seeds / "a.md").write_text("---\ntitle: A\n---\n\n## Heading\n\n- one\n- two\n", "utf-8")
    write(tmp_path, '[[seeds]]\npath = "seeds"\n')
    result = aggregator("check", folder=tmp_path)
    assert result.returncode == 0
    assert 'write markup = "markdown"' in result.stderr
    write(tmp_path, '[[seeds]]\npath = "seeds"\nmarkup = "markdown"\n')
    assert aggregator("check", folder=tmp_path).stderr == ""


def test_sources_shows_health(tmp_path: Path) -> None:
    """Each source has a status, its articles, its last success, and its error in words."""
    with Server({"/f": Reply(FEED)}) as server:
        tables = source("Good", server.url("/f")) + source("Bad", server.url("/none"))
        write(tmp_path, tables + source("Off", server.url("/off")) + "enabled = false\n")
        aggregator("run", folder=tmp_path)
        rows = {
            row["name"]: row for row in json.loads(aggregator("sources", "--json", folder=tmp_path).stdout)
        }
        table = aggregator("sources", folder=tmp_path).stdout
    assert {name: row["status"] for name, row in rows.items()} == {
        "Good": "ok",
        "Bad": "failing",
        "Off": "off",
    }
    assert rows["Good"]["articles"] == 1
    assert "404" in rows["Bad"]["error"]
    assert "Bad: failed once since" in table


def test_publish_writes_what_is_missing(tmp_path: Path) -> None:
    """`publish --all` brings back every output, the same bytes as before."""
    with Server({"/f": Reply(FEED)}) as server:
        write(tmp_path, source("Good", server.url("/f")))
        aggregator("run", folder=tmp_path)
    feed = tmp_path / "outputs/feeds/all/atom.xml"
    before = feed.read_bytes()
    feed.unlink()
    result = aggregator("publish", "--all", "--json", folder=tmp_path)
    assert result.returncode == 0
    assert json.loads(result.stdout)["feeds"] == 1
    assert feed.read_bytes() == before


def test_control_characters_of_strangers_do_not_reach_the_terminal(tmp_path: Path) -> None:
    """What a server says is printed without its escape sequences."""
    with Server({"/f": Reply(b"\x1b[2J\x1b]0;owned\x07 not a feed")}) as server:
        write(tmp_path, source("Bad", server.url("/f")))
        result = aggregator("run", folder=tmp_path)
    assert "\x1b" not in result.stdout + result.stderr
    assert "\x07" not in result.stdout + result.stderr


def test_help_is_quick_to_import() -> None:
    """`--help` imports neither SQLAlchemy nor feedparser nor requests."""
    code = (
        "import sys; sys.argv = ['aggregator', '--help']\n"
        "from aggregator.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('sqlalchemy', 'feedparser', 'requests', 'lxml') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [["frobnicate"], ["run", "--nope"], ["run", "--source"]])
def test_wrong_usage_is_exit_2(tmp_path: Path, arguments: list[str]) -> None:
    """A command or option that does not exist is said so."""
    assert aggregator(*arguments, folder=tmp_path).returncode == 2
