"""How often a feed changes, and when its makers and the operator wish it to be asked. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from aggregator.model import Rhythm

ASKS_PER_GAP = 6.0  # a feed is asked this often between two entries, on the average
ASKS_PER_SILENCE = 10.0  # and after a tenth of its silence (the heuristic of RFC 9111 section 4.2.2)
_LAST_DATES = 20
_LONGEST_MEMORY = timedelta(days=90)

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")


# --- what was observed ------------------------------------------------------------------


def learned(before: Rhythm, told: Rhythm, dates: Iterable[datetime], now: datetime) -> Rhythm:
    """What a changed document teaches: what it says, and the mean gap between its latest entries.

    `dates` are those of its entries; those of the future are nonsense. A document without any was at
    least changed by now. `before` counts where this document alone says too little.
    """
    past = sorted({date for date in dates if date <= now} or {now}, reverse=True)[:_LAST_DATES]
    recent = [date for date in past if past[0] - date <= _LONGEST_MEMORY]
    known = before.newest if before.newest is not None and before.newest <= now else past[0]
    gap = before.gap
    if len(recent) > 1:
        gap = (recent[0] - recent[-1]).total_seconds() / (len(recent) - 1)
    elif known < past[0]:
        gap = _mean_rate(before.gap, (past[0] - known).total_seconds())
    return replace(told, newest=max(past[0], known), gap=gap)


def _mean_rate(before: float | None, gap: float) -> float:
    """The gap that goes with the mean of two rates: a source that wakes is soon asked more again."""
    return 2 * before * gap / (before + gap) if before else gap


def suggested(rhythm: Rhythm, interval: float, most: float, now: datetime) -> float:
    """Seconds to wait, going by how often a feed brings something: between `interval` and `most`."""
    if rhythm.newest is None:
        return interval
    silence = (now - rhythm.newest).total_seconds()
    wish = max((rhythm.gap or 0.0) / ASKS_PER_GAP, silence / ASKS_PER_SILENCE)
    return max(interval, min(most, wish))


# --- what the feed says -----------------------------------------------------------------


def outside_skipped(moment: datetime, rhythm: Rhythm) -> datetime:
    """The first moment from `moment` on that is in no hour or day to be skipped.

    A feed that skips every hour, or every day, asks for what cannot be done, and is not heard.
    """
    hours = rhythm.skip_hours if len(rhythm.skip_hours) < 24 else frozenset[int]()
    days = rhythm.skip_days if len(rhythm.skip_days) < 7 else frozenset[int]()
    while moment.hour in hours or moment.weekday() in days:
        moment = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return moment


# --- what the operator says -------------------------------------------------------------


def next_fire(expression: str, timezone: str, moment: datetime) -> datetime | None:
    """The first moment from `moment` on that a cron expression names; None if there is none.

    Days of the week count from Sunday = 0 (or 7), and a day of the month and one of the week are
    alternatives, as in crontab(5). ValueError: not a cron expression.
    """
    fire: datetime | None = _trigger(expression, timezone).get_next_fire_time(None, moment)
    # Across a change of clocks APScheduler adds hours of real time, and goes past what the clock shows.
    clock = moment.astimezone(ZoneInfo(timezone))
    shown: datetime | None = _trigger(expression, "UTC").get_next_fire_time(None, clock.replace(tzinfo=UTC))
    if fire is None or shown is None:
        return None
    real = shown.replace(tzinfo=clock.tzinfo).astimezone(moment.tzinfo)
    if real < moment:  # the clock shows it twice
        real = shown.replace(tzinfo=clock.tzinfo, fold=1).astimezone(moment.tzinfo)
    return min(real, fire.astimezone(moment.tzinfo))


@lru_cache(maxsize=1024)
def _trigger(expression: str, timezone: str) -> Any:  # noqa: ANN401 - APScheduler has no types
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger

    fields = expression.split()
    if len(fields) != 5:
        raise ValueError("a cron expression has five fields")
    zone = ZoneInfo(timezone)
    minute, hour, day, month, weekday = fields
    common = {"minute": minute, "hour": hour, "month": month, "timezone": zone}
    ways = [{"day": day}] if day != "*" or weekday == "*" else []
    ways += [{"day_of_week": _weekdays(weekday)}] if weekday != "*" else []
    triggers = [CronTrigger(**common, **way) for way in ways]
    return triggers[0] if len(triggers) == 1 else OrTrigger(triggers)


def _weekdays(field: str) -> str:
    """Days of the week by name: APScheduler counts numbers from Monday and knows no range over Sunday."""
    names: list[str] = []
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = ("0", "-", "6") if span == "*" else span.partition("-")
        if not first.isdecimal():
            names.append(part)
            continue
        until = int(last or ("6" if step else first))
        names += _DAYS[int(first) : until + 1 : int(step or 1)] if until < len(_DAYS) else [part]
    return ",".join(names)
