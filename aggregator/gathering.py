"""One feed from its server to what is ready to be stored: fetch, then parse and refine if it changed.

For many threads at once; nothing here writes.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator import tasks
from aggregator.collect import schedule
from aggregator.collect.http import HttpFetcher
from aggregator.collect.local import read_feed_file
from aggregator.digested import Digested
from aggregator.errors import SourceError
from aggregator.model import Fetched, SourceState
from aggregator.options import Source
from aggregator.parse.limits import harmless
from aggregator.workers import Workers

Clock = Callable[[], datetime]
Recall = Callable[[str], bytes]
"""What the last document of a source left (`Store.last_seen`), by its name; empty for nothing."""
Release = Callable[[Source, SourceError | None], None]
"""Told that an exchange is over, and how it failed."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What one feed brought, ready to be stored; `digested` is None if nothing changed."""

    source: Source
    state: SourceState
    digested: Digested | None = None
    error: SourceError | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What outlives a pass in the daemon: connections and worker processes, and the clock."""

    fetcher: HttpFetcher
    workers: Workers
    clock: Clock


def gather(source: Source, state: SourceState, release: Release, tools: Tools, recall: Recall) -> Harvest:
    """Fetch, parse and refine one feed. Never raises: what goes wrong is in the harvest."""
    begun = time.monotonic()
    try:
        harvest = _fetch_and_digest(source, state, release, tools, recall)
    except SourceError as error:
        harvest = _failed(source, state, error, tools.clock())
    except Exception as error:  # a fault of ours must cost one source, not the pass
        log.exception("source %s", source.name)
        fault = SourceError(f"unexpected {type(error).__name__}: {error}; please report it with this feed")
        harvest = _failed(source, state, fault, tools.clock())
    finally:
        tools.fetcher.let_go()
    return replace(harvest, seconds=time.monotonic() - begun)


def _failed(source: Source, state: SourceState, error: SourceError, moment: datetime) -> Harvest:
    # Tracebacks hold the frames, and with them the bodies, of what went wrong.
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return Harvest(source=source, state=schedule.after_failure(source, state, error, moment), error=error)


def _fetch_and_digest(
    source: Source, state: SourceState, release: Release, tools: Tools, recall: Recall
) -> Harvest:
    problem: SourceError | None = None
    try:
        fetched = tools.fetcher.fetch(source, state) if source.url else read_feed_file(source, state)
    except SourceError as error:
        problem = error
        raise
    finally:
        release(source, problem)
    if fetched.body is None:
        fresh = schedule.after_success(source, state, fetched, None, tools.clock())
        return Harvest(source=source, state=fresh)
    digested = digest(source, state, fetched, fetched.body, tools, recall(source.name))
    document = digested.document
    fresh = replace(
        schedule.after_success(
            source, state, fetched, document.rhythm, tools.clock(), dates=_dates(digested)
        ),
        cut=document.cut,
        feed_title=document.title,
        feed_link=document.link,
        feed_id=document.id,
        feed_updated=document.updated,
    )
    return Harvest(source=source, state=fresh, digested=digested)


def _dates(digested: Digested) -> list[datetime]:
    articles = digested.refined.articles
    return [*digested.dates, *(date for one in articles if (date := one.published or one.updated))]


def digest(
    source: Source, state: SourceState, fetched: Fetched, body: bytes, tools: Tools, known: bytes = b""
) -> Digested:
    """Parse and refine: here if that is certain to be quick, else in a worker process.

    `known` is what the last document left (`Store.last_seen`). Raises ParseError, and WorkerError if
    the document was too much for a worker.
    """
    task = (source, state, body, fetched.url, fetched.content_type, tools.clock(), known)
    if harmless(body):
        return tasks.digest_feed(*task)
    return tools.workers.submit(tasks.digest_feed, *task).result()
