"""What feedparser found beside an entry: comments, what it answers, where it is.

Rules of this file: pure.
"""

from typing import Any

from aggregator.model import Beside

Found = dict[str, Any]


def beside(found: Found) -> Beside | None:
    """Comments (RSS, RFC 4685), what it answers (RFC 4685), the point (GeoRSS); None if none is there."""
    comments = _text(dict.get(found, "comments")) or _replies(found)
    answers = _answered(dict.get(found, "thr_in-reply-to"))
    point = _point(dict.get(found, "where"))
    return Beside(comments=comments, answers=answers, point=point) if comments or answers or point else None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _replies(found: Found) -> str | None:
    """A page of replies; a feed of them is for programs."""
    links = dict.get(found, "links")
    for link in links if isinstance(links, list) else []:
        if link.get("rel") == "replies" and (link.get("type") or "text/html") == "text/html":
            return _text(link.get("href"))
    return None


def _answered(value: object) -> str | None:
    return (
        _text(dict.get(value, "href")) or _text(dict.get(value, "ref")) if isinstance(value, dict) else None
    )


def _point(where: object) -> str | None:
    """Latitude and longitude; feedparser has them the other way round."""
    if not isinstance(where, dict) or dict.get(where, "type") != "Point":
        return None
    pair = dict.get(where, "coordinates")
    if not isinstance(pair, tuple) or len(pair) < 2:
        return None
    longitude, latitude = pair[:2]
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return f"{latitude:.6f}".rstrip("0").rstrip(".") + " " + f"{longitude:.6f}".rstrip("0").rstrip(".")
