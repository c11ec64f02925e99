"""Who may work on a storage."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from databases import empty

from aggregator import locks
from aggregator.errors import StoreError
from aggregator.store import Store

HOLDER = """
import sys
from aggregator import locks
with locks.hold(sys.argv[1], "daemon"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_refused_and_told_who_holds(tmp_path: Path) -> None:
    """The message names the process of the first."""
    url = empty(tmp_path / "a.db")
    with (
        locks.hold(url, "daemon"),
        pytest.raises(StoreError, match=f"a daemon \\(process {os.getpid()}\\b"),
        locks.hold(url, "daemon"),
    ):
        pass


def test_a_storage_is_one_under_any_name(tmp_path: Path) -> None:
    """Symbolic links to a database, or to its folder, lead to the same lock."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.db").touch()
    (tmp_path / "link.db").symlink_to(tmp_path / "data" / "a.db")
    (tmp_path / "way").symlink_to(tmp_path / "data")
    with locks.hold(f"sqlite:///{tmp_path}/data/a.db", "daemon"):
        for name in ("link.db", "way/a.db"):
            with (
                pytest.raises(StoreError, match="a daemon"),
                locks.hold(f"sqlite:///{tmp_path}/{name}", "daemon"),
            ):
                pass


def test_a_lock_is_free_after_its_holder(tmp_path: Path) -> None:
    """Holding one after the other is no conflict, and purposes do not meet."""
    url = empty(tmp_path / "a.db")
    for _ in range(2):
        with locks.hold(url, "daemon"), locks.hold(url, "pass"):
            pass


def test_waiting_is_bounded_by_patience(tmp_path: Path) -> None:
    """A pass waits for another one, but not forever."""
    url = empty(tmp_path / "a.db")
    slept: list[float] = []
    with (
        locks.hold(url, "pass"),
        pytest.raises(StoreError, match="a pass"),
        locks.hold(url, "pass", patience=1, sleep=slept.append),
    ):
        pass
    assert sum(slept) == pytest.approx(1, abs=0.2)


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    """The lock goes with the process, however that ends."""
    url = empty(tmp_path / "a.db")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StoreError, match=str(holder.pid)), locks.hold(url, "daemon"):
            pass
        holder.kill()
        holder.wait()
        with locks.hold(url, "daemon"):
            pass


@pytest.mark.sqlite
def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    """A file in the way of the storage folder is one clear line."""
    (tmp_path / "storage").write_text("")
    url = f"sqlite:///{tmp_path}/storage/a.db"
    with pytest.raises(StoreError, match="cannot be made"), locks.hold(url, "pass"):
        pass
    with pytest.raises(StoreError, match=r"storage/a\.db: cannot be made: .*; make its folder writable"):
        Store.open(url)


@pytest.mark.sqlite
def test_a_full_disk_is_no_hindrance(tmp_path: Path) -> None:
    """Who holds a lock may not be noted then; the lock holds all the same."""
    url = empty(tmp_path / "a.db")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with (
            locks.hold(url, "pass"),
            pytest.raises(StoreError, match="process unknown"),
            locks.hold(url, "pass"),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
