"""Who may work on a storage: one daemon, and one pass at a time.

The locks are advisory, and a killed process leaves none behind: file locks (flock) beside an SQLite
database by its real name, else locks of a session with the server, for all machines. Messages name the
holder.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal, Protocol

from aggregator.errors import StoreError

Purpose = Literal["daemon", "pass"]

_KEYS: dict[Purpose, int] = {"daemon": 1, "pass": 2}


def database_file(storage_url: str) -> Path | None:
    """The file of an SQLite database; None for others."""
    prefix = "sqlite:///"
    return Path(storage_url.removeprefix(prefix)) if storage_url.startswith(prefix) else None


class Lock(Protocol):
    """A lock of one kind or the other."""

    def take(self) -> bool:
        """Whether it is held from now on."""

    def holder(self) -> str:
        """The process that holds it; empty if that is not known."""

    def close(self) -> None:
        """Give it back."""


@contextmanager
def hold(
    storage_url: str,
    purpose: Purpose,
    *,
    patience: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold a lock; wait for it at most `patience` seconds. Raises StoreError naming the holder."""
    with closing(_lock(storage_url, purpose)) as lock:
        waited = 0.0
        while not lock.take():
            if waited >= patience:
                what = "a daemon" if purpose == "daemon" else "a pass"
                holder = lock.holder() or "unknown"
                raise StoreError(
                    f"{what} (process {holder}) is at work on this storage; stop it, or wait until it is done"
                )
            sleep(0.1)
            waited += 0.1
        yield


def _lock(storage_url: str, purpose: Purpose) -> Lock:
    if (file := database_file(storage_url)) is not None:
        return FileLock(Path(f"{os.path.realpath(file)}.{purpose}.lock"))
    from aggregator.store.sessions import SessionLock

    return SessionLock(storage_url, _KEYS[purpose])


class FileLock:
    """A lock on a file, which holds the process id of the holder."""

    def __init__(self, file: Path) -> None:
        """Make the file if it is not there. Raises StoreError."""
        self._file = file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreError(f"{file}: cannot be made: {error.strerror}; make its folder writable") from error

    def take(self) -> bool:
        """Whether it is held from now on."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        with suppress(OSError):  # as on a full disk: it is for messages only
            os.truncate(self._handle, 0)
            os.pwrite(self._handle, str(os.getpid()).encode(), 0)
        return True

    def holder(self) -> str:
        """The process that holds it; empty if that is not known."""
        return self._file.read_text(encoding="ascii", errors="replace").strip()

    def close(self) -> None:
        """Give it back."""
        os.close(self._handle)
