"""Feeds from files of this machine."""

import os
from pathlib import Path

import pytest
from guests import START

from aggregator.collect import schedule
from aggregator.collect.local import read_feed_file
from aggregator.errors import FetchError, LimitExceeded
from aggregator.model import SourceState
from aggregator.options import FetchPolicy, Source


def source(path: Path, max_bytes: int = 1000) -> Source:
    policy = FetchPolicy(max_bytes=max_bytes)
    return Source(name="File", kind="feed", categories=("Tests",), path=path, fetch=policy)


def read(one: Source, state: SourceState) -> tuple[bytes | None, SourceState]:
    fetched = read_feed_file(one, state)
    return fetched.body, schedule.after_success(one, state, fetched, None, START)


def touch(path: Path, seconds: int) -> None:
    os.utime(path, (seconds, seconds))


def test_a_file_is_read_when_it_changed(tmp_path: Path) -> None:
    """First whole, then not at all, then whole again."""
    one = source(tmp_path / "feed.xml")
    assert one.path is not None
    one.path.write_bytes(b"<rss/>")
    touch(one.path, 1000)
    body, state = read(one, SourceState())
    assert body == b"<rss/>"
    assert state.url == one.path.as_uri()
    body, state = read(one, state)
    assert body is None
    one.path.write_bytes(b"<new/>")
    touch(one.path, 2000)
    body, state = read(one, state)
    assert body == b"<new/>"


def test_a_file_that_was_only_touched_is_unchanged(tmp_path: Path) -> None:
    """Its stamp is new and its bytes are not."""
    one = source(tmp_path / "feed.xml")
    assert one.path is not None
    one.path.write_bytes(b"<rss/>")
    touch(one.path, 1000)
    _, state = read(one, SourceState())
    touch(one.path, 2000)
    body, after = read(one, state)
    assert body is None
    assert after.validators != state.validators


def test_another_path_is_another_place(tmp_path: Path) -> None:
    """The same bytes under a new path are read anew, since their address is another one."""
    for name in ("a.xml", "b.xml"):
        (tmp_path / name).write_bytes(b"<rss/>")
    _, state = read(source(tmp_path / "a.xml"), SourceState())
    assert read(source(tmp_path / "b.xml"), state)[0] == b"<rss/>"


def test_a_file_is_always_due(tmp_path: Path) -> None:
    """Looking costs nobody anything."""
    one = source(tmp_path / "feed.xml")
    (tmp_path / "feed.xml").write_bytes(b"<rss/>")
    _, state = read(one, SourceState())
    assert schedule.is_due(one, state, START)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Not there, a folder, a pipe, too large: a sentence with the path each."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(bytes(1001))
    for name, words in {"none": "no such file", "pipe": "is not a file", "folder": "is not a file"}.items():
        with pytest.raises(FetchError, match=words) as caught:
            read_feed_file(source(tmp_path / name), SourceState())
        assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(LimitExceeded, match="max_bytes"):
        read_feed_file(source(tmp_path / "large"), SourceState())


def test_a_file_may_be_as_large_as_the_limit(tmp_path: Path) -> None:
    """Exactly max_bytes are read."""
    (tmp_path / "feed").write_bytes(bytes(1000))
    assert read(source(tmp_path / "feed"), SourceState())[0] == bytes(1000)
