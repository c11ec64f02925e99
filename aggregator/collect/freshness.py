"""What response headers say about when to ask again. Pure; all results are seconds from now.

RFC 9111 (caching), RFC 9110 section 10.2.3 (Retry-After). Dates are compared with the response's own
Date, so that a clock that is wrong on either side does no harm.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_MAX_AGE = re.compile(r'(?:^|[\s,])max-age\s*=\s*"?(\d{1,18})', re.IGNORECASE)
_NEVER_FRESH = re.compile(r"(?:^|[\s,])no-(?:cache|store)\s*(?:,|$)", re.IGNORECASE)
_SECONDS = re.compile(r"\s*(\d{1,18})\s*")


def fresh_for(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long an answer stays fresh; None where the server does not say.

    `max-age` counts before `Expires` (RFC 9111 section 5.3), and `no-cache` before both (section 4.2.1);
    what the answer spent in caches is over.
    """
    control = headers.get("Cache-Control", "")
    if _NEVER_FRESH.search(control):
        return None
    match = _MAX_AGE.search(control)
    if match is not None:
        return max(0.0, float(match[1]) - _age(headers))
    expires = _date(headers.get("Expires"))
    if expires is None:
        return None
    return max(0.0, (expires - _sent(headers, now)).total_seconds() - _age(headers))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """How long the server asks to be left alone: seconds or a date."""
    value = headers.get("Retry-After", "")
    if match := _SECONDS.fullmatch(value):
        return float(match[1])
    date = _date(value)
    return None if date is None else max(0.0, (date - _sent(headers, now)).total_seconds())


def _age(headers: Mapping[str, str]) -> float:
    match = _SECONDS.fullmatch(headers.get("Age", ""))
    return float(match[1]) if match else 0.0


def _sent(headers: Mapping[str, str], now: datetime) -> datetime:
    return _date(headers.get("Date")) or now


def _date(text: str | None) -> datetime | None:
    """An HTTP date; None if it is none (`Expires: 0` is common)."""
    try:
        date = parsedate_to_datetime(text or "")
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
