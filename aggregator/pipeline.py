"""One pass: collect what is due, store it, publish what changed.

    due sources ─► collect ─► digest ─► store ─► publish
                   threads    worker    this      files
                              processes thread

Only this module, `seeding` and `publishing` know the order of the rooms. A source that fails is
reported, recorded and tried again later; it never fails the pass.
"""

import math
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from aggregator import drops, tasks
from aggregator.collect import schedule
from aggregator.collect.hosts import HostQueue, Sites, Turns
from aggregator.collect.http import HttpFetcher
from aggregator.config import Settings
from aggregator.digested import Digested
from aggregator.errors import FetchError, SourceError
from aggregator.gathering import Clock, Harvest, Tools, gather
from aggregator.memory import keep_small
from aggregator.model import Counts, SourceState
from aggregator.options import Source
from aggregator.publish_files import MANY, PublishReport
from aggregator.publishing import publish
from aggregator.refine.results import count_dropped
from aggregator.reports import PassReport, SourceReport
from aggregator.store import Recording, Store
from aggregator.workers import PROCESSES, Workers

if TYPE_CHECKING:
    from aggregator.fulltext import Pages

WORKER_MEMORY = 150 * 1024 * 1024
"""Bytes that a document may take in a worker, beside what the worker has itself."""
BATCH = 50
"""Sources whose results are stored in one commit, at most."""
AT_ONCE = 100
"""Feeds of which it is looked up together what their last documents left."""
ENDED = "pass.ended"
"""The fact of the store that says when a pass last ended, to the minute: idle passes write nothing."""
IN_HAND = 100
"""Sources that were asked and are not stored yet, about, at most: bounds memory."""
FEW = 1
"""Threads that gather at first."""
SLOW = 0.01
"""Seconds without an answer after which one more gathers, if servers are what the others wait for."""
TOGETHER = 0.02
"""Seconds in which more may come to be stored together: to wake for each result costs more than the rest."""
LONGEST = 0.1
"""Seconds after which what has come is stored though more keeps coming: 5 sources cost nearly what 25 do."""
PATIENCE = 1.0
"""Seconds without a result after which what was stored is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a pass is to do.

    only        names of sources; empty for all
    web, local  whether to ask servers, whether to look at files and folders here
    everything  also what is not due
    seconds     how long new exchanges may begin; what is left is for the next pass
    seen        told of each finished source, and how many there are
    stop        once it says so, no new work begins
    alive       told between parts of long work that this goes on
    """

    only: Collection[str] = ()
    web: bool = True
    local: bool = True
    everything: bool = False
    seconds: float = math.inf
    seen: Callable[[SourceReport, int], None] = lambda _row, _total: None
    stop: Callable[[], bool] = lambda: False
    alive: Callable[[], None] = lambda: None

    def ends(self) -> bool:
        """Whether to stop, as asked between parts of long work; that is told."""
        self.alive()
        return self.stop()

    def takes(self, source: Source, state: SourceState, now: datetime) -> bool:
        """Whether the pass is about this source."""
        here = self.local if source.url is None else self.web
        wanted = not self.only or source.name in self.only
        everything = self.everything or bool(self.only)
        return here and wanted and schedule.is_due(source, state, now, everything=everything)


def now() -> datetime:
    """The clock of a real pass."""
    return datetime.now(UTC)


@contextmanager
def tools(clock: Clock = now) -> Iterator[Tools]:
    """Connections and worker processes; none is opened or started before it is needed."""
    keep_small()
    with HttpFetcher() as fetcher:
        workers = Workers(PROCESSES, memory=WORKER_MEMORY)
        workers.prepare(tasks.get_ready)
        try:
            yield Tools(fetcher, workers, clock)
        finally:
            workers.close(cancel=True)  # what is in hand is of a pass that was stopped


def run_pass(settings: Settings, store: Store, plan: Plan, with_: Tools) -> PassReport:
    """Collect what the plan takes, store it, publish.

    Raises StoreError and PublishError; what was stored before stays.
    """
    begun = with_.clock()
    store.reconcile(settings.sources, begun)
    states = store.states()
    due = [source for source in settings.sources if plan.takes(source, states[source.name], begun)]
    work = _Pass(settings, store, plan, with_, states, due, begun)
    try:
        work.collect()
    finally:
        work.let_go()
    work.publish()
    _note_pass(store, with_.clock())
    order = {source.name: number for number, source in enumerate(settings.sources)}
    rows = sorted(work.rows, key=lambda row: order[row.source])
    drops.note(settings, store, rows)
    return PassReport(sources=tuple(rows), publish=work.published)


def _note_pass(store: Store, moment: datetime) -> None:
    last = store.get_meta(ENDED)
    if last is None or abs((moment - datetime.fromisoformat(last)).total_seconds()) >= 60:
        store.set_meta(ENDED, moment.isoformat(timespec="seconds"))


