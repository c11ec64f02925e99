"""Dates as feeds and files write them.

Rules of this file: pure; a date says what it says whatever the machine's clock, zone and
locale. Two common forms are tried first; what is neither is folded to plain words and
tried against the other shapes.
"""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache

from aggregator.parse.datewords import CJK_MONTHS, DROPPED, HALVES, MONTHS, ZONES, fold

_LONGEST = 100
"""Characters; no date is longer, and nothing longer is worth looking at."""

_OFFSET = r"(?:(?:etc/)?(?:gmt|utc?)\s*)?[-+]\s?\d{1,2}(?::?\d{2})?(?:\s+[a-z]{1,5})?"
_ZONE = rf"(?:\s*(?P<zone>{_OFFSET}|[a-z]+/[a-z_]+|[a-z]{{1,5}}))?"
_CLOCK = (
    r"(?:(?P<early>[ap]m)\s*)?(?P<hour>\d{1,2})[:.](?P<minute>\d{1,2})(?:[:.](?P<second>\d{1,2})(?:[.,]\d+)?)?"
    r"(?:\s*(?P<late>[ap]m)\b)?"
)
_TIME = rf"(?:[\s.,-]+{_CLOCK}{_ZONE})?"
_MONTH_NAME = r"(?P<name>[^\W\d_]+)"

# What nearly every feed writes, for which the long way is long.
_USUAL = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d\d) ([A-Z][a-z]{2}) ([12]\d{3}) (\d\d):(\d\d):(\d\d) (?:GMT|[+-]0000)",
    re.ASCII,
)
_RFC822 = re.compile(
    rf"(?:[a-z]+\.?,?\s*)??(?P<day>\d{{1,2}})[\s-]+(?P<name>[a-z]{{3,9}})[\s-]+(?P<year>\d{{2,4}}){_TIME}",
    re.ASCII,
)
_ISO8601 = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    rf"(?:(?:\s*t\s*|\s+){_CLOCK}{_ZONE})?",
    re.ASCII,
)

# The other shapes, each on words that `_plain` has folded; the first that fits decides.
_SHAPES = tuple(
    re.compile(shape)
    for shape in (
        # 13. September 2022, 13th Sep. 22 9:28 pm, 13-sept-2022
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s.-]*{_MONTH_NAME}[\s.,-]*(?P<year>\d{{2,4}}){_TIME}",
        # September 13th, 2022 9:28 pm
        rf"{_MONTH_NAME}[\s.]*(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s,]+(?P<year>\d{{2,4}}){_TIME}",
        # asctime: Sep 13 09:28:50 GMT 2022
        rf"{_MONTH_NAME}\s+(?P<day>\d{{1,2}})\s+{_CLOCK}{_ZONE}\s+(?P<year>\d{{4}})",
        # 2022 szeptember 13, 2004-július-13T9:15, 2022 Sep 13
        rf"(?P<year>\d{{4}})[\s.-]+{_MONTH_NAME}[\s.-]+(?P<day>\d{{1,2}})\.?(?:\s*t\s*|[\s,]+)?(?:{_CLOCK}{_ZONE})?",
        # 2022/09/13, 2022.9.13., 2022-9-13 (from 年 月 日), with RFC 822's or ISO's time
        (
            r"(?P<year>\d{4})\s?[-/.]\s?0?(?P<month>\d{1,2})\s?[-/.]\s?(?P<day>\d{1,2})[./]?"
            rf"(?:\s*t\s*|[\s,]+)?(?:{_CLOCK}{_ZONE})?"
        ),
        # 13.09.2022 9:28
        rf"(?P<day>\d{{1,2}})\.\s?(?P<month>\d{{1,2}})\.\s?(?P<year>\d{{4}}){_TIME}",
        # 13/09/2022 or 09/13/2022: `_date` looks which can be
        rf"(?P<first>\d{{1,2}})[/-](?P<other>\d{{1,2}})[/-](?P<year>\d{{4}}){_TIME}",
        # ISO 8601 basic form, 20220913, 20220913T092850Z, 20220913092850
        (
            r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
            rf"(?:\s*t?\s*(?P<hour>\d{{2}}):?(?P<minute>\d{{2}})(?::?(?P<second>\d{{2}})(?:[.,]\d+)?)?{_ZONE})?"
        ),
        # ISO 8601 day of the year, 2022-256
        rf"(?P<year>\d{{4}})-(?P<ordinal>\d{{3}})(?:\s*t\s*{_CLOCK}{_ZONE})?",
        # W3CDTF without a day, 2022-09, 2022
        r"(?P<year>\d{4})(?:-(?P<month>\d{2}))?",
    )
)
_EPOCH = re.compile(r"1\d{9}(?:\d{3})?")
_COMMENT = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")  # in brackets after RFC 9557, as Java writes zones
_TO_THE_HOUR = re.compile(r"\bat?\s+(?=las?\b|\d)")
_FIRST = re.compile(r"\s*([^\W\d_]+)\.?,")
_WORD = re.compile(r"[^\W\d_]+(?:\.m\b\.?)?")
_H_OF_HOURS = re.compile(r"(?<=\d)\s?h\s?(?=\d\d\b)")  # "15h28", in French and Portuguese
_CJK = tuple(
    (re.compile(signs), plain)
    for signs, plain in (
        (r"\s*[年년]\s*|\s*[月월]\s*(?=\d)", "-"),
        (r"[日号號일](?![^\W\d_])", " "),
        (r"\s*[时時点點시]\s*(?=\d)|\s*[分분]\s*(?=\d)", ":"),
        (r"[时時点點시](?!\d)", ":00 "),
        (r"[分分분秒초]", " "),
    )
)


