"""`parse.dates`: what is understood, what it means, and what is no date."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.parse.dates import parse_date

# What is written, and the moment it names.
DATES = {
    # RFC 822, 1123, 2822 and their decay
    "Tue, 13 Sep 2022 09:28:50 GMT": "2022-09-13T09:28:50",
    "Tue, 13 Sep 2022 09:28:50 +0800": "2022-09-13T01:28:50",
    "Tue,13 Sep 22 09:28 EST": "2022-09-13T14:28:00",
    "13 Sep 2022 09:28:50 -0000": "2022-09-13T09:28:50",
    "Tue 13 Sep 2022 09:28:50 Z": "2022-09-13T09:28:50",
    "Tues., 13 Sept. 2022 09:28:50 UT": "2022-09-13T09:28:50",
    "Tuesday, 13-Sep-22 09:28:50 GMT": "2022-09-13T09:28:50",
    "Tuesday, 13 September 2022 9:28:50 PM": "2022-09-13T21:28:50",
    "Tue, 13 Sep 2022 09:28:50 GMT+0200 (Central European Summer Time)": "2022-09-13T07:28:50",
    "Tue, 13 Sep 2022 09:28:50 +0200 CEST": "2022-09-13T07:28:50",
    "Tue, 13 Sep 2022 09:28:50 -01:30": "2022-09-13T10:58:50",
    "Tue, 13 Sep 2022 09:28:50 Etc/GMT": "2022-09-13T09:28:50",
    "Tue, 13 Sep 2022 09:28:50 Nowhere/Land": "2022-09-13T09:28:50",
    "Tue, 13 Sep 2022 09:28:50 XYZ": "2022-09-13T09:28:50",
    "Tue, 13 Sep 2022 09.28.50 GMT": "2022-09-13T09:28:50",
    "Tue, 13 Sep, 2022 09:28:50 GMT": "2022-09-13T09:28:50",
    "  Tue,  13  Sep  2022  09:28:50   GMT ": "2022-09-13T09:28:50",
    "Thu, 13 Sep 2022 09:28:50 GMT": "2022-09-13T09:28:50",  # it was a Tuesday
    "Tue, 13 Sep 2022": "2022-09-13T00:00:00",
    "Tue, 13 Sep 2022 24:00:00 GMT": "2022-09-14T00:00:00",
    "Sat, 31 Dec 2016 23:59:60 GMT": "2017-01-01T00:00:00",
    "Thu, 01 Jan 0100 00:00:01 +0100": "0099-12-31T23:00:01",
    "1 Jan 49 00:00:00 GMT": "2049-01-01T00:00:00",
    "1 Jan 50 00:00:00 GMT": "1950-01-01T00:00:00",
    "1 Jan 104 00:00:00 GMT": "2004-01-01T00:00:00",
    # ISO 8601, RFC 3339, W3CDTF
    "2022-09-13T09:28:50Z": "2022-09-13T09:28:50",
    "2022-09-13t09:28:50z": "2022-09-13T09:28:50",
    "2022-09-13T09:28:50.123456+08:00": "2022-09-13T01:28:50",
    "2022-09-13T09:28:50,5Z": "2022-09-13T09:28:50",
    "2022-09-13T09:28Z": "2022-09-13T09:28:00",
    "2022-09-13 09:28:50 +0000 UTC": "2022-09-13T09:28:50",
    "2022-09-13 09:28:50 -00:20": "2022-09-13T09:48:50",
    "2022-09-13T24:00:00Z": "2022-09-14T00:00:00",
    "2022-9-3": "2022-09-03T00:00:00",
    "2022-09-13T09:28:50+08:00[Asia/Shanghai]": "2022-09-13T01:28:50",
    "2022-09-13T09:28:50.000Z[UTC]": "2022-09-13T09:28:50",
    "2022-09": "2022-09-01T00:00:00",
    "2022": "2022-01-01T00:00:00",
    "20220913T092850Z": "2022-09-13T09:28:50",
    "20220913092850": "2022-09-13T09:28:50",
    "20220913": "2022-09-13T00:00:00",
    "2022-256": "2022-09-13T00:00:00",
    "2003-012-31T10:14:55+00:00": "2003-12-31T10:14:55",
    # others in use
    "Sep 13, 2022 3:28 p.m. EDT": "2022-09-13T19:28:00",
    "mardi 13 septembre 2022 à 15h28": "2022-09-13T15:28:00",
    "13 de setembro de 2022 às 15h28": "2022-09-13T15:28:00",
    "Sun Jan  4 16:29:06 2004": "2004-01-04T16:29:06",
    "Sun Jul 15 01:16:00 +0000 2012": "2012-07-15T01:16:00",
    "September 13, 2022 9:28 pm EST": "2022-09-14T02:28:00",
    "Thursday, September 15th, 2022 - 10:30": "2022-09-15T10:30:00",
    "September 13, 2022 at 9:28 pm": "2022-09-13T21:28:00",
    "Fri, 2006/09/15 08:19:53 EDT": "2006-09-15T12:19:53",
    "13.09.2022 09:28": "2022-09-13T09:28:00",
    "13/09/2022 09:28": "2022-09-13T09:28:00",
    "09/13/2022 9:28 AM": "2022-09-13T09:28:00",
    "12:30 am": None,
    "09/13/2022 12:30 am": "2022-09-13T00:30:00",
    "09/13/2022 12:30 p.m.": "2022-09-13T12:30:00",
    "1663061330": "2022-09-13T09:28:50",
    "1663061330123": "2022-09-13T09:28:50",
    # other languages
    "Dienstag, 13. September 2022, 09:28 Uhr": "2022-09-13T09:28:00",
    "Di, 13 Dez 2022 09:28:50 +0100": "2022-12-13T08:28:50",
    "mar., 13 sept. 2022 09:28:50 +0200": "2022-09-13T07:28:50",
    "mardi 13 aout 2022 à 09:28": "2022-08-13T09:28:00",
    "mar, 13 mar 2022 09:28:50 +0000": "2022-03-13T09:28:50",
    "13 de septiembre de 2022 a las 9:28": "2022-09-13T09:28:00",
    "ter, 13 set 2022 09:28:50 -0300": "2022-09-13T12:28:50",
    "Вт, 13 сен 2022 09:28:50 +0300": "2022-09-13T06:28:50",
    "13 сентября 2022 г., 9:28": "2022-09-13T09:28:00",
    "wt., 13 wrz 2022 09:28:50 +0200": "2022-09-13T07:28:50",
    "Út, 13 zář 2022 09:28:50 +0200": "2022-09-13T07:28:50",
    "ti, 13 syys 2022 09:28:50 +0300": "2022-09-13T06:28:50",
    "Sal, 13 Eyl 2022 09:28:50 +0300": "2022-09-13T06:28:50",
    "Κυρ, 11 Ιούλ 2004 12:00:00 EST": "2004-07-11T17:00:00",
    "2004-július-13T9:15-05:00": "2004-07-13T14:15:00",
    "2022. szeptember 13., kedd 09:28": "2022-09-13T09:28:00",
    "2022年9月13日 09:28:50": "2022-09-13T09:28:50",
    "2022年9月13日 星期二 9点28分50秒": "2022-09-13T09:28:50",
    "２０２２年９月１３日 下午 3:28": "2022-09-13T15:28:00",
    "2022年9月13日(火) 09時28分": "2022-09-13T09:28:00",
    "2004년 05월 28일  01:31:15": "2004-05-28T01:31:15",
    "2004-05-25 오후 11:23:17": "2004-05-25T23:23:17",
    # no dates
    "": None,
    "   ": None,
    "星期二, 13 九月 2022 09:28:50 +0800": "2022-09-13T01:28:50",
    "星期五, 30 十二月 2022 10:00:00 +0800": "2022-12-30T02:00:00",
    "0001-01-01T00:00:00Z": None,
    "Invalid Date": None,
    "yesterday": None,
    "null": None,
    "0": None,
    "0000-00-00T00:00:00Z": None,
    "Mon, 01 Jan 0001 00:00:00 +0800": None,
    "9999-12-31T23:59:59-99:99": None,
    "Tue, 31 Feb 2022 00:00:00 GMT": None,
    "Sun, 99 Jun 2009 12:00:00 GMT": None,
    "Sun, 16 zzz 2012 11:47:32 GMT": None,
    "Sun, 16 Dec 2012 1:2:3:4 GMT": None,
    "Sun, 16 Dec 2012 11:47:32 +zz:00": None,
    "2003-12-31T25:14:55Z": None,
    "2003-12-31T10:61:55Z": None,
    "2003-12-31T10:14:61Z": None,
    "2013-01-28T11:30:00-06:00Textra": None,
    "2013-01-27-01": None,
    "22013": None,
    "2022-367": None,
    "13.13.2022": None,
}


@pytest.mark.parametrize(("text", "moment"), DATES.items())
def test_date(text: str, moment: str | None) -> None:
    """A date in any form names its moment, in UTC; what names none is None."""
    assert parse_date(text) == (datetime.fromisoformat(f"{moment}+00:00") if moment else None)


@pytest.mark.parametrize(
    "text", ["2022-09-13 12:00:00", "2022-09-13T12:00", "Tue, 13 Sep 2022 12:00:00", "2022年9月13日 12:00"]
)
def test_bare_time_is_local(text: str) -> None:
    """A time without a zone is taken in the zone that is handed in, daylight saving included."""
    assert parse_date(text, ZoneInfo("Europe/Berlin")) == datetime(2022, 9, 13, 10, tzinfo=UTC)
    assert parse_date(
        text.replace("Sep", "Jan").replace("-09-", "-01-").replace("9月", "1月"), ZoneInfo("Europe/Berlin")
    ) == (datetime(2022, 1, 13, 11, tzinfo=UTC))


def test_named_zone_wins() -> None:
    """A date that names its zone is not moved by the one handed in."""
    assert parse_date("2022-09-13T12:00:00Z", ZoneInfo("Asia/Shanghai")) == datetime(
        2022, 9, 13, 12, tzinfo=UTC
    )


def test_long_text_is_no_date() -> None:
    """A text too long for a date is not looked at."""
    assert parse_date("13 Sep 2022 " + " " * 200 + "09:28") is None


MOMENTS = st.datetimes(min_value=datetime(2, 1, 3), max_value=datetime(9999, 12, 28))  # noqa: DTZ001 - put into a zone below
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS, OFFSETS)
def test_every_iso_date(moment: datetime, zone: timezone) -> None:
    """Every moment written as ISO 8601, in any zone, comes back to the second."""
    written = moment.replace(tzinfo=zone)
    assert parse_date(written.isoformat()) == written.replace(microsecond=0).astimezone(UTC)


@given(MOMENTS.filter(lambda moment: moment.year >= 1000), OFFSETS)
def test_every_rfc822_date(moment: datetime, zone: timezone) -> None:
    """Every moment written as RFC 822, in any zone, comes back to the second."""
    written = moment.replace(tzinfo=zone)
    assert parse_date(format_datetime(written)) == written.replace(microsecond=0).astimezone(UTC)


_PIECES = [
    "13",
    "2022",
    "Sep",
    "sept.",
    "年",
    "월",
    ":",
    "-",
    "/",
    ".",
    ",",
    " ",
    "T",
    "Z",
    "+08:00",
    "GMT",
    "pm",
    "(",
    "09:28",
    "a",
    "²",
]


@given(st.one_of(st.text(max_size=120), st.lists(st.sampled_from(_PIECES), max_size=15).map("".join)))
def test_any_text(text: str) -> None:
    """Any text is a moment in UTC of whole seconds, or None."""
    moment = parse_date(text)
    assert moment is None or (moment.tzinfo is UTC and moment.microsecond == 0)
