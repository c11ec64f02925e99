"""One feed from its server to what is ready to be stored: fetch, then parse and refine if it changed.

For many threads at once; nothing here writes.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass, field, replace
from datetime import datetime

from aggregator import tasks
from aggregator.collect import schedule
from aggregator.collect.allowance import LARGE_BYTES
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
Done = Callable[["Harvest"], None]
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
    """What outlives a pass in the daemon: connections, worker processes, the clock, when hosts were asked."""

    fetcher: HttpFetcher
    workers: Workers
    clock: Clock
    asked: dict[str, float] = field(default_factory=dict)


def gather(
    source: Source, state: SourceState, release: Release, tools: Tools, recall: Recall, done: Done
) -> None:
    """Fetch one feed, have it parsed and refined if it changed, and tell `done` what came of it.

    That may come after this returns, in another thread, but for a large document, which is waited for.
    Never raises: what goes wrong is in the harvest.
    """
    begun = time.monotonic()

    def finish(outcome: Harvest | Exception) -> None:
        moment = tools.clock()
        harvest = outcome if isinstance(outcome, Harvest) else _failed(source, state, outcome, moment)
        done(replace(harvest, seconds=time.monotonic() - begun))

    try:
        fetched = _fetch(source, state, release, tools)
        if fetched.body is None:
            fresh = schedule.after_success(source, state, fetched, None, tools.clock())
            finish(Harvest(source=source, state=fresh))
            return
        future = digest(source, state, fetched, fetched.body, tools, recall(source.name))
        size, fetched = len(fetched.body), replace(fetched, body=None)

        def digested(future: Future[Digested]) -> None:
            if not future.cancelled():  # as when the pass is given up
                finish(_digested(source, state, fetched, future, tools))

        future.add_done_callback(digested)
        if size >= LARGE_BYTES:
            wait([future])
    except Exception as error:  # noqa: BLE001 - whatever it is must cost one source, not the pass
        finish(error)
    finally:
        tools.fetcher.let_go()


def _fetch(source: Source, state: SourceState, release: Release, tools: Tools) -> Fetched:
    problem: SourceError | None = None
    try:
        return tools.fetcher.fetch(source, state) if source.url else read_feed_file(source, state)
    except SourceError as error:
        problem = error
        raise
    finally:
        release(source, problem)


def _failed(source: Source, state: SourceState, error: Exception, moment: datetime) -> Harvest:
    if not isinstance(error, SourceError):
        log.error("source %s", source.name, exc_info=error)
        error = SourceError(f"unexpected {type(error).__name__}: {error}; please report it with this feed")
    # Tracebacks hold the frames, and with them the bodies, of what went wrong.
    error.__traceback__ = error.__cause__ = error.__context__ = None
    return Harvest(source=source, state=schedule.after_failure(source, state, error, moment), error=error)


def _digested(
    source: Source, state: SourceState, fetched: Fetched, future: Future[Digested], tools: Tools
) -> Harvest | Exception:
    """The harvest of a document, or what went wrong with it."""
    try:
        digested = future.result()
        document = digested.document
        fresh = schedule.after_success(
            source, state, fetched, document.rhythm, tools.clock(), dates=_dates(digested)
        )
    except Exception as error:  # noqa: BLE001 - handed on
        return error
    fresh = replace(
        fresh,
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
) -> Future[Digested]:
    """Parse and refine: here and now if that is certain to be quick, else in a worker process.

    `known` is what the last document left (`Store.last_seen`). The future raises ParseError, and
    WorkerError if the document was too much for a worker.
    """
    task = (source, state, body, fetched.url, fetched.content_type, tools.clock(), known)
    if not harmless(body):
        return tools.workers.submit(tasks.digest_feed, *task)
    future: Future[Digested] = Future()
    try:
        future.set_result(tasks.digest_feed(*task))
    except Exception as error:  # noqa: BLE001 - as from a worker
        future.set_exception(error)
    return future
