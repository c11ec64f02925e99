import errno
import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from publishing import write

from aggregator.errors import PublishError
from aggregator.publish.files import Output

# Kills itself at the n-th system call of a kind, while it writes a thousand files again.
KILLED = """
import os, signal, sys
from pathlib import Path
from aggregator.publish import files
name, count, many = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
real = getattr(os, name)
def counted(*args, **kwargs):
    global count
    count -= 1
    if count == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **kwargs)
setattr(os, name, counted)
output = files.Output(Path(sys.argv[1]))
output.place(output.stage({f"a/{n % 7}/{n}.txt": b"new" * 1000 for n in range(many)}))
"""


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_files_are_written_below_the_folder(tmp_path: Path) -> None:
    """A batch makes its folders and files, says what changed, and leaves nothing else behind."""
    out = Output(tmp_path / "outputs")
    written = write(out, {"feeds/新闻/atom.xml": b"one", "index.html": b"two"})
    assert sorted(written.changed) == ["feeds/新闻/atom.xml", "index.html"]
    assert written.failed == {}
    assert tree(tmp_path / "outputs") == {"feeds/新闻/atom.xml": b"one", "index.html": b"two"}


def test_equal_bytes_are_left_alone(tmp_path: Path) -> None:
    """A file whose bytes are there already keeps its mtime and inode, so that hosts answer 304."""
    out = Output(tmp_path)
    write(out, {"a": b"same", "b": b"old"})
    os.utime(tmp_path / "a", (1, 1))
    before = (tmp_path / "a").stat()
    assert write(out, {"a": b"same", "b": b"new"}).changed == ("b",)
    after = (tmp_path / "a").stat()
    assert (after.st_mtime, after.st_ino) == (1.0, before.st_ino)
    assert (tmp_path / "b").read_bytes() == b"new"


def test_files_are_readable_by_others_whatever_the_umask(tmp_path: Path) -> None:
    """A web server under another user can read what a service with a strict umask published."""
    old = os.umask(0o077)
    try:
        write(Output(tmp_path), {"feeds/all/atom.xml": b"x"})
    finally:
        os.umask(old)
    assert (tmp_path / "feeds/all/atom.xml").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "feeds/all").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "a/../../x", "a//b", "", ".", "a/./b", "a\0b", "a\\b", "\ud800"]
)
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    """A path that is not plainly inside the folder costs only itself, on writing and removing."""
    out = Output(tmp_path / "outputs")
    written = write(out, {path: b"x", "good": b"y"})
    assert written.changed == ("good",)
    assert list(written.failed) == [path]
    assert list(out.remove([path]).failed) == [path]
    assert tree(tmp_path) == {"outputs/good": b"y"}


def test_no_symbolic_link_is_followed(tmp_path: Path) -> None:
    """A linked folder in the way is refused; a linked file is replaced, not written through."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/kept").write_text("kept")
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    (outputs / "feeds").symlink_to(tmp_path / "elsewhere")
    (outputs / "page").symlink_to(tmp_path / "elsewhere/kept")
    out = Output(outputs)
    written = write(out, {"feeds/kept": b"x", "page": b"y"})
    assert written.changed == ("page",)
    assert "symbolic link" in written.failed["feeds/kept"]
    assert "symbolic link" in out.remove(["feeds/kept"]).failed["feeds/kept"]
    assert (tmp_path / "elsewhere/kept").read_text() == "kept"
    assert not (outputs / "page").is_symlink()


def test_a_folder_in_the_way_costs_only_its_file(tmp_path: Path) -> None:
    """A folder where a file should be, the reverse, a name that is too long: each is reported."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("not ours")
    out = Output(tmp_path)
    written = write(out, {"a": b"x", "b/c": b"x", "n" * 300: b"x", "d": b"x"})
    assert written.changed == ("d",)
    assert sorted(written.failed) == ["a", "b/c", "n" * 300]
    assert out.remove(["a"]).failed.keys() == {"a"}
    assert tree(tmp_path) == {"b": b"not ours", "d": b"x"}