class _Pass:
    """A pass in hand: threads fetch and digest; this thread alone stores and publishes."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        plan: Plan,
        with_: Tools,
        states: Mapping[str, SourceState],
        due: list[Source],
        begun: datetime,
    ) -> None:
        self.rows: list[SourceReport] = []
        self.published = PublishReport()
        self._settings, self._store, self._plan, self._tools = settings, store, plan, with_
        self._states = states
        self._due = due
        # When a pass met an entry is one moment for all, so that it does not matter who is asked first.
        self._begun = begun
        # Sources that failed last time may hang again, so they wait behind the others.
        feeds = [source for source in due if source.kind == "feed"]
        self._feeds = sorted(feeds, key=lambda source: states[source.name].failures > 0)
        self._numbers = {feed.name: number for number, feed in enumerate(self._feeds)}
        self._left: dict[str, bytes] = {}
        self._turns = Turns(HostQueue(self._feeds, states, with_.asked))
        self._harvests: queue.SimpleQueue[Harvest | None] = queue.SimpleQueue()
        self._room = threading.Semaphore(IN_HAND)
        self._open = 0
        self._unpublished = 0
        self._sites = Sites(settings.sources, states)
        self._lock = threading.Lock()
        self._pauses: dict[str, schedule.Pause] = {}
        self._pages: Pages | None = None
        if any(source.full_text for source in feeds):
            from aggregator import fulltext

            self._pages = fulltext.Pages(settings.full_text_budget, store, with_, self._turns)
        self._gathering = 0
        self._more_threads = min(settings.workers, len(feeds))

    def collect(self) -> None:
        """Seed directories are read while the feeds wait for the network."""
        seeds = [source for source in self._due if source.kind == "seed"]
        self._gather_with(self._more_threads if seeds else FEW)
        for source in seeds:
            if not self._plan.stop():
                self._tell([self._read_seeds(source)])
        begun = time.monotonic()
        while self._gathering or self._open:
            batch = self._next_batch()
            came = [harvest for harvest in batch if harvest is not None]
            self._gathering -= len(batch) - len(came)
            self._store_batch([one for one in came if not (self._pages and self._pages.take_in(one))])
            with self._lock:
                self._open -= len(came)
            for _ in came:
                self._room.release()
            if self._plan.stop() or time.monotonic() - begun > self._plan.seconds:
                self._turns.stop()
            if self._plan.stop() and not batch:
                return
        if self._pages is not None:
            for harvests in self._pages.complete(self._pauses, self._plan.stop, self._plan.seconds):
                self._store_batch(harvests)
            for page, error in self._pages.refused:
                self._pause_site(page, error, self._tools.clock())

    def _read_seeds(self, source: Source) -> SourceReport:
        from aggregator import seeding

        state, image = self._states[source.name], self._settings.site.fallback_image
        outputs = self._settings.outputs
        return seeding.report(source, state, image, self._store, self._tools, self._plan.ends, outputs)

    def let_go(self) -> None:
        """Nobody is asked any more, and threads that wait come to their end, however the pass came to its."""
        self._turns.stop()
        self._room.release(self._settings.workers)
        if self._pages is not None:
            self._pages.close()

    def _gather_with(self, threads: int) -> None:
        """Let so many more threads gather, as far as the settings allow."""
        for _ in range(min(threads, self._more_threads)):
            self._more_threads -= 1
            self._gathering += 1
            # Daemon threads: one that hangs on a server must not keep a stopped process alive.
            name = f"collect-{self._gathering}"
            threading.Thread(target=self._gather_all, name=name, daemon=True).start()

    def _gather_all(self) -> None:
        while (source := self._turns.take()) is not None:
            with self._lock:
                self._open += 1
            state = self._states[source.name]
            gather(source, state, self._release, self._tools, self._recall, self._harvests.put)
            self._room.acquire()
        self._harvests.put(None)

    def _recall(self, name: str) -> bytes:
        """What the last document of a feed left: asked of the store for many feeds at once."""
        with self._lock:
            if name not in self._left:
                begin = self._numbers[name] // AT_ONCE * AT_ONCE
                names = [feed.name for feed in self._feeds[begin : begin + AT_ONCE]]
                self._left |= dict.fromkeys(names, b"") | self._store.last_seen(names)
            return self._left.pop(name)

    def _release(self, source: Source, error: SourceError | None) -> None:
        """An exchange is over: the next source of its host may go, unless the server asked for peace."""
        if self._pause(error, self._tools.clock()) is not None:
            self._turns.drop(self._sharing(source, error))
        self._turns.done(source)

    def _pause(self, error: SourceError | None, moment: datetime) -> schedule.Pause | None:
        """The pause that an error means for its site; `everything` passes over those of our own making."""
        pause = schedule.site_pause(error, moment) if error is not None else None
        return pause if pause is not None and (pause.told or not self._plan.everything) else None

    def _sharing(self, source: Source, error: SourceError | None) -> tuple[Source, ...]:
        """The other sources of the site that failed this one."""
        with self._lock:
            return self._sites.sharing(source, error.url if isinstance(error, FetchError) else None)

    def _next_batch(self) -> list[Harvest | None]:
        """What has come in. While nothing comes, what was stored is published."""
        try:
            batch = [self._first()]
        except queue.Empty:
            if self._unpublished:
                self.publish()
            return []
        if batch != [None]:
            self._let_more_come()
        with suppress(queue.Empty):
            while len(batch) < BATCH:
                batch.append(self._harvests.get_nowait())
        return batch

    def _let_more_come(self) -> None:
        """Wait as long as more keeps coming, and a batch is not full."""
        for _ in range(round(LONGEST / TOGETHER)):
            before = self._harvests.qsize()
            time.sleep(TOGETHER)
            if not before < self._harvests.qsize() < BATCH:
                return

    def _first(self) -> Harvest | None:
        """What comes next. Threads are in each other's way: there are more only if all wait for servers."""
        for _ in range(round(PATIENCE / SLOW)):
            ended = self._turns.ended
            with suppress(queue.Empty):
                return self._harvests.get(timeout=SLOW)
            if self._turns.running >= self._gathering and self._turns.ended == ended:
                self._gather_with(1)
        raise queue.Empty

    def _store_batch(self, harvests: list[Harvest]) -> None:
        """One commit for what came together."""
        moment = self._tools.clock()
        with self._store.together():
            held = [self._held(harvest) for harvest in harvests]
            if idle := {one.source.name: one.state for one in held if one.digested is None}:
                self._store.save_states(idle)
            rows = _store(held, self._store, self._begun)
        for harvest in harvests:
            self._pause_site(harvest.source, harvest.error, moment)
        self._tell(rows)

    def _held(self, harvest: Harvest) -> Harvest:
        """The harvest of a source whose site was paused while it was in hand."""
        pause = self._pauses.get(harvest.source.name)
        return replace(harvest, state=schedule.paused(harvest.state, pause)) if pause else harvest

    def _pause_site(self, source: Source, error: SourceError | None, moment: datetime) -> None:
        """A 429 or 503 holds for every source of the registrable domain."""
        pause = self._pause(error, moment)
        sharing = self._sharing(source, error) if pause is not None else ()
        if pause is None or not sharing:
            return
        self._pauses |= {other.name: pause for other in sharing}
        states = self._store.states()
        self._store.save_states({other.name: schedule.paused(states[other.name], pause) for other in sharing})

    def _tell(self, rows: list[SourceReport]) -> None:
        before = self._unpublished
        self._unpublished += sum(row.result == "updated" for row in rows)
        if before < MANY <= self._unpublished:
            # They will make the outputs; their importing goes on beside what this process has to do alone.
            self._tools.workers.prepare(tasks.get_ready_to_publish)
        for row in rows:
            self.rows.append(row)
            self._plan.seen(row, len(self._due))

    def publish(self) -> None:
        """Bring the outputs up to date with what is stored by now."""
        self.published += publish(
            self._settings, self._store, stop=self._plan.ends, workers=self._tools.workers
        )
        self._unpublished = 0


