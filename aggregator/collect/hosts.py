"""Whose turn it is: few connections to one host at a time, and a pause between two.

`HostQueue` decides and never waits: the time comes in as an argument. `Turns` is the queue for threads.
"""

import heapq
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from math import inf
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import idna

from aggregator.collect.guard import literal
from aggregator.collect.schedule import address
from aggregator.model import SourceState
from aggregator.options import Source

_NOWHERE = ""
_REMEMBERED = 20_000
"""Hosts of which is known when they were last asked, at most."""


def host_of(url: str) -> str:
    """The host that an address names, in lower case and as it is looked up (IDNA); "" for none."""
    try:
        host = (urlsplit(url).hostname or _NOWHERE).rstrip(".").lower()
    except ValueError:
        return _NOWHERE
    if not host.isascii():
        with suppress(idna.IDNAError):
            return idna.encode(host, uts46=True).decode("ascii")
    return host


@lru_cache(maxsize=65536)
def site_of(host: str) -> str:
    """The registrable domain that a host belongs to (publicsuffix.org); an address is a site of its own."""
    if not host or literal(host, 0):
        return host
    return _suffixes().privatesuffix(host) or host


@cache
def _suffixes() -> Any:  # noqa: ANN401 - the library has no types
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


class Sites:
    """Which sources one site serves. The index is made when it is first asked for: most passes need none."""

    def __init__(self, sources: Iterable[Source], states: Mapping[str, SourceState] | None = None) -> None:
        self._sources = tuple(sources)
        self._states = states or {}
        self._index: dict[str, list[Source]] = {}

    def sharing(self, source: Source, url: str | None = None) -> tuple[Source, ...]:
        """The other sources of the site that serves this one, or of that of `url`, where it was led."""
        if not self._index:
            for one in self._sources:
                self._index.setdefault(self._site(one), []).append(one)
        site = self._site(source) if url is None else site_of(host_of(url))
        return tuple(other for other in self._index.get(site, ()) if site and other.name != source.name)

    def _site(self, source: Source) -> str:
        """Where it is asked: a source may have moved."""
        return site_of(host_of(address(source, self._states.get(source.name, SourceState()))))


@dataclass(slots=True)
class _Host:
    """What is known of one host: who waits for it, how many are there, when the last one came or left."""

    waiting: deque[Source] = field(default_factory=deque)
    running: int = 0
    last: float = -inf
    listed: bool = False

    def ready_at(self) -> float:
        return self.last + self.waiting[0].fetch.per_host_delay

    def has_room(self) -> bool:
        return bool(self.waiting) and self.running < self.waiting[0].fetch.per_host


