"""How often a feed changes, cron expressions, and clocks that jump."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from guests import DAY, HOUR, START
from hypothesis import given
from hypothesis import strategies as st

from aggregator.collect.rhythm import learned, next_fire, outside_skipped, suggested
from aggregator.model import Rhythm

NOTHING = Rhythm()


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


# --- learning -----------------------------------------------------------------------------


def test_the_mean_gap_of_the_latest_entries_is_learned() -> None:
    """Twenty entries six hours apart."""
    dates = [START - number * 6 * HOUR for number in range(20)]
    assert learned(NOTHING, NOTHING, dates, START) == Rhythm(gap=6 * 3600.0, newest=START)


def test_what_is_long_ago_does_not_count() -> None:
    """An archive of last year at the end of the document says nothing of today."""
    dates = [START, START - HOUR, START - 400 * DAY]
    assert learned(NOTHING, NOTHING, dates, START).gap == 3600.0


def test_dates_of_the_future_do_not_count() -> None:
    """A conference announced for next year was not published then."""
    assert learned(NOTHING, NOTHING, [START + DAY, START - DAY], START).newest == START - DAY


def test_a_feed_without_dates_changed_when_it_was_seen_to() -> None:
    """The moments at which its bytes were new stand in for dates."""
    once = learned(NOTHING, NOTHING, [], START)
    assert once == Rhythm(newest=START)
    assert learned(once, NOTHING, [], START + 8 * HOUR) == Rhythm(newest=START + 8 * HOUR, gap=8 * 3600.0)


def test_a_new_entry_after_silence_shortens_the_gap_at_once() -> None:
    """The rates are averaged, so the busier one counts more."""
    asleep = Rhythm(newest=START - 60 * DAY, gap=3600.0)
    gap = learned(asleep, NOTHING, [START], START).gap
    assert gap is not None
    assert gap < 2 * 3600.0


def test_what_the_document_says_replaces_what_it_said() -> None:
    """ttl and the like are those of the latest document."""
    before, told = Rhythm(ttl=60.0, gap=5.0, newest=START), Rhythm(period=70.0)
    after = learned(before, told, [START], START)
    assert (after.ttl, after.period, after.gap) == (None, 70.0, 5.0)


def test_a_clock_that_was_ahead_is_forgotten() -> None:
    """A newest entry of the future, from a clock that ran ahead, gives way."""
    ahead = Rhythm(newest=START + 3650 * DAY, gap=60.0)
    assert learned(ahead, NOTHING, [START], START).newest == START


@given(
    st.floats(60, 1e6),
    st.floats(60, 1e6),
    st.none() | st.floats(0, 1e12),
    st.none() | st.timedeltas(-400 * DAY, 400 * DAY),
)
def test_a_suggestion_lies_between_interval_and_max_interval(
    interval: float, most: float, gap: float | None, age: timedelta | None
) -> None:
    """Whatever was learned."""
    rhythm = Rhythm(gap=gap, newest=None if age is None else START - age)
    wait = suggested(rhythm, interval, most, START)
    assert interval <= wait <= max(interval, most)


@given(
    st.lists(st.timedeltas(-400 * DAY, 400 * DAY)), st.none() | st.floats(0, 1e9), st.timedeltas(-DAY, DAY)
)
def test_learning_never_fails(ages: list[timedelta], gap: float | None, newest: timedelta) -> None:
    """Any dates, in any order: a gap is none or some seconds, the newest is not of the future."""
    after = learned(Rhythm(gap=gap, newest=START - newest), NOTHING, [START - age for age in ages], START)
    assert after.gap is None or after.gap >= 0
    assert after.newest is not None
    assert after.newest <= START


# --- skipping -----------------------------------------------------------------------------


@given(
    st.frozensets(st.integers(0, 23)), st.frozensets(st.integers(0, 6)), st.timedeltas(timedelta(), 400 * DAY)
)
def test_skipped_hours_and_days_are_passed_over(
    hours: frozenset[int], days: frozenset[int], age: timedelta
) -> None:
    """The moment found is allowed, not before the one asked for, and within a week of it."""
    moment = START + age
    found = outside_skipped(moment, Rhythm(skip_hours=hours, skip_days=days))
    assert moment <= found <= moment + 7 * DAY
    assert len(hours) == 24 or found.hour not in hours
    assert len(days) == 7 or found.weekday() not in days


# --- schedules ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "moment", "expected"),
    [
        ("*/30 7-23 * * *", "2026-03-02T12:10", "2026-03-02T12:30"),
        ("*/30 7-23 * * *", "2026-03-02T23:31", "2026-03-03T07:00"),
        ("0 6 * * 0", "2026-03-02T12:00", "2026-03-08T06:00"),  # 0 is Sunday
        ("0 6 * * 7", "2026-03-02T12:00", "2026-03-08T06:00"),  # and so is 7
        ("0 6 * * 1", "2026-03-02T12:00", "2026-03-09T06:00"),
        ("0 6 * * 1-5", "2026-03-06T12:00", "2026-03-09T06:00"),
        ("0 6 * * 5-7", "2026-03-02T12:00", "2026-03-06T06:00"),
        ("0 6 * * */2", "2026-03-02T12:00", "2026-03-03T06:00"),  # Sunday, Tuesday, ...
        ("0 6 * * 3/2", "2026-03-02T12:00", "2026-03-04T06:00"),
        ("0 6 * * sat,sun", "2026-03-02T12:00", "2026-03-07T06:00"),
        ("0 6 13 * 5", "2026-03-02T12:00", "2026-03-06T06:00"),  # the 13th or a Friday, as in crontab(5)
        ("0 0 1 1 *", "2026-03-02T12:00", "2027-01-01T00:00"),
    ],
)
def test_cron_expressions(expression: str, moment: str, expected: str) -> None:
    """As crontab(5) reads them."""
    assert next_fire(expression, "UTC", at(moment)) == at(expected)


def test_a_moment_that_never_comes() -> None:
    """The 30th of February."""
    assert next_fire("0 0 30 2 *", "UTC", START) is None


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "61 * * * *", "* * * * 9", "x * * * *", "* * * * someday"]
)
def test_what_is_no_cron_expression(expression: str) -> None:
    """A ValueError, whatever is wrong."""
    with pytest.raises(ValueError, match=r"\w"):
        next_fire(expression, "UTC", START)


@pytest.mark.parametrize("expression", ["0 0 * * *", "30 0 * * *", "0 1 * * 1,2", "45 23,0 * * *"])
@pytest.mark.parametrize(
    ("zone", "day"), [("Europe/Berlin", "2026-03-29"), ("America/New_York", "2026-03-08")]
)
def test_the_night_after_clocks_change_is_not_missed(expression: str, zone: str, day: str) -> None:
    """Wherever the day before is asked from, the next moment is the one that the clock shows next."""
    begin = at(f"{day}T00:00", zone)
    hits = [begin + timedelta(minutes=number) for number in range(60 * 60)]
    hits = [moment for moment in hits if next_fire(expression, zone, moment) == moment]
    assert len({moment.astimezone(ZoneInfo(zone)).date() for moment in hits}) >= 2
    for hour in range(24):
        moment = begin + timedelta(hours=hour, seconds=1)
        assert next_fire(expression, zone, moment) == min(one for one in hits if one >= moment)


def fires(expression: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    moments = []
    while (moment := next_fire(expression, zone, begin)) is not None and moment < end:
        moments.append(moment)
        begin = moment + timedelta(seconds=1)
    return moments


@pytest.mark.parametrize(
    ("zone", "begin", "end", "hours"),
    [
        ("Europe/Berlin", "2026-03-28T00:00", "2026-03-31T00:00", 71),  # an hour is left out on the 29th
        ("Europe/Berlin", "2026-10-24T00:00", "2026-10-27T00:00", 73),  # an hour comes twice on the 25th
        ("America/St_Johns", "2026-03-07T00:00", "2026-03-10T00:00", 71),
        ("Australia/Lord_Howe", "2026-04-04T00:00", "2026-04-07T00:00", 72),  # half an hour
        ("Pacific/Apia", "2011-12-28T00:00", "2012-01-02T00:00", 96),  # the 30th never was
    ],
)
def test_no_hour_is_missed_or_doubled_where_clocks_change(
    zone: str, begin: str, end: str, hours: int
) -> None:
    """An hourly schedule fires once in each hour that there is, an hour apart."""
    moments = fires("0 * * * *", zone, at(begin, zone), at(end, zone))
    assert abs(len(moments) - hours) <= 1
    gaps = {two - one for one, two in pairwise(moments)}
    assert gaps <= {timedelta(minutes=30), HOUR, timedelta(minutes=90), 2 * HOUR}


def test_a_daily_schedule_passes_over_the_day_that_never_was() -> None:
    """Apia went from the 29th to the 31st of December 2011."""
    moments = fires(
        "0 6 * * *", "Pacific/Apia", at("2011-12-28T00:00", "Pacific/Apia"), at("2012-01-02T00:00", "UTC")
    )
    days = [moment.astimezone(ZoneInfo("Pacific/Apia")).day for moment in moments]
    assert days == [28, 29, 31, 1, 2][: len(days)]
    assert 30 not in days
