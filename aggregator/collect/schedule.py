"""When a source is asked next. Pure functions over recorded facts; all moments are UTC.

Next due is the latest of what the operator wishes (`interval`, stretched for a quiet source, or the next
moment of `schedule`), what the feed says (ttl, update period, hours and days to skip), and what the server
says (freshness, Retry-After), and never later than 31 days. It is stored, so that a restart asks nothing
early and forgets nothing.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aggregator.collect.rhythm import learned, next_fire, outside_skipped, suggested
from aggregator.errors import FetchError, Gone, SourceError, Unreachable
from aggregator.model import Fetched, Rhythm, SourceState, Validators
from aggregator.options import Source

LEAST_SECONDS = 60.0
MOST_SECONDS = 31 * 86400.0
JITTER = 0.1  # of the wait, at most
MOST_JITTER = 900.0
MOST_BACK_OFF = 7 * 86400.0 - MOST_JITTER
SITE_PAUSE = 3600.0  # where a server says 429 or 503, and not for how long
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
    source: Source,
    state: SourceState,
    fetched: Fetched,
    rhythm: Rhythm | None,
    now: datetime,
    *,
    dates: Iterable[datetime] = (),
) -> SourceState:
    """The state after a document was obtained and read.

    `rhythm` is None if it was unchanged; else `dates` are those of its entries.
    """
    if not same_place(source, state):
        state = _new_place(state)
    known = state.rhythm if rhythm is None else learned(state.rhythm, rhythm, dates, now)
    wait = _wish(source, known, now)
    fresh_until = _later(now, fetched.fresh_for)
    return replace(
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
        rhythm=known,
        fresh_until=fresh_until,
        next_due=_next(source, known, now, wait, fresh_until),
        **_move(source, state, fetched, now),
    )


def after_failure(source: Source, state: SourceState, error: SourceError, now: datetime) -> SourceState:
    """The state after a failure: validators stay, the wait doubles each time up to a week.

    While nothing at all can be reached, the fault is in our network and no source's.
    """
    if not same_place(source, state):
        state = _new_place(state)
    offline = isinstance(error, Unreachable) and error.offline
    failures = state.failures + (0 if offline else 1)
    told = error.retry_after if isinstance(error, FetchError) else None
    fresh_until = _later(now, error.fresh_for) if isinstance(error, FetchError) else None
    held = state.retry_after if state.retry_after is not None and state.retry_after > now else None
    retry_after = _later(now, told) or held
    wait = _interval(source)
    if not offline:
        wait = max(wait, min(MOST_BACK_OFF, wait * 2.0 ** min(failures - 1, 20)))
    moved = has_moved(state)
    if moved and (failures >= MOVE_FORGOTTEN_AFTER or isinstance(error, Gone)):
        state = replace(state, moved_to=None, moved_since=None, moved_count=0)
    return replace(
        state,
        url=home(source),
        last_attempt=now,
        last_error=str(error),
        failing_since=state.failing_since or (None if offline else now),
        failures=failures,
        retry_after=retry_after,
        gone=isinstance(error, Gone) and not moved,
        fresh_until=fresh_until,
        next_due=_next(source, state.rhythm, now, wait, fresh_until, retry_after),
    )


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


@dataclass(frozen=True, slots=True)
class Pause:
    """How long a whole site is to be left alone, and whether its server said so."""

    until: datetime
    told: bool


def site_pause(error: SourceError, now: datetime) -> Pause | None:
    """The pause that a 429 or 503 of one source means for all sources of its site."""
    if not isinstance(error, FetchError) or error.status not in {429, 503}:
        return None
    until = _later(now, SITE_PAUSE if error.retry_after is None else error.retry_after)
    assert until is not None, "there are seconds"
    return Pause(until, told=error.retry_after is not None)


def paused(state: SourceState, pause: Pause) -> SourceState:
    """The state of another source of a paused site. What its server said holds even `run --all` back."""
    due = pause.until if state.next_due is None else max(state.next_due, pause.until)
    if not pause.told:
        return replace(state, next_due=due)
    told = pause.until if state.retry_after is None else max(state.retry_after, pause.until)
    return replace(state, next_due=due, retry_after=told)


def shifted(state: SourceState, by: timedelta) -> SourceState:
    """The state after the clock was set: the waits still to come stay as long as they were."""
    names = ("next_due", "last_attempt", "retry_after", "fresh_until")
    moments = {name: getattr(state, name) for name in names}
    return replace(state, **{name: moment + by for name, moment in moments.items() if moment is not None})


def replanned(source: Source, state: SourceState) -> SourceState:
    """The state as if the settings had always said how often to ask what they say now."""
    if state.last_attempt is None or state.next_due is None:
        return state
    wait = _wish(source, state.rhythm, state.last_attempt)
    moments = (state.fresh_until, state.retry_after)
    return replace(state, next_due=_next(source, state.rhythm, state.last_attempt, wait, *moments))


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


def _wish(source: Source, rhythm: Rhythm, now: datetime) -> float:
    """How long we wish to wait, in seconds: a quiet source is asked less."""
    wait = _interval(source)
    return wait if source.fetch.schedule else suggested(rhythm, wait, source.fetch.max_interval, now)


def _interval(source: Source) -> float:
    return max(LEAST_SECONDS, LEAST_SECONDS if source.fetch.schedule else source.fetch.interval)


def _next(source: Source, rhythm: Rhythm, now: datetime, wait: float, *moments: datetime | None) -> datetime:
    """The next moment to ask.

    `wait` is what our own interval or back-off wishes, in seconds; `moments` are what the server said.
    """
    latest = now + timedelta(seconds=MOST_SECONDS)
    seconds = max(wait, rhythm.ttl or 0.0, rhythm.period or 0.0)
    due = now + timedelta(seconds=min(MOST_SECONDS, seconds))
    for moment in moments:
        due = max(due, moment or due)
    due = min(latest, outside_skipped(due, rhythm))
    if source.fetch.schedule:
        due = min(latest, _fire(source.fetch.schedule, source.timezone, rhythm, due, latest) or latest)
        return min(latest, due + timedelta(seconds=jitter(source.name) * (LEAST_SECONDS - 1)))
    spread = timedelta(seconds=jitter(source.name) * min(MOST_JITTER, JITTER * wait))
    allowed = outside_skipped(due + spread, rhythm)
    return min(latest, due + spread if allowed == due + spread else allowed + spread)


def _fire(expression: str, timezone: str, rhythm: Rhythm, due: datetime, latest: datetime) -> datetime | None:
    """The first moment of a schedule that the feed does not skip; if it skips them all, the first."""
    first = fire = next_fire(expression, timezone, due)
    while fire is not None and fire < latest:
        allowed = outside_skipped(fire, rhythm)
        if allowed == fire:
            return fire
        fire = next_fire(expression, timezone, allowed)
    return first


def _later(now: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else now + timedelta(seconds=min(MOST_SECONDS, max(0.0, seconds)))


def jitter(name: str) -> float:
    """A number from 0 to 1 that is always the same for a source and differs between sources."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest) / 0xFFFFFFFF
