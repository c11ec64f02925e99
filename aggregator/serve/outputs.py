"""What lies in the outputs folder, as HTTP hands it out: bytes, media type, validators.

Rules of this file: only regular files inside the folder, reached without a link or a hidden name; nothing
is listed. A request path is taken as the server decoded it, once.
"""

import gzip
import hashlib
import os
import stat
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INDEX = "index.html"
CACHE_BYTES = 64 * 1024 * 1024
"""Of file contents and their compressed forms; feeds are asked for again and again."""
TURNS = 64
MIN_GZIP = 500
"""Bytes below which compressing gains nothing."""

# By file name where that says more than the ending. JSON is UTF-8 by definition (RFC 8259 8.1).
_NAMES: Mapping[str, str] = {
    "atom.xml": "application/atom+xml; charset=utf-8",
    "rss.xml": "application/rss+xml; charset=utf-8",
    "feed.json": "application/feed+json",
    "opml.xml": "text/x-opml; charset=utf-8",
    "sources.opml": "text/x-opml; charset=utf-8",
}
_ENDINGS: Mapping[str, str] = {
    ".atom": "application/atom+xml; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
UNKNOWN = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a file, their media type, when they were written, and their digest."""

    data: bytes
    type: str
    modified: float
    etag: str


@dataclass(slots=True)
class _Kept:
    stamp: tuple[int, int, int]
    body: Body
    packed: bytes | None = None

    @property
    def size(self) -> int:
        return len(self.body.data) + len(self.packed or b"")


@dataclass(slots=True)
class Outputs:
    """The outputs folder, with the contents asked for lately kept in memory. For many threads."""

    directory: Path
    limit: int = CACHE_BYTES
    _kept: OrderedDict[str, _Kept] = field(default_factory=OrderedDict)
    _size: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # One thread reads and compresses what several were asked for, the others wait for it.
    _turns: tuple[threading.Lock, ...] = field(
        default_factory=lambda: tuple(threading.Lock() for _ in range(TURNS))
    )

    def find(self, path: str) -> str | None:
        """The file that a request path names: relative to the folder, posix; None if there is none to show.

        A path that ends with a slash names the index page of a folder.
        """
        parts = path.removeprefix("/").split("/")
        if parts[-1] == "":
            parts[-1] = INDEX
        if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
            return None
        return "/".join(parts) if self._stamp("/".join(parts)) else None

    def load(self, path: str) -> Body | None:
        """The file at `path`, which `find` gave; None if it is gone by now."""
        with self._turn(path):
            kept = self._load(path)
        return kept.body if kept else None

    def packed(self, path: str, body: Body) -> bytes | None:
        """`body` compressed by gzip, or None where that gains nothing."""
        if body.type == UNKNOWN or len(body.data) < MIN_GZIP:
            return None
        with self._turn(path):
            return self._pack(path, body)

    def _turn(self, path: str) -> threading.Lock:
        return self._turns[hash(path) % TURNS]

    def _pack(self, path: str, body: Body) -> bytes:
        with self._lock:
            kept = self._kept.get(path)
            if kept and kept.body is body and kept.packed is not None:
                return kept.packed
        # The same bytes always give the same: mtime=0 keeps the clock out.
        packed = gzip.compress(body.data, 6, mtime=0)
        with self._lock:
            kept = self._kept.get(path)
            if kept and kept.body is body and kept.packed is None:
                kept.packed = packed
                self._size += len(packed)
                self._trim()
        return packed

    def _stamp(self, path: str) -> tuple[int, int, int] | None:
        """What changes when the file does; None if it is no regular file or a link leads to it."""
        real = os.path.realpath(self.directory)
        try:
            if os.path.realpath(f"{real}/{path}") != f"{real}/{path}":
                return None
            found = os.lstat(f"{real}/{path}")
        except (OSError, ValueError):
            return None
        return (found.st_ino, found.st_mtime_ns, found.st_size) if stat.S_ISREG(found.st_mode) else None

    def _load(self, path: str) -> _Kept | None:
        stamp = self._stamp(path)
        if stamp is None:
            return None
        with self._lock:
            kept = self._kept.get(path)
            if kept and kept.stamp == stamp:
                self._kept.move_to_end(path)
                return kept
        try:
            data = (self.directory / path).read_bytes()
        except OSError:
            return None
        etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
        fresh = _Kept(stamp, Body(data, media_type(path), stamp[1] / 1e9, etag))
        with self._lock:
            if old := self._kept.pop(path, None):
                self._size -= old.size
            self._kept[path] = fresh
            self._size += fresh.size
            self._trim()
        return fresh

    def _trim(self) -> None:
        while self._size > self.limit and self._kept:
            _, oldest = self._kept.popitem(last=False)
            self._size -= oldest.size


def media_type(path: str) -> str:
    """The media type of an output, with its charset where the type has one."""
    name = path.rsplit("/", 1)[-1]
    return _NAMES.get(name) or _ENDINGS.get(Path(name).suffix.lower(), UNKNOWN)
