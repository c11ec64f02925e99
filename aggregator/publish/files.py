"""Puts files into the outputs folder, whole or not at all.

    stage: what differs from the disk goes into temporaries beside the files ──┐ any process
    settle ◄─ record ◄─ place: temporaries flushed, renamed, folders flushed ◄─┘

Only after that do the files count as published. A reader sees the old file or the new one, and a
pass that is killed leaves at most temporaries, which the next sweeps away. Unchanged files keep
their mtime, so that static hosts answer 304.
"""

import errno
import hashlib
import itertools
import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from types import MappingProxyType

from aggregator.errors import PublishError
from aggregator.publish.disk import FOLDER_MODE, Stamp, flush, make_folder, read, stamp, write_new

_MARKER = ".aggregator-writing"
_NEXT_MARKER = f"{_MARKER}.tmp"
_numbers = itertools.count(1)
_TEMPORARY = re.compile(r"\.aggregator-[0-9]+-[0-9]+\.tmp")
_ODD = re.compile("[\0\\\\\ud800-\udfff]")
# After these nothing else can be written either.
_FILES = frozenset({errno.EMFILE, errno.ENFILE})
_HOPELESS = _FILES | {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}


@dataclass(frozen=True, slots=True)
class Written:
    """What a batch came to.

    changed  the paths replaced or removed
    failed   the paths that could not be, each with a sentence that says why
    kept     the paths left alone because the file there is not ours, or was edited since we wrote it
    """

    changed: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Staged:
    """Files that lie whole beside their places.

    files    path, temporary and SHA-256 of each
    folders  those in which folders were made
    failed, kept  as in `Written`
    """

    files: tuple[tuple[str, str, bytes], ...] = ()
    folders: frozenset[str] = frozenset()
    failed: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()


UNSEEN: Mapping[str, Stamp] = MappingProxyType({})


