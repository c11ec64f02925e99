"""Puts files into the outputs folder, whole or not at all.

A batch goes through four steps: every file that differs from what is on disk is written to a
temporary file in its own folder and flushed; then the temporaries are renamed into place; then
the folders are flushed. Only after that do the files count as published. A reader sees the old
file or the new one, and a pass that is killed leaves at most temporaries, which the next swept
away. Unchanged files keep their mtime, so that static hosts answer 304.
"""

import ctypes
import errno
import hashlib
import itertools
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, islice
from pathlib import Path

from aggregator.errors import PublishError

FILE_MODE = 0o644
FOLDER_MODE = 0o755
WORKERS = 16
"""Flushes that wait for the disk at once."""
MANY = 32
"""From so many files on, the file system is flushed as a whole, in a tenth of the time."""

_MARKER = ".aggregator-writing"
_TEMPORARY = re.compile(r"\.aggregator-[0-9]+-[0-9]+\.tmp")
_ODD = re.compile("[\0\\\\\ud800-\udfff]")
# After these nothing else can be written either.
_HOPELESS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE}
)


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch came to.

    changed  the paths replaced or removed
    digests  the SHA-256 of what was written, by path
    failed   the paths that could not be, each with a sentence that says why
    kept     the paths left alone because the file there is not ours, or was edited since we wrote it
    """

    changed: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    digests: Mapping[str, bytes] = field(default_factory=dict)


class Output:
    """The outputs folder. Paths are posix and relative to it; nothing outside it is ever touched.

    Not for several threads at once, nor for several processes: one pass publishes at a time.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._numbers = itertools.count(1)
        self._swept = False
        self._unrecorded: set[str] = set()
        self._links: dict[str, Path | None] = {}  # by folder, for one batch
        self._base = str(directory)  # what is done for every file is done with text: Path costs more

    def write(self, files: Mapping[str, bytes], ours: Mapping[str, bytes] | None = None) -> Written:
        """Brings the `files` on disk; those whose bytes are there already stay as they are.

        When this returns, what is in `changed` has reached the disk. A path that cannot be
        written (outside the folder, a symbolic link or a folder in the way) costs only itself.
        With `ours`, the SHA-256 of what was last written by path, any other file in the way is
        kept; call `settle` then once the new ones are recorded.
        Raises PublishError when the disk is full or refuses all writes; the old files are whole then.
        """
        if not self._swept:
            self.sweep()
        self._links.clear()
        failed: dict[str, str] = {}
        kept: list[str] = []
        wanted = {path: data for path, data in files.items() if self._differs(path, data, ours, kept, failed)}
        if not wanted:
            return Written((), failed, tuple(kept))
        digests = {path: _digest(data) for path, data in wanted.items()}
        with _whole_disk(self.directory):
            self._begin(digests, lasting=ours is not None)
            folders = self._make_folders(wanted, failed)
            staged = self._stage({path: data for path, data in wanted.items() if path not in failed}, failed)
            changed = self._rename(staged, failed)
            _flush(self._base, {*map(str, folders), *(_folder(self._place(path)) for path in changed)})
        if ours is None:
            self.settle()
        return Written(tuple(changed), failed, tuple(kept), digests)

    def remove(self, paths: Iterable[str], ours: Mapping[str, bytes] | None = None) -> Written:
        """Removes files, and folders that this leaves empty. What is not there is no matter.

        A folder in the place of a file stays; so, with `ours`, does a file that is not ours or
        was edited. Raises PublishError when the disk refuses.
        """
        self._links.clear()
        failed: dict[str, str] = {}
        kept: list[str] = []
        changed: list[str] = []
        folders: set[Path] = set()
        with _whole_disk(self.directory):
            for path in paths:
                target = self._target(path, failed)
                if target is None or not os.path.lexists(target):
                    continue
                if ours is not None and self._is_foreign(path, target, ours):
                    kept.append(path)
                elif _attempt(path, failed, partial(_unlink, target)):
                    changed.append(path)
                    folders.add(Path(target).parent)
            _flush(self._base, {str(self._prune(folder)) for folder in folders})
        return Written(tuple(changed), failed, tuple(kept))

    def settle(self) -> None:
        """Says that what the last batch wrote is recorded elsewhere by now."""
        self._unrecorded.clear()
        (self.directory / _MARKER).unlink(missing_ok=True)

    def sweep(self) -> int:
        """Removes the temporary files that a killed run left; how many there were.

        The folders are walked only if the last batch was not settled. What that batch wrote, and
        nobody may have recorded, counts as ours until the next is settled.
        """
        self._swept = True
        marker = self.directory / _MARKER
        if not marker.exists():
            return 0
        self._unrecorded.update(filter(None, marker.read_text("utf-8", "replace").split("\n")))
        count = 0
        for folder, _, names in os.walk(self.directory):
            for name in names:
                if _TEMPORARY.fullmatch(name):
                    Path(folder, name).unlink(missing_ok=True)
                    count += 1
        if not self._unrecorded:
            marker.unlink(missing_ok=True)
        return count

    def _begin(self, digests: Mapping[str, bytes], *, lasting: bool) -> None:
        """Notes that a batch is under way and, if a record of it is to follow, what it writes."""
        if not self.directory.is_dir():
            self.directory.mkdir(parents=True)
            self.directory.chmod(FOLDER_MODE)  # whatever the umask
        if lasting:
            self._unrecorded |= {_note(path, digest) for path, digest in digests.items()}
        (self.directory / _MARKER).write_text("\n".join(sorted(self._unrecorded)), "utf-8")

    def _place(self, path: str) -> str:
        return f"{self._base}/{path}"

    def _target(self, path: str, failed: dict[str, str]) -> str | None:
        """Where `path` lies, if that is inside the folder and no symbolic link leads elsewhere."""
        parts = path.split("/")
        if any(part in {"", ".", ".."} or _ODD.search(part) for part in parts):
            failed[path] = f"{path!r} is no path inside {self.directory}"
            return None
        folder = "/".join(parts[:-1])
        if folder not in self._links:
            self._links[folder] = self._link_above(parts[:-1])
        if link := self._links[folder]:
            failed[path] = f"{link} is a symbolic link; move it away, nothing is written through it"
            return None
        return self._place(path)

    def _link_above(self, parts: Sequence[str]) -> Path | None:
        """The first of nested folders that is a symbolic link."""
        folders = accumulate(parts, Path.joinpath, initial=self.directory)
        return next((folder for folder in islice(folders, 1, None) if folder.is_symlink()), None)

    def _differs(
        self,
        path: str,
        data: bytes,
        ours: Mapping[str, bytes] | None,
        kept: list[str],
        failed: dict[str, str],
    ) -> bool:
        """Whether `data` has to be written: not if it is there, nor over what is not ours."""
        target = self._target(path, failed)
        if target is None:
            return False
        try:
            found = os.lstat(target)
        except OSError:
            return True
        if stat.S_ISDIR(found.st_mode):
            failed[path] = f"{target} is a folder; move it away"
            return False
        if _holds(target, found, data):
            return False
        if ours is not None and self._is_foreign(path, target, ours):
            kept.append(path)
            return False
        return True

    def _is_foreign(self, path: str, target: str, ours: Mapping[str, bytes]) -> bool:
        """Whether the file at `target` is not what we last wrote there."""
        if os.path.islink(target):  # noqa: PTH114 - text costs less than Path
            return True
        try:
            digest = _digest(_read(target))
        except OSError:
            return False
        return ours.get(path) != digest and _note(path, digest) not in self._unrecorded

    def _make_folders(self, files: Mapping[str, bytes], failed: dict[str, str]) -> set[Path]:
        """Makes the folders that the files need; the parents whose listing this changed."""
        touched: set[Path] = set()
        done: set[str] = set()
        for path in files:
            folder = _folder(self._place(path))
            if folder not in done and _attempt(path, failed, partial(_mkdir, Path(folder), touched)):
                done.add(folder)
        return touched

    def _stage(self, files: Mapping[str, bytes], failed: dict[str, str]) -> list[tuple[str, str]]:
        """Writes and flushes a temporary beside each file. A full disk raises OSError and leaves none."""
        staged: list[tuple[str, str]] = []
        start = f".aggregator-{os.getpid()}-"
        try:
            # In the order of the paths, as file systems are quickest folder by folder.
            for path, data in sorted(files.items()):
                temporary = f"{_folder(self._place(path))}/{start}{next(self._numbers)}.tmp"
                staged.append((path, temporary))
                _attempt(path, failed, partial(_write, temporary, data))
            _flush(self._base, [temporary for path, temporary in staged if path not in failed])
        except OSError:
            for _, temporary in staged:
                Path(temporary).unlink(missing_ok=True)
            raise
        return [(path, temporary) for path, temporary in staged if path not in failed]

    def _rename(self, staged: list[tuple[str, str]], failed: dict[str, str]) -> list[str]:
        changed = []
        for path, temporary in staged:
            if _attempt(path, failed, partial(os.replace, temporary, self._place(path))):
                changed.append(path)
            else:
                Path(temporary).unlink(missing_ok=True)
        return changed

    def _prune(self, folder: Path) -> Path:
        """Removes `folder` and its parents while they are empty; the first that stays."""
        while folder != self.directory:
            try:
                folder.rmdir()
            except OSError:
                return folder
            folder = folder.parent
        return folder


