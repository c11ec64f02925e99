"""Values that wait on disk until they are needed, so that they take no memory meanwhile.

The file has no name: it is gone with the process, however that ends. Where there is no room for it, values
stay in memory.
"""

import os
import pickle
import tempfile
from collections.abc import Callable
from functools import partial
from typing import IO, Generic, TypeVar, cast

T = TypeVar("T")

ON_DISK = "/var/tmp"  # noqa: S108 - a folder; the file is opened without a name
"""Where files may be large: `/tmp` is memory on many systems (file-hierarchy(7))."""


class Shelf(Generic[T]):
    """For one thread. Close it in the end."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None

    def put(self, value: T) -> Callable[[], T]:
        """Put a picklable value away; what is returned brings an equal one, as often as it is called."""
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(buffering=0, dir=_folder())  # noqa: SIM115 - see close
            place = self._file.seek(0, os.SEEK_END)
            if self._file.write(data) < len(data):
                return lambda: value
        except OSError:
            return lambda: value
        return partial(self._bring, place, len(data))

    def close(self) -> None:
        """Nothing can be brought any more."""
        if self._file is not None:
            self._file.close()

    def _bring(self, place: int, size: int) -> T:
        assert self._file is not None, "it was put there"
        return cast("T", pickle.loads(os.pread(self._file.fileno(), size, place)))  # noqa: S301 - our own


def _folder() -> str | None:
    """Where the file goes; None for where the environment, or the system, has such files."""
    return ON_DISK if "TMPDIR" not in os.environ and os.access(ON_DISK, os.W_OK) else None
