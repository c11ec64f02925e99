"""Commands whose standard streams are closed, full, or of another encoding, as real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FEED = """<rss version='2.0'><channel><title>T</title>
<item><title>文章</title><guid>1</guid></item></channel></rss>"""
SETTINGS = """[[sources]]
name = "新闻"
path = "feed.xml"
categories = ["News"]
"""


def aggregator(
    command: str, folder: Path, streams: str = "", **more: str
) -> subprocess.CompletedProcess[str]:
    """A command with redirections of the shell; the pipes left to it are read until nobody holds them."""
    (folder / "feed.xml").write_text(FEED, encoding="utf-8")
    (folder / "feeds.toml").write_text(SETTINGS, encoding="utf-8")
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -m aggregator {command} {streams}', sys.executable],
        cwd=folder,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def published(folder: Path) -> bool:
    return (folder / "outputs" / "feeds" / "all" / "atom.xml").is_file()


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&- >&-", "<&- 2>&-"])
def test_closed_streams_are_nothing_to_a_pass(tmp_path: Path, streams: str) -> None:
    """The pass is done, and no process that it started stays behind."""
    result = aggregator("run", tmp_path, streams)
    assert result.returncode == 0
    assert "Traceback" not in result.stderr
    assert published(tmp_path)


@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_standard_output_that_is_full_is_said_in_a_line(tmp_path: Path, buffered: str) -> None:
    """The pass is done and what it would have printed is not: exit 1."""
    result = aggregator("run", tmp_path, ">/dev/full", PYTHONUNBUFFERED=buffered)
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "新闻: updated",
        "aggregator: cannot write to standard output (No space left on device); send it somewhere else",
    ]
    assert published(tmp_path)


def test_a_standard_error_that_is_full_does_not_end_a_pass(tmp_path: Path) -> None:
    """Progress that nobody can be told of is no trouble of the pass."""
    result = aggregator("run", tmp_path, "2>/dev/full")
    assert result.returncode == 0
    assert "published: 1 posts" in result.stdout
    assert published(tmp_path)


def test_readers_that_have_enough_do_not_end_a_pass(tmp_path: Path) -> None:
    """As `| head -1`: the progress breaks off, the pass does not."""
    aggregator("run", tmp_path, "2>&1 | true")
    assert published(tmp_path)


def test_what_an_encoding_lacks_is_escaped(tmp_path: Path) -> None:
    """Names print on any terminal."""
    result = aggregator("run", tmp_path, PYTHONIOENCODING="latin-1")
    assert (result.returncode, "Traceback" in result.stderr) == (0, False)
    assert r"\u65b0\u95fb" in result.stdout
