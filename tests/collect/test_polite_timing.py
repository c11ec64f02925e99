"""When a server is asked again: the rules of docs/politeness.md, "When"."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from guests import DAY, HOUR, START, Guest, feed
from hypothesis import given
from hypothesis import strategies as st
from loopback import Reply, Server

from aggregator.collect import schedule
from aggregator.collect.http import HttpFetcher
from aggregator.errors import FetchError, HttpError, SourceError, Unreachable
from aggregator.model import Fetched, Rhythm, SourceState
from aggregator.options import Source

BODY = b"<rss version='2.0'/>"
MINUTE = timedelta(minutes=1)
URL = "https://example.org/feed"
OK = Fetched(body=b"x", url=URL, body_hash="1")
SAME = Fetched(body=None, url=URL, body_hash="1")


def date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def told(**headers: str) -> Reply:
    """An answer with these headers, sent by a server whose clock shows START."""
    return Reply(BODY, etag='"1"', headers={"Date": date(START)} | headers)


def after(
    source: Source, *, fetched: Fetched = OK, rhythm: Rhythm | None = None, now: datetime = START
) -> timedelta:
    """The wait after a success at `now`."""
    state = schedule.after_success(source, SourceState(), fetched, rhythm, now)
    assert state.next_due is not None
    return state.next_due - now


def visited(fetcher: HttpFetcher, *answers: Reply, interval: float = 3600.0) -> Guest:
    """A guest after one visit for each answer."""
    with Server({"/": list(answers)}) as server:
        guest = Guest(feed(server.url(), interval=interval, max_interval=interval), fetcher)
        for number in range(len(answers)):
            guest.visit(after=number * 40 * DAY)
        assert len(server.requests) == len(answers)
    return guest


# --- what the operator wishes -------------------------------------------------------------


def test_the_interval_is_the_least() -> None:
    """A source is due an interval after its last fetch, and a little spread later at most."""
    assert HOUR <= after(feed(URL)) <= HOUR * 1.1


def test_no_source_is_asked_more_than_once_a_minute() -> None:
    """An interval of a second is read as a minute."""
    assert after(feed(URL, interval=1.0)) >= MINUTE


def test_a_schedule_names_the_moments() -> None:
    """With `schedule`, the next moment it names, within a minute; night hours are left out."""
    source = feed(URL, schedule="*/30 7-23 * * *")
    assert timedelta(minutes=30) <= after(source, now=START) < timedelta(minutes=31)
    late = START.replace(hour=23, minute=30, second=1)
    assert timedelta(hours=7, minutes=29) < after(source, now=late) < timedelta(hours=7, minutes=31)


def test_a_schedule_waits_for_the_server() -> None:
    """max-age moves a schedule to its first moment after that."""
    source = feed(URL, schedule="0 * * * *")
    fresh = replace(OK, fresh_for=2 * 3600.0 + 60)
    assert 3 * HOUR <= after(source, fetched=fresh) < 3 * HOUR + MINUTE


def test_a_schedule_is_not_stretched_for_a_quiet_source() -> None:
    """Who names the moments means them."""
    quiet = SourceState(rhythm=Rhythm(newest=START - 90 * DAY))
    state = schedule.after_success(feed(URL, schedule="*/10 * * * *"), quiet, SAME, None, START)
    assert state.next_due is not None
    assert state.next_due - START < timedelta(minutes=11)


def test_a_disabled_source_rests() -> None:
    """`enabled = false` is stronger than `--all`."""
    source = feed(URL, enabled=False)
    assert not schedule.is_due(source, SourceState(), START)
    assert not schedule.is_due(source, SourceState(), START, everything=True)


# --- what the source's own rhythm suggests ------------------------------------------------


def test_a_quiet_source_is_asked_less() -> None:
    """The longer nothing came, the longer the wait, up to max_interval."""
    source = feed(URL, max_interval=86400.0)
    waits = []
    for silence in (HOUR, 2 * DAY, 4 * DAY, 60 * DAY):
        known = Rhythm(newest=START - silence)
        state = schedule.after_success(source, SourceState(rhythm=known), SAME, None, START)
        assert state.next_due is not None
        waits.append(state.next_due - START)
    assert waits == sorted(waits)
    assert waits[0] <= HOUR * 1.1
    assert timedelta(hours=4) < waits[1] < timedelta(hours=6)
    assert DAY <= waits[3] <= DAY + timedelta(minutes=15)


def test_a_busy_source_is_never_asked_more_than_its_interval() -> None:
    """Entries a minute apart do not shorten the hour."""
    source = feed(URL)
    dates = [START - timedelta(minutes=number) for number in range(20)]
    state = schedule.after_success(source, SourceState(), OK, Rhythm(), START, dates=dates)
    assert state.next_due is not None
    assert HOUR <= state.next_due - START <= HOUR * 1.1


def test_a_quiet_source_that_wakes_is_asked_more_again() -> None:
    """One new entry ends the long waits."""
    source = feed(URL)
    quiet = SourceState(rhythm=Rhythm(newest=START - 60 * DAY, gap=3600.0))
    state = schedule.after_success(source, quiet, OK, Rhythm(), START, dates=[START])
    assert state.next_due is not None
    assert state.next_due - START < DAY


# --- what the server says -----------------------------------------------------------------


def test_max_age_is_waited_for(fetcher: HttpFetcher) -> None:
    """Cache-Control: max-age on a 200, less what the answer spent in caches."""
    guest = visited(fetcher, told(**{"Cache-Control": "public, max-age=10800", "Age": "3600"}))
    assert 2 * HOUR <= guest.wait <= 2 * HOUR + MINUTE * 15


def test_max_age_on_a_304_is_waited_for(fetcher: HttpFetcher) -> None:
    """A 304 renews the freshness like a 200."""
    fresh = Reply(status=304, headers={"Cache-Control": "max-age=14400"})
    guest = visited(fetcher, told(), fresh)
    assert guest.wait >= 4 * HOUR


def test_max_age_on_an_error_is_waited_for(fetcher: HttpFetcher) -> None:
    """A 404 that says how long it stands is believed."""
    guest = visited(fetcher, Reply(b"", 404, headers={"Cache-Control": "max-age=36000"}))
    assert guest.wait >= 10 * HOUR


def test_expires_is_waited_for(fetcher: HttpFetcher) -> None:
    """Expires counts from the response's own Date, and less than max-age."""
    guest = visited(fetcher, told(Expires=date(START + 5 * HOUR)))
    assert 5 * HOUR <= guest.wait <= 5 * HOUR + MINUTE * 15
    both = told(**{"Expires": date(START + 9 * HOUR), "Cache-Control": "max-age=60"})
    assert visited(fetcher, both).wait <= HOUR * 1.1


