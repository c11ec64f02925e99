"""What was told lately: the daemon looks at some things every few seconds, and says the same once an hour."""

import time
from collections.abc import Callable

AGAIN = 3600.0
"""Seconds after which what has not changed is told again."""
_MANY = 1000


class Repeats:
    """Remembers what was last told of each subject; `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told: dict[object, tuple[object, float]] = {}
        self._room = _MANY

    def is_news(self, subject: object, state: object = None) -> bool:
        """Whether to tell this: another state of the subject than was told, or the same after an hour."""
        now = self._monotonic()
        known = self._told.get(subject)
        if known is not None and known[0] == state and now - known[1] < AGAIN:
            return False
        if len(self._told) >= self._room:
            self._told = {one: told for one, told in self._told.items() if now - told[1] < AGAIN}
            self._room = max(_MANY, 2 * len(self._told))
        self._told[subject] = (state, now)
        return True
