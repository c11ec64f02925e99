"""Walking a seed directory: what is found, what is skipped, what is reported."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from aggregator.collect.directory import Scan, SeedFile
from aggregator.errors import FetchError
from aggregator.model import FileStamp


def put(root: Path, name: str, data: bytes = b"x") -> Path:
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def walk(root: Path, known: dict[str, FileStamp] | None = None) -> list[SeedFile]:
    return list(Scan(root, known or {}))


def paths(files: list[SeedFile]) -> list[str]:
    return [file.path for file in files]


def test_the_three_kinds_of_names_at_any_depth_in_order(tmp_path: Path) -> None:
    """Files of a folder by name, then those of its folders; other names do not count."""
    for name in (
        "b.md",
        "a.txt",
        "C.MD",
        "z/y/x.markdown",
        "z/a.md",
        ".NET.md",
        "新闻/标题 一.md",
        "pic.png",
        "md",
    ):
        put(tmp_path, name)
    put(tmp_path, ".git/HEAD.md")
    found = walk(tmp_path)
    expected = [".NET.md", "C.MD", "a.txt", "b.md", "z/a.md", "z/y/x.markdown", "新闻/标题 一.md"]
    assert paths(found) == expected
    assert all(file.data == b"x" and file.problem is None for file in found)
    assert paths(walk(tmp_path)) == expected


def test_unchanged_files_are_not_opened(tmp_path: Path) -> None:
    """A file with the known stamp is present and not read again; a changed one is."""
    same, other = put(tmp_path, "same.md"), put(tmp_path, "other.md")
    known = {file.path: file.stamp for file in walk(tmp_path)}
    same.unlink()
    other.write_bytes(b"longer")
    os.mkfifo(tmp_path / "pipe.md")
    looked = Scan(tmp_path, known)
    assert [(file.path, file.data) for file in looked] == [("other.md", b"longer")]
    assert looked.present == {"other.md"}


def test_access_times_show_that_nothing_was_read(tmp_path: Path) -> None:
    """The access time of an unchanged file stays in the past."""
    file = put(tmp_path, "a.md")
    os.utime(file, ns=(1, 1))
    known = {found.path: found.stamp for found in walk(tmp_path)}
    os.utime(file, ns=(1, 1))
    assert walk(tmp_path, known) == []
    assert file.stat().st_atime_ns == 1


@pytest.mark.parametrize("change", ["touch", "replace"])
def test_same_size_is_not_same_file(tmp_path: Path, change: str) -> None:
    """The time and the inode tell a rewritten file from the one that was read."""
    file = put(tmp_path, "a.md", b"1")
    [before] = walk(tmp_path)
    stamp = file.stat()
    if change == "touch":
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns + 1))
    else:
        put(tmp_path, "new", b"2").replace(file)
        os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert paths(walk(tmp_path, {"a.md": before.stamp})) == ["a.md"]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    """A loop ends, a file seen both ways has its real path, and a link out of the directory is read."""
    root, outside = tmp_path / "seeds", tmp_path / "outside"
    put(root, "z/a.md")
    put(outside, "b.md")
    put(outside, "deep/c.md")
    (root / "a link to z").symlink_to(root / "z")
    (root / "z" / "up").symlink_to(root)
    (root / "out").symlink_to(outside)
    (root / "out again").symlink_to(outside)
    (outside / "round").symlink_to(outside)
    assert paths(walk(root)) == ["z/a.md", "out/b.md", "out/deep/c.md"]


def test_broken_links_cost_only_themselves(tmp_path: Path) -> None:
    """A link to itself and one to nothing are reported, a folder of that kind is passed over."""
    put(tmp_path, "good.md")
    (tmp_path / "loop.md").symlink_to("loop.md")
    (tmp_path / "gone.md").symlink_to("nowhere.md")
    (tmp_path / "folder").symlink_to("folder")
    found = {file.path: file.problem for file in walk(tmp_path)}
    assert set(found) == {"good.md", "loop.md", "gone.md"}
    assert found["good.md"] is None
    assert "leads nowhere" in (found["loop.md"] or "")
    assert "leads nowhere" in (found["gone.md"] or "")


def test_special_files_are_never_opened(tmp_path: Path) -> None:
    """A named pipe, a device and a folder with tempting names do not hold up the walk."""
    os.mkfifo(tmp_path / "pipe.md")
    (tmp_path / "zero.md").symlink_to("/dev/zero")
    (tmp_path / "folder.md").mkdir()
    put(tmp_path, "folder.md/in.md")
    assert paths(walk(tmp_path)) == ["folder.md/in.md"]


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """50 MB cost a line, not memory; the limit itself is still read."""
    with put(tmp_path, "large.md").open("r+b") as file:
        file.truncate(50 * 1024 * 1024)
    put(tmp_path, "small.md", b"x" * 10)
    [large] = [file for file in walk(tmp_path) if file.path == "large.md"]
    assert large.data is None
    assert large.problem == "has 50.0 MB, and files of more than 10 MB are not read; split it"
    by_path = {file.path: file for file in Scan(tmp_path, {}, max_bytes=10)}
    assert by_path["small.md"].data == b"x" * 10


LIST = """
import json, os, sys
from pathlib import Path
from aggregator.collect.directory import Scan
if os.geteuid() == 0:
    os.setuid(65534)
