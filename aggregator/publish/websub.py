"""Telling a WebSub hub which feeds changed: what to send, and when to try again.

Rules of this file: pure; it plans, another room sends. WebSub leaves to each hub how it is told
(W3C Recommendation, section 6); all known ones take the form of PubSubHubbub 0.4 section 7,
`hub.mode=publish` with one `hub.url` for each topic, or at least with one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from aggregator.options import Site
from aggregator.publish.paths import FEED_FILES, address

CONTENT_TYPE = "application/x-www-form-urlencoded"
TOPICS = 100
"""Topics in one request; a body of some 20 kB, which every server takes."""
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)
ATTEMPTS = 8
"""After these the hub has heard nothing for some eighteen hours; the next change tells it again."""

_REFUSED = frozenset({400, 404, 405, 413, 414, 415, 422, 501})
"""Statuses that a hub may mean for the form of the request, so that one topic at a time may do."""


@dataclass(frozen=True, slots=True)
class Ping:
    """A change that the hub is yet to hear of."""

    topic: str
    due: datetime
    attempts: int = 0
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One POST to the hub, and the pings that it carries."""

    url: str
    body: bytes
    pings: tuple[Ping, ...]


def topics(changed: Iterable[str], site: Site) -> tuple[str, ...]:
    """The addresses of the live feeds among the `changed` paths; archives and pages are no topics."""
    names = frozenset(FEED_FILES.values())
    return tuple(sorted({address(site, path) for path in changed if path.rsplit("/", 1)[-1] in names}))


def merge(pending: Iterable[Ping], changed: Iterable[str], now: datetime) -> tuple[Ping, ...]:
    """The pings to remember once `changed` topics are added; a topic that changed again starts over."""
    pings = {ping.topic: ping for ping in pending}
    for topic in changed:
        pings[topic] = Ping(topic, now, alone=topic in pings and pings[topic].alone)
    return tuple(pings[topic] for topic in sorted(pings))


def requests(hub: str, pending: Iterable[Ping], now: datetime) -> tuple[Request, ...]:
    """What to send now, in as few requests as the hub takes."""
    due = [ping for ping in pending if ping.due <= now]
    together = [ping for ping in due if not ping.alone]
    groups = [together[start : start + TOPICS] for start in range(0, len(together), TOPICS)]
    groups += [[ping] for ping in due if ping.alone]
    return tuple(Request(hub, _body(group), tuple(group)) for group in groups)


def _body(pings: Sequence[Ping]) -> bytes:
    return urlencode([("hub.mode", "publish"), *(("hub.url", ping.topic) for ping in pings)]).encode()


def after(pending: Iterable[Ping], outcomes: Mapping[Request, int | None], now: datetime) -> tuple[Ping, ...]:
    """The pings that remain once requests ended with an HTTP status, or None if no answer came.

    Those that the hub took are done. Others come again after a pause that doubles; topics
    that were refused together come one by one at once. After `ATTEMPTS` a ping is given up.
    """
    pings = {ping.topic: ping for ping in pending}
    for request, status in outcomes.items():
        for ping in request.pings:
            if pings.get(ping.topic) != ping:
                continue  # it changed again meanwhile
            del pings[ping.topic]
            if status is not None and 200 <= status < 300:
                continue
            if status in _REFUSED and len(request.pings) > 1:
                pings[ping.topic] = replace(ping, due=now, alone=True)
            elif ping.attempts + 1 < ATTEMPTS:
                pings[ping.topic] = replace(ping, due=now + _delay(ping.attempts), attempts=ping.attempts + 1)
    return tuple(pings[topic] for topic in sorted(pings))


def _delay(attempts: int) -> timedelta:
    """1, 4, 16, 64 minutes and so on."""
    factor: int = 4**attempts
    return min(FIRST_DELAY * factor, LONGEST_DELAY)
