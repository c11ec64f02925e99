"""One pass: collect what is due, store it, publish what changed.

    due sources ─► collect ─► digest ─► store ─► publish
                   threads    worker    this      files
                              processes thread

Only this module, `seeding` and `publishing` know the order of the rooms. A source that fails is
reported, recorded and tried again later; it never fails the pass.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from aggregator import seeding
from aggregator.collect import schedule
from aggregator.collect.http import HttpFetcher
from aggregator.collect.local import read_feed_file
from aggregator.config import Settings
from aggregator.digest import Digested, digest_feed
from aggregator.model import Counts, Fetched, Source, SourceError, SourceKind, SourceState
from aggregator.parse.limits import harmless
from aggregator.publishing import PublishReport, publish
from aggregator.store import Store
from aggregator.workers import Workers

Clock = Callable[[], datetime]
Result = Literal["updated", "unchanged", "failed"]

PROCESSES = 2
NOTHING = Counts()
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReport:
    """What a pass did for one source; `messages` are what the operator should know."""

    source: str
    result: Result
    counts: Counts = NOTHING
    seconds: float = 0.0
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PassReport:
    """What a pass did, source by source in the order of the settings."""

    sources: tuple[SourceReport, ...]
    publish: PublishReport

    @property
    def failed(self) -> bool:
        """Whether any source failed."""
        return any(row.result == "failed" for row in self.sources)


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


def now() -> datetime:
    """The clock of a real pass."""
    return datetime.now(UTC)


def run_pass(
    settings: Settings,
    store: Store,
    *,
    only: Collection[str] = (),
    kinds: Collection[SourceKind] = ("feed", "seed"),
    everything: bool = False,
    seen: Callable[[SourceReport, int], None] = lambda _row, _total: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Clock = now,
    tools: Tools | None = None,
) -> PassReport:
    """Collect what is due (or `everything`; of `only` these sources, if any), store, publish.

    `seen` is told of each finished source and of how many there are. After `stop` says so no new
    work begins. Raises StoreError and PublishError; what was stored before stays.
    """
    begun = clock()
    store.reconcile(settings.sources, begun)
    states = store.states()
    due = [
        source
        for source in settings.sources
        if source.enabled
        and source.kind in kinds
        and (not only or source.name in only)
        and schedule.is_due(source, states[source.name], begun, everything=everything or bool(only))
    ]
    rows = []
    with ExitStack() as stack:
        tools = tools or Tools(
            stack.enter_context(HttpFetcher()), stack.enter_context(Workers(PROCESSES)), clock
        )
        for row in _work(due, states, settings, store, tools, stop):
            rows.append(row)
            seen(row, len(due))
    order = {source.name: number for number, source in enumerate(settings.sources)}
    rows.sort(key=lambda row: order[row.source])
    return PassReport(sources=tuple(rows), publish=publish(settings, store, stop=stop))


def _work(
    due: list[Source],
    states: Mapping[str, SourceState],
    settings: Settings,
    store: Store,
    tools: Tools,
    stop: Callable[[], bool],
) -> Iterator[SourceReport]:
    """Feeds on threads; seed directories here, while the feeds wait for the network."""
    feeds = [source for source in due if source.kind == "feed"]
    with ThreadPoolExecutor(max(1, min(settings.workers, len(feeds)))) as pool:
        futures = [pool.submit(_gather, source, states[source.name], tools) for source in feeds]
        for source in due:
            if source.kind == "seed" and not stop():
                yield _read_seeds(source, states[source.name], settings, store, tools)
        for future in as_completed(futures):
            yield _store(future.result(), store, tools.clock())


# --- feeds ------------------------------------------------------------------------------


def _gather(source: Source, state: SourceState, tools: Tools) -> Harvest:
    """Fetch, parse and refine one feed. Never raises: what goes wrong is in the harvest."""
    begun = time.monotonic()
    try:
        harvest = _fetch_and_digest(source, state, tools)
    except SourceError as error:
        harvest = _failed(source, state, error, tools.clock())
    except Exception as error:  # a fault of ours must cost one source, not the pass
        log.exception("source %s", source.name)
        fault = SourceError(f"unexpected {type(error).__name__}: {error}; please report it with this feed")
        harvest = _failed(source, state, fault, tools.clock())
    return replace(harvest, seconds=time.monotonic() - begun)


def _failed(source: Source, state: SourceState, error: SourceError, moment: datetime) -> Harvest:
    return Harvest(source=source, state=schedule.after_failure(source, state, error, moment), error=error)


def _fetch_and_digest(source: Source, state: SourceState, tools: Tools) -> Harvest:
    fetched = tools.fetcher.fetch(source, state) if source.url else read_feed_file(source, state)
    if fetched.body is None:
        fresh = schedule.after_success(source, state, fetched, None, tools.clock())
        return Harvest(source=source, state=fresh)
    digested = digest(source, state, fetched, fetched.body, tools)
    document = digested.document
    fresh = replace(
        schedule.after_success(source, state, fetched, document.rhythm, tools.clock()),
        cut=document.cut,
        feed_title=document.title,
        feed_link=document.link,
        feed_id=document.id,
        feed_updated=document.updated,
    )
    return Harvest(source=source, state=fresh, digested=digested)


def digest(source: Source, state: SourceState, fetched: Fetched, body: bytes, tools: Tools) -> Digested:
    """Parse and refine: here if that is certain to be quick, else in a worker process.

    Raises ParseError, and WorkerError if the document was too much for a worker.
    """
    moment = tools.clock()
    if harmless(body):
        return digest_feed(source, state, body, fetched.url, fetched.content_type, moment)
    future = tools.workers.submit(digest_feed, source, state, body, fetched.url, fetched.content_type, moment)
    return future.result()


def _store(harvest: Harvest, store: Store, moment: datetime) -> SourceReport:
    source, digested = harvest.source, harvest.digested
    if digested is None:
        store.save_state(source, harvest.state)
        return SourceReport(
            source=source.name,
            result="failed" if harvest.error else "unchanged",
            seconds=harvest.seconds,
            messages=(str(harvest.error),) if harvest.error else (),
        )
    counts = store.record(
        source,
        digested.refined.articles,
        harvest.state,
        moment,
        void_guids=digested.refined.void_guids,
        void_links=digested.refined.void_links,
    )
    return SourceReport(
        source=source.name,
        result="updated",
        counts=counts,
        seconds=harvest.seconds,
        messages=digested.notes,
    )


# --- seed directories ---------------------------------------------------------------------


def _read_seeds(
    source: Source, state: SourceState, settings: Settings, store: Store, tools: Tools
) -> SourceReport:
    begun = time.monotonic()
    try:
        outcome = seeding.read(
            source, state, settings.site.fallback_image, store, tools.workers, tools.clock()
        )
    except SourceError as error:
        store.save_state(source, schedule.after_failure(source, state, error, tools.clock()))
        return SourceReport(source=source.name, result="failed", messages=(str(error),))
    return SourceReport(
        source=source.name,
        result="updated" if outcome.files else "unchanged",
        counts=outcome.counts,
        seconds=time.monotonic() - begun,
        messages=outcome.problems,
    )
