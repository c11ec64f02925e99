"""Dates and seconds in response headers."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.collect.freshness import fresh_for, retry_after

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DATE = format_datetime(NOW, usegmt=True)
LATER = format_datetime(NOW + timedelta(hours=1), usegmt=True)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("max-age=60", 60),
        ("public, max-age=60", 60),
        ("no-transform,MAX-AGE = 60", 60),
        ('max-age="60"', 60),
        ("max-age=0, must-revalidate", 0),
        ("s-maxage=60", None),
        ("xmax-age=60", None),
        ("max-age=soon", None),
        ("max-age=-5", None),
        ("no-store", None),
        ("no-cache, max-age=2592000", None),
        ("max-age=2592000, private,No-Store", None),
        ('no-cache="set-cookie", max-age=60', 60),
        ("x-no-cache, max-age=60", 60),
        ("", None),
    ],
)
def test_cache_control(value: str, seconds: float | None) -> None:
    """max-age is found among other directives; s-maxage is for shared caches, which this is none."""
    assert fresh_for({"Cache-Control": value}, NOW) == seconds


def test_age_is_over() -> None:
    """What the answer spent in caches counts, and never below zero."""
    assert fresh_for({"Cache-Control": "max-age=60", "Age": "20"}, NOW) == 40
    assert fresh_for({"Cache-Control": "max-age=60", "Age": "200"}, NOW) == 0
    assert fresh_for({"Cache-Control": "max-age=60", "Age": "old"}, NOW) == 60


def test_expires_counts_from_the_date_of_the_response() -> None:
    """Our clock only stands in where there is no Date."""
    assert fresh_for({"Expires": LATER, "Date": DATE}, NOW + timedelta(days=9)) == 3600
    assert fresh_for({"Expires": LATER}, NOW + timedelta(minutes=30)) == 1800
    assert fresh_for({"Expires": DATE, "Date": LATER}, NOW) == 0
    assert fresh_for({"Expires": LATER, "Date": DATE, "Cache-Control": "no-cache"}, NOW) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        (LATER, 3600),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    """Seconds or a date (RFC 9110 section 10.2.3); anything else says nothing."""
    assert retry_after({"Retry-After": value, "Date": DATE}, NOW) == seconds


@pytest.mark.parametrize(
    "date",
    ["Mon, 02 Mar 2026 13:00:00 GMT", "Monday, 02-Mar-26 13:00:00 GMT", "Mon Mar  2 13:00:00 2026"],
)
def test_all_forms_of_http_dates(date: str) -> None:
    """The three of RFC 9110 section 5.6.7, which are always GMT."""
    assert retry_after({"Retry-After": date, "Date": DATE}, NOW) == 3600


@given(
    st.dictionaries(st.sampled_from(["Cache-Control", "Expires", "Date", "Age", "Retry-After"]), st.text())
)
def test_nothing_in_headers_raises(headers: dict[str, str]) -> None:
    """Whatever a server writes there, the result is none or some seconds."""
    for seconds in (fresh_for(headers, NOW), retry_after(headers, NOW)):
        assert seconds is None or seconds >= 0


@given(st.integers(-10, 40), st.integers(-10, 40), st.integers(0, 99999))
def test_odd_dates_do_not_raise(day: int, month: int, year: int) -> None:
    """Dates that no calendar has."""
    retry_after({"Retry-After": f"Mon, {day} Feb {year} {month}:99:99 +9999"}, NOW)
    retry_after({"Retry-After": f"Mon, {day} {month} {year} 00:00:00 -2400"}, NOW)
