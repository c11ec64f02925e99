"""The daemon: says when passes happen, until it is told to stop.

APScheduler runs the jobs of `_scheduler` one at a time on one thread, so that none overlaps itself or
another; late ones coalesce. Only pings to a hub have a thread of their own. The
main thread waits for signals:

    SIGTERM, SIGINT   no new fetches; work in hand is stored or dropped whole; exit within 10 s
    SIGHUP            feeds.toml is read again, as it is whenever the file changes

A feeds.toml with mistakes is reported, and the last good settings stay in force.
"""

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from aggregator import edits, locks, pings
from aggregator.collect import schedule
from aggregator.config import Settings, load, settings_file
from aggregator.errors import AggregatorError, SettingsError
from aggregator.gathering import Tools
from aggregator.notify import Notifier
from aggregator.pipeline import Plan, run_pass, tools
from aggregator.publish_nodes import EVERYTHING
from aggregator.repeats import Repeats
from aggregator.reports import PassReport, SourceReport
from aggregator.serving import Attendant
from aggregator.store import Store

CLOCK_SET = 30.0
"""Seconds by which the clock must jump to count as set."""

PASS = 60.0
"""Seconds in which a pass begins exchanges; the rest is taken by the next, so that nobody waits long."""

GRACE = 8.0
"""Seconds that work in hand has to end in after SIGTERM."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Beats:
    """Seconds between two looks at which feeds are due, at seed directories, at feeds.toml."""

    feeds: float = 5.0
    seeds: float = 60.0
    settings: float = 2.0


class Daemon:
    """One daemon on one storage. `run` blocks until a signal, or `stop`, ends it."""

    def __init__(
        self, file: Path | None, notifier: Notifier, beats: Beats, offset: Callable[[], float] | None = None
    ) -> None:
        self._file = file
        self._offset = offset or _offset
        self._last_offset = self._offset()
        self._beats = beats
        self._notifier = notifier
        self._stamp = self._last_stamp = _stamp(settings_file(file))
        self._settings = load(file)
        self._followed: Settings | None = None
        self._repeats = Repeats()
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._reload = threading.Event()

    def stop(self) -> None:
        """Begin no new work and return from `run`."""
        self._stop.set()
        self._wake.set()

    def reload(self) -> None:
        """Read feeds.toml again before the next pass."""
        self._reload.set()
        self._wake.set()

    def run(self) -> None:
        """Work until stopped. Raises StoreError if another daemon holds the storage."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_arguments: self.stop())
        signal.signal(signal.SIGHUP, lambda *_arguments: self.reload())
        url = self._settings.storage_url
        with locks.hold(url, "daemon"), Store.open(url, self._settings.policy) as store, tools() as with_:
            attendant = Attendant(store)
            attendant.follow(self._settings)
            scheduler = self._scheduler(store, with_, attendant)
            scheduler.start()
            self._notifier.ready(f"{len(self._settings.sources)} sources")
            log.info("ready", sources=len(self._settings.sources), process=os.getpid())
            _warn(self._settings)
            self._wait(scheduler)
            self._notifier.stopping()
            log.info("stopping")
            closing = threading.Thread(target=attendant.stop, daemon=True)
            closing.start()
            self._finish(scheduler)
            closing.join(1)
        log.info("stopped")

    def _scheduler(self, store: Store, with_: Tools, attendant: Attendant) -> BackgroundScheduler:
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1), "pings": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        jobs: tuple[tuple[Callable[[], None], dict[str, object]], ...] = (
            (
                lambda: self._pass(store, with_, web=True),
                {"trigger": "interval", "seconds": self._beats.feeds},
            ),
            (
                lambda: self._pass(store, with_, web=False),
                {"trigger": "interval", "seconds": self._beats.seeds},
            ),
            (
                lambda: self._watch_settings(store, attendant),
                {"trigger": "interval", "seconds": self._beats.settings},
            ),
            (lambda: self._upkeep(store), {"trigger": "cron", "hour": 3, "minute": 17}),
        )
        for job, trigger in jobs:
            scheduler.add_job(self._guarded(job), **trigger, next_run_time=datetime.now(UTC))
        # On a thread of its own: a hub that is slow to answer must keep no pass waiting.
        ping = self._guarded(lambda: self._ping(store), proves_life=False)
        scheduler.add_job(ping, "interval", seconds=self._beats.feeds, executor="pings")
        return scheduler

    def _ping(self, store: Store) -> None:
        taken = pings.send(self._settings, store, lambda: datetime.now(UTC), self._stop.is_set)
        if taken:
            log.info("told the hub", feeds=taken)

    def _guarded(self, job: Callable[[], object], *, proves_life: bool = True) -> Callable[[], None]:
        """A job whose failure is logged and tried again at its next turn.

        `proves_life`: that it ran tells the service manager that the daemon does its work.
        """

        def guarded() -> None:
            if self._stop.is_set():
                return
            problem = ""
            try:
                job()
            except AggregatorError as error:
                problem = str(error)
            except Exception:
                log.exception("job failed")
            if self._repeats.is_news(job, problem) and problem:
                log.warning("job failed", error=problem)
            if proves_life:
                self._notifier.progress()

        return guarded

    def _pass(self, store: Store, with_: Tools, *, web: bool) -> None:
        settings = self._settings
        plan = Plan(
            web=web,
            local=not web,
            seconds=PASS,
            seen=self._seen,
            stop=self._stop.is_set,
            alive=self._notifier.progress,
        )
        with locks.hold(settings.storage_url, "pass", patience=60.0):
            self.mind_the_clock(store)
            if self._followed is not settings:
                edits.follow(settings, store)
                self._followed = settings
            report = run_pass(settings, store, plan, with_)
        self._tell(report, settings, store)

    def _upkeep(self, store: Store) -> None:
        """Nightly: let go what retention does not keep, and tidy the database."""
        settings = self._settings
        with locks.hold(settings.storage_url, "pass", patience=60.0):
            plan = Plan(stop=self._stop.is_set, alive=self._notifier.progress)
            gone = store.prune(settings.sources, settings.keep, datetime.now(UTC), plan.ends)
            store.upkeep()
        if gone:
            log.info("pruned", articles=gone)

    def mind_the_clock(self, store: Store) -> None:
        """When the clock was set, move what is still to come along: waits stay as long as they were."""
        offset = self._offset()
        by, self._last_offset = offset - self._last_offset, offset
        if abs(by) < CLOCK_SET:
            return
        log.warning("the clock was set", seconds=round(by))
        states = store.states()
        names = states.keys() & {source.name for source in self._settings.sources}
        store.save_states({name: schedule.shifted(states[name], timedelta(seconds=by)) for name in names})

    def _seen(self, row: SourceReport, _total: int) -> None:
        self._notifier.progress()
        counts = row.counts
        nothing = not (counts.new or counts.changed or counts.duplicate)
        if not self._repeats.is_news(row.source, (row.result, row.messages)) and nothing and row.messages:
            return
        say = {"failed": log.warning, "unchanged": log.debug}.get(row.result, log.info)
        say(
            row.result,
            source=row.source,
            new=counts.new,
            changed=counts.changed,
            duplicate=counts.duplicate,
            seconds=round(row.seconds, 2),
            **({"too_old": counts.expired} if counts.expired else {}),
            **({"messages": list(row.messages)} if row.messages else {}),
        )

    def _tell(self, report: PassReport, settings: Settings, store: Store) -> None:
        publish = report.publish
        if publish.posts or publish.feeds or publish.removed:
            log.info("published", posts=publish.posts, feeds=publish.feeds, removed=publish.removed)
        for problem in filter(self._repeats.is_news, publish.problems):
            log.error("not published", problem=problem)
        for kept in filter(self._repeats.is_news, publish.kept):
            log.warning("kept", file=kept)
        failing = sum(1 for row in report.sources if row.result == "failed")
        if report.sources:
            self._notifier.status(
                f"{_articles(store)} articles, {len(settings.sources)} sources, {failing} failed of "
                f"{len(report.sources)} asked at {datetime.now(UTC):%H:%M:%S} UTC"
            )

    def _watch_settings(self, store: Store, attendant: Attendant) -> None:
        stamp = _stamp(self._settings.file)
        # Whoever writes the file may be in the midst of it: an edit counts when it is seen a second time.
        known, self._last_stamp = self._last_stamp, stamp
        if not self._reload.is_set() and (stamp == self._stamp or stamp != known):
            attendant.follow(self._settings)
            return
        self._stamp = stamp
        self._reload.clear()
        self._notifier.reloading()
        try:
            fresh = load(self._file)
        except SettingsError as error:
            log.warning("feeds.toml has mistakes; the last good settings stay in force", error=str(error))
        else:
            self._apply(fresh, store)
            attendant.follow(fresh)
        self._notifier.ready(f"{len(self._settings.sources)} sources")

    def _apply(self, fresh: Settings, store: Store) -> None:
        if fresh.storage_url != self._settings.storage_url:
            log.warning("[storage] url changed; restart the daemon for it to take effect")
            fresh = replace(fresh, storage_url=self._settings.storage_url)
        _warn(fresh)
        store.policy = fresh.policy
        self._settings = fresh
        log.info("settings applied", sources=len(fresh.sources))

    def _wait(self, scheduler: BackgroundScheduler) -> None:
        """Wait for signals; bring jobs forward after a reload, or when the clock was set back."""
        while not self._stop.is_set():
            self._wake.wait(self._beats.settings)
            self._wake.clear()
            _bring_forward(scheduler, datetime.now(UTC))

    def _finish(self, scheduler: BackgroundScheduler) -> None:
        """Let the pass in hand end; a source that does not come to an end in time is dropped whole."""
        ended = threading.Event()

        def shut() -> None:
            scheduler.shutdown(wait=True)
            ended.set()

        threading.Thread(target=shut, daemon=True).start()
        if not ended.wait(GRACE):
            log.warning("a source did not end in time; what it brought is dropped and will be fetched again")
            os._exit(0)


def _warn(settings: Settings) -> None:
    for warning in settings.warnings:
        log.warning("settings", warning=str(warning))


def _bring_forward(scheduler: BackgroundScheduler, moment: datetime) -> None:
    """Jobs that were planned by a clock that ran ahead are for now; that of the night comes once a day."""
    for job in scheduler.get_jobs():
        period = getattr(job.trigger, "interval", timedelta(days=1))
        if job.next_run_time - moment > 2 * period:
            job.modify(next_run_time=moment)


def _offset() -> float:
    """Seconds between the clock on the wall and the one that nobody sets and that runs in sleep too."""
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _articles(store: Store) -> int:
    return next((row.articles for row in store.nodes() if row.node == EVERYTHING), 0)


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
