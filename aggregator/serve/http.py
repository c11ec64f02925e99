"""Whether a request needs an answer with a body (RFC 9110 sections 12 and 13).

Rules of this file: pure; header values in, decisions out.
"""

from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding allows gzip (RFC 9110 12.5.3)."""
    weights = dict(_weights(header))
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weights(header: str) -> Iterator[tuple[str, float]]:
    for item in header.lower().split(","):
        name, _, parameter = (part.strip() for part in item.partition(";"))
        try:
            yield name, float(parameter.removeprefix("q=").strip()) if parameter.startswith("q=") else 1.0
        except ValueError:
            yield name, 0.0


def fails(etag: str, modified: float, match: str | None, unmodified_since: str | None) -> bool:
    """Whether the client wants another representation than this or none (RFC 9110 13.1.1 and 13.1.4).

    `modified` is in seconds since 1970. If-Match alone counts where both are there.
    """
    if match is not None:
        return not {etag, "*"} & {tag.strip() for tag in match.split(",")}
    since = _seconds(unmodified_since)
    return since is not None and int(modified) > since


def not_modified(etag: str, modified: float, none_match: str | None, modified_since: str | None) -> bool:
    """Whether the client has this representation already.

    `modified` is in seconds since 1970. If-None-Match alone counts where both are there (RFC
    9110 13.1.3); a date that is none, or lies after all times, is as if it were not there.
    """
    if none_match is not None:
        tags = {tag.strip().removeprefix("W/") for tag in none_match.split(",")}
        return etag in tags or "*" in tags
    since = _seconds(modified_since)
    return since is not None and int(modified) <= since


def _seconds(date: str | None) -> float | None:
    """A date as seconds since 1970; None for what is none."""
    if date is None:
        return None
    try:
        found = parsedate_to_datetime(date)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