def test_removing_cleans_up_empty_folders(tmp_path: Path) -> None:
    """Files go, folders that are empty then too, others and the outputs folder itself stay."""
    out = Output(tmp_path)
    write(out, {"a/b/c/1": b"", "a/b/2": b"", "a/3": b"", "x/y/4": b""})
    removed = out.remove(["a/b/c/1", "a/b/2", "x/y/4", "gone/5"])
    assert sorted(removed.changed) == ["a/b/2", "a/b/c/1", "x/y/4"]
    assert removed.failed == {}
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["a", "a/3"]


FEW, MANY = 30, 100
"""So few are flushed one by one, so many all at once."""


@pytest.mark.parametrize(
    ("call", "count", "many"),
    [
        *(("write", count, MANY) for count in (1, 50, 100)),
        *(("replace", count, MANY) for count in (1, 60, 100)),
        *(("fsync", count, FEW) for count in (1, 28, 31)),
    ],
)
def test_a_killed_batch_leaves_whole_files(tmp_path: Path, call: str, count: int, many: int) -> None:
    """SIGKILL leaves each file old or new; the next batch sweeps the rest away and completes."""
    files = {f"a/{n % 7}/{n}.txt": b"new" * 1000 for n in range(many)}
    write(Output(tmp_path), dict.fromkeys(files, b"old"))
    command = [sys.executable, "-c", KILLED, str(tmp_path), call, str(count), str(many)]
    killed = subprocess.run(command, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert all((tmp_path / path).read_bytes() in {b"old", b"new" * 1000} for path in files)
    out = Output(tmp_path)
    write(out, files)
    assert tree(tmp_path) == files


def test_a_relative_folder_takes_many_files_in_many_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is flushed at once is the outputs folder itself, however it is named."""
    monkeypatch.chdir(tmp_path)
    files = {f"{n}/{n}.txt": b"x" for n in range(MANY)} | {f"{n}.txt": b"x" for n in range(MANY)}
    for name in ("outputs", "."):
        out = Output(Path(name))
        assert len(write(out, files).changed) == len(files)
        assert len(out.remove(files).changed) == len(files)


def test_sweeping_leaves_what_is_not_ours(tmp_path: Path) -> None:
    """Only files that bear the name of our temporaries are swept, and only after a killed run."""
    (tmp_path / "sub").mkdir()
    left = {"sub/.aggregator-12-3.tmp": b"left over", "sub/mine.tmp": b"kept"}
    for name, data in left.items():
        (tmp_path / name).write_bytes(data)
    write(Output(tmp_path), {"new": b""})
    assert tree(tmp_path) == {**left, "new": b""}
    (tmp_path / ".aggregator-writing").touch()
    write(Output(tmp_path), {"new": b""})
    assert tree(tmp_path) == {"sub/mine.tmp": b"kept", "new": b""}


def test_what_a_helper_of_a_killed_run_writes_late_is_swept(tmp_path: Path) -> None:
    """Processes may outlive the run that was killed: what they leave goes when the next run is done."""
    Output(tmp_path).share()
    out = Output(tmp_path)
    write(out, {"a": b"new"}, {})
    late = Output(tmp_path, frozenset()).stage({"b": b"late"})
    assert len(late.files) == 1
    out.settle()
    out.finish()
    assert tree(tmp_path) == {"a": b"new"}


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def test_what_is_not_ours_is_kept(tmp_path: Path) -> None:
    """A file edited by hand, a stranger's file and a link are reported, not overwritten or removed."""
    out = Output(tmp_path)
    ours = {path: digest(b"ours") for path in ("edited", "same", "linked")}
    for path, data in {"edited": b"by hand", "same": b"ours", "foreign": b"not ours", "linked": b""}.items():
        (tmp_path / path).write_bytes(data)
    (tmp_path / "linked").unlink()
    (tmp_path / "linked").symlink_to("same")
    paths = ("edited", "same", "foreign", "linked", "absent")
    written = write(out, dict.fromkeys(paths, b"new"), ours)
    out.settle()
    assert sorted(written.changed) == ["absent", "same"]
    assert sorted(written.kept) == ["edited", "foreign", "linked"]
    removed = out.remove(paths, {**ours, "same": digest(b"new")})
    assert removed.changed == ("same",)
    assert sorted(removed.kept) == ["absent", "edited", "foreign", "linked"]
    assert out.remove(paths).kept == ()


def test_what_a_killed_run_could_not_record_is_ours(tmp_path: Path) -> None:
    """A batch that was written and not recorded may be replaced by the next run, which others may not."""
    write(Output(tmp_path), {"a": b"one", "b": b"one"}, {})
    (tmp_path / "b").write_bytes(b"by hand")
    out = Output(tmp_path)
    written = write(out, {"a": b"two", "b": b"two"}, {})
    assert (written.changed, written.kept) == (("a",), ("b",))
    out.settle()
    out.finish()
    assert write(Output(tmp_path), {"a": b"three"}, {}).kept == ("a",)
    assert tree(tmp_path) == {"a": b"two", "b": b"by hand"}


def test_a_full_disk_forgets_nothing_of_a_killed_run(tmp_path: Path) -> None:
    """What that run could not record is ours still when there is room again."""
    write(Output(tmp_path), {"a": b"one"}, {})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(PublishError, match="make room"):
            write(Output(tmp_path), {"a": b"two"}, {})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert write(Output(tmp_path), {"a": b"three"}, {}).changed == ("a",)


def test_too_many_open_files_are_no_full_disk(tmp_path: Path) -> None:
    """The sentence says what helps."""
    out = Output(tmp_path)
    write(out, {"a": b"one"})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(PublishError, match=r"Too many open files; let .* \(ulimit -n\); the old files"):
            write(out, {"a": b"two"})
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_notes_that_cannot_be_read_are_said_so(tmp_path: Path) -> None:
    """What a killed run left and this one may not touch is one clear line."""
    (tmp_path / ".aggregator-writing").mkdir()
    with pytest.raises(PublishError, match="directory; check its permissions"):
        write(Output(tmp_path), {"a": b"one"}, {})


def test_staging_knows_what_a_killed_run_wrote(tmp_path: Path) -> None:
    """The first half of a batch says that it writes, and takes for ours what could not be recorded."""
    write(Output(tmp_path), {"a": b"one"}, {})
    out = Output(tmp_path)
    out.place(out.stage({"a": b"two"}, {}))
    assert (tmp_path / "a").read_bytes() == b"two"
    assert write(Output(tmp_path), {"a": b"three"}, {}).changed == ("a",)


def test_who_writes_nothing_leaves_the_marks_of_a_killed_run(tmp_path: Path) -> None:
    """So that the next who writes sweeps what it left."""
    Output(tmp_path).share()
    Output(tmp_path, frozenset()).stage({"a": b"left"})
    Output(tmp_path).finish()
    write(Output(tmp_path), {"b": b"new"})
    assert tree(tmp_path) == {"b": b"new"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux")
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small file system needs root")
def test_a_full_disk_leaves_the_old_files_whole(tmp_path: Path) -> None:
    """Without room the batch fails as one, with a sentence that says so, and no temporary stays."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", tmp_path], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount")
    try:
        out = Output(tmp_path)
        write(out, {"a": b"old" * 1000, "b": b"old" * 1000})
        with pytest.raises(PublishError, match="No space left on device; make room") as raised:
            write(out, {"a": b"new" * 1000, "b": b"new" * 1_000_000})
        assert isinstance(raised.value.__cause__, OSError)
        assert raised.value.__cause__.errno == errno.ENOSPC
        assert {path: data for path, data in tree(tmp_path).items() if not path.startswith(".")} == {
            "a": b"old" * 1000,
            "b": b"old" * 1000,
        }
        assert not list(tmp_path.rglob("*.tmp"))
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_many_small_posts_take_seconds(tmp_path: Path) -> None:
    """Flushing in batches keeps many small files within a few seconds (2 ms for each would be 20)."""
    posts = {f"posts/2022/{n % 12:02d}/{n}.md": b"x" * 3000 for n in range(3_000)}
    start = time.monotonic()
    assert len(write(Output(tmp_path), posts).changed) == 3_000
    assert time.monotonic() - start < 15  # on a busy machine too