print(json.dumps({file.path: file.problem for file in Scan(Path(sys.argv[1]), {})}))
"""


def test_what_may_not_be_read_is_reported(tmp_path: Path) -> None:
    """A file and a folder without permission cost only themselves."""
    with tempfile.TemporaryDirectory() as place:  # where every user may go, unlike pytest's folders
        root = Path(place)
        root.chmod(0o755)
        put(root, "secret.md").chmod(0)
        put(root, "closed/a.md")
        (root / "closed").chmod(0)
        # Root may read everything, so another user looks.
        result = subprocess.run(
            [sys.executable, "-c", LIST, place], capture_output=True, text=True, check=True
        )
        (root / "closed").chmod(0o700)
    assert json.loads(result.stdout) == {
        "secret.md": "cannot be read: Permission denied",
        "closed": "cannot be listed: Permission denied",
    }


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no /proc here")
def test_files_that_fail_or_grow_while_they_are_read(tmp_path: Path) -> None:
    """The kernel's own files do: one gives an error, one has more bytes than its size said."""
    (tmp_path / "fails.md").symlink_to("/proc/self/mem")
    (tmp_path / "grows.md").symlink_to("/proc/self/status")
    put(tmp_path, "good.md")
    found = {file.path: file for file in Scan(tmp_path, {}, max_bytes=20)}
    assert found["fails.md"].problem == "cannot be read: Input/output error"
    assert "are not read" in (found["grows.md"].problem or "")
    assert found["good.md"].data == b"x"


def test_a_folder_that_cannot_be_listed_costs_only_itself(tmp_path: Path) -> None:
    """Here its path is longer than the system takes."""
    put(tmp_path, "z.md")
    folder = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=folder)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)
    found = walk(tmp_path)
    shutil.rmtree(tmp_path / ("d" * 250))
    assert found[0].path == "z.md"
    assert [file.problem for file in found[1:]] == ["cannot be listed: File name too long"]


def test_names_that_are_no_utf8_can_be_stored(tmp_path: Path) -> None:
    """A GBK name comes out as text that UTF-8 can hold."""
    name = os.fsencode(tmp_path) + b"/" + "标题".encode("gbk") + b".md"
    with os.fdopen(os.open(name, os.O_CREAT | os.O_WRONLY), "wb") as file:
        file.write(b"x")
    [found] = walk(tmp_path)
    assert found.path.encode() == rb"\xb1\xea\xcc\xe2.md"
    assert found.data == b"x"


@pytest.mark.parametrize(
    ("name", "says"), [("nowhere", "cannot be read: No such file"), ("file", "is no folder")]
)
def test_a_missing_directory_says_what_to_do(tmp_path: Path, name: str, says: str) -> None:
    """One clear line that names the folder."""
    put(tmp_path, "file")
    with pytest.raises(FetchError, match=says) as caught:
        walk(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_many_unchanged_files_are_cheap(tmp_path: Path) -> None:
    """2,000 known files are passed in a moment."""
    for number in range(2_000):
        (tmp_path / f"{number}.md").touch()
    known = {file.path: file.stamp for file in walk(tmp_path)}
    begin = time.perf_counter()
    looked = Scan(tmp_path, known)
    assert list(looked) == []
    assert len(looked.present) == 2_000
    assert time.perf_counter() - begin < 3


def test_a_folder_within_is_passed_over(tmp_path: Path) -> None:
    """That of the outputs; the seed directory itself never, nor is a folder needed there."""
    (tmp_path / "outputs" / "posts").mkdir(parents=True)
    for name in ("a.md", "outputs/posts/b.md"):
        (tmp_path / name).write_text("words")
    cases = {"outputs": ["a.md"], ".": ["a.md", "outputs/posts/b.md"], "none": ["a.md", "outputs/posts/b.md"]}
    for but, expected in cases.items():
        assert [file.path for file in Scan(tmp_path, {}, but=tmp_path / but)] == expected
