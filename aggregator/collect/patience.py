"""How long to wait for a connection, given how the last ones went.

A host that does not answer costs `CONNECT_SECONDS`. When nothing at all answers, it is our own network
that is down, and a pass over thousands of sources must not wait for each: from the first failure on, all
of them together may use `OUTAGE_SECONDS`, the last of these in short tries; then they fail at once. The
first connection that succeeds ends the outage.
"""

import threading
from collections.abc import Callable
from time import monotonic

CONNECT_SECONDS = 10.0
OUTAGE_SECONDS = 14.0
_SHORT_TRIES_AFTER = 11.0
_SHORT = 0.5
_SLOW = 0.4  # a refusal takes no time and says nothing about our network
_FORGOTTEN_AFTER = 60.0
_HOSTS_OF_AN_OUTAGE = 5


class Patience:
    """Shared by all threads of a fetcher."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._last = 0.0
        self._missed: set[str] = set()

    def seconds(self) -> float:
        """How long the next connection may take; 0 when it is not to be tried."""
        now = self._clock()
        with self._lock:
            if self._since is not None and now - self._last > _FORGOTTEN_AFTER:
                self._since = None
            if self._since is None:
                return CONNECT_SECONDS
            elapsed = now - self._since
        if elapsed >= OUTAGE_SECONDS:
            return 0.0
        return max(_SHORT, min(CONNECT_SECONDS, _SHORT_TRIES_AFTER - elapsed))

    def succeeded(self) -> None:
        """Note that a connection was made."""
        with self._lock:
            self._since = None
            self._missed.clear()

    def failed(self, host: str, begun: float) -> bool:
        """Note a failure of a try that began at `begun` (of the same clock).

        Returns whether so many hosts failed, with no success between, that the fault must be ours.
        """
        now = self._clock()
        with self._lock:
            if len(self._missed) < _HOSTS_OF_AN_OUTAGE:
                self._missed.add(host)
            offline = len(self._missed) >= _HOSTS_OF_AN_OUTAGE
            if now - begun < _SLOW:
                return offline
            if self._since is None or now - self._last > _FORGOTTEN_AFTER:
                self._since = begun
            self._last = now
            return offline

    def now(self) -> float:
        """The clock's time, for `failed`."""
        return self._clock()
