"""When a source is asked next. Pure functions over recorded facts; all moments are UTC.

Next due is the latest of what the operator wishes (`interval`, or the next moment of `schedule`), what the
feed says (ttl, update period, hours and days to skip), and what the server says (freshness,
Retry-After), and never later than 31 days. It is stored, so that a restart asks nothing early.
"""

import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from aggregator.errors import FetchError, Gone, SourceError
from aggregator.model import Fetched, Rhythm, Source, SourceState, Validators

LEAST_SECONDS = 60.0
MOST_SECONDS = 31 * 86400.0
MOST_BACK_OFF = 7 * 86400.0
JITTER = 0.1  # of the interval, at most
MOST_JITTER = 900.0
MOVED_AFTER_FETCHES = 3
MOVED_AFTER = timedelta(days=3)
MOVE_FORGOTTEN_AFTER = 3  # failures in a row at the new address
CLOCK_TOLERANCE = timedelta(days=1)


# --- where ------------------------------------------------------------------------------


def home(source: Source) -> str:
    """What the settings say of where a source is, as an address."""
    return source.url if source.url is not None else source.path.absolute().as_uri() if source.path else ""


def same_place(source: Source, state: SourceState) -> bool:
    """Whether what is remembered was learned at the place that the settings name now."""
    return state.url in {None, home(source)}


def has_moved(state: SourceState) -> bool:
    """Whether permanent redirects have led to a valid feed often and long enough to be believed."""
    return state.moved_to is not None and state.moved_count >= MOVED_AFTER_FETCHES and _long_moved(state)


def _long_moved(state: SourceState) -> bool:
    return (
        state.moved_since is not None
        and state.last_success is not None
        and state.last_success - state.moved_since >= MOVED_AFTER
    )


def address(source: Source, state: SourceState) -> str:
    """Where to ask: the settings' address, or the one that the source has moved to."""
    if same_place(source, state) and has_moved(state) and state.moved_to is not None:
        return state.moved_to
    return home(source)


# --- whether ----------------------------------------------------------------------------


def is_due(source: Source, state: SourceState, now: datetime, *, everything: bool = False) -> bool:
    """Whether to ask now. With `everything`, only an unexpired Retry-After and a 410 hold a source back.

    Local files and seed directories are always due: looking costs nobody anything.
    """
    if not source.enabled:
        return False
    if source.url is None or not same_place(source, state):
        return True
    if state.gone:
        return False
    if _is_ahead(state.retry_after, state, now):
        return False
    return everything or not _is_ahead(state.next_due, state, now)


def _is_ahead(moment: datetime | None, state: SourceState, now: datetime) -> bool:
    """Whether a moment is still to come. One recorded by a clock that ran far ahead does not count."""
    if moment is None or moment <= now:
        return False
    recorded = state.last_attempt or now
    return recorded <= now + CLOCK_TOLERANCE


def is_dead(source: Source, state: SourceState, now: datetime) -> bool:
    """Whether a source has failed for so long that the operator should hear of it."""
    since = state.failing_since
    return since is not None and (now - since).total_seconds() >= source.fetch.dead_after


# --- what next --------------------------------------------------------------------------


def after_success(
    source: Source, state: SourceState, fetched: Fetched, rhythm: Rhythm | None, now: datetime
) -> SourceState:
    """The state after a document was obtained and read; `rhythm` is None if it was unchanged."""
    if not same_place(source, state):
        state = _new_place(state)
    state = replace(
        state,
        url=home(source),
        validators=fetched.validators,
        body_hash=fetched.body_hash,
        last_attempt=now,
        last_success=now,
        last_error=None,
        failing_since=None,
        failures=0,
        retry_after=None,
        gone=False,
        rhythm=state.rhythm if rhythm is None else rhythm,
        fresh_until=_later(now, fetched.fresh_for),
        **_move(source, state, fetched, now),
    )
    return replace(state, next_due=_next(source, state, now, wait=_interval(source)))


def after_failure(source: Source, state: SourceState, error: SourceError, now: datetime) -> SourceState:
    """The state after a failure: validators stay, the wait doubles each time up to a week."""
    if not same_place(source, state):
        state = replace(_new_place(state), url=home(source))
    failures = state.failures + 1
    told = error.retry_after if isinstance(error, FetchError) else None
    fresh = error.fresh_for if isinstance(error, FetchError) else None
    held = state.retry_after if state.retry_after is not None and state.retry_after > now else None
    moved = has_moved(state)
    state = replace(
        state,
        last_attempt=now,
        last_error=str(error),
        failing_since=state.failing_since or now,
        failures=failures,
        retry_after=_later(now, told) or held,
        gone=isinstance(error, Gone) and not moved,
        fresh_until=_later(now, fresh),
    )
    if moved and (failures >= MOVE_FORGOTTEN_AFTER or isinstance(error, Gone)):
        state = replace(state, moved_to=None, moved_since=None, moved_count=0)
    wait = _interval(source)
    back_off = max(wait, min(MOST_BACK_OFF, wait * 2.0 ** min(failures - 1, 20)))
    return replace(state, next_due=_next(source, state, now, wait=back_off))