class HostQueue:
    """Sources in turn, by the host that they are asked of. Times are seconds of any one clock.

    Each operation takes logarithmic time in the number of hosts. Local files wait for nothing. `lasts`
    is when each host was last asked, for a queue that comes after another and knows the same clock.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        states: Mapping[str, SourceState] | None = None,
        lasts: dict[str, float] | None = None,
    ) -> None:
        self._lasts = {} if lasts is None else lasts
        if len(self._lasts) > _REMEMBERED:
            for name in sorted(self._lasts, key=self._lasts.__getitem__)[:-_REMEMBERED]:
                del self._lasts[name]
        self._hosts: dict[str, _Host] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._files: deque[Source] = deque()
        self._places: dict[str, str] = {}
        self._running: dict[str, str] = {}
        self._count = 0
        self._serial = 0
        for source in sources:
            self._add(source, (states or {}).get(source.name, SourceState()))

    def _add(self, source: Source, state: SourceState) -> None:
        self._count += 1
        if source.url is None:
            self._files.append(source)
            return
        name = host_of(address(source, state))
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(last=self._lasts.get(name, -inf))
        host.waiting.append(source)
        self._places[source.name] = name
        self._list(name, host)

    def add(self, sources: Iterable[Source]) -> None:
        """Let these wait too."""
        for source in sources:
            self._add(source, SourceState())

    def __len__(self) -> int:
        """How many still wait."""
        return self._count

    def take(self, now: float) -> Source | None:
        """A source that may be asked now; it counts as running until `done`. None: see `wait`."""
        if self._files:
            self._count -= 1
            return self._files.popleft()
        while self._heap and self._heap[0][0] <= now:
            _, _, name = heapq.heappop(self._heap)
            host = self._hosts[name]
            host.listed = False
            if not host.has_room():
                continue
            if host.ready_at() > now:
                self._list(name, host)
                continue
            source = host.waiting.popleft()
            self._count -= 1
            host.running += 1
            host.last = self._lasts[name] = now
            self._running[source.name] = name
            self._list(name, host)
            return source
        return None

    def wait(self, now: float) -> float:
        """Seconds until `take` may give a source; infinite when only a `done` can change that."""
        if self._files:
            return 0.0
        return max(0.0, self._heap[0][0] - now) if self._heap else inf

    @property
    def running(self) -> int:
        """How many sources were taken and are not done."""
        return len(self._running)

    def done(self, source: Source, now: float) -> None:
        """Note that a source's exchange is over. A second time does nothing."""
        name = self._running.pop(source.name, None)
        if name is not None:
            host = self._hosts[name]
            host.running -= 1
            host.last = self._lasts[name] = now
            self._list(name, host)

    def drop(self, sources: Iterable[Source]) -> list[Source]:
        """Take these out of the queue; returns those of them that waited."""
        by_host: dict[str, set[str]] = {}
        for source in sources:
            if (name := self._places.get(source.name)) is not None:
                by_host.setdefault(name, set()).add(source.name)
        dropped: list[Source] = []
        for name, unwanted in by_host.items():
            host = self._hosts[name]
            dropped += (source for source in host.waiting if source.name in unwanted)
            host.waiting = deque(source for source in host.waiting if source.name not in unwanted)
        self._count -= len(dropped)
        return dropped

    def _list(self, name: str, host: _Host) -> None:
        """Put a host that has room into the heap, once, at the moment when its next source may go."""
        if not host.listed and host.has_room():
            host.listed = True
            self._serial += 1
            heapq.heappush(self._heap, (host.ready_at(), self._serial, name))


class Turns:
    """A `HostQueue` that threads share: `take` waits until there is something to do.

    `ended` counts the exchanges that are over.
    """

    def __init__(self, queue: HostQueue, clock: Callable[[], float] = monotonic) -> None:
        self._queue = queue
        self._clock = clock
        self._change = threading.Condition()
        self._stopped = False
        self.ended = 0

    def take(self) -> Source | None:
        """The next source, as soon as it may be asked; None when none is left or after `stop`."""
        with self._change:
            while len(self._queue) and not self._stopped:
                now = self._clock()
                source = self._queue.take(now)
                if source is not None:
                    return source
                seconds = self._queue.wait(now)
                self._change.wait(None if seconds == inf else seconds)
            return None

    @property
    def running(self) -> int:
        """How many exchanges are in hand."""
        with self._change:
            return self._queue.running

    def done(self, source: Source) -> None:
        """Note that a source's exchange is over, however it went."""
        with self._change:
            self._queue.done(source, self._clock())
            self.ended += 1
            self._change.notify_all()

    def drop(self, sources: Iterable[Source]) -> list[Source]:
        """Take these out; returns those that waited and will not be asked in this pass."""
        with self._change:
            dropped = self._queue.drop(sources)
            self._change.notify_all()
            return dropped

    def add(self, sources: Iterable[Source]) -> None:
        """Let these wait too, behind what went before them to the same hosts."""
        with self._change:
            self._queue.add(sources)
            self._change.notify_all()

    def stop(self) -> None:
        """Give out no more."""
        with self._change:
            self._stopped = True
            self._change.notify_all()