class Output:
    """The outputs folder. Paths are posix and relative to it; nothing outside it is ever touched.

    Not for several threads at once. Other processes may `stage` for one that does all the rest, with
    its `leftovers`: the notes of a killed run.
    """

    def __init__(self, directory: Path, leftovers: frozenset[str] | None = None) -> None:
        self.directory = directory
        self.leftovers = leftovers or frozenset()
        self._helps = self._swept = leftovers is not None
        self._shared = self._doubtful = False
        self._intact = UNSEEN
        self._unrecorded: set[str] = set()
        self._links: dict[str, str | None] = {}  # by folder, for one batch
        self._base = str(directory)  # what is done for every file is done with text: Path costs more

    def stage(
        self,
        files: Mapping[str, bytes],
        ours: Mapping[str, bytes] | None = None,
        intact: Mapping[str, Stamp] = UNSEEN,
    ) -> Staged:
        """The first half of bringing `files` on disk, in any process.

        Those whose bytes are there already stay as they are. A path that cannot be written (outside
        the folder, a symbolic link or a folder in the way) costs only itself. With `ours`, the SHA-256
        of what was last written by path, any other file in the way is kept; `intact` are the stamps of
        files that were found to be ours, so that they are not read again.
        Raises PublishError when the disk is full or refuses all writes; the old files are whole then.
        """
        self._sweep()
        self._links.clear()
        self._intact = intact
        failed: dict[str, str] = {}
        kept: list[str] = []
        wanted = {path: data for path, data in files.items() if self._differs(path, data, ours, kept, failed)}
        with _whole_disk(self.directory):
            if wanted and not self._helps:
                self._mark()
            folders = self._make_folders(wanted, failed)
            staged = self._stage({path: data for path, data in wanted.items() if path not in failed}, failed)
        return Staged(tuple(staged), frozenset(folders), failed, tuple(kept))

    def place(self, staged: Staged) -> Written:
        """The second half: when this returns, what is in `changed` has reached the disk.

        It counts as ours until `settle`, even after a kill. Raises PublishError as `stage` does.
        """
        failed = dict(staged.failed)
        if not staged.files:
            return Written((), failed, staged.kept)
        with _whole_disk(self.directory), self._unless_placed(staged):
            self._unrecorded |= {_note(path, digest) for path, _, digest in staged.files}
            self._mark()
            flush(self._base, [temporary for _, temporary, _ in staged.files])
            changed = self._rename(staged, failed)
            flush(self._base, {*staged.folders, *(_folder(self._place(path)) for path in changed)})
        return Written(tuple(changed), failed, staged.kept)

    def discard(self, staged: Staged) -> None:
        """Removes files that are not to be placed after all."""
        for _, temporary, _ in staged.files:
            Path(temporary).unlink(missing_ok=True)

    def share(self) -> None:
        """Other processes stage files from now on: until `finish` there may be temporaries at any time."""
        self._sweep()
        with _whole_disk(self.directory):
            self._mark()
        self._shared = True

    def doubt(self) -> None:
        """A process that staged files died: what it left is looked for when all is done."""
        self._doubtful = True

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
            flush(self._base, {str(self._prune(folder)) for folder in folders})
        return Written(tuple(changed), failed, tuple(kept))

    def settle(self) -> None:
        """Says that what the last batch wrote is recorded elsewhere by now."""
        self._unrecorded.clear()
        with _whole_disk(self.directory):
            if self._shared or self._doubtful:
                self._mark()
            else:
                (self.directory / _MARKER).unlink(missing_ok=True)

    def finish(self) -> None:
        """Says that everything is recorded, and nobody stages files any more."""
        if not self._swept:
            return  # nothing was written, and what a killed run left is for who writes next
        if self._doubtful:
            with _whole_disk(self.directory):
                self._remove_temporaries()
        self.leftovers, self._shared, self._doubtful = frozenset(), False, False
        self.settle()

    def _sweep(self) -> None:
        """Removes the temporary files that a killed run left; once is enough.

        The folders are walked only if that run said that it was writing. What its last batch
        wrote, and nobody may have recorded, counts as ours until `finish`.
        """
        marker = self.directory / _MARKER
        with _whole_disk(self.directory):
            if not self._swept and marker.exists():
                self._doubtful = True  # helpers of that run may be at work still
                self.leftovers |= {*filter(None, marker.read_text("utf-8", "replace").split("\n"))}
                self._remove_temporaries()
        self._swept = True

    def _remove_temporaries(self) -> None:
        for folder, _, names in os.walk(self.directory):
            for name in filter(_TEMPORARY.fullmatch, names):
                Path(folder, name).unlink(missing_ok=True)

    def _mark(self) -> None:
        """Notes on disk that files are being written, and which of them nobody may have recorded."""
        if not self.directory.is_dir():
            self.directory.mkdir(parents=True)
            self.directory.chmod(FOLDER_MODE)  # whatever the umask
        notes = "\n".join(sorted(self._unrecorded | self.leftovers))
        # By a replace: on a full disk, what was noted before has to stay.
        (self.directory / _NEXT_MARKER).write_text(notes, "utf-8")
        (self.directory / _NEXT_MARKER).replace(self.directory / _MARKER)

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

    def _link_above(self, parts: Sequence[str]) -> str | None:
        """The first of nested folders that is a symbolic link."""
        folders = accumulate(parts, "{}/{}".format, initial=self._base)
        return next((folder for folder in islice(folders, 1, None) if os.path.islink(folder)), None)  # noqa: PTH114

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
        try:
            found = os.lstat(target)
            if stat.S_ISLNK(found.st_mode):
                return True
            if self._intact.get(path) == stamp(found):
                return False
            digest = _digest(read(target))
        except OSError:
            return False
        return ours.get(path) != digest and _note(path, digest) not in self.leftovers

    def _make_folders(self, files: Mapping[str, bytes], failed: dict[str, str]) -> set[str]:
        """Makes the folders that the files need; the parents whose listing this changed."""
        touched: set[str] = set()
        done: set[str] = set()
        for path in files:
            folder = _folder(self._place(path))
            if folder not in done and _attempt(path, failed, partial(make_folder, folder, touched)):
                done.add(folder)
        return touched

    def _stage(self, files: Mapping[str, bytes], failed: dict[str, str]) -> list[tuple[str, str, bytes]]:
        """Writes a temporary beside each file. A full disk raises OSError and leaves none."""
        staged: list[tuple[str, str, bytes]] = []
        start = f".aggregator-{os.getpid()}-"
        try:
            # In the order of the paths, as file systems are quickest folder by folder.
            for path, data in sorted(files.items()):
                temporary = f"{_folder(self._place(path))}/{start}{next(_numbers)}.tmp"
                if _attempt(path, failed, partial(write_new, temporary, data)):
                    staged.append((path, temporary, _digest(data)))
        except OSError:
            self.discard(Staged(tuple(staged)))
            raise
        return staged

    @contextmanager
    def _unless_placed(self, staged: Staged) -> Iterator[None]:
        """Leaves no temporary if the disk refuses."""
        try:
            yield
        except OSError:
            self.discard(staged)
            raise

    def _rename(self, staged: Staged, failed: dict[str, str]) -> list[str]:
        changed = []
        for path, temporary, _ in staged.files:
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
        advice = "make room" if error.errno in _HOPELESS else "check its permissions"
        advice = "let the program open more files (ulimit -n)" if error.errno in _FILES else advice
        whole = "; the old files are whole" if error.errno in _HOPELESS else ""
        raise PublishError(f"{directory}: {error.strerror or error}; {advice}{whole}") from error


def _holds(target: str, found: os.stat_result, data: bytes) -> bool:
    """Whether a regular file at `target` has these bytes already."""
    if not stat.S_ISREG(found.st_mode) or found.st_size != len(data):
        return False
    try:
        return read(target) == data
    except OSError:
        return False


def _folder(place: str) -> str:
    return place.rpartition("/")[0]


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


def _unlink(target: str) -> None:
    if stat.S_ISDIR(os.lstat(target).st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder is in its place")
    Path(target).unlink()