@pytest.mark.parametrize("value", ["0", "-1", "never", "", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_expired_answers_wait_for_nothing(fetcher: HttpFetcher, value: str) -> None:
    """`Expires: 0` and the like are common, and mean no wait."""
    assert visited(fetcher, told(Expires=value)).wait <= HOUR * 1.1


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds(fetcher: HttpFetcher, status: int) -> None:
    """It holds the source for exactly as long as the server said, and `--all` too."""
    guest = visited(fetcher, Reply(b"", status, headers={"Retry-After": "18000"}), interval=60.0)
    assert guest.state.retry_after == guest.now + 5 * HOUR
    guest.now += 5 * HOUR - timedelta(seconds=1)
    assert not guest.due()
    assert not guest.due(everything=True)
    guest.now += timedelta(seconds=1)
    assert guest.due(everything=True)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_as_a_date(fetcher: HttpFetcher, status: int) -> None:
    """A date counts from the response's own Date, so that a wrong clock on either side does no harm."""
    headers = {"Date": date(START + 90 * DAY), "Retry-After": date(START + 90 * DAY + 2 * HOUR)}
    guest = visited(fetcher, Reply(b"", status, headers=headers))
    assert guest.state.retry_after == guest.now + 2 * HOUR


@pytest.mark.parametrize("value", ["soon", "-5", "1e3", "", "99 bottles"])
def test_a_retry_after_that_says_nothing_is_passed_over(fetcher: HttpFetcher, value: str) -> None:
    """Then our own back-off counts, which `--all` passes over."""
    guest = visited(fetcher, Reply(b"", 429, headers={"Retry-After": value}))
    assert guest.state.retry_after is None
    assert guest.due(everything=True)


def test_a_retry_after_outlives_other_failures(fetcher: HttpFetcher) -> None:
    """A network failure meanwhile does not shorten what the server asked for."""
    guest = visited(fetcher, Reply(b"", 429, headers={"Retry-After": "18000"}))
    before = guest.state.retry_after
    state = schedule.after_failure(guest.source, guest.state, Unreachable("no network"), guest.now + HOUR)
    assert state.retry_after == before


def test_nothing_makes_us_wait_more_than_31_days(fetcher: HttpFetcher) -> None:
    """A max-age of a year, a ttl of a century, a Retry-After beyond all numbers: 31 days."""
    year = told(**{"Cache-Control": "max-age=31536000"})
    assert visited(fetcher, year).wait == 31 * DAY
    assert visited(fetcher, Reply(b"", 429, headers={"Retry-After": "9" * 17})).wait == 31 * DAY
    assert after(feed(URL), rhythm=Rhythm(ttl=1e12)) == 31 * DAY


# --- what the feed says -------------------------------------------------------------------


def test_ttl_is_waited_for() -> None:
    """RSS ttl, in the state as seconds."""
    assert 5 * HOUR <= after(feed(URL), rhythm=Rhythm(ttl=5 * 3600.0)) <= 5 * HOUR + MINUTE * 15


def test_the_update_period_is_waited_for() -> None:
    """sy:updatePeriod over sy:updateFrequency."""
    assert 12 * HOUR <= after(feed(URL), rhythm=Rhythm(period=43200.0)) <= 12 * HOUR + MINUTE * 15


def test_skip_hours_are_left_out() -> None:
    """A feed that skips 13 to 16 GMT is asked at 17."""
    skipping = Rhythm(skip_hours=frozenset({13, 14, 15, 16}))
    assert 5 * HOUR <= after(feed(URL), rhythm=skipping) <= 5 * HOUR + MINUTE * 15
    for number in range(50):  # the spread leads into none of these hours either
        source = feed(URL, name=f"Example {number}", interval=3480.0)
        assert (START + after(source, rhythm=skipping)).hour in {12, 17}
    every = feed(URL, schedule="30 * * * *")
    assert after(every, rhythm=Rhythm(skip_hours=frozenset({12, 13, 14}))) < 3.6 * HOUR
    assert after(every, rhythm=skipping) < HOUR
    assert after(feed(URL, schedule="30 13,18 * * *"), rhythm=skipping) > 6 * HOUR
    assert after(feed(URL, schedule="30 13 * * *"), rhythm=skipping) < 2 * HOUR


def test_skip_days_are_left_out() -> None:
    """A feed that skips Mondays and Tuesdays is asked on Wednesday."""
    skipping = Rhythm(skip_days=frozenset({0, 1}))
    assert 36 * HOUR <= after(feed(URL), rhythm=skipping) <= 36 * HOUR + MINUTE * 15


def test_a_feed_that_skips_everything_is_not_heard() -> None:
    """All hours, or all days, cannot be meant."""
    never = Rhythm(skip_days=frozenset(range(7)), skip_hours=frozenset(range(24)))
    assert after(feed(URL), rhythm=never) <= HOUR * 1.1


def test_what_the_feed_says_is_kept_through_304s() -> None:
    """A 304 brings no document, and the ttl of the last one holds on."""
    state = schedule.after_success(feed(URL), SourceState(), OK, Rhythm(ttl=7200.0), START)
    later = START + 3 * HOUR
    state = schedule.after_success(feed(URL), state, SAME, None, later)
    assert state.next_due is not None
    assert state.next_due - later >= 2 * HOUR


# --- failures -----------------------------------------------------------------------------


def failing(times: int, *, source: Source | None = None, error: SourceError | None = None) -> list[timedelta]:
    """The waits between failures in a row."""
    source, state, now = source or feed(URL), SourceState(), START
    waits = []
    for _ in range(times):
        state = schedule.after_failure(source, state, error or HttpError("no", status=500), now)
        assert state.next_due is not None
        waits.append(state.next_due - now)
        now = state.next_due
    return waits


def test_failures_back_off_to_a_week() -> None:
    """Each wait about doubles the one before, from the interval to a week at most."""
    waits = failing(30)
    assert HOUR <= waits[0] <= HOUR * 1.1
    for one, two in pairwise(waits[:7]):
        assert 1.7 <= two / one <= 2.2
    assert all(DAY * 6.9 <= wait <= DAY * 7 for wait in waits[9:])


def test_back_off_is_spread() -> None:
    """Sources that fail together do not come back together."""
    waits = {failing(5, source=feed(URL, name=str(number)))[-1] for number in range(50)}
    assert len(waits) == 50
    assert max(waits) - min(waits) > MINUTE * 5


def test_a_success_ends_the_back_off() -> None:
    """After it the source is asked at its interval again, and is not failing."""
    state = SourceState(failures=9, failing_since=START - DAY, last_error="no")
    state = schedule.after_success(feed(URL), state, OK, None, START)
    assert (state.failures, state.failing_since, state.last_error) == (0, None, None)
    assert state.next_due is not None
    assert state.next_due - START <= HOUR * 1.1


def test_a_dead_source_is_reported_and_still_tried() -> None:
    """After `dead_after` it counts as dead, and is asked about weekly for as long as it stands there."""
    source, state, now = feed(URL, dead_after=14 * 86400.0), SourceState(), START
    for _ in range(40):
        state = schedule.after_failure(source, state, FetchError("no"), now)
        assert schedule.is_dead(source, state, now) == (now - START >= 14 * DAY)
        assert state.next_due is not None
        now = state.next_due
        assert schedule.is_due(source, state, now)
    assert now - START > 200 * DAY


def test_our_own_outage_is_no_ones_fault() -> None:
    """While nothing at all can be reached, no source backs off, and none is on its way to being dead."""
    offline = Unreachable("no network", offline=True)
    assert all(wait <= HOUR * 1.1 for wait in failing(20, error=offline))
    state = schedule.after_failure(feed(URL), SourceState(), offline, START)
    assert (state.failures, state.failing_since, state.last_error) == (0, None, "no network")


# --- when the program starts, and `--all` -------------------------------------------------


def test_jitter_is_stable_and_differs_between_sources() -> None:
    """A source always has the same spread; a thousand of them are spread evenly."""
    values = sorted(schedule.jitter(f"source {number}") for number in range(1000))
    assert values == sorted(schedule.jitter(f"source {number}") for number in range(1000))
    assert all(abs(value - number / 1000) < 0.06 for number, value in enumerate(values))


def test_a_restart_fetches_nothing_early(fetcher: HttpFetcher) -> None:
    """What is due lives in the state alone: another process with it asks nothing before its time."""
    with Server({"/": Reply(BODY)}) as server:
        guest = Guest(feed(server.url()), fetcher)
        guest.visit()
        with HttpFetcher(environment={}) as another:
            restarted = Guest(guest.source, another, now=guest.now)
            restarted.state = guest.state
            assert restarted.visit(after=timedelta(minutes=59)) is None
            assert restarted.visit(after=timedelta(minutes=10)) is not None
        assert len(server.requests) == 2


def test_all_passes_over_our_own_waits_only() -> None:
    """`run --all`: interval, rhythm, freshness, jitter and back-off do not hold; Retry-After and 410 do."""
    source = feed(URL)
    waiting = SourceState(
        url=URL, next_due=START + DAY, fresh_until=START + DAY, failures=5, last_attempt=START
    )
    assert not schedule.is_due(source, waiting, START)
    assert schedule.is_due(source, waiting, START, everything=True)
    assert not schedule.is_due(source, replace(waiting, retry_after=START + DAY), START, everything=True)
    assert not schedule.is_due(source, replace(waiting, gone=True), START, everything=True)


# --- for all inputs -----------------------------------------------------------------------

moments = st.timedeltas(-40 * 365 * DAY, 80 * 365 * DAY).map(lambda age: START + age)
seconds = st.none() | st.floats(0, 1e12)
rhythms = st.builds(
    Rhythm,
    ttl=seconds,
    period=seconds,
    skip_hours=st.frozensets(st.integers(0, 23)),
    skip_days=st.frozensets(st.integers(0, 6)),
    gap=seconds,
    newest=st.none() | st.datetimes(timezones=st.just(UTC)),
)


@given(
    interval=st.floats(0, 1e7),
    rhythm=st.none() | rhythms,
    fresh=seconds,
    name=st.text(),
    now=moments,
)
def test_a_wait_lies_between_a_minute_and_31_days(
    interval: float, rhythm: Rhythm | None, fresh: float | None, name: str, now: datetime
) -> None:
    """Whatever anybody says, and never less than the interval unless that is longer than 31 days."""
    source = feed(URL, interval=interval, name=name)
    fetched = replace(OK, fresh_for=fresh)
    wait = after(source, fetched=fetched, rhythm=rhythm, now=now)
    assert min(max(MINUTE, timedelta(seconds=interval)), 31 * DAY) <= wait <= 31 * DAY
    if fresh is not None:
        assert wait >= min(timedelta(seconds=fresh), 31 * DAY)


@given(
    failures=st.integers(0, 10**6),
    retry_after=seconds,
    fresh=seconds,
    interval=st.floats(0, 1e6),
    now=moments,
)
def test_a_failure_is_waited_out_for_31_days_at_most(
    failures: int, retry_after: float | None, fresh: float | None, interval: float, now: datetime
) -> None:
    """Never less than the interval or what the server asked for, never more than 31 days."""
    error = FetchError("no", retry_after=retry_after, fresh_for=fresh)
    state = schedule.after_failure(feed(URL, interval=interval), SourceState(failures=failures), error, now)
    assert state.next_due is not None
    wait = state.next_due - now
    assert (
        min(timedelta(seconds=max(60.0, interval, retry_after or 0.0, fresh or 0.0)), 31 * DAY)
        <= wait
        <= 31 * DAY
    )


def test_a_seed_directory_is_due_after_a_scan() -> None:
    """A scan is remembered as a success, and the next is never too early."""
    failed = SourceState(failures=3, failing_since=START, last_error="gone", next_due=START + DAY)
    state = schedule.after_scan(failed, START)
    assert (state.last_success, state.failures, state.last_error) == (START, 0, None)
    seeds = replace(feed(URL), kind="seed", url=None)
    assert schedule.is_due(seeds, state, START)


def test_another_address_starts_afresh_after_failures() -> None:
    """Failures, waits and moves of the old address are forgotten when the new one fails too."""
    source = feed(URL)
    old = SourceState(
        url="https://old.example/", failures=9, failing_since=START - DAY, moved_count=9, gone=True
    )
    state = schedule.after_failure(source, old, FetchError("no"), START)
    assert (state.url, state.failures, state.failing_since) == (URL, 1, START)
    assert (state.moved_count, state.gone) == (0, False)