def parse_date(text: str, zone: tzinfo = UTC) -> datetime | None:
    """The moment that `text` names, in UTC, whole seconds; None if it names none.

    Understood are RFC 822/1123/2822 (obsolete forms too), RFC 3339, ISO 8601, W3CDTF,
    asctime, dates with month names of many languages, and seconds since 1970. A time that
    names no zone is taken in `zone`; a zone that is unknown counts as UTC (RFC 5322 4.3).
    """
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    try:
        return _usual(text) or _read(text, zone)
    except (ValueError, OverflowError):  # a 31st of June, or outside the years 1 to 9999
        return None


def _usual(text: str) -> datetime | None:
    found = _USUAL.fullmatch(text)
    month = found and MONTHS.get(found[2].lower())
    if not found or not month or found[6] == "60" or found[4] == "24":
        return None
    return datetime(
        int(found[3]), month, int(found[1]), int(found[4]), int(found[5]), int(found[6]), tzinfo=UTC
    )


def _read(text: str, zone: tzinfo) -> datetime | None:
    lower = text.lower()
    found = _RFC822.fullmatch(lower) or _ISO8601.fullmatch(lower)
    if found and (moment := _moment(found.groupdict(), zone)):
        return moment
    if _EPOCH.fullmatch(lower):
        return datetime.fromtimestamp(int(lower[:10]), UTC)
    plain = _plain(lower)
    for shape in _SHAPES:
        found = shape.fullmatch(plain)
        if found and (moment := _moment(found.groupdict(), zone)):
            return moment
    return None


def _plain(text: str) -> str:
    """The text without names of days, comments and fillers, its months and halves in one spelling."""
    text = _COMMENT.sub(" ", fold(text).replace("\N{MINUS SIGN}", "-"))
    months = [word for word in _WORD.findall(text) if word in MONTHS]
    first = _FIRST.match(text)
    if len(months) > 1:  # "mar., 13 sept. 2022": the first is a day's name
        text = text.replace(months[0], " ", 1)
    elif first and first[1] not in MONTHS:
        text = text[first.end() :]
    text = _H_OF_HOURS.sub(":", _TO_THE_HOUR.sub(" ", text))
    text = _WORD.sub(_spelling, text)
    for signs, plain in _CJK:
        text = signs.sub(plain, text)
    return re.sub(r"\s+", " ", text).strip(" .,;:-")


def _spelling(word: re.Match[str]) -> str:
    name = word.group().rstrip(".")
    if name in HALVES:
        return HALVES[name]
    if name in CJK_MONTHS:
        return CJK_MONTHS[name]
    return " " if name in DROPPED and name not in ZONES else name


def _moment(parts: dict[str, str | None], zone: tzinfo) -> datetime | None:
    day = _date(parts)
    if day is None:
        return None
    return (day + _time(parts)).replace(tzinfo=_zone(parts.get("zone"), zone)).astimezone(UTC)


def _date(parts: dict[str, str | None]) -> datetime | None:
    year = _year(parts["year"] or "")
    if ordinal := parts.get("ordinal"):
        return _at(year, 1, 1) + timedelta(days=int(ordinal) - 1) if 1 <= int(ordinal) <= 366 else None
    if first := parts.get("first"):
        other = parts["other"] or ""
        # Ambiguous ones are American: that is what the tools that write this form are.
        month, day = (int(other), int(first)) if int(first) > 12 else (int(first), int(other))
        return _at(year, month, day)
    name = parts.get("name")
    number = MONTHS.get(name) or MONTHS.get(fold(name)) if name else int(parts.get("month") or 1)
    return _at(year, number, int(parts.get("day") or 1)) if number else None


def _at(year: int, month: int, day: int) -> datetime:
    if year < 2:  # .NET's and Go's way to say that there is no date
        raise ValueError
    return datetime(year, month, day)  # noqa: DTZ001 - the zone is put to it when the time is known


def _year(digits: str) -> int:
    """RFC 5322 4.3: two digits are 1950 to 2049, three count from 1900."""
    year = int(digits)
    if len(digits) >= 4:
        return year
    return year + (2000 if len(digits) == 2 and year < 50 else 1900)


def _time(parts: dict[str, str | None]) -> timedelta:
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    half = parts.get("early") or parts.get("late")
    if half and 1 <= hour <= 12:
        hour = hour % 12 + (12 if half == "pm" else 0)
    # 24:00 is midnight at the end of a day (ISO 8601), :60 a leap second.
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        raise ValueError
    return timedelta(hours=hour, minutes=minute, seconds=second)


@lru_cache(maxsize=512)
def _zone(text: str | None, default: tzinfo) -> tzinfo:
    if not text:
        return default
    offset = re.search(r"([-+])\s?(\d{1,2}):?(\d{2})?", text)
    if offset is None:
        return timezone(timedelta(hours=ZONES.get(text.removeprefix("etc/"), 0)))
    away = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
    return timezone(away if offset[1] == "+" else -away)
