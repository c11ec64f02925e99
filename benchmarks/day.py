"""A day of 10,000 sources in simulated time: our schedule against asking all of them every hour.

    python benchmarks/day.py [SOURCES]

The world is made up, with a fixed seed: how often feeds bring something is spread as it is on the web (a few
bring dozens of entries a day, half less than one a week), as is what servers say of freshness. Both ways of
asking meet the same world; each first lives through two weeks in which it learns, then the day is counted.
"""

import heapq
import random
import sys
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import mean, median

from aggregator.collect import schedule
from aggregator.errors import HttpError
from aggregator.model import Fetched, Rhythm, SourceState, Validators
from aggregator.options import FetchPolicy, Source

HOUR = 3600.0
DAY = 86400.0
START = datetime(2026, 3, 1, tzinfo=UTC)
LEARNING = 14 * DAY
HISTORY = 60 * DAY
SHOWN = 20  # entries in a document

# Entries a day, and how many of a hundred sources bring so many.
PACES = [(60.0, 2), (20.0, 6), (6.0, 12), (2.0, 15), (0.7, 20), (0.2, 20), (0.05, 15), (0.005, 10)]
# Seconds of max-age, and how many of a hundred servers say so; 0 for none.
FRESHNESS = [(0.0, 60), (300.0, 14), (900.0, 8), (3600.0, 10), (6 * HOUR, 5), (DAY, 3)]
VALIDATING = 75  # of a hundred servers answer 304
TTL = [(0.0, 75), (3600.0, 17), (3 * HOUR, 8)]
DEAD = 3  # of a hundred


@dataclass
class Feed:
    """One source of the world: when its entries come, and what its server says."""

    source: Source
    entries: list[float]
    fresh: float | None
    rhythm: Rhythm
    validates: bool
    dead: bool
    seen: int = 0
    state: SourceState = field(default_factory=SourceState)


@dataclass
class Figures:
    """What a way of asking came to within the day."""

    requests: int = 0
    not_modified: int = 0
    unchanged: int = 0
    errors: int = 0
    delays: list[float] = field(default_factory=list)
    busiest_minute: int = 0


def world(size: int, seed: int = 1) -> list[Feed]:
    """The sources, each with the moments of its entries from long before the start to the end of the day."""
    chance = random.Random(seed)
    return [_feed(number, chance) for number in range(size)]


def _pick(chance: random.Random, rows: list[tuple[float, int]]) -> float:
    return chance.choices([value for value, _ in rows], [weight for _, weight in rows])[0]


def _feed(number: int, chance: random.Random) -> Feed:
    pace = _pick(chance, PACES) * chance.lognormvariate(0, 0.4)
    moment, entries = -HISTORY, []
    while (moment := moment + chance.expovariate(pace / DAY)) < LEARNING + 2 * DAY:
        hour = moment / HOUR % 24
        if 7 <= hour < 22 or chance.random() < 0.2:  # people sleep
            entries.append(moment)
    ttl = _pick(chance, TTL)
    return Feed(
        source=Source(
            name=f"source {number}",
            kind="feed",
            categories=("Simulated",),
            url=f"https://host{number}.example/feed",
            fetch=FetchPolicy(),
        ),
        entries=entries,
        fresh=_pick(chance, FRESHNESS) or None,
        rhythm=Rhythm(ttl=ttl or None),
        validates=chance.random() * 100 < VALIDATING,
        dead=chance.random() * 100 < DEAD,
    )


def moment(seconds: float) -> datetime:
    """Seconds of the simulation as a moment."""
    return START + timedelta(seconds=seconds)


def ours(feed: Feed, now: float, *, changed: bool) -> float:
    """Ask by the schedule: the seconds at which the source is due next."""
    at = moment(now)
    if feed.dead:
        feed.state = schedule.after_failure(feed.source, feed.state, HttpError("no", status=500), at)
    else:
        dates = [moment(entry) for entry in feed.entries[max(0, feed.seen - SHOWN) : feed.seen]]
        fetched = Fetched(
            body=b"x" if changed else None,
            url=feed.source.url or "",
            validators=Validators('"1"' if feed.validates else None),
            fresh_for=feed.fresh,
        )
        told = feed.rhythm if changed else None
        feed.state = schedule.after_success(feed.source, feed.state, fetched, told, at, dates=dates)
    assert feed.state.next_due is not None, "it was asked"
    return (feed.state.next_due - START).total_seconds()


def hourly(_feed: Feed, now: float, *, changed: bool) -> float:
    """Ask every hour, whatever anybody says."""
    del changed
    return now + HOUR


def live(feeds: list[Feed], ask: Callable[..., float]) -> Figures:
    """Two weeks, the day that counts, and one more to see when its entries were found."""
    figures, minutes = Figures(), Counter[int]()
    due = [(number * HOUR / len(feeds), number) for number in range(len(feeds))]
    heapq.heapify(due)
    while due[0][0] < LEARNING + 2 * DAY:
        now, number = due[0]
        feed = feeds[number]
        before, feed.seen = feed.seen, feed.seen if feed.dead else bisect_right(feed.entries, now)
        changed = feed.seen > before or feed.state.url is None
        if LEARNING <= now < LEARNING + DAY:
            minutes[int(now / 60)] += 1
            _count(figures, feed, before)
        new = feed.entries[before : feed.seen]
        figures.delays += (now - entry for entry in new if LEARNING <= entry < LEARNING + DAY)
        heapq.heapreplace(due, (ask(feed, now, changed=changed), number))
    figures.busiest_minute = max(minutes.values())
    return figures


def _count(figures: Figures, feed: Feed, before: int) -> None:
    figures.requests += 1
    figures.errors += feed.dead
    if not feed.dead and feed.seen == before:
        figures.not_modified += feed.validates
        figures.unchanged += not feed.validates


def report(size: int) -> str:
    """The table, for humans."""
    rows = []
    for name, ask in (("hourly", hourly), ("ours", ours)):
        begun = time.perf_counter()
        figures = live(world(size), ask)
        delays = sorted(figures.delays)
        rows.append(
            f"{name:8}{figures.requests:>10,}{figures.not_modified:>10,}{figures.unchanged:>12,}"
            f"{figures.errors:>9,}{figures.busiest_minute:>9,}{len(delays):>9,}"
            f"{median(delays) / 60:>9.0f}{mean(delays) / 60:>8.0f}{delays[len(delays) * 9 // 10] / 60:>8.0f}"
            f"{time.perf_counter() - begun:>9.1f}"
        )
    head = (
        f"{'':8}{'requests':>10}{'304':>10}{'200, same':>12}{'errors':>9}{'a minute':>9}{'entries':>9}"
        f"{'median':>9}{'mean':>8}{'p90':>8}{'took s':>9}"
    )
    return "\n".join([f"{size:,} sources, one day; delays in minutes", head, *rows])


if __name__ == "__main__":
    print(report(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