# --- feeds ------------------------------------------------------------------------------


def _store(harvests: list[Harvest], store: Store, moment: datetime) -> list[SourceReport]:
    given = [_recording(harvest, harvest.digested) for harvest in harvests if harvest.digested]
    counts = iter(store.record_all(given, moment))
    return [
        _stored(harvest, harvest.digested, next(counts)) if harvest.digested else _not_stored(harvest)
        for harvest in harvests
    ]


def _recording(harvest: Harvest, digested: Digested) -> Recording:
    return Recording(
        source=harvest.source,
        entries=digested.refined.articles,
        state=harvest.state,
        void_guids=digested.refined.void_guids,
        void_links=digested.refined.void_links,
        shown=digested.shown,
        seen=digested.seen,
    )


def _not_stored(harvest: Harvest) -> SourceReport:
    return SourceReport(
        source=harvest.source.name,
        result="failed" if harvest.error else "unchanged",
        seconds=harvest.seconds,
        messages=(str(harvest.error),) if harvest.error else (),
    )


def _stored(harvest: Harvest, digested: Digested, counts: Counts) -> SourceReport:
    return SourceReport(
        source=harvest.source.name,
        result="updated",
        counts=counts,
        seconds=harvest.seconds,
        messages=digested.notes,
        dropped=count_dropped(digested.refined.ruled),
    )
