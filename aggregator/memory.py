"""Gives memory back to the system.

glibc raises the size from which it maps buffers on their own as soon as one is freed, up to 32 MiB;
from then on the bodies of documents fragment the heaps of all threads, and a pass that met a
few large ones stays large. A fixed threshold keeps them apart (mallopt(3)).
"""

import ctypes
from contextlib import suppress

_M_MMAP_THRESHOLD = -3
_THRESHOLD = 256 * 1024


def keep_small() -> None:
    """Fix the threshold for this process. Elsewhere than with glibc, nothing happens."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _THRESHOLD)