@contextmanager
def _whole_disk(directory: Path) -> Iterator[None]:
    """Turns what the operating system says into a PublishError that names the folder."""
    try:
        yield
    except OSError as error:
        advice = "make room; the old files are whole" if error.errno in _HOPELESS else "check its permissions"
        raise PublishError(f"{directory}: {error.strerror or error}; {advice}") from error


def _holds(target: str, found: os.stat_result, data: bytes) -> bool:
    """Whether a regular file at `target` has these bytes already."""
    if not stat.S_ISREG(found.st_mode) or found.st_size != len(data):
        return False
    try:
        return _read(target) == data
    except OSError:
        return False


def _folder(place: str) -> str:
    return place.rpartition("/")[0]


def _read(target: str) -> bytes:
    with open(target, "rb", buffering=0) as file:  # noqa: PTH123 - text costs less than Path
        return file.read()


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _note(path: str, digest: bytes) -> str:
    return f"{digest.hex()} {path}"


def _attempt(path: str, failed: dict[str, str], act: Callable[[], object]) -> bool:
    """Whether `act` went well; an error of this path alone is noted, one of the whole disk raised."""
    try:
        act()
    except OSError as error:
        if error.errno in _HOPELESS:
            raise
        failed[path] = _sentence(path, error)
        return False
    return True


