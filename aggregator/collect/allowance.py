"""How many large bodies may be in memory together, from their first mebibyte until nobody needs them.

A thread takes its place while it reads and gives it back when the document was digested, or at its
next fetch. So the memory of a pass does not depend on how many servers send too much at once.
"""

import threading
from collections.abc import Callable

LARGE_BYTES = 1024 * 1024
LARGE_BODIES = 5


class Allowance:
    """Shared by the threads of a fetcher; a thread has one place at most."""

    def __init__(self, places: int = LARGE_BODIES) -> None:
        self._places = threading.Semaphore(places)
        self._own = threading.local()

    def take(self, left: Callable[[], float]) -> None:
        """Wait for a place, `left()` seconds at most; what `left` raises then comes through."""
        while not getattr(self._own, "taken", False):
            self._own.taken = self._places.acquire(timeout=left())

    def give_back(self) -> None:
        """Give this thread's place back, if it has one."""
        if getattr(self._own, "taken", False):
            self._own.taken = False
            self._places.release()
