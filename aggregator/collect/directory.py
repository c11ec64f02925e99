"""Seed directories: which files there are, and the bytes of those that changed.

Rules of this file: no file but regular ones is ever opened, an unchanged file is not opened at all,
and what cannot be read costs only itself.

Real folders come first, links to folders after them: so a file that is seen both ways has its real
path, and a new link renames nothing.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import FetchError
from aggregator.model import FileStamp

MAX_BYTES = 10 * 1024 * 1024
"""Larger files are not read."""

SUFFIXES = (".md", ".markdown", ".txt")
"""The names that count as seed files, in any case."""

# Folders of version control hold no articles, but names that end like them.
_SKIPPED_FOLDERS = frozenset({".git", ".hg", ".svn"})
_NO_STAMP = FileStamp(0, 0)
_LATEST = 2**63 - 1
"""Nanoseconds that a database takes, up to the year 2262; file systems take later (and earlier) dates."""
# A named pipe with a tempting name must not hold up the pass, nor a terminal become ours.
_OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class SeedFile:
    """A file that is new or changed, or cannot be read.

    `path` is relative to the seed directory, with `/` between its parts. `data` is None where
    `problem` says, in words that follow the path, why there is none.
    """

    path: str
    stamp: FileStamp
    data: bytes | None
    problem: str | None


class Scan:
    """The seed files under `root` that differ from `known`, which is by relative path: iterate it once.

    `present` holds the paths of all seed files that were met so far, changed or not. A folder `but` within
    `root` is passed over: what is written of articles is no news of them.
    """

    def __init__(
        self,
        root: Path,
        known: Mapping[str, FileStamp],
        *,
        but: Path | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.present: set[str] = set()
        self._root = root
        self._but = but
        self._known = known
        self._max_bytes = max_bytes
        self._visited: set[tuple[int, int]] = set()
        self._links: list[tuple[str, str]] = []

    def __iter__(self) -> Iterator[SeedFile]:
        """Every changed file in a fixed order; FetchError if the directory itself is none."""
        try:
            is_folder = stat.S_ISDIR(self._root.stat().st_mode)
        except OSError as error:
            reason = _reason(error)
            raise FetchError(
                f"the seed directory {self._root} cannot be read: {reason}; create it or correct its path"
            ) from error
        if not is_folder:
            raise FetchError(f"{self._root} is no folder; the `path` of a [[seeds]] table names one")
        if self._but is not None:
            with suppress(OSError):  # where there is none, there is nothing to pass over
                if not self._but.samefile(self._root):
                    about = self._but.stat()
                    self._visited.add((about.st_dev, about.st_ino))
        yield from self._walk("", os.fspath(self._root))
        while self._links:
            self._links.sort(reverse=True)
            yield from self._walk(*self._links.pop())

    def _walk(self, relative: str, path: str) -> Iterator[SeedFile]:
        """The files of a folder and of the real folders in it, unless they were visited before."""
        pending = [(relative, path)]
        while pending:
            relative, path = pending.pop()
            try:
                entries = self._list(path)
            except OSError as error:
                yield _unread(_readable(relative) or ".", f"cannot be listed: {_reason(error)}")
                continue
            folders: list[tuple[str, str]] = []
            for entry in entries:
                name = f"{relative}/{entry.name}" if relative else entry.name
                if _is_folder(entry):
                    (self._links if entry.is_symlink() else folders).append((name, entry.path))
                elif entry.name.lower().endswith(SUFFIXES) and (found := self._file(entry, _readable(name))):
                    yield found
            pending.extend(reversed(folders))

    def _list(self, path: str) -> list[os.DirEntry[str]]:
        """What lies in a folder, by name; nothing if it was visited before. OSError passes."""
        with os.scandir(path) as listing:
            about = Path(path).stat()
            if (about.st_dev, about.st_ino) in self._visited:
                return []
            self._visited.add((about.st_dev, about.st_ino))
            return sorted(listing, key=lambda entry: entry.name)

    def _file(self, entry: os.DirEntry[str], name: str) -> SeedFile | None:
        """The file, if it is new or changed; None for what is unchanged, gone or no regular file."""
        try:
            about = entry.stat()
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not entry.is_symlink():
                return None
            return _unread(name, f"is a link that leads nowhere ({_reason(error)}); remove or mend it")
        if not stat.S_ISREG(about.st_mode):
            return None
        self.present.add(name)
        stamp = _stamp(about)
        return None if self._known.get(name) == stamp else self._read(entry.path, name, stamp)

    def _read(self, path: str, name: str, stamp: FileStamp) -> SeedFile | None:
        """The bytes, with a stamp from before they were read: a write meanwhile shows next time."""
        if stamp.size > self._max_bytes:
            return _unread(name, _too_large(stamp.size, self._max_bytes), stamp)
        try:
            with os.fdopen(os.open(path, _OPEN_FLAGS), "rb") as file:
                about = os.fstat(file.fileno())
                data = file.read(self._max_bytes + 1) if stat.S_ISREG(about.st_mode) else None
        except FileNotFoundError:
            self.present.discard(name)
            return None
        except OSError as error:
            return _unread(name, f"cannot be read: {_reason(error)}", stamp)
        if data is None:
            return None
        if len(data) > self._max_bytes:
            return _unread(name, _too_large(len(data), self._max_bytes), stamp)
        return SeedFile(name, _stamp(about), data, None)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir() and entry.name not in _SKIPPED_FOLDERS
    except OSError:  # a link that leads in a circle
        return False


def _stamp(about: os.stat_result) -> FileStamp:
    return FileStamp(max(-_LATEST, min(_LATEST, about.st_mtime_ns)), about.st_size, about.st_ino)


def _unread(name: str, problem: str, stamp: FileStamp = _NO_STAMP) -> SeedFile:
    return SeedFile(name, stamp, None, problem)


def _readable(path: str) -> str:
    r"""`path` with bytes that are no UTF-8 as `\xNN`, so that it can be stored and printed."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _too_large(size: int, limit: int) -> str:
    return (
        f"has {size / 1048576:.1f} MB, and files of more than {limit / 1048576:g} MB are not read; split it"
    )


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
