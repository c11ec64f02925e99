"""Telling the hub what changed: pings are kept in the store until the hub has taken them.

    feeds are about to be written ─► doubtful ─► written ─► pending ─► POST ─► taken, or later again

What was doubtful when a run was killed counts as changed: a ping too many does no harm.
"""

import json
import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aggregator.collect.ping import post
from aggregator.config import Settings
from aggregator.errors import FetchError
from aggregator.options import redact
from aggregator.publish.websub import CONTENT_TYPE, Ping, Request, after, merge, requests
from aggregator.store import Store

PENDING = "pings"
DOUBTFUL = "pings.doubtful"
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
SOON_AFTER = datetime(1970, 1, 2, tzinfo=UTC)
"""A change is due from the start; the clock counts only once a ping has failed."""
PATIENCE = 6.0
"""Seconds for a hub to answer, so that a daemon can stop in time."""

log = logging.getLogger(__name__)


def expect(store: Store, topics: Collection[str]) -> None:
    """These feeds are about to be written."""
    store.set_meta(DOUBTFUL, json.dumps(sorted(topics)))


def settle(store: Store, changed: Collection[str] | None = None) -> None:
    """These of the expected feeds changed; all of them if it is not known which did."""
    with store.together():
        doubtful: list[str] = json.loads(store.get_meta(DOUBTFUL) or "[]")
        if doubtful:
            waiting = pending(store)
            # Later than all that wait, so that a ping on its way is not taken for one of this change.
            latest = max((ping.due for ping in waiting if ping.due < SOON_AFTER), default=LONG_AGO)
            due = latest + timedelta(seconds=1)
            _save(store, merge(waiting, doubtful if changed is None else changed, due))
            store.set_meta(DOUBTFUL, "[]")


def pending(store: Store) -> tuple[Ping, ...]:
    """What the hub is yet to hear of."""
    return tuple(map(_ping, json.loads(store.get_meta(PENDING) or "[]")))


def send(
    settings: Settings,
    store: Store,
    clock: Callable[[], datetime],
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Send what is due, in as few requests as the hub takes; how many topics it took.

    Never raises for a hub that fails: its pings stay, and are tried again later.
    """
    hub = settings.site.hub
    waiting = pending(store)
    if not hub:
        if waiting:
            store.set_meta(PENDING, "[]")
        return 0
    planned = requests(hub, waiting, clock())
    outcomes = {request: _send(request, settings) for request in planned if not stop()}
    if not outcomes:
        return 0
    with store.together():
        _save(store, after(pending(store), outcomes, clock()))
    return sum(
        len(request.pings)
        for request, status in outcomes.items()
        if status is not None and 200 <= status < 300
    )


def _send(request: Request, settings: Settings) -> int | None:
    """The status of the hub's answer; None if none came."""
    try:
        policy = replace(settings.fetch, timeout=min(settings.fetch.timeout, PATIENCE))
        status = post(request.url, request.body, CONTENT_TYPE, policy)
    except FetchError as error:
        log.warning("the hub was not told of %d feeds: %s", len(request.pings), error)
        return None
    if not 200 <= status < 300:
        log.warning("the hub %s answered %d; it is told again later", redact(request.url), status)
    return status


def _save(store: Store, pings: Collection[Ping]) -> None:
    rows = [[ping.topic, ping.due.timestamp(), ping.attempts, ping.alone] for ping in pings]
    store.set_meta(PENDING, json.dumps(rows))


def _ping(row: list[Any]) -> Ping:
    topic, due, attempts, alone = row
    return Ping(topic, datetime.fromtimestamp(due, UTC), attempts, alone)
