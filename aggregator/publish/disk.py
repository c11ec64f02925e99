"""What is asked of the file system: new files, folders, and waiting until the disk has them.

Rules of this file: no rule about what is written where; paths are text, as Path costs more.
"""

import ctypes
import os
import stat
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

FILE_MODE = 0o644
FOLDER_MODE = 0o755
WORKERS = 16
"""Flushes that wait for the disk at once."""
MANY = 32
"""From so many files on, the file system is flushed as a whole, in a tenth of the time."""


Stamp = tuple[int, int, int]
"""What tells that a file is still the same: inode, bytes, and when it changed, in nanoseconds."""


def stamp(found: os.stat_result) -> Stamp:
    """The stamp of a file as the system describes it."""
    return found.st_ino, found.st_size, found.st_ctime_ns


def read_stamped(path: str) -> tuple[bytes, Stamp]:
    """The bytes of a file and its stamp as of before they were read. Raises OSError."""
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - text costs less than Path
        before = stamp(os.fstat(file.fileno()))
        return file.read(), before


def read(path: str) -> bytes:
    """The bytes of a file. Raises OSError."""
    return read_stamped(path)[0]


def write_new(path: str, data: bytes) -> None:
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


def flush(folder: str, paths: Iterable[str]) -> None:
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
    list(_waiting().map(_flush_each, shares))


@lru_cache(maxsize=1)
def _waiting() -> ThreadPoolExecutor:
    """The threads that wait for the disk; started when they are needed, and kept."""
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="flush")


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


def make_folder(folder: str, touched: set[str]) -> None:
    """Makes a folder and those above it; `touched` are those in which one was made. Raises OSError."""
    if os.path.isdir(folder):  # noqa: PTH112 - text costs less than Path
        return
    above = os.path.dirname(folder)  # noqa: PTH120
    make_folder(above, touched)
    Path(folder).mkdir(exist_ok=True)  # another process may be quicker
    Path(folder).chmod(FOLDER_MODE)
    touched.add(above)