def after_scan(state: SourceState, now: datetime) -> SourceState:
    """The state after a seed directory was read."""
    return replace(
        state,
        last_attempt=now,
        last_success=now,
        last_error=None,
        failing_since=None,
        failures=0,
        next_due=None,
    )


def _new_place(state: SourceState) -> SourceState:
    """The settings name another address: what was learned of the old one says nothing of it."""
    return replace(
        state,
        validators=Validators(),
        body_hash=None,
        retry_after=None,
        gone=False,
        failures=0,
        failing_since=None,
        moved_to=None,
        moved_since=None,
        moved_count=0,
        rhythm=Rhythm(),
        fresh_until=None,
    )


def _move(source: Source, state: SourceState, fetched: Fetched, now: datetime) -> dict[str, Any]:
    """How a success bears on where the source is believed to be."""
    if fetched.moved_to is None:
        if has_moved(state) and source.url is not None:
            return {}
        return {"moved_to": None, "moved_since": None, "moved_count": 0}
    if fetched.moved_to == state.moved_to:
        return {"moved_count": state.moved_count + 1}
    return {"moved_to": fetched.moved_to, "moved_since": now, "moved_count": 1}


# --- the latest of all wishes -----------------------------------------------------------


def _interval(source: Source) -> float:
    return max(LEAST_SECONDS, LEAST_SECONDS if source.fetch.schedule else source.fetch.interval)


def _next(source: Source, state: SourceState, now: datetime, *, wait: float) -> datetime:
    """The next moment to ask; `wait` is what our own interval or back-off wishes, in seconds."""
    latest = now + timedelta(seconds=MOST_SECONDS)
    due = max(_wishes(state, now, wait))
    due = min(latest, _outside_skipped(due, state.rhythm))
    if source.fetch.schedule:
        due = min(latest, next_fire(source.fetch.schedule, source.timezone, due))
        return due + timedelta(seconds=jitter(source.name) * (LEAST_SECONDS - 1))
    spread = jitter(source.name) * min(MOST_JITTER, JITTER * wait)
    return min(latest, due + timedelta(seconds=spread))


def _wishes(state: SourceState, now: datetime, wait: float) -> Iterator[datetime]:
    for seconds in (wait, state.rhythm.ttl, state.rhythm.period):
        yield now + timedelta(seconds=min(MOST_SECONDS, max(0.0, seconds or 0.0)))
    for moment in (state.fresh_until, state.retry_after):
        if moment is not None:
            yield moment


def _later(now: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=min(MOST_SECONDS, max(0.0, seconds)))


def _outside_skipped(moment: datetime, rhythm: Rhythm) -> datetime:
    """The first moment from `moment` on that is in no hour or day to be skipped.

    A feed that skips every hour or every day asks for nothing that could be done.
    """
    hours = rhythm.skip_hours if len(rhythm.skip_hours) < 24 else frozenset[int]()
    days = rhythm.skip_days if len(rhythm.skip_days) < 7 else frozenset[int]()
    for _ in range(8 * 24):
        if moment.hour not in hours and moment.weekday() not in days:
            break
        moment = moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return moment


def jitter(name: str) -> float:
    """A number from 0 to 1 that is always the same for a source and differs between sources."""
    return zlib.crc32(name.encode("utf-8", "surrogatepass")) / 0xFFFFFFFF


@lru_cache(maxsize=1024)
def _trigger(expression: str, timezone: str) -> Any:  # noqa: ANN401 - APScheduler has no types
    from apscheduler.triggers.cron import CronTrigger

    return CronTrigger.from_crontab(expression, timezone=timezone)


def next_fire(expression: str, timezone: str, moment: datetime) -> datetime:
    """The first moment from `moment` on that a cron expression names; `moment` plus 31 days if none does."""
    fire: datetime | None = _trigger(expression, timezone).get_next_fire_time(None, moment)
    if fire is None:
        return moment + timedelta(seconds=MOST_SECONDS)
    return fire.astimezone(moment.tzinfo)
