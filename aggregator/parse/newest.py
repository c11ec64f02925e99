"""Which entries of a flood are the newest.

Rules of this file: pure, and cheap compared with reading the entries that are left out.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from aggregator.parse.dates import parse_date
from aggregator.parse.prolog import ENTRY
from aggregator.parse.split import Piece, entries_in, split

T = TypeVar("T")

_LAST = datetime.max.replace(tzinfo=UTC)
# Dates of an entry, those of its first publication before those of its last change.
_DATES = tuple(
    re.compile(
        rb"<(?:\w{1,20}:)?(?:" + names + rb")\b[^<>]{0,200}>\s*(?:<!\[CDATA\[)?([^<\]]{4,100})", re.IGNORECASE
    )
    for names in (rb"pubDate|published|issued|created", rb"updated|modified|date")
)


def newest(items: Sequence[T], most: int, when: Callable[[T], datetime | None]) -> list[T]:
    """The `most` newest items (0: all), in their order; one without a date is as old as the one before it."""
    if most <= 0 or len(items) <= most:
        return list(items)
    moments: list[datetime] = []
    for item in items:
        moments.append(when(item) or (moments[-1] if moments else _LAST))
    order = sorted(range(len(items)), key=lambda index: (moments[index], -index), reverse=True)
    return [items[index] for index in sorted(order[:most])]


def thin(text: str, most: int) -> tuple[str, int]:
    """The XML of a feed with only its `most` newest entries, and how many were taken out.

    A feed that cannot be split stays whole. This spares feedparser what would be left out anyway.
    """
    if most <= 0 or text.count("<") <= most or sum(1 for _ in ENTRY.finditer(text)) <= most:
        return text, 0
    data = text.encode("utf-8", "replace")
    parts = split(data)
    if parts is None or len(parts.pieces) <= most or len(parts.pieces) != entries_in(data):
        return text, 0
    kept = newest(parts.pieces, most, lambda piece: _written(data, piece))
    return without(data, set(parts.pieces) - set(kept)), len(parts.pieces) - len(kept)


def _written(data: bytes, piece: Piece) -> datetime | None:
    """The date that a piece bears, without parsing it."""
    for dates in _DATES:
        found = dates.search(data, piece.start, piece.end)
        if found and (moment := parse_date(found[1].decode("utf-8", "replace"))):
            return moment
    return None


def without(data: bytes, pieces: set[Piece]) -> str:
    """The text of a feed less some of its entries."""
    kept, at = [], 0
    for piece in sorted(pieces, key=lambda piece: piece.start):
        kept.append(data[at : piece.start])
        at = piece.end
    return b"".join((*kept, data[at:])).decode("utf-8")