def _sentence(path: str, error: OSError) -> str:
    return f"{path}: {error.strerror or error}"


def _write(path: str, data: bytes) -> None:
    """Writes a new file. Raises OSError, and leaves nothing then."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != FILE_MODE:  # by the umask
            os.fchmod(descriptor, FILE_MODE)
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        Path(path).unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _flush(folder: str, paths: Iterable[str]) -> None:
    """Waits until the disk has these files or folders, which lie in `folder`. Raises OSError.

    Several at once, as a file system commits what comes together in one go.
    """
    ordered = list(paths)
    if len(ordered) >= MANY and _flush_all(folder):
        return
    shares = [ordered[start::WORKERS] for start in range(min(WORKERS, len(ordered)))]
    if len(shares) < 2:
        _flush_each(ordered)
        return
    with ThreadPoolExecutor(len(shares)) as pool:
        list(pool.map(_flush_each, shares))


def _flush_all(folder: str) -> bool:
    """Waits until the disk has all of the file system of `folder` (syncfs(2), Linux).

    Whether that could be done. Raises OSError if the disk refused something.
    """
    if _syncfs is None:
        return False
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _syncfs(descriptor) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    finally:
        os.close(descriptor)
    return True


_syncfs: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)


def _flush_each(paths: Iterable[str]) -> None:
    for path in paths:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # a folder that is empty and gone by now
            continue
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _mkdir(folder: Path, touched: set[Path]) -> None:
    if folder.is_dir():
        return
    _mkdir(folder.parent, touched)
    folder.mkdir()
    folder.chmod(FOLDER_MODE)
    touched.add(folder.parent)


def _unlink(target: str) -> None:
    if stat.S_ISDIR(os.lstat(target).st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder is in its place")
    Path(target).unlink()
