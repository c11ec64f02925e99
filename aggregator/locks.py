"""Who may work on a storage: one daemon, and one pass at a time.

The locks are advisory file locks (flock) beside the database, so a killed process leaves none
behind. The file holds the process id of the holder, for messages.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import Literal

from aggregator.errors import StoreError

Purpose = Literal["daemon", "pass"]


def database_file(storage_url: str) -> Path | None:
    """The file of an SQLite database; None for others."""
    prefix = "sqlite:///"
    return Path(storage_url.removeprefix(prefix)) if storage_url.startswith(prefix) else None


def lock_file(storage_url: str, purpose: Purpose) -> Path:
    """The lock's file: beside an SQLite database, else in the folder for temporary files."""
    if (file := database_file(storage_url)) is not None:
        return Path(f"{file}.{purpose}.lock")
    name = "".join(character if character.isalnum() else "-" for character in storage_url.rpartition("@")[2])
    return Path(gettempdir()) / f"aggregator-{name}.{purpose}.lock"


@contextmanager
def hold(
    storage_url: str,
    purpose: Purpose,
    *,
    patience: float = 0.0,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Hold a lock; wait for it at most `patience` seconds. Raises StoreError naming the holder."""
    file = lock_file(storage_url, purpose)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError(f"{file}: cannot be made: {error.strerror}; make its folder writable") from error
    try:
        waited = 0.0
        while not _try(handle):
            if waited >= patience:
                raise StoreError(_held(file, purpose))
            sleep(0.1)
            waited += 0.1
        with suppress(OSError):  # as on a full disk: it is for messages only
            os.truncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _try(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _held(file: Path, purpose: Purpose) -> str:
    holder = file.read_text(encoding="ascii", errors="replace").strip() or "unknown"
    what = "a daemon" if purpose == "daemon" else "a pass"
    return f"{what} (process {holder}) is at work on this storage; stop it, or wait until it is done"
